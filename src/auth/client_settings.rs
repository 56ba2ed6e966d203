//! The keys of `auth` of a destination. Names and meanings are those of the OpenTelemetry Collector (`bearertokenauth`, `basicauth`).

use crate::setting::{PositiveInterval, Report, Secret, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// How often files are read again where the operator does not say.
pub(super) const RELOAD_INTERVAL: Duration = Duration::from_secs(60);

/// What Baton shows to a destination: the section `auth` of its own.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ClientAuthSettings {
    /// A bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer: Option<ClientBearerSettings>,
    /// A user name and a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic: Option<ClientBasicSettings>,
    /// How often the files are read again. The next request uses what changed.
    #[serde(with = "PositiveInterval")]
    pub reload_interval: Duration,
}

/// The section `auth.bearer` of a destination.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ClientBearerSettings {
    /// What stands before the token in the header authorization.
    pub scheme: String,
    /// The token, for example ${TOKEN}. A file can change while Baton runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// File with the token in its first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub filename: Option<PathBuf>,
}

/// The section `auth.basic` of a destination.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ClientBasicSettings {
    /// The name of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// File with the name of the user in its first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub username_file: Option<PathBuf>,
    /// The password, for example ${PASSWORD}.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// File with the password in its first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub password_file: Option<PathBuf>,
}

impl Default for ClientAuthSettings {
    fn default() -> Self {
        Self {
            bearer: None,
            basic: None,
            reload_interval: RELOAD_INTERVAL,
        }
    }
}

impl Default for ClientBearerSettings {
    fn default() -> Self {
        Self {
            scheme: "Bearer".to_owned(),
            token: None,
            filename: None,
        }
    }
}

impl ClientAuthSettings {
    /// Its files, to make their names relative to a folder.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let token = self.bearer.iter_mut().map(|bearer| &mut bearer.filename);
        let basic = self.basic.iter_mut();
        let basic = basic.flat_map(|basic| [&mut basic.username_file, &mut basic.password_file]);
        token.chain(basic).flatten()
    }
}

/// Exactly one of two keys must be there.
fn one_of(
    report: &mut Report<'_>,
    (first, has_first): (&str, bool),
    (second, has_second): (&str, bool),
) {
    match (has_first, has_second) {
        (true, true) => report.fault(second, format!("must not be set beside {first}")),
        (false, false) => report.fault(first, format!("is missing: expected {first} or {second}")),
        _ => {}
    }
}

impl Validate for ClientAuthSettings {
    fn validate(&self, report: &mut Report<'_>) {
        let (bearer, basic) = (self.bearer.is_some(), self.basic.is_some());
        one_of(report, ("bearer", bearer), ("basic", basic));
        if let Some(bearer) = &self.bearer {
            let (token, file) = (bearer.token.is_some(), bearer.filename.is_some());
            let report = &mut report.below("bearer");
            one_of(report, ("filename", file), ("token", token));
        }
        if let Some(basic) = &self.basic {
            let report = &mut report.below("basic");
            let (name, file) = (basic.username.is_some(), basic.username_file.is_some());
            one_of(report, ("username", name), ("username_file", file));
            let (word, file) = (basic.password.is_some(), basic.password_file.is_some());
            one_of(report, ("password_file", file), ("password", word));
        }
    }
}
