//! `baton doctor` asks a running instance with TLS and authentication, and says whose fault it is if it cannot.

use super::authority::{Authority, Pair};
use super::{matrix, text};
use crate::support::process::{Endpoints, Running, baton, folder, listening, spawn};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

const TOKEN: &str = "a-token-of-doctor";
const PASSWORD: &str = "a-password-of-doctor";
/// The options of both credentials; the files are in the folder of each test.
const SHOWN: [&str; 6] = [
    "--token-file",
    "token",
    "--user",
    "operator",
    "--password-file",
    "password",
];

/// An instance whose configuration is in a folder with its authority and the secrets.
struct Instance {
    folder: PathBuf,
    _running: Running,
    at: Endpoints,
}

/// What `doctor` answers, and with which exit code.
struct Told(i32, String);

impl Told {
    fn says(&self, code: i32, expected: &str) {
        let Self(found, text) = self;
        assert_eq!(*found, code, "{text}");
        assert!(text.contains(expected), "{expected}: {text}");
        for secret in [TOKEN, PASSWORD] {
            assert!(!text.contains(secret), "a secret in {text}");
        }
    }
}

impl Instance {
    /// Its receiver takes a token and its server a password. `http` and `server`: more keys of the two.
    fn start(folder: &Path, http: &str, server: &str) -> Self {
        Self::start_with(folder, http, server, ("", ""))
    }

    /// The same with more keys of `grpc`, and with more sections.
    fn start_with(folder: &Path, http: &str, server: &str, (grpc, sections): (&str, &str)) -> Self {
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("written");
        write("token", &format!("{TOKEN}\n"));
        write("tokens", &format!("doctor {TOKEN}\n"));
        write("password", &format!("{PASSWORD}\n"));
        write("wrong", "another-secret\n");
        let hash = matrix::hash(PASSWORD);
        let auth = [
            "auth: {bearer: {filename: tokens}}".to_owned(),
            format!("auth: {{basic: {{basic_auth_users: {{operator: {hash}}}}}}}"),
        ];
        let [bearer, basic] = auth;
        write(
            "baton.yaml",
            &format!(
                "receivers: {{otlp: {{grpc: {{{grpc}}}, http: {{{bearer}, {http}}}}}}}\nserver: {{{basic}, {server}}}\nstitch: {{settle: 100ms}}\n{sections}"
            ),
        );
        let config = folder.join("baton.yaml");
        let (mut command, state) = (baton(), folder.join("state"));
        let more = ["--config", text(&config)];
        let (running, at) = spawn(listening(&mut command, &state, &more));
        Self {
            folder: folder.to_owned(),
            _running: running,
            at,
        }
    }

    /// Asks it, with and without its configuration.
    fn configured(&self, options: &[&str]) -> Told {
        self.ask(&[&["--config", "baton.yaml"][..], options].concat())
    }

    fn ask(&self, options: &[&str]) -> Told {
        let Endpoints { http, server, .. } = &self.at;
        doctor(&self.folder, (*http, *server), options)
    }
}

fn doctor(folder: &Path, (http, server): (SocketAddr, SocketAddr), options: &[&str]) -> Told {
    let mut command = baton();
    command.arg("doctor").current_dir(folder);
    for (option, address) in [("--http-endpoint", http), ("--server-endpoint", server)] {
        command.arg(option).arg(address.to_string());
    }
    let output = command.args(options).output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    let code = output.status.code().expect("it ended");
    Told(code, String::from_utf8(text).expect("text"))
}

/// `tls` of a listener with the certificates of a pair.
fn tls(pair: &Pair, more: &str) -> String {
    let (cert, key) = (pair.cert.display(), pair.key.display());
    format!("tls: {{cert_file: '{cert}', key_file: '{key}'{more}}}")
}

#[test]
fn an_instance_with_tls_and_authentication_is_examined_and_takes_a_test_conversation() {
    let folder = folder("doctor-secure");
    let authority = Authority::new(&folder, "own");
    let pair = authority.issue_to(&folder, "baton", 2041);
    let tls = tls(&pair, "");
    let instance = Instance::start(&folder, &tls, &tls);
    let ca = ["--ca", "own-ca.pem"];
    let sent = instance.configured(&[&ca[..], &SHOWN, &["--send"]].concat());
    sent.says(0, "the test conversation came through");
    // Nothing but the options says that there is TLS.
    let password = &SHOWN[2..];
    instance
        .ask(&[&ca[..], password].concat())
        .says(0, "running instance");
    let unchecked = [&["--insecure-skip-verify"][..], password].concat();
    instance.ask(&unchecked).says(0, "running instance");

    let denied = "(401): compare them with its auth";
    let wrong = ["--user", "operator", "--password-file", "wrong"];
    instance
        .configured(&[&ca[..], &wrong].concat())
        .says(1, denied);
    let wrong = [&ca[..], password, &["--token-file", "wrong", "--send"]].concat();
    instance.configured(&wrong).says(1, denied);
    let asks = "asks for credentials: name them with --token-file";
    instance.configured(&ca).says(1, asks);
    let missing = ["--token-file", "nowhere"];
    instance
        .configured(&[&ca[..], &missing].concat())
        .says(4, "nowhere: cannot be read");

    Authority::new(&folder, "other");
    let stranger = [&["--ca", "other-ca.pem"][..], &SHOWN].concat();
    let unknown = "is of an authority that is not trusted here";
    instance.configured(&stranger).says(1, unknown);
    let name = ["--server-name-override", "other.example"];
    let named = [&ca[..], &name, &SHOWN].concat();
    let told = instance.configured(&named);
    told.says(1, "its certificate is for another name");
    told.says(1, "127.0.0.1");
    instance.ask(&SHOWN).says(1, "without TLS");
    instance
        .configured(&["--ca", "token"])
        .says(4, "token: has no certificate");
}

#[test]
fn an_expired_certificate_and_a_plain_listener_are_told() {
    let folder = folder("doctor-expired");
    let authority = Authority::new(&folder, "own");
    let expired = authority.issue_to(&folder, "baton", 2021);
    let instance = Instance::start(&folder, "", &tls(&expired, ""));
    let known = [&["--ca", "own-ca.pem"][..], &SHOWN].concat();
    instance
        .configured(&known)
        .says(1, "its certificate has expired");
    let at = (instance.at.http, instance.at.http);
    doctor(&folder, at, &known).says(1, "does not speak TLS");
}

#[test]
fn a_client_certificate_is_shown_where_one_is_asked_for() {
    let folder = folder("doctor-mutual");
    let authority = Authority::new(&folder, "own");
    let pair = authority.issue_to(&folder, "baton", 2041);
    authority.issue_to(&folder, "me", 2041);
    let tls = tls(&pair, ", client_ca_file: own-ca.pem");
    let instance = Instance::start(&folder, &tls, &tls);
    let known = [&["--ca", "own-ca.pem"][..], &SHOWN].concat();
    instance.configured(&known).says(
        4,
        "asks for a client certificate: name one with --cert-file",
    );
    let own = [&known[..], &["--cert", "me.pem", "--key", "me-key.pem"]].concat();
    let sent = instance.configured(&[&own[..], &["--send"]].concat());
    sent.says(0, "the test conversation came through");
    let half = [&known[..], &["--cert", "me.pem"]].concat();
    instance.configured(&half).says(2, "--key-file");
}

/// It does not see the instance, and it sees that its own telemetry arrives.
#[test]
fn a_tenant_is_told_that_its_test_conversation_came_through() {
    let folder = folder("doctor-tenant");
    let tenants = "tenants: {names: {doctor: a, operator: a}}\n";
    let grpc = "auth: {bearer: {filename: tokens}}";
    let instance = Instance::start_with(&folder, "", "", (grpc, tenants));
    let sent = instance.configured(&[&SHOWN[..], &["--send"]].concat());
    sent.says(1, "of one tenant only");
    sent.says(1, "the test conversation came through");
    let asked = instance.configured(&SHOWN);
    assert!(!asked.1.contains("came through"), "{}", asked.1);
}

/// A proxy before the instance may know who asks, and say no.
#[test]
fn a_proxy_that_forbids_is_quoted() {
    let folder = folder("doctor-forbidden");
    fs::write(folder.join("token"), TOKEN).expect("written");
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = proxy.local_addr().expect("an address");
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = proxy.accept().expect("asked");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a request");
            head.extend(byte);
        }
        let answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 11\r\n\r\nnot for you";
        stream.write_all(answer).expect("answered");
        String::from_utf8(head).expect("text")
    });
    let told = doctor(&folder, (address, address), &SHOWN[..2]);
    told.says(1, "ask for /readyz (403): it says: not for you");
    let asked = answering.join().expect("no panic");
    assert!(asked.contains(&format!("Bearer {TOKEN}")), "{asked}");
}
