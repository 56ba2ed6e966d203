//! The command line as a user meets it: output, errors and exit codes of the real binary.

mod check;
mod doctor;
mod explain;
mod replay;
mod sessions;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn baton(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_baton"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("baton runs")
}

/// The same, with something on its standard input.
fn baton_reads(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_baton"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("baton runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    // It reads all before it writes anything.
    stdin.write_all(input).expect("read");
    drop(stdin);
    child.wait_with_output().expect("it ends")
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
    let looked_up = baton(&["prices", "gpt-4o", "a-model-of-our-own"]);
    assert_eq!(looked_up.status.code(), Some(1));
    assert_eq!(
        text(&looked_up.stderr),
        "baton: no price for a-model-of-our-own\n"
    );
    let prices = text(&looked_up.stdout);
    assert!(
        prices.contains("2.5") && prices.contains("no price"),
        "{prices}"
    );
    let asked = ["prices", "--format", "json", "gpt-4o", "a-model-of-our-own"];
    let prices: serde_json::Value = serde_json::from_slice(&baton(&asked).stdout).expect("JSON");
    assert_eq!(prices["currency"], "USD");
    let [known, unknown] = [0, 1].map(|i| &prices["prices"][i]);
    assert_eq!(
        (&known["model"], &known["input"]),
        (&"gpt-4o".into(), &2.5.into())
    );
    assert!(unknown["pattern"].is_null() && unknown.get("input").is_none());
    let all = baton(&["prices", "--format", "json"]);
    let all: serde_json::Value = serde_json::from_slice(&all.stdout).expect("JSON");
    assert!(all["prices"].as_array().expect("a list").len() > 50);
}

#[test]
fn a_wrong_catalogue_tells_all_its_faults() {
    let bad = file(
        "prices.yaml",
        b"prices:\n- {provider: x, model: m, input: -1, output: much}\n",
    );
    let bad = bad.to_str().expect("text");
    let output = baton(&["prices", "--file", bad]);
    assert_eq!(output.status.code(), Some(3));
    let told = text(&output.stderr);
    assert!(
        told.contains(&format!("{bad}:2:27: prices.0.input: expected a price")),
        "{told}"
    );
    assert!(
        told.contains(&format!("{bad}:2:38: prices.0.output: expected a number")),
        "{told}"
    );
}

/// The commands of the binary.
const COMMANDS: [&str; 8] = [
    "run",
    "check",
    "replay",
    "demo",
    "config",
    "prices",
    "completions",
    "man",
];

#[test]
fn shells_complete_every_command_and_each_has_a_manual() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&baton(&["completions", shell]).stdout);
        for word in COMMANDS.iter().chain(&["explain", "server-endpoint"]) {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    let page = text(&baton(&["man"]).stdout);
    assert!(
        page.contains(".TH baton 1") && page.contains("Exit codes"),
        "{page}"
    );
    for command in COMMANDS {
        let page = text(&baton(&["man", command]).stdout);
        assert!(page.contains(&format!(".TH baton-{command} 1")), "{page}");
    }
    let unknown = baton(&["man", "fly"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("known: run, check"));
}

#[test]
fn help_says_what_each_command_and_option_is_for() {
    for command in COMMANDS {
        let help = text(&baton(&[command, "--help"]).stdout);
        let lines: Vec<&str> = help.lines().collect();
        for (at, line) in lines
            .iter()
            .enumerate()
            .filter(|(_, l)| l.trim_start().starts_with("--"))
        {
            let told = line.trim_start().split_once("  ").is_some()
                || lines
                    .get(at + 1)
                    .is_some_and(|next| next.starts_with("        "));
            assert!(told, "{command}: {line} says nothing");
        }
    }
}

#[test]
fn faults_have_exit_codes_of_their_own() {
    let garbage = file("garbage.pb", b"\xff\xff\xff");
    let output = baton(&["replay", garbage.to_str().expect("text")]);
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("not OTLP"));
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
