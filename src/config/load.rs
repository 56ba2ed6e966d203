//! Validation of the YAML text: references, then the schema, then everything that a schema cannot express. A fault in one place
//! does not hide faults in others.

use super::amount::{ASSUMED_MEMORY, Amount};
use super::node::{Node, join, parse};
use super::raw::{AutoSize, Cohorts, Raw, Share, Size, Wait};
use super::references::resolve;
use super::written::Written;
use super::{Config, Fault, Secret, annotate, connections, metrics, money, prices, rules, shape};
use crate::model::cohort::preset;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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
        of_values: 0,
    };
    let otlp = &raw.receivers.otlp;
    let stitch = &raw.stitch;
    let config = Config {
        grpc: check.address("receivers.otlp.grpc.endpoint", &otlp.grpc.endpoint),
        http: check.address("receivers.otlp.http.endpoint", &otlp.http.endpoint),
        server: check.address("server.endpoint", &raw.server.endpoint),
        connections: connections::read(raw, &mut check),
        max_request_bytes: check.size("receivers.otlp.max_request_bytes", &otlp.max_request_bytes),
        max_decompressed_bytes: check.size(
            "receivers.otlp.max_decompressed_bytes",
            &otlp.max_decompressed_bytes,
        ),
        max_attributes: check.count("receivers.otlp.max_attributes", otlp.max_attributes),
        max_depth: check.count("receivers.otlp.max_depth", otlp.max_depth),
        max_requests: check.count(
            "receivers.otlp.max_requests_in_flight",
            otlp.max_requests_in_flight,
        ),
        max_bytes_in_flight: check.share(
            "receivers.otlp.max_bytes_in_flight",
            &otlp.max_bytes_in_flight,
        ),
        queue_timeout: check.wait("receivers.otlp.queue_timeout", &otlp.queue_timeout),
        body_timeout: check.wait("receivers.otlp.body_timeout", &otlp.body_timeout),
        body_idle_timeout: check.wait("receivers.otlp.body_idle_timeout", &otlp.body_idle_timeout),
        retry_after: check.wait("receivers.otlp.retry_after", &otlp.retry_after),
        session_attributes: raw.normalise.session_attributes.clone(),
        user_attributes: raw.normalise.user_attributes.clone(),
        outcome_attributes: raw.normalise.outcome_attributes.clone(),
        handoff_tools: raw.normalise.handoff_tools.clone(),
        escalation_tools: raw.normalise.escalation_tools.clone(),
        human_names: raw.normalise.human_names.clone(),
        tenant_attributes: raw.normalise.tenant_attributes.clone(),
        value_attributes: raw.normalise.value_attributes.clone(),
        content_key: raw.normalise.content_key.clone().map(Secret),
        cohorts: check.cohorts(&raw.cohorts),
        max_cohort_values: check.count("cohorts.max_values", raw.cohorts.max_values),
        partitions: (raw.engine.partitions > 0).then_some(usize::from(raw.engine.partitions)),
        queue_events: check.count("engine.queue_events", raw.engine.queue_events),
        settle: check.wait("stitch.settle", &stitch.settle),
        bind_timeout: check.wait("stitch.bind_timeout", &stitch.bind_timeout),
        trace_timeout: check.wait("stitch.trace_timeout", &stitch.trace_timeout),
        drop_timeout: check.wait("stitch.drop_timeout", &stitch.drop_timeout),
        idle_timeout: check.wait("stitch.idle_timeout", &stitch.idle_timeout),
        max_age: check.wait("stitch.max_age", &stitch.max_age),
        recontact_window: check.wait("stitch.recontact_window", &stitch.recontact_window),
        retention_threshold: check.percent(
            "stitch.retention_threshold_percent",
            stitch.retention_threshold_percent,
        ),
        retention_of_delegations: stitch.retention_of_delegations,
        max_sessions: check.count("stitch.max_sessions", stitch.max_sessions),
        max_spans_per_session: check
            .count("stitch.max_spans_per_session", stitch.max_spans_per_session),
        metric_labels: metrics::labels(raw, &mut |path, what| check.fault(path, what)),
        metric_buckets: metrics::buckets(raw, &mut |path, what| check.fault(path, what)),
        native_histograms: raw.metrics.native_histograms,
        max_series: check.count("metrics.max_series", raw.metrics.max_series),
        max_label_values: check.count("metrics.max_label_values", raw.metrics.max_label_values),
        expire_after: check.wait("metrics.expire_after", &raw.metrics.expire_after),
        zero_hold: check.wait("metrics.zero_hold", &raw.metrics.zero_hold),
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
        soft_state_bytes: check.share("engine.soft_state_size", &raw.engine.soft_state_size),
        max_state_bytes: check.share("engine.max_state_size", &raw.engine.max_state_size),
        memory: ASSUMED_MEMORY,
        state_log: raw.state.log,
        state_directory: raw.state.directory.as_ref().map(|name| folder.join(name)),
        max_log_bytes: check.auto_size("state.max_log_size", &raw.state.max_log_size),
        segment_bytes: check.size("state.segment_size", &raw.state.segment_size) as u64,
        segment_age: check.wait("state.segment_age", &raw.state.segment_age),
        snapshot_interval: check.wait("state.snapshot_interval", &raw.state.snapshot_interval),
        log_level: raw.log.level,
        log_format: raw.log.format,
        grace_period: check.wait("shutdown.grace_period", &raw.shutdown.grace_period),
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

pub(super) struct Check<'w> {
    written: &'w Written,
    faults: Vec<Fault>,
    /// How many of them are about single values.
    of_values: usize,
}

impl Check<'_> {
    /// Tells a fault, unless one is known there already.
    pub(super) fn fault(&mut self, path: &str, what: impl Into<String>) {
        if !self.written.is_faulty(path) {
            let place = self.written.place(path);
            self.faults.push(Fault::at(place, path, what.into()));
        }
    }

    /// Whether conclusions may be drawn from this key.
    fn is_sound(&self, path: &str) -> bool {
        self.written.is_sound(path)
            && !self.faults[..self.of_values]
                .iter()
                .any(|fault| fault.path == path)
    }

    /// How the limits and waits must lie to each other.
    fn relations(&mut self, config: &Config) {
        self.of_values = self.faults.len();
        let waits = [
            (
                "stitch.settle",
                config.settle,
                "stitch.trace_timeout",
                config.trace_timeout,
            ),
            (
                "stitch.settle",
                config.settle,
                "stitch.drop_timeout",
                config.drop_timeout,
            ),
            (
                "stitch.idle_timeout",
                config.idle_timeout,
                "stitch.max_age",
                config.max_age,
            ),
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
        for (path, wait, other, most) in waits {
            self.at_most(path, &wait, other, &most, "longer", "shorter");
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
            self.at_most(path, &size, other, &most, "more", "less");
        }
    }

    /// Tells where one value is above another, at the one that the file has.
    fn at_most<T: PartialOrd>(
        &mut self,
        path: &str,
        value: &T,
        other: &str,
        most: &T,
        above: &str,
        below: &str,
    ) {
        if value <= most || !self.is_sound(path) || !self.is_sound(other) {
            return;
        }
        let default = |path: &str| {
            let has = self.written.has(path);
            if has { "" } else { " (by default)" }
        };
        if self.written.has(path) || !self.written.has(other) {
            let what = format!("must not be {above} than {other}{}", default(other));
            self.fault(path, what);
        } else {
            let what = format!("must not be {below} than {path}{}", default(path));
            self.fault(other, what);
        }
    }

    fn address(&mut self, path: &str, text: &str) -> SocketAddr {
        text.parse().unwrap_or_else(|_| {
            self.fault(
                path,
                "expected an IP address and a port such as 127.0.0.1:4317 or [::1]:4317, found another text",
            );
            SocketAddr::from(([127, 0, 0, 1], 0))
        })
    }

    pub(super) fn count(&mut self, path: &str, count: u32) -> usize {
        if count == 0 {
            self.fault(path, "expected a whole number of at least 1, found 0");
        }
        count as usize
    }

    fn percent(&mut self, path: &str, percent: u8) -> f64 {
        if percent > 100 {
            self.fault(
                path,
                "expected a percentage from 0 to 100, found a greater number",
            );
        }
        f64::from(percent) / 100.0
    }

    pub(super) fn wait(&mut self, path: &str, wait: &Wait) -> Duration {
        duration(&wait.0).unwrap_or_else(|| {
            self.fault(
                path,
                "expected a duration such as 5s or 1h30m, found another text",
            );
            Duration::ZERO
        })
    }

    fn size(&mut self, path: &str, size: &Size) -> usize {
        bytes(&size.0).filter(|n| *n > 0).unwrap_or_else(|| {
            self.fault(
                path,
                "expected a size of at least one byte such as 16MiB, found another text",
            );
            1
        })
    }

    fn share(&mut self, path: &str, share: &Share) -> Amount {
        let percent = share.0.strip_suffix('%').and_then(|n| n.parse().ok());
        match percent {
            Some(percent) => Amount::Percent(percent),
            None => Amount::Bytes(self.size(path, &Size(share.0.clone()))),
        }
    }

    /// `None`: `auto`.
    fn auto_size(&mut self, path: &str, size: &AutoSize) -> Option<u64> {
        let configured = (size.0 != "auto").then(|| Size(size.0.clone()));
        configured.map(|size| self.size(path, &size) as u64)
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

/// Whether a text may be the name of a label that an operator chooses.
fn is_label(text: &str) -> bool {
    let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let reserved = ["le", "quantile", "job", "instance"].contains(&text) || text.starts_with("__");
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(rest) && !reserved
}

/// The unit is part of every number; days are the longest.
fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let part = match &rest[..letters] {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            "d" => Duration::from_secs(number.checked_mul(86_400)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = &rest[letters..];
    }
    (!text.is_empty()).then_some(total)
}

fn bytes(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit: usize = match &text[digits..] {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<usize>().ok()?.checked_mul(unit)
}
