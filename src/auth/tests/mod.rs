//! Credentials: what is shown, what is accepted, and that no message shows a secret.

mod access;
mod listeners;
mod oidc;
mod web;

use super::*;
use crate::setting::Secret;
use std::path::PathBuf;

/// In no message.
const HUSH: &str = "hush-hush";

fn bearer(file: PathBuf) -> ClientAuthSettings {
    ClientAuthSettings {
        bearer: Some(ClientBearerSettings {
            filename: Some(file),
            ..ClientBearerSettings::default()
        }),
        ..ClientAuthSettings::default()
    }
}

fn basic(name: &str, password: &str) -> ClientAuthSettings {
    ClientAuthSettings {
        basic: Some(ClientBasicSettings {
            username: Some(name.to_owned()),
            password: Some(Secret(password.to_owned())),
            ..ClientBasicSettings::default()
        }),
        ..ClientAuthSettings::default()
    }
}

#[test]
fn the_header_follows_the_file_of_the_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "one\n").expect("written");
    let credentials = Credentials::open("test", &bearer(file.clone())).expect("a token");
    assert_eq!(credentials.header(), "Bearer one");
    assert!(credentials.header().is_sensitive());
    // A file that is being written is empty at first.
    for (text, expected) in [("", "Bearer one"), ("two", "Bearer two")] {
        std::fs::write(&file, text).expect("written");
        credentials.files().reload();
        assert_eq!(credentials.header(), expected);
    }
}

#[test]
fn a_user_and_a_password_are_encoded_as_the_standard_says() {
    // The example of RFC 7617.
    let credentials = Credentials::open("test", &basic("Aladdin", "open sesame"));
    let header = credentials.expect("a user").header();
    assert_eq!(header, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

#[test]
fn no_error_and_no_debug_text_has_a_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{HUSH}\u{1}")).expect("written");
    let faulty = [bearer(file.clone()), basic("a:b", HUSH)];
    for settings in &faulty {
        let error = Credentials::open("test", settings).expect_err("it is no header");
        let told = format!("{error} {error:?} {settings:?}");
        assert!(!told.contains(HUSH), "{told}");
    }
    std::fs::write(&file, HUSH).expect("written");
    let credentials = Credentials::open("test", &bearer(file)).expect("a token");
    let told = format!("{credentials:?} {:?}", credentials.header());
    assert!(!told.contains(HUSH), "{told}");
}
