//! What each listener counts.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

/// Why Baton closed a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// No whole request head arrived in time.
    HeaderTimeout,
    /// No request was in flight for too long.
    IdleTimeout,
    /// Requests were in flight, and none began or ended for too long.
    RequestTimeout,
    /// The peer did not answer a PING.
    KeepaliveTimeout,
    /// It was idle, and another one needed its place.
    Limit,
}

impl Closed {
    const ALL: [Self; 5] = [
        Self::HeaderTimeout,
        Self::IdleTimeout,
        Self::RequestTimeout,
        Self::KeepaliveTimeout,
        Self::Limit,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::HeaderTimeout => "header_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::RequestTimeout => "request_timeout",
            Self::KeepaliveTimeout => "keepalive_timeout",
            Self::Limit => "connection_limit",
        }
    }
}

/// The metrics of one listener.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) open: Gauge,
    pub(super) accepted: Counter,
    pub(super) at_limit: Counter,
    pub(super) accept_errors: Counter,
    closed: [Counter; Closed::ALL.len()],
}

impl Metrics {
    /// Registers with the recorder in whose scope it is called.
    pub(super) fn new(listener: &'static str) -> Self {
        describe_gauge!("baton_connections", "Open connections, by listener.");
        describe_counter!(
            "baton_connections_accepted_total",
            "Accepted connections, by listener."
        );
        describe_counter!(
            "baton_connection_limit_reached_total",
            "Times that a listener reached max_connections, so that a new connection waited in the backlog of the kernel."
        );
        describe_counter!(
            "baton_connection_accept_errors_total",
            "Connections that could not be accepted, for example because the limit of open files was reached. By listener."
        );
        describe_counter!(
            "baton_connections_closed_total",
            "Connections that Baton closed, by listener and reason: header_timeout, idle_timeout, request_timeout, keepalive_timeout or connection_limit."
        );
        Self {
            open: gauge!("baton_connections", "listener" => listener),
            accepted: counter!("baton_connections_accepted_total", "listener" => listener),
            at_limit: counter!("baton_connection_limit_reached_total", "listener" => listener),
            accept_errors: counter!("baton_connection_accept_errors_total", "listener" => listener),
            closed: Closed::ALL.map(|reason| {
                counter!(
                    "baton_connections_closed_total",
                    "listener" => listener, "reason" => reason.as_str()
                )
            }),
        }
    }

    pub(super) fn closed(&self, reason: Closed) {
        self.closed[reason as usize].increment(1);
    }
}
