//! JSON web tokens of an OpenID Connect issuer.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | the keys of `auth.oidc` of a listener |
//! | `verifier.rs` | checks a token: signature, issuer, audience, times |
//! | `keys.rs` | the keys of an issuer, and the algorithms of each |
//! | `signatures.rs` | checks signatures with *ring* |
//! | `issuer.rs` | gets the keys of an issuer by discovery, and again when they change |

mod issuer;
mod keys;
mod settings;
mod signatures;
mod verifier;

pub use issuer::Issuer;
pub use settings::OidcSettings;
pub(super) use verifier::OidcVerifier;
