//! I/O. Authentication: what Baton shows to destinations, from files that are read again while it runs.
//!
//! | File | Content |
//! |---|---|
//! | `client_settings.rs` | the keys of `auth` of a destination |
//! | `credentials.rs` | the header `authorization` towards a destination |
//! | `error.rs` | why credentials cannot be used |

mod client_settings;
mod credentials;
mod error;

#[cfg(test)]
mod tests;

pub use client_settings::{ClientAuthSettings, ClientBasicSettings, ClientBearerSettings};
pub use credentials::Credentials;
pub use error::AuthError;
