//! Every panel and every rule says the same of pushed series as of scraped ones. Two weeks of the demo, on a clock of the test, are scraped into one
//! Prometheus and pushed into two others while they pass, and all three are asked the same.
//!
//! Samples are taken just before and just after each time at which something that boards and rules look at begins or ends. A push is a few
//! milliseconds later than a scrape, so nothing that Prometheus extrapolates differs by more than that.

use super::super::desk::{ClockedDesk, blocks, keep, samples};
use super::super::panels::{BOARDS, Board};
use super::super::past::now;
use super::super::selection::Selection;
use super::super::{folder, get, query, root, until};
use super::{Receiver, address, is_derived_name, plain_bound};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Days that pass: the period of the boards, and the one before.
const DAYS: u64 = 14;
/// What boards and rules look back at within the last day, in seconds.
const LATELY: [u64; 7] = [
    6 * HOUR,
    2 * HOUR,
    HOUR,
    30 * MINUTE,
    15 * MINUTE,
    10 * MINUTE,
    5 * MINUTE,
];
const SESSIONS: u64 = 24;
/// How the series are told apart from those of another Baton: by all three ways the same.
const TARGET: &str = r#"job="baton",instance="baton-0""#;

/// What is empty however the series come: a part of where it stands, and why.
const EMPTY: &[(&str, &str)] = &[
    ("as shipped", "no alert should fire"),
    (": marks: ", "nothing happens that boards mark"),
    (": Target", "deploy/values.yaml sets no target of it"),
    (": Met", "deploy/values.yaml sets no target of it"),
    ("Tokens without a price", "all models have a price"),
    (": no price", "all models have a price"),
    ("Why the result is unknown", "all spans name their agents"),
    (
        "only partly counted",
        "all that the demo sends counts in full",
    ),
    ("BatonShedding", "no limit is reached"),
    ("BatonSeriesOverflow", "no limit is reached"),
    ("BatonForwarding", "nothing is forwarded"),
    ("BatonSpoolFilling", "nothing is forwarded"),
    ("BatonCertificate", "no listener has TLS"),
    (
        "BatonCredentialsUnusable",
        "no listener asks for credentials",
    ),
    ("BatonRequestsDenied", "no listener asks for credentials"),
];

/// What may have other values, though of the same series: a part of where it stands, and why.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "BatonPushFailing",
        "a push has the time of the one before, a scrape that of the last one",
    ),
    ("Snapshots, and refusals", OWN_WORK),
    ("BatonSnapshotsFailing", OWN_WORK),
    ("sre: Log on disk", OWN_WORK),
    ("sre: Open sessions", OWN_WORK),
    ("sre: Memory of open sessions", OWN_WORK),
    ("sre: Events not counted yet", OWN_WORK),
    ("BatonBacklog", OWN_WORK),
];
const OWN_WORK: &str = "Baton's own work goes on between a scrape and a push";

/// Three servers with the same series.
struct Servers {
    scraped: Receiver,
    pushed: [(&'static str, Receiver); 2],
}

/// A Prometheus that takes what is two weeks old, and keeps it in one piece.
fn prometheus(folder: &Path, rules: &str) -> Receiver {
    fs::create_dir_all(folder).expect("a folder");
    let file = |name: &str| folder.join(name).display().to_string();
    let config = format!("global: {{evaluation_interval: 1h}}\nrule_files: [{rules}]\n");
    fs::write(file("prometheus.yml"), config).expect("written");
    let address = address();
    let mut command = Command::new("prometheus316");
    command
        .arg(format!("--config.file={}", file("prometheus.yml")))
        .arg(format!("--storage.tsdb.path={}", file("data")))
        .arg(format!("--web.listen-address={address}"))
        .args(["--web.enable-otlp-receiver", "--log.level=error"])
        .arg("--web.enable-remote-write-receiver")
        .args(["min", "max"].map(|end| format!("--storage.tsdb.{end}-block-duration=30d")))
        .arg("--storage.tsdb.retention.time=90d");
    Receiver::of(command, address)
}

/// By the name of each series of Prometheus: how many there are, and their sum.
type Totals = BTreeMap<String, (f64, f64)>;

/// Of what `/metrics` has about the business.
fn totals(metrics: &str) -> Totals {
    let mut totals = Totals::new();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').expect("a sample");
        let name = series.split('{').next().unwrap_or_default();
        if is_derived_name(name) {
            let value: f64 = value.parse().expect("a number");
            let (count, sum) = totals.entry(name.to_owned()).or_default();
            (*count, *sum) = (*count + 1.0, *sum + value);
        }
    }
    totals
}

/// The same of the samples that a receiver has of this second.
async fn pushed(prometheus: &str, at: u64) -> Option<Totals> {
    let ask = async |how: &str| {
        let latest = r#"last_over_time({__name__=~"baton_.+"}[950ms])"#;
        let expression = format!("{how} by (__name__) ({latest})");
        let found = query(prometheus, &expression, Some(at as f64 + 0.9)).await?;
        let found = found.into_iter().map(|(labels, _, value)| {
            let name = labels["__name__"].as_str().expect("a name");
            (name.to_owned(), value)
        });
        let found = found.filter(|(name, _)| is_derived_name(name));
        Some(found.collect::<BTreeMap<String, f64>>())
    };
    let (counts, sums) = (ask("count").await?, ask("sum").await?);
    let totals = counts.into_iter().map(|(name, count)| {
        let sum = *sums.get(&name)?;
        Some((name, (count, sum)))
    });
    totals.collect()
}

/// As many series of each name, and the same sums if `with_values`.
fn same(one: &Totals, other: &Totals, with_values: bool) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|((name, a), (same, b))| {
            name == same && a.0 == b.0 && (!with_values || is_close(a.1, b.1, 1e-9))
        })
}

fn is_close(a: f64, b: f64, share: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= share * a.abs().max(b.abs())
}

/// The two weeks.
struct Passing<'s> {
    desk: ClockedDesk,
    folder: &'s Path,
    servers: &'s [(&'static str, Receiver); 2],
    /// What is scraped of the part of the time that passes.
    text: String,
}

impl Passing<'_> {
    /// Some sessions whose figures are there before `end`, and after it. A series that is new is 0 so many seconds before.
    async fn until(&mut self, end: u64, new: u64) {
        tokio::task::block_in_place(|| self.desk.tell(SESSIONS));
        self.sample(end - new, false).await;
        self.sample(end - 1, true).await;
        self.sample(end + 1, true).await;
        blocks(&self.folder.join("scraped"), &self.text);
        self.text.clear();
    }

    /// A scrape and two pushes at a time.
    async fn sample(&mut self, at: u64, with_values: bool) {
        self.desk.settle(at).await;
        let metrics = self.desk.look().await;
        for sample in samples(&metrics) {
            keep(&mut self.text, TARGET, sample, at);
        }
        // What Prometheus itself says of a target.
        keep(&mut self.text, TARGET, ("up", "1"), at);
        let scraped = totals(&metrics);
        let arrive = async |way: &str, server: &Receiver| {
            until(way, || async {
                let pushed = pushed(&server.address, at).await?;
                same(&scraped, &pushed, with_values).then_some(())
            })
            .await;
        };
        let [written, otlp] = self.servers;
        tokio::join!(arrive(written.0, &written.1), arrive(otlp.0, &otlp.1));
    }
}

/// Lives through the two weeks that end then.
async fn live(folder: &Path, end: u64) -> (ClockedDesk, Servers) {
    let rules = format!("'{}'", root().join("deploy/rules/*.yaml").display());
    let start = end - DAYS * DAY;
    let pushed = ["written", "pushed"].map(|way| (way, prometheus(&folder.join(way), "")));
    let [written, otlp] = pushed.each_ref().map(|(_, server)| &server.address);
    // More often than this a push would not be done before the next one begins.
    let exporters = format!(
        "service: {{instance: {{id: baton-0}}}}\nexporters:\n\
         \x20 prometheusremotewrite/next: {{endpoint: 'http://{written}/api/v1/write', interval: 500ms}}\n\
         \x20 otlp/next: {{endpoint: 'http://{otlp}/api/v1/otlp', protocol: http/protobuf, send: [derived], derived: {{interval: 500ms}}}}\n"
    );
    let mut passing = Passing {
        desk: ClockedDesk::start(folder, &exporters, start).await,
        folder,
        servers: &pushed,
        text: String::new(),
    };
    fs::create_dir_all(folder.join("scraped")).expect("a folder");
    for day in 1..DAYS {
        passing.until(start + day * DAY, HOUR).await;
    }
    for before in LATELY.into_iter().chain([0]) {
        passing.until(end - before, MINUTE).await;
    }
    let desk = passing.desk;
    let scraped = prometheus(&folder.join("scraped"), &rules);
    (desk, Servers { scraped, pushed })
}

/// An expression, and where it stands.
struct Asked {
    place: String,
    expression: String,
}

/// What the rules of the servers record, by what it is called there, and all alerts.
async fn rules(prometheus: &str) -> (BTreeMap<String, String>, Vec<Asked>) {
    let found = until("the rules", || async {
        let rules = get(&format!("http://{prometheus}/api/v1/rules")).await?;
        let rules: Value = serde_json::from_str(&rules).ok()?;
        Some(rules["data"]["groups"].as_array()?.clone())
    })
    .await;
    let (mut recorded, mut asked) = (BTreeMap::new(), Vec::new());
    for rule in found
        .iter()
        .filter_map(|group| group["rules"].as_array())
        .flatten()
    {
        let text = |key: &str| rule[key].as_str().expect("a text").to_owned();
        let labels = rule["labels"].as_object().into_iter().flatten();
        let labels: Vec<(&String, &Value)> = labels.collect();
        if rule["type"] == "alerting" {
            asked.push(Asked {
                place: text("name"),
                expression: text("query"),
            });
            continue;
        }
        let (name, mut query) = (text("name"), text("query"));
        if !labels.is_empty() {
            let chosen = labels
                .iter()
                .map(|(label, value)| format!("{label}={value}"));
            let chosen: Vec<String> = chosen.collect();
            recorded.insert(format!("{name}{{{}}}", chosen.join(",")), query.clone());
        }
        for (label, value) in labels {
            query = format!(r#"label_replace({query}, "{label}", {value}, "", "")"#);
        }
        // A name without labels stands for all rules that record it.
        let all: &mut String = recorded.entry(name).or_default();
        *all = match all.is_empty() {
            true => query,
            false => format!("{all} or {query}"),
        };
    }
    (recorded, asked)
}

/// A text with an expression in place of a name, where the name stands without labels that choose among what it names.
fn inserted(text: &str, name: &str, expression: &str) -> String {
    let mut parts = text.split(name);
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        all += &match part.starts_with('{') {
            true => name.to_owned(),
            false => format!("({expression})"),
        };
        all += part;
    }
    all
}

/// An expression with those of the rules in place of what they record: nothing was recorded while the two weeks passed.
fn without_rules(expression: &str, recorded: &BTreeMap<String, String>) -> String {
    let mut names: Vec<&String> = recorded.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    // What is always the same.
    let mut all = expression.replace(" @ end()", "");
    for name in names.iter().chain(&names) {
        all = inserted(&all, name, &recorded[*name]);
    }
    // A target that the operator has not set is in no rule.
    while let Some((before, (_, after))) = all
        .split_once("baton:target{")
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        all = format!("{before}(vector(0) > 0){after}");
    }
    assert!(!all.contains("job:") && !all.contains("baton:"), "{all}");
    all
}

/// The queries of all panels, with the period of a week.
fn panels(recorded: &BTreeMap<String, String>) -> Vec<Asked> {
    let mut all = Vec::new();
    for board in BOARDS.map(Board::read) {
        for panel in &board.panels {
            for (legend, expression) in &panel.queries {
                let filled = board.filled(expression, &Selection::default(), DAY);
                all.push(Asked {
                    place: format!("{}: {}: {legend}", board.name, panel.title),
                    expression: without_rules(&filled, recorded),
                });
            }
        }
    }
    all
}

/// All rules. As shipped, alerts should be silent, so they are also asked in a way that whatever is there fires.
fn all_rules(recorded: &BTreeMap<String, String>, alerts: &[Asked]) -> Vec<Asked> {
    let rules = recorded.iter().map(|(name, expression)| Asked {
        place: name.clone(),
        expression: without_rules(expression, recorded),
    });
    let mut all: Vec<Asked> = rules.collect();
    let mut sensitive = recorded.clone();
    for (name, value) in &mut sensitive {
        match name.as_str() {
            r#"baton:threshold{name="cost_known_ratio"}"# => *value = "vector(2)".to_owned(),
            name if name.starts_with("baton:threshold") => *value = "vector(0)".to_owned(),
            _ => {}
        }
    }
    for Asked { place, expression } in alerts {
        let mut any = without_rules(expression, &sensitive);
        for exact in [" > ", " == "] {
            any = any.replace(exact, " >= ");
        }
        all.push(Asked {
            place: format!("{place} as shipped"),
            expression: without_rules(expression, recorded),
        });
        // Only a scrape has `up`, so this one may not rest on it.
        if place != "BatonDown" {
            all.push(Asked {
                place: place.clone(),
                expression: any,
            });
        }
    }
    all
}

/// The answer by labels. Receivers of OTLP write a whole bound without `.0`: see docs/push.md.
async fn answer(prometheus: &str, expression: &str, at: u64) -> Option<BTreeMap<String, f64>> {
    let found = query(prometheus, expression, Some(at as f64)).await?;
    let by_labels = found.into_iter().map(|(mut labels, _, value)| {
        if let Some(bound) = labels.get("le").and_then(Value::as_str) {
            labels["le"] = plain_bound(bound).into();
        }
        (labels.to_string(), value)
    });
    Some(by_labels.collect())
}

/// What of an answer another one should not say, or say as well; `None`: nothing. `values`: not only which series there are.
fn difference(
    scraped: &BTreeMap<String, f64>,
    pushed: &BTreeMap<String, f64>,
    values: bool,
) -> Option<String> {
    let mut labels = scraped.keys().chain(pushed.keys());
    let found = labels.find(|labels| match (scraped.get(*labels), pushed.get(*labels)) {
        (Some(a), Some(b)) => values && !(is_close(*a, *b, 1e-3) || (a - b).abs() < 1e-6),
        _ => true,
    })?;
    let (scraped, pushed) = (scraped.get(found), pushed.get(found));
    Some(format!("{found}: {pushed:?}, not {scraped:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_and_every_rule_says_the_same_of_pushed_series() {
    let folder = folder("push-boards");
    let end = now() / DAY * DAY;
    let (desk, servers) = live(&folder, end).await;
    let scraped = &servers.scraped.address;
    let (recorded, alerts) = rules(scraped).await;
    let asked = panels(&recorded).into_iter();
    let (mut faults, mut empty, mut filled) = (Vec::new(), Vec::new(), 0);
    for Asked { place, expression } in asked.chain(all_rules(&recorded, &alerts)) {
        let ask = |at| answer(at, &expression, end);
        let [(_, written), (_, otlp)] = &servers.pushed;
        let (expected, written, otlp) =
            tokio::join!(ask(scraped), ask(&written.address), ask(&otlp.address));
        let expected = expected.unwrap_or_else(|| panic!("{place}: no answer to {expression}"));
        let is_different = DIFFERENT.iter().any(|(part, _)| place.contains(part));
        for (way, found) in [("written", written), ("pushed", otlp)] {
            let what = difference(&expected, &found.expect("an answer"), !is_different);
            faults.extend(what.map(|what| format!("{way}: {place}: {what}")));
        }
        match expected.values().all(|value| value.is_nan()) {
            true => empty.push(place),
            false => filled += 1,
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let reason = |place: &str| EMPTY.iter().find(|(part, _)| place.contains(part));
    empty.retain(|place| reason(place).is_none());
    assert!(empty.is_empty(), "{empty:?}");
    assert!(filled > 380, "{filled}");
    desk.stop().await;
    drop(servers);
    fs::remove_dir_all(&folder).expect("removed");
}
