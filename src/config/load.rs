//! Validation of the YAML text: references, then the schema, then everything that a schema cannot express. A fault in one place
//! does not hide faults in others.

use super::amount::ASSUMED_MEMORY;
use super::node::{Node, join, parse};
use super::raw::{Cohorts, Raw};
use super::references::resolve;
use super::written::Written;
use super::{Config, Fault, annotate, connections, metrics, money, prices, rules, shape};
use crate::model::cohort::preset;
use crate::setting::{Amount, FaultSink, Report, Validate};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

pub(super) type Env<'e> = &'e dyn Fn(&str) -> Option<String>;

pub(super) fn of_text(text: &str, folder: &Path, env: Env<'_>) -> Result<Config, Vec<Fault>> {
    let read = read::<Raw>(text, &annotate::schema(), Some(env)).map_err(|fault| vec![fault])?;
    let mut faults = read.faults;
    match validate(&read.value, folder, &read.written) {
        Ok(config) if faults.is_empty() => return Ok(config),
        Ok(_) => {}
        Err(more) => faults.extend(more),
    }
    faults.sort_by(|a, b| (a.line, a.column, &a.path).cmp(&(b.line, b.column, &b.path)));
    Err(faults)
}

/// A file in the form of its type, with all that is wrong so far.
pub(super) struct Read<T> {
    pub(super) value: T,
    pub(super) written: Written,
    pub(super) faults: Vec<Fault>,
}

/// Reads a YAML text that a schema describes. Without `env`, a dollar sign is one.
///
/// # Errors
/// Where the text is no YAML: nothing else can be said of it then.
pub(super) fn read<T: DeserializeOwned + Default>(
    text: &str,
    schema: &Value,
    env: Option<Env<'_>>,
) -> Result<Read<T>, Fault> {
    let mut written = Written::default();
    let mut faults = Vec::new();
    let mut unresolved = Vec::new();
    let is_comment = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let tree = if text.lines().all(is_comment) {
        Node::Scalar(Value::Null)
    } else {
        parse(text.strip_prefix('\u{feff}').unwrap_or(text))?
    };
    let mut json = tree.into_json(
        "",
        &mut written.places,
        &mut |path, text| match env.map(|env| resolve(&text, env)) {
            Some(Ok(value)) => value,
            Some(Err(what)) => {
                unresolved.push((path.to_owned(), what));
                Value::String(text)
            }
            None => Value::String(text),
        },
        &mut |fault| faults.push(fault),
    );
    for (path, what) in unresolved {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        shape::blame(&mut json, schema, &path, what, &mut written, &mut faults);
    }
    let value = shape::fit(json, schema, &mut written, &mut faults);
    shape::distrust_meant(&faults, schema, &mut written);
    Ok(Read {
        value,
        written,
        faults,
    })
}

/// What a schema cannot say.
pub(super) fn validate(raw: &Raw, folder: &Path, written: &Written) -> Result<Config, Vec<Fault>> {
    let mut check = Check {
        written,
        faults: Vec::new(),
    };
    let otlp = &raw.receivers.otlp;
    let config = Config {
        grpc: otlp.grpc.endpoint,
        http: otlp.http.endpoint,
        server: raw.server.endpoint,
        connections: connections::read(raw),
        max_request_bytes: otlp.max_request_bytes,
        max_decompressed_bytes: otlp.max_decompressed_bytes,
        max_attributes: otlp.max_attributes,
        max_depth: otlp.max_depth,
        max_requests: otlp.max_requests_in_flight,
        max_bytes_in_flight: otlp.max_bytes_in_flight,
        queue_timeout: otlp.queue_timeout,
        body_timeout: otlp.body_timeout,
        body_idle_timeout: otlp.body_idle_timeout,
        retry_after: otlp.retry_after,
        session_attributes: raw.normalise.session_attributes.clone(),
        user_attributes: raw.normalise.user_attributes.clone(),
        outcome_attributes: raw.normalise.outcome_attributes.clone(),
        handoff_tools: raw.normalise.handoff_tools.clone(),
        escalation_tools: raw.normalise.escalation_tools.clone(),
        human_names: raw.normalise.human_names.clone(),
        tenant_attributes: raw.normalise.tenant_attributes.clone(),
        value_attributes: raw.normalise.value_attributes.clone(),
        content_key: raw.normalise.content_key.clone(),
        cohorts: check.cohorts(&raw.cohorts),
        max_cohort_values: raw.cohorts.max_values,
        partitions: (raw.engine.partitions > 0).then_some(usize::from(raw.engine.partitions)),
        queue_events: raw.engine.queue_events,
        stitch: raw.stitch.clone(),
        metric_labels: metrics::labels(raw, &mut |path, what| check.fault(path, what)),
        metric_buckets: metrics::buckets(raw, &mut |path, what| check.fault(path, what)),
        native_histograms: raw.metrics.native_histograms,
        max_series: raw.metrics.max_series,
        max_label_values: raw.metrics.max_label_values,
        expire_after: raw.metrics.expire_after,
        zero_hold: raw.metrics.zero_hold,
        created: raw.metrics.created,
        prices: Arc::new(check.prices(raw.prices.file.as_deref(), folder)),
        action_prices: Arc::new(money::actions(&raw.prices, &mut |path, what| {
            check.fault(path, what)
        })),
        money: money::money(&raw.money, written, &mut |path, what| {
            check.fault(path, what)
        }),
        rules: Arc::new(rules::compile(&raw.rules, written, &mut |path, what| {
            check.fault(path, what)
        })),
        stories: raw.engine.stories as usize,
        soft_state_bytes: raw.engine.soft_state_size,
        max_state_bytes: raw.engine.max_state_size,
        memory: ASSUMED_MEMORY,
        state_log: raw.state.log,
        state_directory: raw.state.directory.as_ref().map(|name| folder.join(name)),
        max_log_bytes: raw.state.max_log_size,
        segment_bytes: raw.state.segment_size as u64,
        segment_age: raw.state.segment_age,
        snapshot_interval: raw.state.snapshot_interval,
        log: raw.log.clone(),
        shutdown: raw.shutdown.clone(),
    };
    check.relations(&config);
    check.distinct(&[
        ("receivers.otlp.grpc.endpoint", config.grpc),
        ("receivers.otlp.http.endpoint", config.http),
        ("server.endpoint", config.server),
    ]);
    if check.faults.is_empty() {
        Ok(config)
    } else {
        Err(check.faults)
    }
}

#[derive(Debug)]
pub(super) struct Check<'w> {
    written: &'w Written,
    faults: Vec<Fault>,
}

impl Check<'_> {
    /// Tells a fault, unless one is known there already.
    pub(super) fn fault(&mut self, path: &str, what: impl Into<String>) {
        if !self.written.is_faulty(path) {
            let place = self.written.place(path);
            self.faults.push(Fault::at(place, path, what.into()));
        }
    }

    /// How the limits and waits must lie to each other.
    fn relations(&mut self, config: &Config) {
        let waits = [
            (
                "receivers.otlp.body_idle_timeout",
                config.body_idle_timeout,
                "receivers.otlp.body_timeout",
                config.body_timeout,
            ),
            (
                "receivers.otlp.body_timeout",
                config.body_timeout,
                "connections.request_timeout",
                config.connections.request_timeout,
            ),
        ];
        config.stitch.validate(&mut Report::new("stitch", self));
        for (path, wait, other, most) in waits {
            Report::new("", self).not_longer((path, wait), (other, most));
        }
        // What a share is in bytes, only the machine knows: it is put in order there.
        let (soft, most) = match (config.soft_state_bytes, config.max_state_bytes) {
            (Amount::Bytes(soft), Amount::Bytes(most)) => (soft as u64, most as u64),
            (Amount::Percent(soft), Amount::Percent(most)) => (soft.into(), most.into()),
            _ => (0, 0),
        };
        let in_flight = match config.max_bytes_in_flight {
            Amount::Bytes(bytes) => bytes as u64,
            Amount::Percent(_) => u64::MAX,
        };
        let sizes = [
            (
                "engine.soft_state_size",
                soft,
                "engine.max_state_size",
                most,
            ),
            (
                "state.segment_size",
                config.segment_bytes,
                "state.max_log_size",
                config.max_log_bytes.unwrap_or(u64::MAX),
            ),
            (
                "receivers.otlp.max_request_bytes",
                config.max_request_bytes as u64,
                "receivers.otlp.max_decompressed_bytes",
                config.max_decompressed_bytes as u64,
            ),
            // The largest request would never be taken.
            (
                "receivers.otlp.max_decompressed_bytes",
                config.max_decompressed_bytes as u64,
                "receivers.otlp.max_bytes_in_flight",
                in_flight,
            ),
        ];
        for (path, size, other, most) in sizes {
            Report::new("", self).not_more((path, size), (other, most));
        }
    }

    fn distinct(&mut self, addresses: &[(&str, SocketAddr)]) {
        for (i, (path, address)) in addresses.iter().enumerate() {
            let same =
                |(other, there): &&(&str, SocketAddr)| there == address && self.is_sound(other);
            let clash = addresses[..i].iter().find(same);
            if let Some((other, _)) = clash.filter(|_| address.port() != 0 && self.is_sound(path)) {
                // It is told where the file says it.
                let (here, there) = match self.written.has(path) {
                    true => (*path, *other),
                    false => (*other, *path),
                };
                self.fault(here, format!("must not be the same address as {there}"));
            }
        }
    }

    /// Each dimension with its attributes: the operator's first, then those known for its name.
    fn cohorts(&mut self, raw: &Cohorts) -> Vec<(String, Vec<String>)> {
        const MOST: usize = 16;
        if raw.dimensions.len() > MOST {
            self.fault("cohorts.dimensions", format!("has more than {MOST}"));
        }
        let unused = raw
            .attributes
            .keys()
            .filter(|n| !raw.dimensions.contains(n));
        for name in unused.filter(|_| self.written.is_sound("cohorts.dimensions")) {
            let path = join("cohorts.attributes", name);
            self.faults.push(Fault::at(
                self.written.place(&path),
                &path,
                "is not in cohorts.dimensions".into(),
            ));
        }
        let mut cohorts: Vec<(String, Vec<String>)> = Vec::new();
        for (i, name) in raw.dimensions.iter().enumerate() {
            let path = format!("cohorts.dimensions.{i}");
            if !is_label(name) {
                self.fault(
                    &path,
                    "expected a label name: lower-case letters, digits and _, and no name that Prometheus uses",
                );
            }
            if cohorts.iter().any(|(known, _)| known == name) {
                self.fault(&path, "is a duplicate: each dimension is listed once");
            }
            let mut attributes = raw.attributes.get(name).cloned().unwrap_or_default();
            attributes.extend(preset(name).into_iter().flatten().map(|a| (*a).to_owned()));
            let attributes_path = join("cohorts.attributes", name);
            if attributes.is_empty() && self.written.is_sound(&attributes_path) {
                let what = format!("has no attributes: name some in cohorts.attributes.{name}");
                self.fault(&path, what);
            }
            cohorts.push((name.clone(), attributes));
        }
        cohorts
    }

    fn prices(&mut self, file: Option<&str>, folder: &Path) -> crate::model::price::PriceBook {
        let Some(file) = file else {
            return prices::built_in();
        };
        let read =
            std::fs::read_to_string(folder.join(file)).map_err(|error| super::unreadable(&error));
        let book = match read {
            Ok(text) => prices::of_text(&text).map_err(|faults| {
                let named = |fault: Fault| format!("{file}:{fault}");
                faults.into_iter().map(named).collect()
            }),
            Err(what) => Err(vec![format!("{file} {what}")]),
        };
        book.unwrap_or_else(|faults: Vec<String>| {
            for what in faults {
                self.fault("prices.file", what);
            }
            prices::built_in()
        })
    }
}

impl FaultSink for Check<'_> {
    fn fault(&mut self, path: &str, what: String) {
        self.fault(path, what);
    }

    fn is_sound(&self, path: &str) -> bool {
        self.written.is_sound(path)
    }

    fn has(&self, path: &str) -> bool {
        self.written.has(path)
    }
}

/// Whether a text may be the name of a label that an operator chooses.
fn is_label(text: &str) -> bool {
    let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let reserved = ["le", "quantile", "job", "instance"].contains(&text) || text.starts_with("__");
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(rest) && !reserved
}
