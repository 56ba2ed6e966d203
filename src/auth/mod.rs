//! I/O. Authentication: whose requests a listener takes, and what Baton shows to destinations. All of it comes from files that are read again while
//! Baton runs. No log message, error or debug text has a secret.
//!
//! | File | Content |
//! |---|---|
//! | `server_settings.rs` | the keys of `auth` of a listener |
//! | `tenant_settings.rs`, `tenant_limits.rs` | the keys of `tenants` |
//! | `access_control.rs` | decides who may send a request to a listener, and which tenant it has |
//! | `authenticator.rs` | checks the credentials of requests to one listener |
//! | `tokens.rs` | the tokens of a listener |
//! | `oidc/` | JSON web tokens of an OpenID Connect issuer |
//! | `users.rs` | users and the bcrypt hashes of their passwords |
//! | `digest.rs` | keyed digests, by which secrets are compared and remembered |
//! | `denial.rs` | why a request is refused |
//! | `web_config.rs` | the web configuration of Prometheus |
//! | `client_settings.rs` | the keys of `auth` of a destination |
//! | `credentials.rs` | the header `authorization` towards a destination |

mod access_control;
mod authenticator;
mod client_settings;
mod credentials;
mod denial;
mod digest;
mod oidc;
mod server_settings;
mod tenant_limits;
mod tenant_settings;
mod tokens;
mod users;
mod web_config;

#[cfg(test)]
mod tests;

pub use access_control::AccessControl;
pub use client_settings::{ClientAuthSettings, ClientBasicSettings, ClientBearerSettings};
pub use credentials::Credentials;
pub use denial::Denial;
pub use oidc::{Issuer, OidcSettings};
pub use server_settings::{ServerAuthSettings, ServerBasicSettings, ServerBearerSettings};
pub use tenant_limits::{ByteCount, LimitsByTenant, TenantLimits};
pub use tenant_settings::{CertificatePart, TenantSettings};
pub use web_config::WebConfig;
