//! Whether every listener can tell tenants apart, and every metric.

use super::Config;
use crate::auth::ServerAuthSettings;
use crate::model::tenant::TENANT_DIMENSION;
use crate::setting::{Report, Validate};
use crate::tls::ServerTlsSettings;

/// What the settings of a listener say of who may use it.
type Listener<'c> = (
    &'static str,
    &'c Option<ServerTlsSettings>,
    &'c Option<ServerAuthSettings>,
);

pub(super) fn check(config: &Config, report: &mut Report<'_>) {
    let otlp = &config.receivers.otlp;
    let listeners: [Listener<'_>; 3] = [
        ("receivers.otlp.grpc", &otlp.grpc.tls, &otlp.grpc.auth),
        ("receivers.otlp.http", &otlp.http.tls, &otlp.http.auth),
        ("server", &config.server.tls, &config.server.auth),
    ];
    let Some(tenants) = &config.tenants else {
        for (key, _, auth) in listeners {
            let oidc = auth.as_ref().and_then(|auth| auth.oidc.as_ref());
            if oidc.is_some_and(|oidc| oidc.tenant_claim.is_some()) {
                let key = format!("{key}.auth.oidc.tenant_claim");
                report.fault(&key, "needs the section tenants, for example tenants: {}");
            }
        }
        return;
    };
    tenants.validate(&mut report.below("tenants"));
    for (key, tls, auth) in listeners {
        let asks_certificate = tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
        let certified = asks_certificate && tenants.certificate.is_some();
        if auth.is_none() && !certified && tenants.header.is_none() {
            let what = format!(
                "has nothing that names the tenant of requests to {key}: set {key}.auth, {key}.tls.client_ca_file with tenants.certificate, or tenants.header"
            );
            report.fault("tenants", what);
        }
    }
    if !config
        .cohorts
        .dimensions
        .iter()
        .any(|name| name == TENANT_DIMENSION)
    {
        let what = "has no tenant: tenants needs it, to show each tenant its own metrics";
        report.fault("cohorts.dimensions", what);
    }
}
