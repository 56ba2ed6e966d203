//! Listeners that everyone could use: Baton does not start with them, unless the operator says so.

use crate::support::process::{addresses, baton, folder, listening};
use std::process::Command;

/// `baton run` or `baton check` with a server on all addresses.
fn open(command: &mut Command) -> &mut Command {
    command.env("BATON_SERVER_ENDPOINT", "0.0.0.0:0")
}

#[test]
fn a_server_on_all_addresses_is_refused_with_a_remedy_at_the_start_and_at_a_check() {
    let folder = folder("secure-open");
    let empty = folder.join("empty.yaml");
    std::fs::write(&empty, "\n").expect("written");
    let mut run = baton();
    let run = open(listening(&mut run, &folder.join("state"), &[]));
    let mut check = baton();
    let check = open(check.arg("check").arg(&empty));
    for (command, code) in [(run, 4), (check, 3)] {
        let ended = command.output().expect("it runs");
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(code), "{told}");
        for words in [
            "server.endpoint",
            "0.0.0.0:0",
            "server.auth",
            "--insecure-listen",
        ] {
            assert!(told.contains(words), "{words} is not in {told}");
        }
        assert!(!told.contains("receivers.otlp"), "{told}");
    }
}

#[test]
fn an_operator_can_say_that_only_the_right_ones_reach_it() {
    let folder = folder("secure-said");
    let said = folder.join("said.yaml");
    std::fs::write(&said, "insecure_listen: true\n").expect("written");
    let file = said.to_str().expect("text");
    for (place, (variable, arguments)) in [
        ("", vec!["--insecure-listen"]),
        ("true", vec![]),
        ("1", vec![]),
        ("false", vec!["--config", file]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut command = baton();
        let state = folder.join(place.to_string());
        let command = open(listening(&mut command, &state, &arguments));
        if !variable.is_empty() {
            command.env("BATON_INSECURE_LISTEN", variable);
        }
        let running = command.spawn().expect("baton starts");
        let running = crate::support::process::Running(running);
        let (_running, endpoints, _) = addresses(running);
        assert!(endpoints.server.ip().is_unspecified());
    }
}
