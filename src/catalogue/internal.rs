//! Baton's own metrics. Each is counted by the room that it is about, which takes it from `telemetry` by its id.

use super::Description;

/// One of Baton's own metrics: its place in [`INTERNAL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InternalMetric {
    BuildInfo,
    Connections,
    ConnectionsAccepted,
    ConnectionLimitReached,
    ConnectionAcceptErrors,
    ConnectionsClosed,
    TlsCertificateExpiry,
    TlsReloadFailures,
    AuthReloadFailures,
    UnauthenticatedRequests,
    ReceiverRequests,
    ReceiverFailedRequests,
    TenantRefusedRequests,
    ReceiverSpans,
    DialectMisreadings,
    ReceiverLogRecords,
    ReceiverRejected,
    ReceiverUnread,
    ReceiverBytes,
    ReceiverWaitingRequests,
    ReceiverBytesInFlight,
    LogEvents,
    LogBacklog,
    LogCommits,
    LogFull,
    LogBytes,
    LogMaxBytes,
    VolumeFreeBytes,
    VolumeReserveBytes,
    PartitionKeys,
    PartitionBytes,
    Snapshots,
    SpoolBytes,
    SpoolMaxBytes,
    SpoolRequests,
    SpoolOldest,
    SpoolDamaged,
    SpoolQuarantineBytes,
    Verdicts,
    VerdictsDropped,
    VerdictsWaiting,
    LedgerRows,
    LedgerFailed,
    LedgerWaiting,
    ExporterSent,
    ExporterSentBytes,
    ExporterFailed,
    ExporterQuarantined,
    ExporterDropped,
    ExporterRejectedItems,
    PushSent,
    PushWaiting,
    PushLastSuccess,
    PushFailed,
    PushDropped,
}

impl InternalMetric {
    /// Its row of the catalogue.
    pub fn description(self) -> &'static Description<Self> {
        &INTERNAL[self as usize]
    }
}

const BYTES: &str = "bytes";

const fn counter(
    metric: InternalMetric,
    name: &'static str,
    help: &'static str,
) -> Description<InternalMetric> {
    Description::counter(metric, name, help)
}

const fn gauge(
    metric: InternalMetric,
    name: &'static str,
    help: &'static str,
) -> Description<InternalMetric> {
    Description::gauge(metric, name, help)
}

/// All of Baton's own metrics, in the order of [`InternalMetric`].
pub static INTERNAL: &[Description<InternalMetric>] = &[
    gauge(
        InternalMetric::BuildInfo,
        "baton_build_info",
        "Version of Baton, as a label. The value is always 1.",
    )
    .with_labels(&["version"]),
    gauge(
        InternalMetric::Connections,
        "baton_connections",
        "Open connections, by listener.",
    )
    .with_labels(&["listener"]),
    counter(
        InternalMetric::ConnectionsAccepted,
        "baton_connections_accepted_total",
        "Accepted connections, by listener.",
    )
    .with_labels(&["listener"]),
    counter(
        InternalMetric::ConnectionLimitReached,
        "baton_connection_limit_reached_total",
        "Times that a listener reached max_connections, so that a new connection waited in the backlog of the kernel.",
    )
    .with_labels(&["listener"]),
    counter(
        InternalMetric::ConnectionAcceptErrors,
        "baton_connection_accept_errors_total",
        "Connections that could not be accepted, for example because the limit of open files was reached. By listener.",
    )
    .with_labels(&["listener"]),
    counter(
        InternalMetric::ConnectionsClosed,
        "baton_connections_closed_total",
        "Connections that Baton closed, by listener and reason: header_timeout, idle_timeout, request_timeout, keepalive_timeout, connection_limit (it was idle or had sent nothing, and another one needed its place), slow_upload, unread_answer or tls_handshake (the peer speaks no TLS, or has no certificate that is accepted).",
    )
    .with_labels(&["listener", "reason"]),
    gauge(
        InternalMetric::TlsCertificateExpiry,
        "baton_tls_certificate_expiry_timestamp_seconds",
        "When the certificate of the endpoint expires, in seconds since 1970: the first one of its file that does. endpoint is grpc, http, server or an exporter.",
    )
    .with_labels(&["endpoint"])
    .in_unit("seconds"),
    counter(
        InternalMetric::TlsReloadFailures,
        "baton_tls_reload_failures_total",
        "Changes of certificate files that could not be used, so that the last certificates stayed in use. By endpoint: grpc, http, server or an exporter.",
    )
    .with_labels(&["endpoint"]),
    counter(
        InternalMetric::AuthReloadFailures,
        "baton_auth_reload_failures_total",
        "Changes of files with tokens, users or passwords that could not be used, and failed attempts to get the keys of an issuer: the last ones stayed in use. By endpoint: grpc, http, server or an exporter.",
    )
    .with_labels(&["endpoint"]),
    counter(
        InternalMetric::UnauthenticatedRequests,
        "baton_unauthenticated_requests_total",
        "Requests that were refused because of their credentials, by listener and reason: no_credentials, wrong_credentials, expired_token, password_checks (too many passwords wait to be checked), no_issuer_keys (the issuer of tokens did not tell its keys yet), no_tenant (nothing says which tenant they belong to) or invalid_tenant (the name of their tenant is not allowed). After password_checks and no_issuer_keys, the sender should retry.",
    )
    .with_labels(&["listener", "reason"]),
    counter(
        InternalMetric::ReceiverRequests,
        "baton_receiver_requests_total",
        "Export requests. result is ok, refused (the sender should retry) or malformed (rejected, whatever the reason).",
    )
    .with_labels(&["result"]),
    counter(
        InternalMetric::ReceiverFailedRequests,
        "baton_receiver_failed_requests_total",
        "Export requests that were not accepted, by listener and reason.",
    )
    .with_labels(&["listener", "reason"]),
    counter(
        InternalMetric::TenantRefusedRequests,
        "baton_tenant_refused_requests_total",
        "Export requests that were refused because their tenant, or the number of tenants, has reached a limit (the sender should retry), by tenant and reason: tenant_request_rate, tenant_ingestion_rate, tenant_bytes_in_flight or max_tenants (there are as many tenants as there may be). Tenants that the configuration does not name are other.",
    )
    .with_labels(&["tenant", "reason"]),
    counter(
        InternalMetric::ReceiverSpans,
        "baton_receiver_spans_total",
        "Accepted spans, by the dialect that recognizes them: a label of docs/dialects.md, or none.",
    )
    .with_labels(&["dialect"]),
    counter(
        InternalMetric::DialectMisreadings,
        "baton_dialect_misreadings_total",
        "Expressions of a dialect in `normalise.dialects` that gave an accepted span nothing. key is the key that the expression stands under. reason is evaluation, type, json or kind. Attributes that a span does not have are no reason.",
    )
    .with_labels(&["dialect", "key", "reason"]),
    counter(
        InternalMetric::ReceiverLogRecords,
        "baton_receiver_log_records_total",
        "Accepted log records.",
    ),
    counter(
        InternalMetric::ReceiverRejected,
        "baton_receiver_rejected_total",
        "Spans and log records that were rejected while the rest of their request was accepted, by reason.",
    )
    .with_labels(&["reason"]),
    counter(
        InternalMetric::ReceiverUnread,
        "baton_receiver_unread_total",
        "Accepted log records that change no figure, and parts of accepted items that are not read. reason is log_without_trace, log_not_about_agents, resource, scope, link (these three cannot be read), links_over_limit, verdicts_over_limit, evaluation_without_name, amount_out_of_range (negative, too great or no number), verdict (of a Baton), or, of attributes of an operator, invalid_tenant (the name of the tenant is not allowed) or tenant_over_limit (tenants.max_tenants).",
    )
    .with_labels(&["reason"]),
    counter(
        InternalMetric::ReceiverBytes,
        "baton_receiver_bytes_total",
        "Bytes of request bodies after decompression.",
    )
    .in_unit(BYTES),
    gauge(
        InternalMetric::ReceiverWaitingRequests,
        "baton_receiver_waiting_requests",
        "Requests whose body has arrived and that wait because max_requests_in_flight is reached.",
    ),
    gauge(
        InternalMetric::ReceiverBytesInFlight,
        "baton_receiver_bytes_in_flight",
        "Bytes of the requests that arrive, wait or are processed, after decompression. The limit is max_bytes_in_flight.",
    )
    .in_unit(BYTES),
    counter(
        InternalMetric::LogEvents,
        "baton_log_events_total",
        "Events appended to the log.",
    ),
    gauge(
        InternalMetric::LogBacklog,
        "baton_log_backlog",
        "Events and messages in the log that the partitions have not processed yet.",
    ),
    counter(
        InternalMetric::LogCommits,
        "baton_log_commits_total",
        "Group commits: groups of requests written to disk, with one fsync each.",
    ),
    counter(
        InternalMetric::LogFull,
        "baton_log_full_total",
        "Groups of requests that were refused because a limit was reached. limit is disk (free space of the volume) or log_size (state.max_log_size).",
    )
    .with_labels(&["limit"]),
    gauge(
        InternalMetric::LogBytes,
        "baton_log_bytes",
        "Size of the log on disk.",
    )
    .in_unit(BYTES),
    gauge(
        InternalMetric::LogMaxBytes,
        "baton_log_max_bytes",
        "Size of the log above which requests are refused: the effective value of state.max_log_size.",
    )
    .in_unit(BYTES),
    gauge(
        InternalMetric::VolumeFreeBytes,
        "baton_volume_free_bytes",
        "Free space on the volume of state.directory.",
    )
    .in_unit(BYTES),
    gauge(
        InternalMetric::VolumeReserveBytes,
        "baton_volume_reserve_bytes",
        "Free space on the volume of state.directory below which requests are refused, so that snapshots can still be written.",
    )
    .in_unit(BYTES),
    gauge(
        InternalMetric::PartitionKeys,
        "baton_partition_keys",
        "Keys (sessions, traces and users) held in memory by all partitions.",
    ),
    gauge(
        InternalMetric::PartitionBytes,
        "baton_partition_bytes",
        "Estimated memory of all sessions, traces and metric series.",
    )
    .in_unit(BYTES),
    counter(
        InternalMetric::Snapshots,
        "baton_snapshots_total",
        "Snapshots of partitions. result is kept (written), failed (not written) or damaged (unreadable at the start).",
    )
    .with_labels(&["result"]),
    gauge(
        InternalMetric::SpoolBytes,
        "baton_spool_bytes",
        "Size of the spool: requests that wait for a destination in exporters.",
    )
    .in_unit(BYTES),
    gauge(
        InternalMetric::SpoolMaxBytes,
        "baton_spool_max_bytes",
        "Size of the spool above which requests are refused or dropped: the effective value of spool.max_size.",
    )
    .in_unit(BYTES),
    gauge(
        InternalMetric::SpoolRequests,
        "baton_spool_requests",
        "Requests in the spool that the destination does not have yet, requests of signals that it does not take included.",
    )
    .with_labels(&["exporter"]),
    gauge(
        InternalMetric::SpoolOldest,
        "baton_spool_oldest_seconds",
        "Age of the oldest request that the destination does not have yet; 0 if it has all.",
    )
    .with_labels(&["exporter"])
    .in_unit("seconds"),
    counter(
        InternalMetric::SpoolDamaged,
        "baton_spool_damaged_total",
        "Damaged places in the spool, at the start and for each destination and segment. Requests in them are not forwarded, all others are.",
    ),
    gauge(
        InternalMetric::SpoolQuarantineBytes,
        "baton_spool_quarantine_bytes",
        "Size of the requests that a destination rejected permanently, as a whole or in part, and that are kept for `baton spool requeue`.",
    )
    .in_unit(BYTES),
    counter(
        InternalMetric::Verdicts,
        "baton_verdicts_total",
        "Verdicts that were written to the spool, by subject: handoff or workflow. After a crash, those since the last snapshot are written and counted again.",
    )
    .with_labels(&["subject"]),
    counter(
        InternalMetric::VerdictsDropped,
        "baton_verdicts_dropped_total",
        "Verdicts that were not written, by reason: spool_full (spool.when_full).",
    )
    .with_labels(&["reason"]),
    gauge(
        InternalMetric::VerdictsWaiting,
        "baton_verdicts_waiting",
        "Verdicts that are not in the spool yet. Snapshots wait for them.",
    ),
    counter(
        InternalMetric::LedgerRows,
        "baton_ledger_rows_total",
        "Rows that this process wrote to the ledger, by table. Each row is written once, also after a crash.",
    )
    .with_labels(&["table"]),
    counter(
        InternalMetric::LedgerFailed,
        "baton_ledger_failed_writes_total",
        "Attempts to write a file of the ledger that failed. They are repeated.",
    ),
    gauge(
        InternalMetric::LedgerWaiting,
        "baton_ledger_waiting_rows",
        "Rows of the ledger that are in no file yet. Snapshots wait for them.",
    ),
    counter(
        InternalMetric::ExporterSent,
        "baton_exporter_sent_requests_total",
        "Requests that the destination accepted.",
    )
    .with_labels(&["exporter", "signal"]),
    counter(
        InternalMetric::ExporterSentBytes,
        "baton_exporter_sent_bytes_total",
        "Bytes of the bodies that the destination accepted, before compression.",
    )
    .with_labels(&["exporter"])
    .in_unit(BYTES),
    counter(
        InternalMetric::ExporterFailed,
        "baton_exporter_failed_requests_total",
        "Attempts to send a request that failed, by reason: connection, tls (one side does not accept the certificate of the other), timeout, throttled, unavailable, unauthenticated (the destination does not accept what auth says; all of these are retried) or rejected (permanently).",
    )
    .with_labels(&["exporter", "reason"]),
    counter(
        InternalMetric::ExporterQuarantined,
        "baton_exporter_quarantined_requests_total",
        "Requests that the destination rejected permanently, as a whole or in part, and that are kept for `baton spool requeue`.",
    )
    .with_labels(&["exporter"]),
    counter(
        InternalMetric::ExporterDropped,
        "baton_exporter_dropped_requests_total",
        "Requests that the destination does not get, by reason: spool_full (spool.when_full), rejected (permanently, by the destination, and there is no room in the quarantine), expired (spool.max_age), retry_limit (retry_on_failure), not_convertible (OTLP/JSON that is no valid request, for gRPC) or unreadable.",
    )
    .with_labels(&["exporter", "reason"]),
    counter(
        InternalMetric::ExporterRejectedItems,
        "baton_exporter_rejected_items_total",
        "Spans, log records and data points that the destination rejected while it accepted the rest of their request.",
    )
    .with_labels(&["exporter", "signal"]),
    counter(
        InternalMetric::PushSent,
        "baton_push_sent_points_total",
        "Points of pushed metrics that the receiver has written.",
    )
    .with_labels(&["exporter"]),
    gauge(
        InternalMetric::PushWaiting,
        "baton_push_waiting_points",
        "Points of pushed metrics that are in flight or wait for the receiver.",
    )
    .with_labels(&["exporter"]),
    gauge(
        InternalMetric::PushLastSuccess,
        "baton_push_last_success_timestamp_seconds",
        "When the receiver last took pushed metrics, in seconds since 1970. Until it has, when Baton started.",
    )
    .with_labels(&["exporter"])
    .in_unit("seconds"),
    counter(
        InternalMetric::PushFailed,
        "baton_push_failed_requests_total",
        "Attempts to push metrics that failed, by reason: connection, tls (one side does not accept the certificate of the other), timeout, throttled, unavailable, unauthenticated (the receiver does not accept what auth says; all of these are retried) or rejected (permanently).",
    )
    .with_labels(&["exporter", "reason"]),
    counter(
        InternalMetric::PushDropped,
        "baton_push_dropped_points_total",
        "Points of pushed metrics that the receiver does not get, by reason: rejected (by the receiver), retry_limit (retry_on_failure), queue_full (newer ones took their place) or shutdown.",
    )
    .with_labels(&["exporter", "reason"]),
];
