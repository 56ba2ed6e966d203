//! What is said at the start: how much memory there is and what it goes to, and what is insecure, with what to do about it.

use super::relay;
use crate::auth::ServerAuthSettings;
use crate::config::Config;
use crate::log::LogKind;
use crate::model::limit::Bytes;
use crate::tls::ServerTlsSettings;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use tracing::{info, warn};

/// What the program takes besides state and requests.
const PROGRAM: u64 = 32 << 20;
/// A shorter key can be guessed.
const KEY_BYTES: usize = 16;

/// Headers by which senders show who they are.
const CREDENTIALS: [&str; 5] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "api-key",
    "x-api-key",
];

/// One line for each thing that is insecure.
pub(super) fn insecure(config: &Config) {
    for what in insecure_settings(config) {
        warn!("insecure: {what}");
    }
}

/// A listener that others than this machine can reach.
struct OpenListener<'c> {
    key: &'static str,
    address: SocketAddr,
    tls: Option<&'c ServerTlsSettings>,
    auth: Option<&'c ServerAuthSettings>,
    /// What can be done with it.
    what: &'static str,
    /// Who is to do so.
    who: &'static str,
}

impl OpenListener<'_> {
    /// Who shows a certificate, a token or a password is known.
    fn is_authenticated(&self) -> bool {
        self.auth.is_some() || self.tls.is_some_and(|tls| tls.client_ca_file.is_some())
    }

    /// What it lacks.
    fn fault(&self) -> Option<String> {
        let Self {
            key,
            address,
            what,
            who,
            ..
        } = self;
        let lacks = match (self.tls, self.is_authenticated()) {
            (Some(_), true) => return None,
            (None, true) => {
                return Some(format!(
                    "{key}.endpoint listens on {address} with authentication and without TLS: anyone on the way can read tokens and passwords; set {key}.tls"
                ));
            }
            (Some(_), false) => "authentication",
            (None, false) => "TLS and authentication",
        };
        Some(format!(
            "{key}.endpoint listens on {address} without {lacks}: anyone who can reach it {what}; \
             set {key}.auth or {key}.tls.client_ca_file, listen on a loopback address, or let only {who} reach it (network policy, firewall, proxy)"
        ))
    }
}

fn open_listeners(config: &Config) -> impl Iterator<Item = OpenListener<'_>> {
    let otlp = &config.receivers.otlp;
    let spans = "can send spans and change every metric";
    let senders = "trusted senders";
    let all = [
        OpenListener {
            key: "receivers.otlp.grpc",
            address: otlp.grpc.endpoint,
            tls: otlp.grpc.tls.as_ref(),
            auth: otlp.grpc.auth.as_ref(),
            what: spans,
            who: senders,
        },
        OpenListener {
            key: "receivers.otlp.http",
            address: otlp.http.endpoint,
            tls: otlp.http.tls.as_ref(),
            auth: otlp.http.auth.as_ref(),
            what: spans,
            who: senders,
        },
        OpenListener {
            key: "server",
            address: config.server.endpoint,
            tls: config.server.tls.as_ref(),
            auth: config.server.auth.as_ref(),
            what: "can read business metrics and the names in sessions",
            who: "Prometheus and operators",
        },
    ];
    all.into_iter()
        .filter(|listener| !listener.address.ip().is_loopback())
}

/// Why Baton does not start: who reaches these listeners could use them. Empty where the operator says that only the right ones reach them.
pub fn refused_listeners(config: &Config) -> Vec<String> {
    let listeners = open_listeners(config).filter(|listener| !listener.is_authenticated());
    let refused = listeners.filter_map(|listener| listener.fault());
    let refused = refused.filter(|_| !config.insecure_listen);
    refused
        .map(|fault| format!("{fault}, and say so: --insecure-listen, BATON_INSECURE_LISTEN=true or insecure_listen: true"))
        .collect()
}

/// What is insecure about a configuration and what it names, each with what to do about it.
pub fn insecure_settings(config: &Config) -> Vec<String> {
    let listeners = open_listeners(config);
    let mut faults: Vec<String> = listeners.filter_map(|listener| listener.fault()).collect();
    faults.extend(insecure_issuers(config));
    faults.extend(forwarded_credentials(config));
    for (name, destination) in config.exporters.clients() {
        let (to, content) = (destination.endpoint, destination.content);
        if destination.is_remote() && !destination.has_tls() {
            faults.push(format!(
                "exporters.{name} sends {content} to {to} without TLS: anyone on the way can read them; \
                 use an https:// endpoint, or a network that only trusted hosts can read"
            ));
        }
        if destination.has_tls() && destination.tls.insecure_skip_verify {
            faults.push(format!(
                "exporters.{name} does not check the certificate of {to}: anyone on the way can read and change what is sent; \
                 remove tls.insecure_skip_verify, and set tls.ca_file if the authority is your own"
            ));
        }
    }
    if let Some(key) = &config.normalise.content_key
        && key.0.len() < KEY_BYTES
    {
        faults.push(format!(
            "normalise.content_key has fewer than {KEY_BYTES} bytes: anyone who can read the state directory can guess it and then test guesses of message texts; use a longer random key"
        ));
    }
    let directory = config.state.directory.as_ref();
    if config.state.log == LogKind::Disk
        && let Some(directory) = directory
        && let Ok(found) = std::fs::metadata(directory)
    {
        let mode = found.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let directory = directory.display();
            faults.push(format!(
                "the state directory {directory} can be accessed by other users (mode {mode:03o}) and contains session and user IDs: run chmod 700 {directory}"
            ));
        }
    }
    faults
}

/// Headers with what senders show to Baton, which others get to see.
fn forwarded_credentials(config: &Config) -> impl Iterator<Item = String> {
    let headers = config.receivers.otlp.forward_headers.iter();
    let shown = headers.filter(|name| CREDENTIALS.iter().any(|own| own.eq_ignore_ascii_case(name)));
    shown.map(|name| {
        format!(
            "receivers.otlp.forward_headers has {name}: the credentials of senders go on to every destination, which can then use them, and are stored in the spool; \
             remove it, and set auth or headers of each destination"
        )
    })
}

/// Issuers whose keys can be changed on the way.
fn insecure_issuers(config: &Config) -> impl Iterator<Item = String> {
    let otlp = &config.receivers.otlp;
    let listeners = [
        ("receivers.otlp.grpc", &otlp.grpc.auth),
        ("receivers.otlp.http", &otlp.http.auth),
        ("server", &config.server.auth),
    ];
    listeners.into_iter().filter_map(|(key, auth)| {
        let oidc = auth.as_ref()?.oidc.as_ref()?;
        let url = &oidc.issuer_url;
        oidc.is_insecure().then(|| {
            format!(
                "{key}.auth.oidc gets the keys of {url} without TLS: anyone on the way can change them and then send what he likes; \
                 use an https:// URL, or jwks_file"
            )
        })
    })
}

/// The limits of memory, where they come from, and whether they fit.
pub(super) fn memory(config: &Config) {
    info!(
        memory_limit = %Bytes(config.memory_limit()),
        soft_state_size = %Bytes(config.soft_state() as u64),
        soft_state_size_from = %config.engine.soft_state_size,
        max_state_size = %Bytes(config.max_state() as u64),
        max_state_size_from = %config.engine.max_state_size,
        max_bytes_in_flight = %Bytes(config.bytes_in_flight() as u64),
        max_bytes_in_flight_from = %config.receivers.otlp.max_bytes_in_flight,
        "limits of memory"
    );
    if let Some(what) = too_little(config) {
        warn!("too little memory: {what}");
    }
}

fn too_little(config: &Config) -> Option<String> {
    let (state, requests) = (config.max_state() as u64, config.bytes_in_flight() as u64);
    let spool = relay::memory(config);
    let needed = [requests, spool, PROGRAM]
        .into_iter()
        .fold(state, u64::saturating_add);
    (needed > config.memory_limit()).then(|| {
        let spool = match spool {
            0 => String::new(),
            spool => format!(", spool.max_size ({})", Bytes(spool)),
        };
        format!(
            "engine.max_state_size ({}), receivers.otlp.max_bytes_in_flight ({}){spool} and the program ({}) together exceed the memory limit ({}), \
             and the process may be killed under load: raise the memory limit, or lower these settings",
            Bytes(state),
            Bytes(requests),
            Bytes(PROGRAM),
            Bytes(config.memory_limit())
        )
    })
}

/// Whether the recovered state fits.
pub(super) fn recovered(config: &Config, weight: usize) {
    if let Some(what) = does_not_fit(config, weight) {
        warn!("too little memory: {what}");
    }
}

fn does_not_fit(config: &Config, weight: usize) -> Option<String> {
    let (state, soft) = (Bytes(weight as u64), config.soft_state());
    if weight > config.max_state() {
        let most = Bytes(config.max_state() as u64);
        return Some(format!(
            "the recovered state takes {state}, more than engine.max_state_size ({most}): sessions are closed early until it fits; \
             raise the memory limit or this setting before the next start"
        ));
    }
    (weight > soft).then(|| {
        let soft = Bytes(soft as u64);
        format!(
            "the recovered state takes {state}, more than engine.soft_state_size ({soft}): requests are refused until sessions have ended; \
             raise the memory limit or this setting"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::OidcSettings;
    use crate::forward::DestinationSettings;
    use crate::setting::{Amount, Secret};
    use crate::tls::ClientTlsSettings;

    #[test]
    fn the_defaults_are_secure() {
        assert!(insecure_settings(&Config::default()).is_empty());
    }

    #[test]
    fn credentials_of_senders_that_go_on_are_named() {
        let mut config = Config::default();
        let headers = ["X-Scope-OrgID", "Authorization", "cookie"].map(str::to_owned);
        config.receivers.otlp.forward_headers = headers.into();
        let told = insecure_settings(&config);
        assert_eq!(told.len(), 2, "{told:?}");
        for (told, name) in told.iter().zip(["Authorization", "cookie"]) {
            assert!(
                told.contains(&format!("forward_headers has {name}")),
                "{told}"
            );
        }
    }

    #[test]
    fn an_issuer_without_tls_is_insecure_unless_it_is_on_this_machine_or_its_keys_are_in_a_file() {
        for (url, file, is_told) in [
            ("http://issuer.example", None, true),
            ("https://issuer.example", None, false),
            ("http://127.0.0.1:1", None, false),
            ("http://issuer.example", Some("keys.json".into()), false),
        ] {
            let mut config = Config::default();
            config.server.auth = Some(ServerAuthSettings {
                oidc: Some(OidcSettings {
                    issuer_url: url.to_owned(),
                    jwks_file: file,
                    ..OidcSettings::default()
                }),
                ..ServerAuthSettings::default()
            });
            let told = insecure_settings(&config);
            assert_eq!(told.len(), usize::from(is_told), "{url}: {told:?}");
        }
    }

    #[test]
    fn each_insecure_thing_is_named_with_its_remedy() {
        let directory = tempfile::tempdir().expect("a folder");
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(directory.path(), open).expect("changed");
        let any = "0.0.0.0:0".parse().expect("an address");
        let mut config = Config::default();
        config.receivers.otlp.grpc.endpoint = any;
        config.receivers.otlp.http.endpoint = any;
        config.server.endpoint = any;
        config.normalise.content_key = Some(Secret("short".into()));
        for (name, host) in [
            ("otlp/far", "collector"),
            ("otlp/near", "[::1]"),
            ("otlp", "localhost"),
        ] {
            let destination = DestinationSettings {
                endpoint: format!("http://{host}:4317"),
                ..DestinationSettings::default()
            };
            config.exporters.otlp.0.insert(name.into(), destination);
        }
        let unchecked = DestinationSettings {
            endpoint: "https://collector:4317".into(),
            tls: ClientTlsSettings {
                insecure_skip_verify: true,
                ..ClientTlsSettings::default()
            },
            ..DestinationSettings::default()
        };
        config
            .exporters
            .otlp
            .0
            .insert("otlp/unchecked".into(), unchecked);
        config.state.directory = Some(directory.path().to_owned());
        let faults = insecure_settings(&config);
        assert_eq!(faults.len(), 7, "{faults:?}");
        for (fault, (about, remedy)) in faults.iter().zip([
            ("receivers.otlp.grpc.endpoint", "client_ca_file"),
            ("receivers.otlp.http.endpoint", "loopback"),
            ("server.endpoint", "only Prometheus"),
            ("exporters.otlp/far", "https://"),
            ("exporters.otlp/unchecked", "insecure_skip_verify"),
            ("normalise.content_key", "longer"),
            ("mode 755", "chmod 700"),
        ]) {
            assert!(fault.contains(about) && fault.contains(remedy), "{fault}");
            assert!(
                !fault.contains("short"),
                "a secret is never printed: {fault}"
            );
        }
    }

    /// All that listeners can have: the address, a certificate, certificates of clients, `auth`.
    #[test]
    fn a_listener_beyond_loopback_needs_authentication_or_a_word_of_the_operator() {
        let tls = |clients: bool| ServerTlsSettings {
            client_ca_file: clients.then(|| "clients.pem".into()),
            ..ServerTlsSettings::default()
        };
        for (address, tls, auth, is_refused, is_told) in [
            ("127.0.0.1:0", None, None, false, false),
            ("[::1]:0", None, None, false, false),
            ("0.0.0.0:0", None, None, true, true),
            ("[::]:0", None, None, true, true),
            ("192.0.2.1:0", None, None, true, true),
            ("0.0.0.0:0", Some(tls(false)), None, true, true),
            ("0.0.0.0:0", Some(tls(true)), None, false, false),
            (
                "0.0.0.0:0",
                None,
                Some(ServerAuthSettings::default()),
                false,
                true,
            ),
            (
                "0.0.0.0:0",
                Some(tls(false)),
                Some(ServerAuthSettings::default()),
                false,
                false,
            ),
        ] {
            let mut config = Config::default();
            let endpoint = address.parse().expect("an address");
            let server = &mut config.server;
            (server.endpoint, server.tls, server.auth) = (endpoint, tls.clone(), auth.clone());
            let grpc = &mut config.receivers.otlp.grpc;
            (grpc.endpoint, grpc.tls, grpc.auth) = (endpoint, tls.clone(), auth.clone());
            let http = &mut config.receivers.otlp.http;
            (http.endpoint, http.tls, http.auth) = (endpoint, tls, auth);
            let of = |is: bool| if is { 3 } else { 0 };
            assert_eq!(
                refused_listeners(&config).len(),
                of(is_refused),
                "{address}"
            );
            config.insecure_listen = true;
            assert_eq!(refused_listeners(&config).len(), 0, "{address}");
            assert_eq!(insecure_settings(&config).len(), of(is_told), "{address}");
        }
    }

    fn config(memory: u64) -> Config {
        Config {
            memory: Some(memory),
            ..Config::default()
        }
    }

    #[test]
    fn limits_that_do_not_fit_the_container_are_named() {
        assert_eq!(too_little(&config(512 << 20)), None);
        let tiny = too_little(&config(128 << 20)).expect("too little");
        assert!(tiny.contains("memory limit (128.0 MiB)"), "{tiny}");
        let mut forwarding = config(256 << 20);
        assert_eq!(too_little(&forwarding), None);
        forwarding.state.log = LogKind::Memory;
        let destinations = &mut forwarding.exporters.otlp.0;
        destinations.insert("otlp".into(), DestinationSettings::default());
        let said = too_little(&forwarding).expect("too little");
        assert!(
            said.contains("MiB), spool.max_size (64.1 MiB) and"),
            "{said}"
        );
        let mut explicit = config(1 << 30);
        explicit.engine.max_state_size = Amount::Bytes(2 << 30);
        let said = too_little(&explicit).expect("too little");
        assert!(said.contains("engine.max_state_size (2.0 GiB)"), "{said}");
    }

    #[test]
    fn a_recovered_state_that_does_not_fit_is_named() {
        let config = config(1 << 30);
        assert_eq!(does_not_fit(&config, 400 << 20), None);
        let soft = does_not_fit(&config, 500 << 20).expect("too much");
        assert!(soft.contains("engine.soft_state_size"), "{soft}");
        let most = does_not_fit(&config, 600 << 20).expect("too much");
        assert!(most.contains("engine.max_state_size"), "{most}");
    }
}
