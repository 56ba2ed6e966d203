//! What a listener is, and what its connections share.

use super::Settings;
use super::eviction::EvictionQueue;
use super::metrics::ListenerMetrics;
use super::report::Reporter;
use crate::tls::TlsListener;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore};

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1 or HTTP/2, as the first bytes of a connection say.
    Http,
    /// HTTP/2 from the first byte.
    Http2,
}

impl Protocol {
    /// As ALPN names them, the preferred one first.
    pub fn names(self) -> &'static [&'static [u8]] {
        match self {
            Self::Http => &[b"h2", b"http/1.1"],
            Self::Http2 => &[b"h2"],
        }
    }
}

/// The address that a request comes from: an extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// What the connections of a listener share.
#[derive(Debug)]
pub(super) struct ListenerState {
    /// As in labels and reports.
    pub(super) name: &'static str,
    pub(super) protocol: Protocol,
    /// `None`: the listener has no TLS.
    pub(super) tls: Option<TlsListener>,
    pub(super) settings: Settings,
    pub(super) metrics: ListenerMetrics,
    pub(super) reporter: Reporter,
    /// One permit for each connection that may still be opened.
    pub(super) places: Arc<Semaphore>,
    /// Wakes the connection that has been idle for longest, or the next one that becomes idle, to give its place to another one.
    pub(super) make_room: Notify,
    /// Connections that have not sent the head of a request yet, handshakes included. The oldest one gives way before all others do.
    pub(super) unfinished: EvictionQueue,
    /// Connections whose peers send or read slowly. The slowest one is cut where no other one makes room.
    pub(super) slow_peers: EvictionQueue,
}
