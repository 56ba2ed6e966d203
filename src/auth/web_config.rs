//! The web configuration of Prometheus and its exporters: TLS and users in one file.

use super::users;
use crate::reload::{ReloadError, read_text};
use crate::tls::{ServerTlsSettings, TlsVersion};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

const SECTIONS: [&str; 2] = ["tls_server_config", "basic_auth_users"];
const TLS_KEYS: [&str; 5] = [
    "cert_file",
    "key_file",
    "client_ca_file",
    "client_auth_type",
    "min_version",
];

/// What a file says.
pub struct WebConfig {
    /// `None`: no TLS.
    pub tls: Option<ServerTlsSettings>,
    /// The bcrypt hash of each user.
    pub basic_auth_users: BTreeMap<String, String>,
}

impl std::fmt::Debug for WebConfig {
    /// The users by their names alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebConfig")
            .field("tls", &self.tls)
            .field("basic_auth_users", &self.basic_auth_users.keys())
            .finish()
    }
}

/// A key, and what is wrong there. No value is in it.
type WebFault = (String, &'static str);

impl WebConfig {
    /// Reads a file. Names of files in it are relative to its folder.
    ///
    /// # Errors
    /// When it cannot be read, has keys that Baton does not support, or values that are wrong.
    pub fn read(file: &Path) -> Result<Self, ReloadError> {
        let text = read_text(file)?;
        let mut options = serde_saphyr::Options::default();
        options.with_snippet = false;
        // The message of the parser may repeat the text.
        let value: Value =
            serde_saphyr::from_str_with_options(&text, options).map_err(|error| {
                let line = error.location().map_or(0, |place| place.line());
                ReloadError::of(file, format!("line {line}: not valid YAML"))
            })?;
        let folder = file.parent().unwrap_or(Path::new("."));
        Self::of_value(&value, folder)
            .map_err(|(key, what)| ReloadError::of(file, format!("{key}: {what}")))
    }

    fn of_value(value: &Value, folder: &Path) -> Result<Self, WebFault> {
        let nothing = Map::new();
        let empty = Map::new();
        let whole = section(Some(value), "the file", &nothing)?;
        known(
            whole,
            "",
            &SECTIONS,
            "known keys: tls_server_config, basic_auth_users",
        )?;
        let [tls, users] = SECTIONS;
        let tls = match whole.get(tls) {
            Some(found) => Some(tls_of(section(Some(found), tls, &empty)?, folder)?),
            None => None,
        };
        let found = section(whole.get(users), users, &empty)?;
        let mut basic_auth_users = BTreeMap::new();
        for (name, hash) in found {
            let key = format!("{users}.{name}");
            let hash = text(hash, &key)?;
            users::check(name, hash).map_err(|what| (key, what))?;
            basic_auth_users.insert(name.clone(), hash.to_owned());
        }
        Ok(Self {
            tls,
            basic_auth_users,
        })
    }
}

fn section<'v>(
    value: Option<&'v Value>,
    key: &str,
    empty: &'v Map<String, Value>,
) -> Result<&'v Map<String, Value>, WebFault> {
    match value {
        None | Some(Value::Null) => Ok(empty),
        Some(Value::Object(section)) => Ok(section),
        Some(_) => Err((key.to_owned(), "expected a section of keys")),
    }
}

fn known(
    section: &Map<String, Value>,
    prefix: &str,
    keys: &[&str],
    what: &'static str,
) -> Result<(), WebFault> {
    let unknown = section.keys().find(|key| !keys.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| Err((format!("{prefix}{key}"), what)))
}

fn text<'v>(value: &'v Value, key: &str) -> Result<&'v str, WebFault> {
    value
        .as_str()
        .ok_or_else(|| (key.to_owned(), "expected a text"))
}

fn tls_of(section: &Map<String, Value>, folder: &Path) -> Result<ServerTlsSettings, WebFault> {
    let key = |name: &str| format!("{}.{name}", SECTIONS[0]);
    let supported = "Baton does not support this key; supported keys: cert_file, key_file, client_ca_file, client_auth_type, min_version";
    known(section, &key(""), &TLS_KEYS, supported)?;
    let get = |name: &str| {
        let found = section.get(name);
        found.map(|value| text(value, &key(name))).transpose()
    };
    let file = |name: &str| Ok::<_, WebFault>(get(name)?.map(|file| folder.join(file)));
    let needed = |name: &str| file(name)?.ok_or((key(name), "is missing"));
    let asks = match get("client_auth_type")? {
        None | Some("" | "NoClientCert") => false,
        Some("RequireAndVerifyClientCert") => true,
        Some(_) => {
            let what = "Baton supports NoClientCert and RequireAndVerifyClientCert";
            return Err((key("client_auth_type"), what));
        }
    };
    let client_ca_file = file("client_ca_file")?;
    if asks != client_ca_file.is_some() {
        let what = "must be set together with client_auth_type: RequireAndVerifyClientCert";
        return Err((key("client_ca_file"), what));
    }
    let min_version = match get("min_version")? {
        None | Some("TLS12") => TlsVersion::V12,
        Some("TLS13") => TlsVersion::V13,
        Some(_) => return Err((key("min_version"), "expected TLS12 or TLS13")),
    };
    Ok(ServerTlsSettings {
        cert_file: needed("cert_file")?,
        key_file: needed("key_file")?,
        client_ca_file,
        min_version,
        ..ServerTlsSettings::default()
    })
}
