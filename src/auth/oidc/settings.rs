//! The keys of `auth.oidc` of a listener. Names and meanings are those of the OpenTelemetry Collector (`oidc`).

use crate::setting::{Report, Validate};
use crate::tls::is_local;
use http::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The section `auth.oidc` of a listener.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct OidcSettings {
    /// URL of the issuer, exactly as its tokens have it in the claim iss. Its keys are found by discovery (/.well-known/openid-configuration).
    pub issuer_url: String,
    /// What the claim aud of a token must have.
    pub audience: String,
    /// The claim of a token that names the tenant, with the section tenants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_claim: Option<String>,
    /// PEM file with the authorities that the issuer may be certified by. Without it, those of the operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub issuer_ca_path: Option<PathBuf>,
    /// File with the keys of the issuer as a JSON Web Key Set. With it, Baton does not connect to the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub jwks_file: Option<PathBuf>,
}

impl OidcSettings {
    /// Its files, to make their names relative to a folder.
    pub(in crate::auth) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.issuer_ca_path, &mut self.jwks_file]
            .into_iter()
            .flatten()
    }

    /// The URL of the issuer.
    pub(super) fn issuer(&self) -> Option<Uri> {
        let url: Uri = self.issuer_url.parse().ok()?;
        let is_web = matches!(url.scheme_str(), Some("http" | "https"));
        let is_plain = url.authority().is_some_and(|a| !a.as_str().contains('@'));
        (is_web && is_plain && url.query().is_none()).then_some(url)
    }

    /// Whether the keys of the issuer come over a network without TLS: who changes them on the way may send what he likes.
    pub fn is_insecure(&self) -> bool {
        let Some(url) = self.issuer().filter(|_| self.jwks_file.is_none()) else {
            return false;
        };
        url.scheme_str() == Some("http") && !is_local(&url)
    }
}

impl Validate for OidcSettings {
    fn validate(&self, report: &mut Report<'_>) {
        if self.issuer().is_none() {
            let what = "expected the URL of an issuer such as https://issuer.example/realms/agents";
            report.fault("issuer_url", what);
        }
        if self.audience.is_empty() {
            let what = "is missing: expected what the claim aud of tokens for Baton has";
            report.fault("audience", what);
        }
        if self.issuer_ca_path.is_some() && self.jwks_file.is_some() {
            let what =
                "must not be set beside jwks_file, with which Baton does not connect to the issuer";
            report.fault("issuer_ca_path", what);
        }
    }
}
