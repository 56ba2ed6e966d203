//! Validation of the YAML text: references, then the schema, then everything that a schema cannot express.

use super::node::{Lines, Node, join};
use super::raw::{Cohorts, Raw, Size, Wait};
use super::{Config, Fault, Secret, annotate, money, prices, rules};
use crate::model::cohort::preset;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn of_text(
    text: &str,
    folder: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Vec<Fault>> {
    if text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    {
        return validate(&Raw::default(), folder);
    }
    let tree: Node = serde_saphyr::from_str(text).map_err(|error| {
        // The first line says what; the rest repeats the source.
        let what = error.to_string();
        vec![Fault {
            line: error.location().map(|l| l.line()),
            path: String::new(),
            what: format!(
                "not valid YAML: {}",
                what.lines().next().unwrap_or_default()
            ),
        }]
    })?;
    let mut lines = Lines::new();
    let mut faults = Vec::new();
    let json = tree.into_json("", &mut lines, &mut |path, text| {
        resolve(&text, env).unwrap_or_else(|what| {
            faults.push(Fault {
                line: None,
                path: path.to_owned(),
                what,
            });
            Value::String(text)
        })
    });
    let unresolved: Vec<String> = faults.iter().map(|fault| fault.path.clone()).collect();
    let violated = violations(&json).into_iter();
    faults.extend(violated.filter(|fault| !unresolved.contains(&fault.path)));
    let config = if faults.is_empty() {
        let raw = serde_json::from_value(json).map_err(|error| {
            vec![Fault {
                line: None,
                path: String::new(),
                what: error.to_string(),
            }]
        });
        raw.and_then(|raw: Raw| validate(&raw, folder))
    } else {
        Err(faults)
    };
    config.map_err(|mut faults| {
        for fault in &mut faults {
            fault.line = fault.line.or_else(|| lines.get(&fault.path).copied());
        }
        faults.sort_by(|a, b| (a.line, &a.path).cmp(&(b.line, &b.path)));
        faults
    })
}

/// `${NAME}`, `${NAME:-default}` and `$$` inside one text. A value that is one reference takes the type its text has.
fn resolve(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Value, String> {
    if !text.contains('$') {
        return Ok(Value::String(text.to_owned()));
    }
    let mut resolved = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        resolved.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            resolved.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let (reference, after) = after
                .split_once('}')
                .ok_or("a reference `${` without its `}`")?;
            let (name, default) = match reference.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (reference, None),
            };
            let value = env(name).or_else(|| default.map(str::to_owned));
            resolved.push_str(
                &value.ok_or_else(|| format!("the environment variable {name} is not set"))?,
            );
            rest = after;
        } else {
            resolved.push('$');
        }
    }
    resolved.push_str(rest);
    let whole = text.starts_with("${") && text.find('}') == Some(text.len() - 1);
    Ok(match (whole, resolved.parse::<u64>(), resolved.as_str()) {
        (true, Ok(number), _) => number.into(),
        (true, _, "true") => true.into(),
        (true, _, "false") => false.into(),
        _ => Value::String(resolved),
    })
}

/// Every place where the schema is not kept. Values are not repeated: they may be secret.
fn violations(json: &Value) -> Vec<Fault> {
    use jsonschema::error::ValidationErrorKind as Kind;
    let schema = annotate::schema();
    let Ok(validator) = jsonschema::validator_for(&schema) else {
        unreachable!("the generated schema is a schema");
    };
    let mut faults = Vec::new();
    for error in validator.iter_errors(json) {
        let path = error.instance_path().to_string();
        let path = path.trim_start_matches('/').replace('/', ".");
        let fault = |path: String, what: String| Fault {
            line: None,
            path,
            what,
        };
        match error.kind() {
            Kind::AdditionalProperties { unexpected } => {
                faults.extend(unexpected.iter().map(|key| {
                    let known = annotate::keys_of(&schema, &path);
                    fault(join(&path, key), unknown_key(key, &known))
                }));
            }
            Kind::Type { .. } => faults.push(fault(path, "has the wrong type".into())),
            Kind::Pattern { .. } => {
                faults.push(fault(
                    path,
                    "is not of the form that is asked for (durations: 5s, 1h30m; sizes: 16MiB)"
                        .into(),
                ));
            }
            Kind::Enum { options } => faults.push(fault(path, format!("is none of {options}"))),
            Kind::Minimum { limit } => faults.push(fault(path, format!("is less than {limit}"))),
            Kind::Maximum { limit } => faults.push(fault(path, format!("is more than {limit}"))),
            _ => faults.push(fault(path, "is not what is asked for here".into())),
        }
    }
    faults
}

fn unknown_key(key: &str, known: &[String]) -> String {
    let nearest = known.iter().min_by_key(|k| distance(k, key));
    match nearest.filter(|k| distance(k, key) <= 2 + key.len() / 4) {
        Some(nearest) => format!("unknown key; did you mean {nearest}?"),
        None => format!("unknown key; known here: {}", known.join(", ")),
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// What a schema cannot say.
pub(super) fn validate(raw: &Raw, folder: &Path) -> Result<Config, Vec<Fault>> {
    let mut check = Check::default();
    let otlp = &raw.receivers.otlp;
    let stitch = &raw.stitch;
    let config = Config {
        grpc: check.address("receivers.otlp.grpc.endpoint", &otlp.grpc.endpoint),
        http: check.address("receivers.otlp.http.endpoint", &otlp.http.endpoint),
        server: check.address("server.endpoint", &raw.server.endpoint),
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
        max_bytes_in_flight: check.size(
            "receivers.otlp.max_bytes_in_flight",
            &otlp.max_bytes_in_flight,
        ),
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
        max_series: check.count("metrics.max_series", raw.metrics.max_series),
        max_label_values: check.count("metrics.max_label_values", raw.metrics.max_label_values),
        expire_after: check.wait("metrics.expire_after", &raw.metrics.expire_after),
        zero_hold: check.wait("metrics.zero_hold", &raw.metrics.zero_hold),
        created: raw.metrics.created,
        prices: Arc::new(check.prices(raw.prices.file.as_deref(), folder)),
        action_prices: Arc::new(money::actions(&raw.prices, &mut |path, what| {
            check.fault(path, what)
        })),
        money: money::money(&raw.money, &mut |path, what| check.fault(path, what)),
        rules: Arc::new(rules::compile(&raw.rules, &mut |path, what| {
            check.fault(path, what)
        })),
        stories: raw.engine.stories as usize,
        soft_state_bytes: check.size("engine.soft_state_size", &raw.engine.soft_state_size),
        max_state_bytes: check.size("engine.max_state_size", &raw.engine.max_state_size),
        state_log: raw.state.log,
        state_directory: raw.state.directory.as_ref().map(|name| folder.join(name)),
        max_log_bytes: check.size("state.max_log_size", &raw.state.max_log_size) as u64,
        segment_bytes: check.size("state.segment_size", &raw.state.segment_size) as u64,
        segment_age: check.wait("state.segment_age", &raw.state.segment_age),
        snapshot_interval: check.wait("state.snapshot_interval", &raw.state.snapshot_interval),
        log_level: raw.log.level,
        log_format: raw.log.format,
        grace_period: check.wait("shutdown.grace_period", &raw.shutdown.grace_period),
    };
    check.order(
        "stitch.settle",
        config.settle,
        "stitch.trace_timeout",
        config.trace_timeout,
    );
    check.order(
        "stitch.settle",
        config.settle,
        "stitch.drop_timeout",
        config.drop_timeout,
    );
    check.order(
        "stitch.idle_timeout",
        config.idle_timeout,
        "stitch.max_age",
        config.max_age,
    );
    if config.soft_state_bytes > config.max_state_bytes {
        check.fault("engine.soft_state_size", "is more than max_state_size");
    }
    if config.max_decompressed_bytes > config.max_bytes_in_flight {
        check.fault(
            "receivers.otlp.max_bytes_in_flight",
            "is less than max_decompressed_bytes: the largest request would never be taken",
        );
    }
    if config.segment_bytes > config.max_log_bytes {
        check.fault("state.segment_size", "is more than max_log_size");
    }
    if config.max_request_bytes > config.max_decompressed_bytes {
        check.fault(
            "receivers.otlp.max_request_bytes",
            "is more than max_decompressed_bytes",
        );
    }
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

#[derive(Default)]
struct Check {
    faults: Vec<Fault>,
}

impl Check {
    fn fault(&mut self, path: &str, what: impl Into<String>) {
        self.faults.push(Fault {
            line: None,
            path: path.to_owned(),
            what: what.into(),
        });
    }

    fn address(&mut self, path: &str, text: &str) -> SocketAddr {
        text.parse().unwrap_or_else(|_| {
            self.fault(
                path,
                "is not an address and port, such as 127.0.0.1:4317 or [::1]:4317",
            );
            SocketAddr::from(([127, 0, 0, 1], 0))
        })
    }

    fn count(&mut self, path: &str, count: u32) -> usize {
        if count == 0 {
            self.fault(path, "must be at least 1");
        }
        count as usize
    }

    fn percent(&mut self, path: &str, percent: u8) -> f64 {
        if percent > 100 {
            self.fault(path, "must be at most 100");
        }
        f64::from(percent) / 100.0
    }

    fn wait(&mut self, path: &str, wait: &Wait) -> Duration {
        duration(&wait.0).unwrap_or_else(|| {
            self.fault(path, "is not a duration, such as 5s or 1h30m");
            Duration::ZERO
        })
    }

    fn size(&mut self, path: &str, size: &Size) -> usize {
        bytes(&size.0).filter(|n| *n > 0).unwrap_or_else(|| {
            self.fault(path, "is not a size of at least one byte, such as 16MiB");
            1
        })
    }

    fn order(&mut self, path: &str, less: Duration, other: &str, more: Duration) {
        if less > more {
            self.fault(path, format!("is longer than {other}"));
        }
    }

    fn distinct(&mut self, addresses: &[(&str, SocketAddr)]) {
        for (i, (path, address)) in addresses.iter().enumerate() {
            let clash = addresses[..i].iter().find(|(_, other)| other == address);
            if let Some((other, _)) = clash.filter(|_| address.port() != 0) {
                self.fault(path, format!("is the same as {other}"));
            }
        }
    }

    /// Each dimension with its attributes: the operator's first, then those known for its name.
    fn cohorts(&mut self, raw: &Cohorts) -> Vec<(String, Vec<String>)> {
        const MOST: usize = 16;
        if raw.dimensions.len() > MOST {
            self.fault("cohorts.dimensions", format!("has more than {MOST}"));
        }
        for name in raw
            .attributes
            .keys()
            .filter(|n| !raw.dimensions.contains(n))
        {
            let path = join("cohorts.attributes", name);
            self.fault(&path, "is not in cohorts.dimensions");
        }
        let mut cohorts: Vec<(String, Vec<String>)> = Vec::new();
        for (i, name) in raw.dimensions.iter().enumerate() {
            let path = format!("cohorts.dimensions.{i}");
            if !is_label(name) {
                self.fault(
                    &path,
                    "is not a label name: lower-case letters, digits and _",
                );
            }
            if cohorts.iter().any(|(known, _)| known == name) {
                self.fault(&path, "is there twice");
            }
            let mut attributes = raw.attributes.get(name).cloned().unwrap_or_default();
            attributes.extend(preset(name).into_iter().flatten().map(|a| (*a).to_owned()));
            if attributes.is_empty() {
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
        let read = std::fs::read_to_string(folder.join(file))
            .map_err(|error| format!("cannot be read: {error}"));
        read.and_then(|text| prices::of_text(&text))
            .unwrap_or_else(|what| {
                self.fault("prices.file", what);
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
