//! The real process on a real volume that is too small: a tmpfs of a few MiB. `spool.rs`: requests wait there for their destinations.
//!
//! Mounting one needs root, which the gate has. Elsewhere these tests say that they are skipped.

mod spool;

use crate::support::http::get;
use crate::support::process::{
    self, Running, addresses, at_the_end, client, folder, listening, now, session, total,
};
use futures_util::future::join_all;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use tonic::Code;

const MIB: u64 = 1 << 20;

/// A small volume, which goes with the test.
struct Volume(PathBuf);

impl Volume {
    /// `None`: this user may not mount, which is said.
    fn mount(name: &str, mib: u64) -> Option<Self> {
        let place = folder(name);
        let size = format!("size={mib}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&place)
            .output()
            .expect("mount is installed");
        if mounted.status.success() {
            return Some(Self(place));
        }
        let why = String::from_utf8_lossy(&mounted.stderr).into_owned();
        std::fs::remove_dir_all(&place).expect("removed");
        let user = Command::new("id").arg("-u").output().expect("coreutils");
        assert!(user.stdout != b"0\n", "root cannot mount a tmpfs: {why}");
        // Not by `eprintln!`, which nobody sees of a test that passes.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED, NOT TESTED: {name}: mounting a tmpfs needs root: {why}"
        );
        None
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// A process with a log that somebody reads on.
struct Watched {
    running: Running,
    grpc: SocketAddr,
    http: SocketAddr,
    server: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

/// Snapshots come often, and sessions are forgotten soon, so that the state stays small.
const SETTINGS: &str = "state: {snapshot_interval: 2s, segment_size: 256KiB, max_log_size: 1GiB}\n\
                        stitch: {settle: 20ms, idle_timeout: 40ms, trace_timeout: 40ms, turn_timeout: 40ms, max_age: 1s}\n\
                        outcomes: {window: 1s}\n\
                        engine: {partitions: 2}\n";

fn start(volume: &Volume, settings: &str) -> Watched {
    start_at(volume, &volume.state(), settings)
}

/// With the state elsewhere.
fn start_at(volume: &Volume, state: &Path, settings: &str) -> Watched {
    let config = volume.0.join("baton.yaml");
    std::fs::write(&config, settings).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
    let more = ["--config", config.to_str().expect("text")];
    let command = listening(&mut command, state, &more).stdin(Stdio::null());
    let running = Running(command.spawn().expect("baton"));
    let (running, endpoints, log) = addresses(running);
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in log.map_while(Result::ok) {
            kept.lock().expect("no panic").push(line);
        }
    });
    Watched {
        running,
        grpc: endpoints.grpc,
        http: endpoints.http,
        server: endpoints.server,
        lines,
    }
}

impl Watched {
    /// Lines of the log that hold a text.
    fn lines(&self, text: &str) -> Vec<String> {
        let lines = self.lines.lock().expect("no panic");
        lines
            .iter()
            .filter(|line| line.contains(text))
            .cloned()
            .collect()
    }
}

const BEGINS: &str = "requests are refused";
const ENDS: &str = "requests are accepted again";

/// Bytes of the files whose names end so.
fn size_of(folder: &Path, end: &str) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let files = entries.filter_map(Result::ok);
    let files = files.filter(|file| file.file_name().to_string_lossy().ends_with(end));
    // A file may go meanwhile.
    let found = files.filter_map(|file| file.metadata().ok());
    found.map(|found| found.len()).sum()
}

/// More than the volume holds goes through it, without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_fills_its_volume_makes_room_by_itself() {
    const VOLUME: u64 = 3 * MIB;
    let Some(volume) = Volume::mount("volume-own", VOLUME / MIB) else {
        return;
    };
    // So rarely that the log is full before.
    let settings = SETTINGS.replace("snapshot_interval: 2s", "snapshot_interval: 10s");
    let baton = start(&volume, &settings);
    let sender = client(baton.grpc).await;
    let (mut next, mut taken, mut refused, mut through, mut last) = (0, 0, 0, 0, 0);
    let mut in_a_row = 0;
    // The last refusal may still be the current one, and the log is read by a thread of its own.
    while through < 2 * VOLUME || refused == 0 || baton.lines(ENDS).is_empty() {
        assert!(through < 40 * VOLUME, "nothing is logged");
        // Several at once, so that the log grows faster than it makes room.
        let together = (next..next + 16).map(|n| {
            let mut sender = sender.clone();
            async move { sender.export(session(n, now())).await }
        });
        next += 16;
        for answer in join_all(together).await {
            match answer {
                Ok(_) => {
                    taken += 1;
                    in_a_row = 0;
                }
                Err(status) => {
                    let text = status.message();
                    assert_eq!(status.code(), Code::Unavailable, "{status}");
                    assert!(
                        text.contains("disk of this receiver is nearly full"),
                        "{text}"
                    );
                    refused += 1;
                    in_a_row += 1;
                    assert!(in_a_row < 50_000, "it makes no room");
                }
            }
        }
        // What the log has more than before went through it; what it has less is gone.
        let log = size_of(&volume.state(), ".log");
        through += log.saturating_sub(last);
        last = log;
    }
    assert!(!baton.lines(BEGINS).is_empty());
    drop(baton.running);
    let families = at_the_end(&volume.state()).await;
    let calls = total(&families, "baton_llm_calls_total", "");
    assert_eq!(calls, 2.0 * taken as f64);
}

/// Others fill the volume to the last byte, and free it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_others_fill_is_named_and_used_again_when_it_is_free() {
    let Some(volume) = Volume::mount("volume-others", 16) else {
        return;
    };
    let baton = start(&volume, SETTINGS);
    let mut sender = client(baton.grpc).await;
    sender.export(session(0, now())).await.expect("taken");
    let others = volume.0.join("others");
    let file = std::fs::File::create(&others).expect("made");
    std::io::copy(&mut std::io::repeat(7), &mut &file).expect_err("the volume is full");
    let status = loop {
        match sender.export(session(1, now())).await {
            Ok(_) => {}
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("nearly full"), "{status}");
    let unready = get(baton.server, "/readyz").await;
    let directory = volume.state().display().to_string();
    assert!(unready.contains("503"), "{unready}");
    for part in [
        directory.as_str(),
        "the volume is nearly full: ",
        " free, ",
        " needed",
    ] {
        assert!(unready.contains(part), "{unready}");
    }
    std::fs::remove_file(&others).expect("removed");
    drop(file);
    while get(baton.server, "/readyz").await.contains("503") {}
    sender.export(session(2, now())).await.expect("taken again");
    let begins = baton.lines(BEGINS);
    assert_eq!(begins.len(), 1, "{begins:?}");
    assert!(begins[0].contains(&directory), "{begins:?}");
    assert_eq!(baton.lines(ENDS).len(), 1);
    let metrics = get(baton.server, "/metrics").await;
    assert!(
        metrics.contains("baton_log_full_total{limit=\"disk\"}"),
        "{metrics}"
    );
    drop(baton.running);
}

/// Without a configured size the log takes half of the volume.
#[tokio::test(flavor = "multi_thread")]
async fn the_greatest_size_of_the_log_follows_the_volume() {
    let Some(volume) = Volume::mount("volume-share", 16) else {
        return;
    };
    let settings = SETTINGS.replace(", max_log_size: 1GiB", "");
    let baton = start(&volume, &settings);
    let most = process::gauge(baton.server, "baton_log_max_bytes").await;
    assert!((7 * MIB..=8 * MIB).contains(&most), "{most}");
    let others = volume.0.join("others");
    std::fs::write(&others, vec![7; 8 << 20]).expect("written");
    while process::gauge(baton.server, "baton_log_max_bytes").await > 4 * MIB {}
    std::fs::remove_file(&others).expect("removed");
    while process::gauge(baton.server, "baton_log_max_bytes").await < 7 * MIB {}
}
