//! What a schema and types cannot express: each room checks its own settings, and this file checks how those of different rooms fit together.

use super::written::Written;
use super::{Config, ConfigFault, metrics, tenants};
use crate::auth::{ServerAuthSettings, ServerBasicSettings, WebConfig};
use crate::export::push::otlp::HistogramAggregation;
use crate::log::LogKind;
use crate::setting::{FaultSink, Report, Validate};
use crate::tls::ServerTlsSettings;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Checks a configuration and completes it: names of files are relative to `folder`, and metrics get their names of the catalogue.
pub(super) fn check(config: &mut Config, folder: &Path, written: &Written) -> Vec<ConfigFault> {
    let mut collected = Collected {
        written,
        faults: Vec::new(),
    };
    let report = &mut Report::new("", &mut collected);
    rooms(config, report);
    request_timeout(config, report);
    spool(config, report);
    pushes(config, report);
    addresses(config, report);
    metrics::check(config, report);
    config
        .prices
        .read_catalog(folder, &mut report.below("prices"));
    for file in named_files(config) {
        *file = folder.join(&file);
    }
    web_config(config, &mut Report::new("server", &mut collected));
    tenants::check(config, &mut Report::new("", &mut collected));
    collected.faults
}

/// Reads the web configuration of Prometheus, which is checked as the rest is.
fn web_config(config: &mut Config, report: &mut Report<'_>) {
    let server = &mut config.server;
    let Some(file) = server.web_config_file.clone() else {
        return;
    };
    match WebConfig::read(&file) {
        Err(error) => report.fault("web_config_file", error.to_string()),
        Ok(web) => {
            server.tls = web.tls;
            let basic = (!web.basic_auth_users.is_empty()).then(|| ServerBasicSettings {
                filename: Some(file),
                ..ServerBasicSettings::default()
            });
            server.auth = basic.map(|basic| ServerAuthSettings {
                basic: Some(basic),
                ..ServerAuthSettings::default()
            });
        }
    }
}

/// All files and directories that a configuration names.
fn named_files(config: &mut Config) -> impl Iterator<Item = &mut PathBuf> {
    let directories = [
        &mut config.state.directory,
        &mut config.spool.directory,
        &mut config.ledger.directory,
    ];
    let (otlp, server) = (&mut config.receivers.otlp, &mut config.server);
    let listeners = [&mut otlp.grpc.tls, &mut otlp.http.tls, &mut server.tls];
    let listeners = listeners.into_iter().flatten();
    let auth = [&mut otlp.grpc.auth, &mut otlp.http.auth, &mut server.auth];
    let auth = auth.into_iter().flatten();
    let auth = auth.flat_map(ServerAuthSettings::files);
    let certificates = listeners.flat_map(ServerTlsSettings::files);
    let files = certificates.chain(config.exporters.files());
    let files = files.chain(auth).chain(&mut server.web_config_file);
    directories.into_iter().flatten().chain(files)
}

/// The faults of the checks so far.
#[derive(Debug)]
struct Collected<'w> {
    written: &'w Written,
    faults: Vec<ConfigFault>,
}

impl FaultSink for Collected<'_> {
    /// Takes a fault, unless one is known there already.
    fn fault(&mut self, path: &str, what: String) {
        if !self.written.is_faulty(path) {
            let place = self.written.place(path);
            self.faults.push(ConfigFault::at(place, path, what));
        }
    }

    fn is_sound(&self, path: &str) -> bool {
        self.written.is_sound(path)
    }

    fn has(&self, path: &str) -> bool {
        self.written.has(path)
    }
}

/// Each room's own check. Sections without one have only keys that their types check.
fn rooms(config: &Config, report: &mut Report<'_>) {
    let rooms: [(&str, &dyn Validate); 14] = [
        ("receivers.otlp", &config.receivers.otlp),
        ("server", &config.server),
        ("normalise", &config.normalise),
        ("engine", &config.engine),
        ("state", &config.state),
        ("exporters", &config.exporters),
        ("service", &config.service),
        ("spool", &config.spool),
        ("stitch", &config.stitch),
        ("rules", &config.rules),
        ("cohorts", &config.cohorts),
        ("prices", &config.prices),
        ("money", &config.money),
        ("report", &config.report),
    ];
    for (section, settings) in rooms {
        settings.validate(&mut report.below(section));
    }
}

/// A connection must live as long as an upload may take.
fn request_timeout(config: &Config, report: &mut Report<'_>) {
    report.not_longer(
        (
            "receivers.otlp.body_timeout",
            config.receivers.otlp.body_timeout,
        ),
        (
            "connections.request_timeout",
            config.connections.request_timeout,
        ),
    );
}

/// The largest request has room in the spool, and another one beside it.
fn spool(config: &Config, report: &mut Report<'_>) {
    if let Some(max_size) = config.spool.max_size {
        report.not_more(
            (
                "receivers.otlp.max_decompressed_bytes",
                config.receivers.otlp.max_decompressed_bytes as u64,
            ),
            ("spool.max_size", max_size),
        );
    }
    let (spool, state) = (&config.spool.directory, &config.state.directory);
    if spool.is_some() && spool == state {
        report.fault("spool.directory", "must not be the same as state.directory");
    }
}

/// Who gets metrics knows who sends them.
fn pushes(config: &Config, report: &mut Report<'_>) {
    let in_memory = config.state.log == LogKind::Memory;
    let is_anonymous = config.service.instance.id.is_none() && in_memory;
    let first = config.exporters.pushed().next();
    let first = first.map(|key| format!("exporters.{key}"));
    let scrapes = config.service.scrape_labels;
    let needs_id = first.or(scrapes.then(|| "service.scrape_labels".to_owned()));
    if let Some(user) = needs_id.filter(|_| is_anonymous) {
        let what = format!("is missing: {user} needs it, because state.log is memory");
        report.fault("service.instance.id", what);
    }
    let exponential = HistogramAggregation::Base2ExponentialBucketHistogram;
    for (key, settings) in config.exporters.otlp.derived() {
        let is_exponential = settings.derived.default_histogram_aggregation == exponential;
        if is_exponential && !config.metrics.native_histograms {
            let key = format!("exporters.{key}.derived.default_histogram_aggregation");
            report.fault(&key, "needs metrics.native_histograms: true");
        }
    }
}

/// No two listeners have the same address. Port 0 is a free one each time.
fn addresses(config: &Config, report: &mut Report<'_>) {
    let listeners: [(&str, SocketAddr); 3] = [
        (
            "receivers.otlp.grpc.endpoint",
            config.receivers.otlp.grpc.endpoint,
        ),
        (
            "receivers.otlp.http.endpoint",
            config.receivers.otlp.http.endpoint,
        ),
        ("server.endpoint", config.server.endpoint),
    ];
    for (i, (key, address)) in listeners.iter().enumerate() {
        let same =
            |(other, there): &&(&str, SocketAddr)| there == address && report.is_sound(other);
        let clash = listeners[..i].iter().find(same);
        if let Some((other, _)) = clash.filter(|_| address.port() != 0 && report.is_sound(key)) {
            // It is reported where the file says it.
            let (here, there) = if report.has(key) {
                (key, other)
            } else {
                (other, key)
            };
            report.fault(here, format!("must not be the same address as {there}"));
        }
    }
}
