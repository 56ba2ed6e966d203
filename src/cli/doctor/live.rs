//! A running instance: is it ready, what does it receive, and does a test conversation come through?

use crate::clock::Clock;
use crate::config::Config;
use crate::doctor::{Diagnosis, Figures, Finding, conversation, of_metrics};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Time for an instance to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the figures of the test conversation are looked for.
const PAUSE: Duration = Duration::from_millis(500);
/// Time beyond `stitch.settle` until they must be there.
const SLACK: Duration = Duration::from_secs(15);

/// Examines the instance that `baton run` starts with this configuration.
pub(super) fn examine(config: &Config, sends: bool) -> Diagnosis {
    match figures(config, sends) {
        Ok(diagnosis) => diagnosis,
        Err(finding) => Diagnosis {
            findings: vec![finding],
            ..Diagnosis::default()
        },
    }
}

fn figures(config: &Config, sends: bool) -> Result<Diagnosis, Finding> {
    let server = config.server.endpoint;
    let (status, body) = ask(server, "GET", "/readyz", "")?;
    if status != 200 {
        let reason = body.trim();
        let message = format!("the instance at {server} is not ready ({status}): {reason}");
        return Err(Finding::of_instance(message));
    }
    let told = if sends { Some(send(config)?) } else { None };
    let (status, metrics) = ask(server, "GET", "/metrics", "")?;
    if status != 200 {
        let message = format!("the instance at {server} shows no metrics ({status})");
        return Err(Finding::of_instance(message));
    }
    let mut diagnosis = of_metrics(&Figures::of_text(&metrics));
    if let (Some(told), Some(first)) = (told, diagnosis.emitters.first_mut()) {
        first.notes.push(told);
    }
    Ok(diagnosis)
}

/// Sends a test conversation and waits until its session is told. Returns what came of it.
fn send(config: &Config) -> Result<String, Finding> {
    let (door, server) = (config.receivers.otlp.http.endpoint, config.server.endpoint);
    let (session, request) = conversation(Clock::system().now());
    let (status, body) = ask(door, "POST", "/v1/traces", &request.to_string())?;
    if status != 200 {
        let reason = body.trim();
        let message =
            format!("the receiver at {door} refused the test conversation ({status}): {reason}");
        return Err(Finding::of_instance(message));
    }
    let wait = config.stitch.settle + SLACK;
    let tries = wait.as_millis() / PAUSE.as_millis();
    let path = format!("/sessions/{session}");
    for _ in 0..tries {
        let (status, story) = ask(server, "GET", &path, "")?;
        if status == 200 && story.contains("the user got an answer") {
            return Ok(format!(
                "the test conversation came through, see {path}. Its workflow and agent are called `baton-doctor`: it counts as one session and one turn, and later as one unverified workflow"
            ));
        }
        std::thread::sleep(PAUSE);
    }
    let seconds = wait.as_secs();
    let message = format!(
        "the test conversation `{session}` was accepted, and no figures came of it within {seconds} s: see the log of the instance, and `engine.stories`"
    );
    Err(Finding::of_instance(message))
}

/// Asks by HTTP and returns status and body.
fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> Result<(u16, String), Finding> {
    let failed = |error: std::io::Error| {
        Finding::of_instance(format!(
            "nothing answers at {address} ({error}): start `baton run`, or name the address with --server-endpoint and --http-endpoint"
        ))
    };
    let answer = request(reachable(address), method, path, body).map_err(failed)?;
    match answer.0 {
        // The configuration has hashes of passwords, and a token of a sender is not the operator's.
        401 => Err(Finding::of_instance(format!(
            "the instance at {address} asks for credentials, which `baton doctor` does not have: ask it on a listener without auth, or examine a recording: baton doctor FILE"
        ))),
        _ => Ok(answer),
    }
}

/// Where a server answers that listens on all addresses.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let length = body.len();
    // Of version 1.0, so that the answer ends with the connection.
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let no_http = || std::io::Error::new(std::io::ErrorKind::InvalidData, "no HTTP");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status.ok_or_else(no_http)?, body.to_owned()))
}
