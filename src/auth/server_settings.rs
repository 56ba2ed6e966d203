//! The keys of `auth` of a listener.

use super::client_settings::RELOAD_INTERVAL;
use super::oidc::OidcSettings;
use super::users;
use crate::setting::{PositiveInterval, Report, Secret, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Who may send requests to a listener: the section `auth` of its own. With several kinds, any one is enough.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ServerAuthSettings {
    /// Bearer tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer: Option<ServerBearerSettings>,
    /// Users with passwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic: Option<ServerBasicSettings>,
    /// JSON web tokens of an OpenID Connect issuer, as bearer tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcSettings>,
    /// How often the files are read again, and the keys of the issuer are asked for. The next request is checked against what changed.
    #[serde(with = "PositiveInterval")]
    pub reload_interval: Duration,
}

/// The section `auth.bearer` of a listener.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ServerBearerSettings {
    /// File with the tokens that are accepted, one in each line. A name may stand before a token. Lines that begin with # are comments.
    #[schemars(with = "String")]
    pub filename: PathBuf,
}

/// The section `auth.basic` of a listener.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ServerBasicSettings {
    /// Users with the bcrypt hashes of their passwords, for example from `htpasswd -nBC 10 USER`.
    pub basic_auth_users: BTreeMap<String, Secret>,
    /// File with basic_auth_users, in the form of Prometheus' web configuration. It can change while Baton runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub filename: Option<PathBuf>,
}

impl Default for ServerAuthSettings {
    fn default() -> Self {
        Self {
            bearer: None,
            basic: None,
            oidc: None,
            reload_interval: RELOAD_INTERVAL,
        }
    }
}

impl ServerAuthSettings {
    /// Its files, to make their names relative to a folder.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Self {
            bearer,
            basic,
            oidc,
            ..
        } = self;
        let oidc = oidc.iter_mut().flat_map(OidcSettings::files);
        own_files(bearer, basic).chain(oidc)
    }

    /// Those of tokens and users.
    pub(super) fn own_files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        own_files(&mut self.bearer, &mut self.basic)
    }
}

fn own_files<'s>(
    bearer: &'s mut Option<ServerBearerSettings>,
    basic: &'s mut Option<ServerBasicSettings>,
) -> impl Iterator<Item = &'s mut PathBuf> {
    let tokens = bearer.iter_mut().map(|bearer| &mut bearer.filename);
    let users = basic.iter_mut();
    tokens.chain(users.filter_map(|basic| basic.filename.as_mut()))
}

impl Validate for ServerAuthSettings {
    fn validate(&self, report: &mut Report<'_>) {
        if self.bearer.is_none() && self.basic.is_none() && self.oidc.is_none() {
            let what = "is missing: expected bearer, basic or oidc, or several of them";
            report.fault("bearer", what);
        }
        if let Some(oidc) = &self.oidc {
            oidc.validate(&mut report.below("oidc"));
        }
        if let Some(bearer) = &self.bearer
            && bearer.filename.as_os_str().is_empty()
        {
            let what = "is missing: expected the path of a file with tokens";
            report.fault("bearer.filename", what);
        }
        let Some(basic) = &self.basic else {
            return;
        };
        let report = &mut report.below("basic");
        if basic.basic_auth_users.is_empty() && basic.filename.is_none() {
            let what = "is missing: expected a file with basic_auth_users, or basic_auth_users";
            report.fault("filename", what);
        }
        let report = &mut report.below("basic_auth_users");
        for (name, Secret(hash)) in &basic.basic_auth_users {
            if let Err(what) = users::check(name, hash) {
                report.fault(name, what);
            }
        }
    }
}
