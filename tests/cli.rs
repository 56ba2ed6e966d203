//! The command line as a user meets it: output, errors and exit codes of the real binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn baton(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_baton"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("baton runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A file of this test run.
fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("written");
    path
}

#[test]
fn check_tells_every_fault_with_its_line() {
    let bad = file("bad.yaml", b"stitch:\n  setle: 1s\nlog: {level: loud}\n");
    let bad = bad.to_str().expect("text");
    let output = baton(&["check", bad]);
    assert_eq!(output.status.code(), Some(3));
    let told = text(&output.stderr);
    assert!(
        told.contains(&format!(
            "{bad}:2: stitch.setle: unknown key; did you mean settle?"
        )),
        "{told}"
    );
    assert!(
        told.contains(&format!("{bad}:3: log.level: is none of")),
        "{told}"
    );
    let good = baton(&["check", "config/baton.yaml"]);
    assert_eq!(
        (good.status.code(), text(&good.stdout).as_str()),
        (Some(0), "config/baton.yaml: ok\n")
    );
    assert_eq!(baton(&["check", "missing.yaml"]).status.code(), Some(3));
}

#[test]
fn config_and_prices_print_what_is_shipped() {
    let shipped = |file: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("shipped")
    };
    assert_eq!(
        text(&baton(&["config"]).stdout),
        shipped("config/baton.yaml")
    );
    assert_eq!(
        text(&baton(&["config", "--schema"]).stdout),
        shipped("config/baton.schema.json")
    );
    let prices = text(&baton(&["prices", "gpt-4o", "a-model-of-our-own"]).stdout);
    assert!(
        prices.contains("2.5") && prices.contains("no price"),
        "{prices}"
    );
}

#[test]
fn replay_prints_the_same_figures_in_every_form() {
    let folder = "tests/fixtures/otel-genai-semconv/support-manual";
    let files: Vec<String> = (1..=6).map(|i| format!("{folder}/00{i}.pb")).collect();
    let mut arguments = vec!["replay"];
    arguments.extend(files.iter().map(String::as_str));
    let prometheus = text(&baton(&arguments).stdout);
    let answered: f64 = prometheus
        .lines()
        .filter(|line| {
            line.starts_with("baton_turns_total{workflow=\"customer_support\",result=\"answered\",")
        })
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum();
    assert_eq!(answered, 5.0, "{prometheus}");
    // The value of a transaction stands beside the outcome and the cohort of its workflow.
    assert!(
        prometheus.contains(
            "baton_workflow_value_usd_total{workflow=\"customer_support\",outcome=\"resolved\",tier=\"gold\",intent=\"refund\"} 49.99\n"
        ),
        "{prometheus}"
    );
    arguments.extend(["--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&baton(&arguments).stdout).expect("JSON");
    let sessions = &json["metrics"][0];
    let counted = sessions["series"].as_array().into_iter().flatten();
    let counted: f64 = counted.filter_map(|s| s["value"].as_f64()).sum();
    assert_eq!(
        (&sessions["name"], counted),
        (&"baton_sessions_total".into(), 2.0)
    );
    *arguments.last_mut().expect("a form") = "table";
    let table = text(&baton(&arguments).stdout);
    assert!(
        table.contains("Resolution rate") && table.contains("Handoffs"),
        "{table}"
    );
}

#[test]
fn money_is_told_in_the_configured_currency_with_the_operators_prices() {
    let euros = b"money: {currency: EUR, rates: {USD: 0.5}}\nprices: {escalation: 4.50}\n";
    let euros = file("euros.yaml", euros);
    let folder = "tests/fixtures/otel-genai-semconv/support-manual";
    let files: Vec<String> = (1..=6).map(|i| format!("{folder}/00{i}.pb")).collect();
    let files = files.iter().map(String::as_str);
    // All values of a metric, added up.
    let sum = |told: &str, name: &str| {
        let of_it = told.lines().filter(|line| line.starts_with(name));
        let values = of_it.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        values.sum::<f64>()
    };
    let dollars = text(
        &baton(
            &["replay"]
                .into_iter()
                .chain(files.clone())
                .collect::<Vec<_>>(),
        )
        .stdout,
    );
    let config = ["replay", "--config", euros.to_str().expect("text")];
    let told = text(&baton(&config.into_iter().chain(files).collect::<Vec<_>>()).stdout);
    assert!(!told.contains("usd"), "{told}");
    let spent = sum(&dollars, "baton_llm_cost_usd_total{");
    assert!(spent > 0.0);
    assert!((sum(&told, "baton_llm_cost_eur_total{") - spent / 2.0).abs() < 1e-9);
    // People are paid in euros, and only where they have a price.
    let people = sum(&told, "baton_action_cost_eur_total{kind=\"escalation\"");
    assert_eq!(people, 4.5 * sum(&told, "baton_escalations_total{"));
    assert!(people > 0.0 && !dollars.contains("baton_action_cost_usd_total{"));
    let workflows = sum(&told, "baton_workflow_cost_eur_sum{");
    assert!((workflows - people - spent / 2.0).abs() < 1e-9, "{told}");
}

#[test]
fn replay_reads_json_lines_and_packed_files_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/openai-agents-traceloop/support-responses");
    let mut lines = Vec::new();
    let mut protobuf = vec!["replay".to_owned()];
    for i in 1..=6 {
        lines.extend(std::fs::read(folder.join(format!("00{i}.json"))).expect("recorded"));
        lines.push(b'\n');
        protobuf.push(folder.join(format!("00{i}.pb")).display().to_string());
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &lines).expect("memory");
    let plain = file("spans.jsonl", &lines);
    let packed = file("spans.jsonl.gz", &packed.finish().expect("memory"));
    let arguments: Vec<&str> = protobuf.iter().map(String::as_str).collect();
    let expected = text(&baton(&arguments).stdout);
    assert!(expected.contains("baton_llm_calls_total"));
    for path in [plain, packed] {
        assert_eq!(
            text(&baton(&["replay", path.to_str().expect("text")]).stdout),
            expected
        );
    }
}

#[test]
fn faults_have_exit_codes_of_their_own() {
    let garbage = file("garbage.pb", b"\xff\xff\xff");
    let output = baton(&["replay", garbage.to_str().expect("text")]);
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("not a valid OTLP export request"));
    assert_eq!(baton(&["replay", "missing.pb"]).status.code(), Some(5));
    assert_eq!(baton(&["fly"]).status.code(), Some(2));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let output = baton(&[
        "run",
        "--state-log",
        "memory",
        "--grpc-endpoint",
        &address,
        "--http-endpoint",
        "127.0.0.1:0",
        "--server-endpoint",
        "127.0.0.1:0",
    ]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains(&address));
}

#[test]
fn a_session_is_told_as_a_person_would_tell_it() {
    let folder = "tests/fixtures/pydantic-ai/support-delegation-v2";
    let mut arguments = vec!["replay".to_owned(), "--explain".into()];
    arguments.push("sess-pydantic-ai-A".into());
    arguments.extend((1..=6).map(|i| format!("{folder}/00{i}.pb")));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let told = text(&baton(&arguments).stdout);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stories/pydantic-ai.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&kept, &told).expect("written");
    }
    let known = std::fs::read_to_string(&kept).unwrap_or_default();
    assert_eq!(told, known, "read it, then UPDATE=1 cargo test --test cli");
    let nobody = baton(&["replay", "--explain", "nobody", arguments[3]]);
    assert_eq!(nobody.status.code(), Some(5));
}
