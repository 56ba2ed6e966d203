//! I/O. TLS of listeners and towards destinations: certificates from files, which are read again while Baton runs.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | the keys of each `tls` section |
//! | `files.rs` | certificates and keys from PEM files |
//! | `server.rs` | TLS of a listener |
//! | `handshake.rs` | why a client did not get through a handshake |
//! | `client_certificate.rs` | what the certificate of a client says of him |
//! | `client.rs` | TLS towards a destination |
//! | `tcp.rs` | TCP towards a destination, which gathers small writes |
//! | `fault.rs` | why a destination is not reached |
//! | `host.rs` | which URLs need no TLS, because nobody is on the way |
//! | `metrics.rs` | expiry, and files that could not be used |
//!
//! The cryptography is rustls with *ring*: the other back end, aws-lc, needs a longer C build.

mod client;
mod client_certificate;
mod fault;
mod files;
mod handshake;
mod host;
mod metrics;
mod server;
mod settings;
mod tcp;

pub use client::{TlsConnector, TlsStream};
pub use client_certificate::ClientCertificate;
pub use fault::{TlsFault, connection_fault};
pub use handshake::HandshakeFault;
pub use host::is_local;
pub use server::TlsListener;
pub use settings::{ClientTlsSettings, ServerTlsSettings, TlsVersion};
