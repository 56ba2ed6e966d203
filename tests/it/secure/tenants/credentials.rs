//! Every kind of credentials, and whose telemetry it is with each.

use super::super::authority::Authority;
use super::super::issuer::{IssuerKey, claims};
use super::super::matrix::hash;
use super::{ATTRIBUTES, NAMES, certificate};
use serde_json::json;
use std::path::Path;

/// What a request may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaches {
    All,
    /// One tenant.
    Own(&'static str),
    /// Nothing: the statuses of HTTP and gRPC.
    Nothing(&'static str, &'static str),
}

const UNKNOWN: Reaches = Reaches::Nothing("401", "16");
const NOBODYS: Reaches = Reaches::Nothing("403", "7");

/// What a sender shows: arguments of curl.
#[derive(Clone, Debug)]
pub struct Credential {
    pub arguments: Vec<String>,
    pub reaches: Reaches,
}

/// A Baton that knows tenants in one way.
pub struct Way {
    pub name: &'static str,
    pub config: String,
    /// `http` or `https`.
    pub scheme: &'static str,
    pub credentials: Vec<Credential>,
}

impl Way {
    /// The arguments of the first sender that reaches so much.
    pub fn sender(&self, reaches: Reaches) -> Option<&[String]> {
        let found = self.credentials.iter().find(|one| one.reaches == reaches);
        found.map(|one| one.arguments.as_slice())
    }
}

fn shows(arguments: &[&str], reaches: Reaches) -> Credential {
    Credential {
        arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
        reaches,
    }
}

/// The same with a header that names a tenant.
fn and_says(credential: Credential, tenant: &str, reaches: Reaches) -> Credential {
    let mut arguments = credential.arguments;
    arguments.extend(["-H".to_owned(), format!("X-Scope-OrgID: {tenant}")]);
    Credential { arguments, reaches }
}

/// The configuration of three listeners alike.
fn alike(listener: &str, tenants: &str) -> String {
    format!(
        "receivers: {{otlp: {{grpc: {{{listener}}}, http: {{{listener}}}}}}}\nserver: {{{listener}}}\ntenants: {{{tenants}}}\n{ATTRIBUTES}"
    )
}

/// Tokens, users and tokens of an issuer, beside a header.
pub fn by_secret(folder: &Path) -> Way {
    let file = |name| folder.join(name);
    let tokens = "a-user a-token\nb-user b-token\nops ops-token\nstranger s-token\nplain-token\n";
    std::fs::write(file("tokens"), tokens).expect("written");
    let key = IssuerKey::new("1");
    let keys = json!({"keys": [key.jwk()]}).to_string();
    std::fs::write(file("keys"), keys).expect("written");
    let users = ["a-user", "b-user", "ops", "stranger"];
    let users = users
        .map(|name| format!("{name}: '{}'", hash("x")))
        .join(", ");
    let auth = format!(
        "auth: {{bearer: {{filename: '{}'}}, basic: {{basic_auth_users: {{{users}}}}}, \
         oidc: {{issuer_url: 'https://issuer.example', audience: baton, jwks_file: '{}', tenant_claim: org}}}}",
        file("tokens").display(),
        file("keys").display()
    );
    let of = |user: &str, reaches| shows(&["--user", &format!("{user}:x")], reaches);
    let bearer = |token: &str, reaches| {
        let header = format!("authorization: Bearer {token}");
        shows(&["-H", &header], reaches)
    };
    let web_token = |name: &str, org: serde_json::Value, reaches| {
        let mut claims = claims("https://issuer.example", 600);
        claims["sub"] = name.into();
        claims["org"] = org;
        bearer(&key.token(&claims), reaches)
    };
    let (a, b, all) = (Reaches::Own("a"), Reaches::Own("b"), Reaches::All);
    let credentials = vec![
        of("a-user", a),
        of("b-user", b),
        of("ops", all),
        of("stranger", NOBODYS),
        shows(&["--user", "a-user:y"], UNKNOWN),
        shows(&[], UNKNOWN),
        and_says(shows(&[], UNKNOWN), "a", UNKNOWN),
        bearer("a-token", a),
        bearer("b-token", b),
        bearer("ops-token", all),
        bearer("s-token", NOBODYS),
        bearer("plain-token", NOBODYS),
        and_says(bearer("plain-token", NOBODYS), "a", NOBODYS),
        and_says(bearer("s-token", NOBODYS), "a", NOBODYS),
        web_token("somebody", json!("a"), a),
        web_token("b-user", json!("a"), a),
        web_token("b-user", json!(7), b),
        web_token("somebody", json!("a|b"), NOBODYS),
        web_token("somebody", json!(null), NOBODYS),
        web_token("ops", json!("a"), all),
        and_says(of("a-user", a), "b", a),
        and_says(web_token("somebody", json!("b"), b), "a", b),
        and_says(of("ops", all), "b", b),
        and_says(of("ops", all), "a|b", NOBODYS),
        and_says(and_says(of("ops", all), "a", a), "b", NOBODYS),
    ];
    let tenants = format!("header: X-Scope-OrgID, {NAMES}");
    Way {
        name: "secrets",
        config: alike(&auth, &tenants),
        scheme: "http",
        credentials,
    }
}

/// One part of certificates, beside a header.
pub fn by_certificate(folder: &Path, part: &'static str) -> Way {
    let authority = Authority::new(folder, "own");
    let pair = authority.issue_to(folder, "baton", 2041);
    let listener = super::super::listener(&pair, Some(&authority));
    let of = |name: &str, reaches| Credential {
        arguments: certificate(&authority.issue_to(folder, name, 2041), &authority.file),
        reaches,
    };
    let (a, b, all) = (Reaches::Own("a"), Reaches::Own("b"), Reaches::All);
    let named = match part {
        "common_name" => Reaches::Own("stranger"),
        "dns" => Reaches::Own("stranger.example"),
        _ => Reaches::Own("spiffe://example/stranger"),
    };
    let credentials = vec![
        of("a", a),
        of("b", b),
        of("ops", all),
        and_says(of("a", a), "b", a),
        and_says(of("ops", all), "b", b),
        of("stranger", named),
    ];
    let tenants = format!("certificate: {part}, header: X-Scope-OrgID, {NAMES}");
    Way {
        name: part,
        config: alike(&listener, &tenants),
        scheme: "https",
        credentials,
    }
}

/// A header that a proxy sets.
pub fn by_header() -> Way {
    let says = |tenant: &str, reaches| and_says(shows(&[], reaches), tenant, reaches);
    let credentials = vec![
        says("a", Reaches::Own("a")),
        says("b", Reaches::Own("b")),
        says("a|b", NOBODYS),
        says("..", NOBODYS),
        and_says(says("a", NOBODYS), "b", NOBODYS),
        shows(&[], NOBODYS),
        shows(&["--user", "ops:x"], NOBODYS),
    ];
    Way {
        name: "header",
        config: alike("", &format!("header: X-Scope-OrgID, {NAMES}")),
        scheme: "http",
        credentials,
    }
}
