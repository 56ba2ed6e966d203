//! `docs/instrument.md` is true: its tables are those of the code, and what it tells people to paste does what it says.

use crate::support::http::body;
use baton::app::App;
use baton::clock::Clock;
use baton::config::{self, Config};
use baton::log::LogKind;
use baton::normalise::declarations::{self, Declaration};
use regex::Regex;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/instrument.md");
const BEGIN: &str = "<!-- declarations: written by tests/it/instrument.rs -->";
const END: &str = "<!-- end of declarations -->";

fn page() -> String {
    std::fs::read_to_string(PAGE).expect("docs/instrument.md is there")
}

/// The code block under the mark of that name.
fn example(name: &str) -> String {
    example_of(&page(), name)
}

fn example_of(page: &str, name: &str) -> String {
    let mark = format!("<!-- example: {name} -->\n\n```");
    let (_, rest) = page.split_once(&mark).expect("the example is there");
    let (_, rest) = rest.split_once('\n').expect("it has lines");
    let (code, _) = rest.split_once("\n```").expect("it ends");
    code.to_owned()
}

fn code(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

fn row(declaration: &Declaration) -> String {
    let mut names = code(&declaration.attributes);
    if !declaration.in_metadata.is_empty() {
        let _ = write!(names, "; in metadata {}", code(declaration.in_metadata));
    }
    let setting = declaration.setting.map(|setting| format!("`{setting}`"));
    format!(
        "| **{}** | {} | {names} | {} | {} |\n",
        declaration.what,
        declaration.meaning,
        declaration.accepted,
        setting.unwrap_or_default()
    )
}

fn tables() -> String {
    let mut text = String::from(
        "\n### Attributes\n\n| Declare | Meaning | Attributes, in order of precedence | Accepted values | Setting for your own names |\n|---|---|---|---|---|\n",
    );
    for declaration in declarations::declarations() {
        text.push_str(&row(&declaration));
    }
    text.push_str(
        "\n### Words for outcomes\n\nUpper and lower case are equal. Spaces and `-` are read as `_`.\n\n| Outcome | Words |\n|---|---|\n",
    );
    for (outcome, words) in declarations::outcome_words() {
        let _ = writeln!(text, "| {} | {} |", outcome.as_str(), code(&words));
    }
    text.push_str("\n### Evaluations\n\n| Read as | Names |\n|---|---|\n");
    for (read_as, names) in declarations::evaluations() {
        let _ = writeln!(text, "| {read_as} | {} |", code(names));
    }
    let _ = write!(
        text,
        "\nAll other evaluations are scores in `baton_evaluation_score`.\n\n### Metadata and placeholders\n\n| What | Values |\n|---|---|\n\
         | Prefixes of your own attributes, and any other prefix that ends in `.metadata.` | {} |\n\
         | Attributes that contain metadata, as an object or as JSON | {} |\n\
         | Placeholders in upper or lower case, which declare nothing | {} |\n\n",
        code(&declarations::prefixes()),
        code(&declarations::metadata()),
        code(declarations::placeholders())
    );
    text
}

#[test]
fn the_tables_are_those_of_the_code() {
    let page = page();
    let (before, rest) = page.split_once(BEGIN).expect("the tables begin");
    let (_, after) = rest.split_once(END).expect("the tables end");
    let written = format!("{before}{BEGIN}\n{}{END}{after}", tables());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PAGE, &written).expect("docs can be written");
        return;
    }
    assert_eq!(
        page, written,
        "run UPDATE=1 cargo test --test it instrument::"
    );
}

#[test]
fn ports_and_waits_are_the_defaults() {
    let page = page();
    let defaults = defaults();
    let otlp = &defaults.receivers.otlp;
    let endpoints = [
        otlp.grpc.endpoint,
        otlp.http.endpoint,
        defaults.server.endpoint,
    ];
    for port in endpoints.map(|endpoint| endpoint.port()) {
        assert!(page.contains(&format!("\n| {port} |")), "{port}");
    }
    let shipped = include_str!("../../config/baton.yaml");
    let waits = Regex::new(r"(?m)^\| .* \| [^|]*?(\d+) (s|min|h)\b[^|]* \| `stitch\.(\w+)` \|$");
    let waits = waits.expect("a pattern");
    let mut told = 0;
    for wait in waits.captures_iter(&page) {
        let default = format!("{}: {}{}", &wait[3], &wait[1], &wait[2][..1]);
        assert!(shipped.contains(&default), "{default}");
        told += 1;
    }
    assert_eq!(told, 7);
}

fn defaults() -> Config {
    config::of_text("", Path::new("."), &|_| None).expect("the defaults")
}

#[test]
fn the_settings_that_it_names_are_there() {
    let settings = declarations::declarations().into_iter();
    for setting in settings.filter_map(|declaration| declaration.setting) {
        let (section, key) = setting.split_once('.').expect("a section");
        let value = if section == "cohorts" {
            "{tier: [plan]}"
        } else {
            "[plan]"
        };
        let text = format!("{section}: {{{key}: {value}}}");
        assert!(
            config::of_text(&text, Path::new("."), &|_| None).is_ok(),
            "{text}"
        );
    }
}

#[test]
fn the_collector_sends_all_to_both_by_exporters_that_are_there() {
    let config: serde_json::Value = serde_saphyr::from_str(&example("Collector")).expect("YAML");
    let listed = |section: &str| -> Vec<String> {
        let section = config[section].as_object().expect("a section");
        section.keys().cloned().collect()
    };
    for (name, pipeline) in config["service"]["pipelines"]
        .as_object()
        .expect("pipelines")
    {
        for part in ["receivers", "exporters"] {
            let used = pipeline[part].as_array().expect("a list");
            let used: Vec<&str> = used.iter().filter_map(|part| part.as_str()).collect();
            assert_eq!(used, listed(part), "{name} {part}");
        }
    }
    assert_eq!(config["exporters"]["otlp/baton"]["endpoint"], "baton:4317");
}

/// A Baton on a clock of the test, and its clock.
async fn start() -> (App, Arc<AtomicU64>) {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config::default();
    config.receivers.otlp.grpc.endpoint = free;
    config.receivers.otlp.http.endpoint = free;
    config.server.endpoint = free;
    config.state.log = LogKind::Memory;
    let nanos = Arc::new(AtomicU64::new(Clock::system().now().0));
    let app = App::start(&config, Clock::manual(Arc::clone(&nanos))).await;
    (app.expect("it starts"), nanos)
}

/// What pages say when everything is decided, and no series is held at 0 any more.
async fn in_the_end<const N: usize>(app: App, nanos: &AtomicU64, pages: [&str; N]) -> [String; N] {
    for _ in 0..2 {
        app.settle().await;
        nanos.fetch_add(3600 * 1_000_000_000, Ordering::AcqRel);
    }
    app.settle().await;
    let mut told = Vec::new();
    for page in pages {
        told.push(body(app.metrics, page).await.expect("a page"));
    }
    assert!(app.stop().await);
    told.try_into().expect("one text a page")
}

fn succeeds(command: &mut Command) {
    let output = command.output().expect("it runs");
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_case_that_is_pasted_shows_as_promised() {
    let (app, nanos) = start().await;
    let pasted = example("one case").replace("127.0.0.1:4318", &app.http.to_string());
    succeeds(Command::new("sh").args(["-c", &pasted]));
    let pages = ["/sessions/case-1001", "/metrics"];
    let [story, metrics] = in_the_end(app, &nanos, pages).await;
    let time = Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC").expect("a pattern");
    let without_time = |text: &str| time.replace_all(text.trim_end(), "TIME").into_owned();
    assert_eq!(without_time(&story), without_time(&example("its story")));
    for line in example("its metrics").lines() {
        assert!(
            metrics.lines().any(|told| told == line),
            "{line} is not in {metrics}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_program_declares_what_it_says() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin/python");
    let (app, nanos) = start().await;
    succeeds(Command::new(python).args(["-c", &example("Python")]).env(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        format!("http://{}", app.http),
    ));
    let [story] = in_the_end(app, &nanos, ["/sessions/case-1002"]).await;
    for said in [
        "the user rated support_agent: 1",
        "the user rated support_agent: 4",
        "ended: resolved, because a span declares it",
    ] {
        assert!(story.contains(said), "{said} is not in {story}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_your_own_show_a_handoff_an_approval_and_a_stream() {
    const SDKS: &str = include_str!("../../docs/sdks.md");
    let (_, setup) = SDKS.split_once("### Python setup\n").expect("a setup");
    let setup = setup.split("```python\n").nth(1).expect("code");
    let setup = setup.split("```").next().expect("an end");
    let steps = example_of(SDKS, "spans of your own");
    let program = format!("{setup}\n{steps}\nprovider.shutdown()\n");
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin/python");
    let (app, nanos) = start().await;
    succeeds(Command::new(python).args(["-c", &program]).env(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        format!("http://{}", app.http),
    ));
    let [story] = in_the_end(app, &nanos, ["/sessions/case-1004"]).await;
    for said in [
        "triage_agent handed over to billing_agent (transfer): success",
        "its first token after",
        "the tool issue_refund ran",
        "ended: resolved, because a span declares it",
    ] {
        assert!(story.contains(said), "{said}: {story}");
    }
    // What followed the approval belongs to the same request.
    assert!(!story.contains("Turn 2"), "{story}");
}
