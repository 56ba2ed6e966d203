//! A long time in the path of traffic, with real parts: a Baton forwards over mTLS to a second one, which is killed again and again, while
//! certificates change and a Prometheus, which scrapes the first one and gets remote write and OTLP from it, is restarted. Nothing is lost, nothing
//! counts twice, and memory and open files do not grow.
//!
//! `SOAK=3600` takes so many seconds instead of a few, `SESSIONS=2000` sends so many sessions of five spans a second.

use super::push::Receiver;
use super::push::prometheus::all_jobs_have_the_same;
use super::sdk::start_baton;
use super::{ends_well, sum, until};
use crate::secure::authority::{Authority, Pair};
use crate::support::process::{
    Running, at_the_end, client, folder, free_addresses, gauge, now, session, total,
};
use baton::catalogue::DERIVED;
use baton::model::metric::{Family, Point};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::interval;
use tonic::Code;

/// Requests of a second.
const REQUESTS: u64 = 10;
/// Seconds between two changes of the certificates and two restarts of Prometheus.
const ROTATION: u64 = 2;
const RESTART: u64 = 60;
/// Seconds between two kills of the second Baton, at least, and how often it is killed at most: the longer it runs, the longer it recovers.
const KILL: u64 = 5;
const KILLS: u64 = 60;
/// From so many seconds on, memory is judged. Before, it grows to its size.
const JUDGED: u64 = 600;

/// A number that the environment may set.
fn asked(name: &str, otherwise: u64) -> u64 {
    let asked = std::env::var(name).ok();
    asked.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// A Baton that is started at the same addresses each time.
struct Place {
    config: PathBuf,
    at: [SocketAddr; 3],
    pair: Pair,
}

impl Place {
    fn new(folder: &Path, name: &str, authority: &Authority) -> Self {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).expect("a folder");
        Self {
            config: folder.join("baton.yaml"),
            at: free_addresses(),
            pair: authority.issue_to(&folder, name, 2041),
        }
    }

    fn configure(&self, more: &str) {
        let text = format!(
            "stitch: {{settle: 100ms, bind_timeout: 200ms, trace_timeout: 1s, drop_timeout: 1s, idle_timeout: 60s}}\n\
             metrics: {{zero_hold: 1s}}\nengine: {{soft_state_size: 256MiB}}\nstate: {{directory: state}}\nshutdown: {{grace_period: 60s}}\n{more}"
        );
        fs::write(&self.config, text).expect("written");
    }

    fn start(&self) -> Running {
        start_baton(&self.config, self.at).0
    }

    /// The keys of the certificate, for the `tls` of a listener and of a destination.
    fn tls(&self) -> String {
        let [cert, key] = [&self.pair.cert, &self.pair.key].map(|file| file.display());
        format!("cert_file: {cert}, key_file: {key}, reload_interval: 100ms")
    }

    /// Another certificate of the authority. Whoever reads between the two files keeps the old pair.
    fn rotate(&self, authority: &Authority) {
        let (cert, key) = authority.issue(2042);
        fs::write(&self.pair.cert, cert).expect("written");
        fs::write(&self.pair.key, key).expect("written");
    }

    fn state(&self) -> PathBuf {
        self.config.with_file_name("state")
    }
}

/// The second one takes only clients with a certificate; the first one forwards to it, and pushes to Prometheus.
fn configure(front: &Place, behind: &Place, prometheus: &str, authority: &Authority) {
    let ca = authority.file.display();
    behind.configure(&format!(
        "receivers: {{otlp: {{grpc: {{tls: {{{}, client_ca_file: {ca}}}}}}}}}\n",
        behind.tls()
    ));
    let retry = "retry_on_failure: {initial_interval: 10ms, max_interval: 100ms}";
    let push = "interval: 200ms";
    front.configure(&format!(
        "service: {{name: pushed, instance: {{id: baton-0}}}}\nexporters:\n  \
         otlp/behind: {{endpoint: 'https://{}', compression: gzip, tls: {{{}, ca_file: {ca}}}, {retry}}}\n  \
         otlp/prometheus: {{endpoint: 'http://{prometheus}/api/v1/otlp', protocol: http/protobuf, send: [derived], derived: {{{push}}}, {retry}}}\n  \
         prometheusremotewrite/prometheus: {{endpoint: 'http://{prometheus}/api/v1/write', {push}, external_labels: {{job: written}}}}\n",
        behind.at[0],
        front.tls(),
    ));
}

/// Sends sessions at an even rate, each until it is acknowledged. Returns how many there are.
async fn send(grpc: SocketAddr, seconds: u64) -> u64 {
    let sessions = asked("SESSIONS", 100) / REQUESTS;
    let mut client = client(grpc).await;
    let mut due = interval(Duration::from_millis(1000 / REQUESTS));
    let requests = seconds * REQUESTS;
    for request in 0..requests {
        due.tick().await;
        let numbers = request * sessions..(request + 1) * sessions;
        let all = numbers.flat_map(|number| session(number, now()).resource_spans);
        let request = ExportTraceServiceRequest {
            resource_spans: all.collect(),
        };
        // It refuses for a moment when it has to forget old sessions.
        while let Err(status) = client.export(request.clone()).await {
            assert_eq!(status.code(), Code::Unavailable, "{status}");
        }
    }
    requests * sessions
}

/// The resident memory of a process in KiB, and its open files.
fn uses(process: &Running) -> (u64, usize) {
    let id = process.0.id();
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|text| text.split_whitespace().next()?.parse().ok());
    let files = fs::read_dir(format!("/proc/{id}/fd")).expect("it runs");
    (resident.expect("a number"), files.count())
}

/// Most memory and most files of the second quarter and of the last one: what grows without an end has grown then.
fn is_flat(samples: &[(u64, usize)]) {
    let quarter = samples.len() / 4;
    let most = |part: &[(u64, usize)]| {
        let memory = part.iter().map(|sample| sample.0).max();
        let files = part.iter().map(|sample| sample.1).max();
        (memory.unwrap_or_default(), files.unwrap_or_default())
    };
    let early = most(&samples[quarter..2 * quarter]);
    let late = most(&samples[3 * quarter..]);
    // Not by `eprintln!`, which nobody sees of a test that passes.
    let _ = writeln!(
        std::io::stderr(),
        "soak: at most {} KiB and {} files in the second quarter, {} KiB and {} files in the last one",
        early.0,
        early.1,
        late.0,
        late.1
    );
    if samples.len() as u64 >= JUDGED {
        assert!(late.0 <= early.0 + early.0 / 10, "memory grows");
        assert!(late.1 <= early.1 + 4, "open files grow");
    }
}

/// Every derived figure that is a count, by name and labels. What is forgotten depends on the memory of each process.
fn figures(families: &[Family]) -> BTreeMap<String, f64> {
    let is_own = |name: &str| name == "baton_forgotten_workflows_total";
    let derived = |family: &&Family| {
        let mut known = DERIVED.iter().filter(|row| !is_own(row.name));
        known.any(|row| row.name == family.name)
    };
    let mut figures = BTreeMap::new();
    for family in families.iter().filter(derived) {
        for series in &family.series {
            let value = match &series.point {
                Point::Counter { value, .. } => *value,
                Point::Histogram(histogram) => {
                    for (bound, bucket) in histogram.buckets.iter().enumerate() {
                        let key = format!("{} {:?} bucket {bound}", family.name, series.labels);
                        figures.insert(key, bucket.count as f64);
                    }
                    histogram.sum
                }
                Point::Gauge(_) => continue,
            };
            figures.insert(format!("{} {:?}", family.name, series.labels), value);
        }
    }
    figures
}

fn are_equal(figures: &BTreeMap<String, f64>, others: &BTreeMap<String, f64>) {
    assert!(figures.len() > 50, "{figures:?}");
    let differ = |(name, value): &(&String, &f64)| others.get(*name) != Some(value);
    let different: Vec<_> = figures.iter().filter(differ).collect();
    assert!(different.is_empty(), "{different:?} in {others:?}");
    assert_eq!(figures.len(), others.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_time_in_the_path_loses_nothing_and_grows_nowhere() {
    let folder = folder("soak");
    let authority = Authority::new(&folder, "own");
    let (front, behind) = (
        Place::new(&folder, "front", &authority),
        Place::new(&folder, "behind", &authority),
    );
    let server = front.at[2];
    let mut prometheus = Receiver::prometheus(&folder, &server.to_string(), "exemplar-storage");
    let at = prometheus.address.clone();
    configure(&front, &behind, &at, &authority);
    let mut second = behind.start();
    let first = front.start();
    let seconds = asked("SOAK", 12);
    let mut sending = JoinSet::new();
    sending.spawn(send(front.at[0], seconds));
    let mut samples = Vec::new();
    let mut due = interval(Duration::from_secs(1));
    for second_number in 1..=seconds {
        due.tick().await;
        samples.push(uses(&first));
        if second_number % ROTATION == 0 {
            front.rotate(&authority);
            behind.rotate(&authority);
        }
        if second_number % KILL.max(seconds / KILLS) == 0 {
            drop(second);
            second = behind.start();
        }
        if second_number % RESTART.min(seconds) == RESTART.min(seconds) / 2 {
            prometheus.end();
            prometheus.begin();
        }
    }
    let sent = sending.join_next().await.expect("a sender");
    let sent = sent.expect("everything is acknowledged");
    until("everything is forwarded", || async {
        let waits = "baton_spool_requests{exporter=\"otlp/behind\"}";
        (gauge(server, waits).await == 0).then_some(())
    })
    .await;
    let all = format!("sum(baton_sessions_total{{job=\"scraped\"}}) == {sent}");
    until("all sessions in Prometheus", || sum(&at, &all, None)).await;
    all_jobs_have_the_same(&at).await;
    for job in ["scraped", "written", "pushed"] {
        let fell = format!("max(resets(baton_sessions_total{{job=\"{job}\"}}[2h]))");
        assert_eq!(sum(&at, &fell, None).await, Some(0.0), "{job} fell");
    }
    assert_eq!(gauge(server, "baton_spool_quarantine_bytes").await, 0);
    is_flat(&samples);
    ends_well(first).await;
    ends_well(second).await;
    let (one, other) = (
        at_the_end(&front.state()).await,
        at_the_end(&behind.state()).await,
    );
    for (name, each) in [
        ("baton_sessions_total", 1),
        ("baton_handoffs_total", 1),
        ("baton_llm_calls_total", 2),
    ] {
        assert_eq!(total(&one, name, ""), (sent * each) as f64, "{name}");
    }
    are_equal(&figures(&one), &figures(&other));
    drop(prometheus);
    fs::remove_dir_all(&folder).expect("removed");
}
