//! The keys of `tenants`.

use super::tenant_limits::{LimitsByTenant, TenantLimits};
use crate::model::tenant::{tenant, tenant_rule};
use crate::setting::{Report, Validate, Whole, key_path};
use crate::tls::ClientCertificate;
use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The section `tenants`: what says whose a request is. Without the section, there are no tenants, and everyone who is authenticated sees everything.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct TenantSettings {
    /// The part of a client certificate that names the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificatePart>,
    /// Tenants by authenticated name, for example `checkout: team-a`: the user of basic, the name before a token of bearer, the claim sub, or what certificate names. A certificate whose name is not here has the tenant of that name.
    pub names: BTreeMap<String, String>,
    /// Header that names the tenant, usually X-Scope-OrgID. It is believed from operators, and at listeners that ask for no credentials: let only a proxy that sets it reach those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Authenticated names of operators, who see all tenants.
    pub operators: Vec<String>,
    /// Maximum number of tenants that neither names nor overrides has: those always have a place. Requests of further tenants are refused with 429 or RESOURCE_EXHAUSTED, and the sender should retry. A tenant keeps its place as long as it has series or sessions, and for metrics.expire_after after its last request.
    #[serde(with = "Whole::<u32>")]
    pub max_tenants: usize,
    /// Limits that each tenant has for itself.
    pub limits: TenantLimits,
    /// Limits of single tenants, for example `team-a: {max_series: 10000}`. The others are those of limits.
    pub overrides: BTreeMap<String, TenantLimits>,
}

/// A part of a client certificate. A certificate that has none or several of it names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum CertificatePart {
    /// The common name of its subject.
    CommonName,
    /// The DNS name among its alternative names.
    Dns,
    /// The URI among its alternative names, as in SPIFFE.
    Uri,
}

impl CertificatePart {
    /// What a certificate has there, if it is one name.
    pub(super) fn of(self, certificate: &ClientCertificate) -> Option<&str> {
        let names = match self {
            Self::CommonName => &certificate.common_names,
            Self::Dns => &certificate.dns_names,
            Self::Uri => &certificate.uris,
        };
        match names.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            certificate: None,
            names: BTreeMap::new(),
            header: None,
            operators: Vec::new(),
            max_tenants: 1000,
            limits: TenantLimits::default(),
            overrides: BTreeMap::new(),
        }
    }
}

impl TenantSettings {
    /// The tenants that the configuration names.
    pub fn named(&self) -> impl Iterator<Item = &String> {
        self.names.values().chain(self.overrides.keys())
    }

    /// The limits of all tenants.
    pub fn by_tenant(&self) -> LimitsByTenant<'_> {
        LimitsByTenant {
            common: &self.limits,
            overrides: &self.overrides,
        }
    }
}

impl Validate for TenantSettings {
    fn validate(&self, report: &mut Report<'_>) {
        const TENANT: &str = concat!("expected the name of a tenant: ", tenant_rule!());
        for (name, of) in &self.names {
            let key = key_path("names", name);
            if tenant(of).is_none() {
                report.fault(&key, TENANT);
            }
            if self.operators.contains(name) {
                report.fault(
                    &key,
                    "is in tenants.operators too: an operator has no tenant",
                );
            }
        }
        self.limits.validate(&mut report.below("limits"));
        for (name, own) in &self.overrides {
            let key = key_path("overrides", name);
            if tenant(name).is_none() {
                report.fault(&key, TENANT);
            }
            own.validate(&mut report.below(&key));
        }
        if let Some(header) = &self.header
            && header.parse::<HeaderName>().is_err()
        {
            report.fault(
                "header",
                "expected the name of a header, for example X-Scope-OrgID",
            );
        }
    }
}
