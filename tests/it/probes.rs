//! Probes tell the truth while workers do not get on, and while a scrape waits for them.

use crate::secure::authority::Authority;
use crate::support::http::get;
use baton::app::{self, App};
use baton::auth::AccessControl;
use baton::catalogue::{DERIVED, INTERNAL};
use baton::clock::Clock;
use baton::config::Config;
use baton::engine::{Engine, Settings};
use baton::export::scrape::{self, ScrapeServer};
use baton::export::{
    Exporter, FactSource, FamilySource, Feed, Readiness, ServiceIdentity, SessionVisitor,
};
use baton::log::Next;
use baton::log::memory::{self, MemoryLog};
use baton::model::fact::Fact;
use baton::model::ids::{PartitionKey, TraceId};
use baton::model::metric::Family;
use baton::net::{self, Protocol, Reporter};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// An engine, and scrapes that say when they begin and wait until they may end.
struct Shown {
    engine: Arc<Engine>,
    scraped: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl FamilySource for Shown {
    fn exposition(&self) -> Vec<Family> {
        self.scraped.send(()).expect("the test waits for it");
        let go_on = self.go_on.lock().expect("no panic");
        go_on.recv().expect("the test says so");
        Vec::new()
    }

    fn exact(&self) -> Vec<Family> {
        Vec::new()
    }

    fn internal(&self) -> Vec<Family> {
        Vec::new()
    }

    fn identity(&self) -> Option<&ServiceIdentity> {
        None
    }
}

impl FactSource for Shown {
    fn of_session(&self, _: &str) -> Vec<(PartitionKey, Vec<Fact>)> {
        Vec::new()
    }

    fn of_trace(&self, _: TraceId) -> Vec<(PartitionKey, Vec<Fact>)> {
        Vec::new()
    }

    fn visit(&self, _: SessionVisitor<'_>) {}
}

impl Readiness for Shown {
    fn starting(&self) -> Option<String> {
        None
    }

    fn unready(&self) -> Vec<String> {
        self.engine.heartbeats().stuck()
    }
}

/// Serves it on a runtime of its own, as the wiring does.
fn serve(shown: Shown, clock: &Clock) -> (Runtime, SocketAddr) {
    let settings = scrape::Settings {
        endpoint: SocketAddr::from(([127, 0, 0, 1], 0)),
        connections: net::Server::new(
            "server",
            Protocol::Http,
            net::Settings::default(),
            (None, Reporter::new(clock.clone())),
        ),
        access: AccessControl::default(),
        created: true,
        identity_labels: false,
        display: app::display(&Config::default()),
    };
    let server = ScrapeServer::bind(settings).expect("a free port");
    let address = server.address().expect("bound");
    let shown = Arc::new(shown);
    let feed = Feed {
        families: Arc::<Shown>::clone(&shown),
        facts: Arc::<Shown>::clone(&shown),
        readiness: shown,
        clock: clock.clone(),
    };
    let probes = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    probes.spawn(server.run(feed, CancellationToken::new()));
    (probes, address)
}

#[test]
fn a_stuck_worker_is_named_though_a_scrape_waits_for_it() {
    let nanos = Arc::new(AtomicU64::new(1_800_000_000_000_000_000));
    let clock = Clock::manual(Arc::clone(&nanos));
    let settings = Settings {
        partitions: 2,
        ..app::engine_settings(&Config::default())
    };
    let log = Arc::new(memory::open(2, 100));
    let snapshots = Arc::<MemoryLog>::clone(&log);
    let engine = Arc::new(Engine::new(&settings, log, snapshots, clock.clone()));
    let (mut workers, _) = engine.assign(0..2).expect("a new log");
    let (scraped, begun) = mpsc::channel();
    let (end, go_on) = mpsc::channel();
    let shown = Shown {
        engine: Arc::clone(&engine),
        scraped,
        go_on: Mutex::new(go_on),
    };
    let (probes, address) = serve(shown, &clock);
    let test = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let scrape = test.spawn(get(address, "/metrics"));
    begun.recv().expect("a scrape begins, and waits");
    test.block_on(async {
        assert!(get(address, "/healthz").await.contains("200 OK"));
        assert!(get(address, "/readyz").await.contains("200 OK"));
        // Partition 0 looks at the time, partition 1 does not.
        nanos.fetch_add(20_000_000_000, Ordering::AcqRel);
        engine.step(&mut workers[0], Next::Nothing);
        let unready = get(address, "/readyz").await;
        assert!(unready.contains("503"), "{unready}");
        assert!(unready.ends_with("partition 1\n"), "{unready}");
        assert!(!unready.contains("partition 0"), "{unready}");
        assert!(get(address, "/healthz").await.contains("200 OK"));
        end.send(()).expect("the scrape still waits");
        assert!(scrape.await.expect("no panic").contains("200 OK"));
    });
    probes.shutdown_background();
}

/// The catalogue and what the parts of a whole process register are the same: by their types there cannot be more, and here is
/// nothing missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_has_all_metrics_of_the_catalogue_that_baton_tells_of_itself_and_no_other() {
    let directory = tempfile::tempdir().expect("a folder");
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let pair = Authority::new(directory.path(), "own").issue_to(directory.path(), "grpc", 2041);
    let (cert, key) = (pair.cert.display(), pair.key.display());
    let tokens = directory.path().join("tokens");
    std::fs::write(tokens, "a-token\n").expect("written");
    // Some metrics are those of dialects, destinations, verdicts, the ledger, certificates and tokens in the configuration.
    let text = format!(
        "normalise: {{dialects: [{{name: acme, when: \"scope.name == 'acme'\"}}]}}\n\
         exporters: {{otlp: {{endpoint: 'http://127.0.0.1:9', send: [traces, verdicts]}}, prometheusremotewrite: {{endpoint: 'http://127.0.0.1:9'}}}}\n\
         receivers: {{otlp: {{grpc: {{tls: {{cert_file: '{cert}', key_file: '{key}'}}}}, http: {{auth: {{bearer: {{filename: tokens}}}}}}}}}}"
    );
    let mut config =
        baton::config::of_text(&text, directory.path(), &|_| None).expect("it is right");
    config.receivers.otlp.grpc.endpoint = free;
    config.receivers.otlp.http.endpoint = free;
    config.server.endpoint = free;
    config.state.directory = Some(directory.path().to_owned());
    config.ledger.directory = Some(directory.path().join("ledger"));
    let app = App::start(&config, Clock::system())
        .await
        .expect("it starts");
    let text = get(app.metrics, "/metrics").await;
    let helps = text.lines().filter_map(|line| line.strip_prefix("# HELP "));
    let shown: BTreeSet<&str> = helps.collect();
    let own = INTERNAL.iter().map(|d| format!("{} {}", d.name, d.help));
    let own: BTreeSet<String> = own.collect();
    for line in &own {
        assert!(shown.contains(line.as_str()), "nobody registers {line}");
    }
    let derived = |line: &&str| {
        DERIVED
            .iter()
            .any(|d| **line == format!("{} {}", d.name, d.help))
    };
    for line in shown.iter().filter(|line| !derived(line)) {
        assert!(own.contains(*line), "{line} is not in the catalogue");
    }
    assert!(app.stop().await);
}
