//! What durability costs.
//!
//! `durability restart SESSIONS` fills a folder with open sessions and starts on it, after a clean stop and after a kill.
//! `durability share SPANS` sends the same load to a log in memory and to one on disk, in turns, and compares them.
//!
//! Both print JSON. Folders are temporary: `TMPDIR` says on which disk.

mod restart;
mod share;

#[path = "../load/payload.rs"]
#[expect(dead_code, reason = "shared with the load, which uses more of it")]
mod payload;

use baton::config::Config;
use baton::log::LogKind;
use baton::setting::Amount;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["restart", sessions] => restart::restart(sessions.parse().expect("a number")),
        ["fill", folder, sessions, end] => {
            let sessions = sessions.parse().expect("a number");
            restart::fill(Path::new(folder), sessions, *end == "clean");
        }
        ["open", folder] => restart::open(Path::new(folder)),
        ["share", spans] => share::share(spans.parse().expect("a number")),
        _ => say("durability restart SESSIONS, durability share SPANS"),
    }
}

/// The defaults, on free ports, with room for whatever is measured.
fn config(log: LogKind, folder: &Path) -> Config {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config::default();
    config.receivers.otlp.grpc.endpoint = free;
    config.receivers.otlp.http.endpoint = free;
    config.server.endpoint = free;
    config.state.log = log;
    config.state.directory = Some(folder.to_owned());
    config.engine.soft_state_size = Amount::Bytes(7 << 30);
    config.engine.max_state_size = Amount::Bytes(8 << 30);
    config.stitch.max_sessions = 8_000_000;
    config.shutdown.grace_period = std::time::Duration::from_secs(600);
    config
}

fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime")
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn now() -> Instant {
    Instant::now()
}

fn seconds(begin: Instant) -> f64 {
    now().duration_since(begin).as_secs_f64()
}

#[expect(clippy::print_stdout, reason = "its result")]
fn say(text: &str) {
    println!("{text}");
}
