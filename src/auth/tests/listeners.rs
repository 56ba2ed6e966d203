//! What listeners accept, and that passwords cost no more than they may.

use super::super::authenticator::{Authenticator, MAX_HEADER_BYTES, MAX_WAITING};
use super::super::*;
use crate::setting::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn users(users: &[(&str, &str)]) -> ServerAuthSettings {
    let hash = |password| Secret(bcrypt::hash(password, 4).expect("a hash"));
    let users = users
        .iter()
        .map(|(name, password)| ((*name).to_owned(), hash(password)));
    ServerAuthSettings {
        basic: Some(ServerBasicSettings {
            basic_auth_users: users.collect(),
            filename: None,
        }),
        ..ServerAuthSettings::default()
    }
}

fn headers(value: &str) -> HeaderMap {
    let value = HeaderValue::try_from(value).expect("a value");
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

fn basic(user: &str, password: &str) -> HeaderMap {
    let both = STANDARD.encode(format!("{user}:{password}"));
    headers(&format!("Basic {both}"))
}

/// What a check says at once; `None`: it waits.
fn at_once<T>(check: impl Future<Output = Result<T, Denial>>) -> Option<Result<T, Denial>> {
    match pin!(check).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(checked) => Some(checked),
        Poll::Pending => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_checked_once_and_a_flood_of_wrong_ones_is_refused() {
    let settings = users(&[("a", "right"), ("b", "other")]);
    let authenticator = Authenticator::open("test", &settings).expect("users");
    let check = |headers| {
        let authenticator = authenticator.clone();
        async move { authenticator.check(&headers).await.map(drop) }
    };
    assert_eq!(check(basic("a", "right")).await, Ok(()));
    assert_eq!(check(basic("a", "wrong")).await, Err(Denial::Wrong));
    assert_eq!(check(basic("b", "right")).await, Err(Denial::Wrong));
    assert_eq!(check(basic("nobody", "right")).await, Err(Denial::Wrong));
    // Somebody's check takes for ever. What is known needs none.
    let busy = authenticator.hold().await;
    for (user, password, expected) in [
        ("a", "right", Ok(())),
        ("a", "wrong", Err(Denial::Wrong)),
        ("nobody", "right", Err(Denial::Wrong)),
    ] {
        let checked = at_once(check(basic(user, password)));
        assert_eq!(checked, Some(expected), "{user} {password}");
    }
    let mut waiting: Vec<_> = (0..MAX_WAITING)
        .map(|n| Box::pin(check(basic("a", &n.to_string()))))
        .collect();
    for check in &mut waiting {
        assert_eq!(at_once(check.as_mut()), None);
    }
    let one_more = at_once(check(basic("b", "other")));
    assert_eq!(one_more, Some(Err(Denial::Busy)));
    // Who waited goes away, and the next one has its turn.
    waiting.clear();
    drop(busy);
    assert_eq!(check(basic("b", "other")).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_none_are_refused_without_a_check() {
    let authenticator = Authenticator::open("test", &users(&[("a", "right")])).expect("users");
    let _busy = authenticator.hold().await;
    let long = "x".repeat(MAX_HEADER_BYTES);
    for value in [
        "",
        "Basic",
        "Basic a",
        "Basic YQ==",
        "Bearer ",
        "Bearer x",
        "Digest x",
        &long,
    ] {
        let headers = headers(value);
        let checked = at_once(authenticator.check(&headers));
        assert_eq!(checked, Some(Err(Denial::Wrong)), "{value}");
    }
    let mut two = basic("a", "right");
    two.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    assert_eq!(at_once(authenticator.check(&two)), Some(Err(Denial::Wrong)));
    let none = HeaderMap::new();
    assert_eq!(
        at_once(authenticator.check(&none)),
        Some(Err(Denial::Missing))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_changed_is_refused_though_it_was_remembered() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users.yaml");
    let write = |password| {
        let hash = bcrypt::hash(password, 4).expect("a hash");
        let text = format!("basic_auth_users: {{a: '{hash}'}}\n");
        std::fs::write(&file, text).expect("written");
    };
    write("one");
    let mut settings = users(&[]);
    settings.basic = Some(ServerBasicSettings {
        filename: Some(file.clone()),
        ..ServerBasicSettings::default()
    });
    let authenticator = Authenticator::open("test", &settings).expect("users");
    let (one, two) = (basic("a", "one"), basic("a", "two"));
    let check = async |headers| authenticator.check(headers).await.map(drop);
    assert_eq!(check(&one).await, Ok(()));
    assert_eq!(check(&two).await, Err(Denial::Wrong));
    write("two");
    authenticator.files().for_each(|file| file.reload());
    assert_eq!(check(&one).await, Err(Denial::Wrong));
    assert_eq!(check(&two).await, Ok(()));
    // Without users nobody could come in: the last ones stay.
    std::fs::write(&file, "").expect("written");
    authenticator.files().for_each(|file| file.reload());
    assert_eq!(check(&two).await, Ok(()));
}
