//! An issuer of JSON web tokens: its keys, its tokens, and the HTTP server where it tells them.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

fn coded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key of an issuer.
pub struct IssuerKey {
    id: String,
    key: Ed25519KeyPair,
}

impl IssuerKey {
    pub fn new(id: &str) -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let key = Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key");
        let id = id.to_owned();
        Self { id, key }
    }

    pub fn jwk(&self) -> Value {
        let x = coded(self.key.public_key());
        json!({"kty": "OKP", "crv": "Ed25519", "kid": self.id, "x": x})
    }

    /// A token of these claims.
    pub fn token(&self, claims: &Value) -> String {
        let header = json!({"typ": "JWT", "alg": "EdDSA", "kid": self.id});
        let message = message(&header, claims);
        let signed = self.key.sign(message.as_bytes());
        format!("{message}.{}", coded(signed))
    }

    /// Tokens of these claims that nobody signed, or that are signed with the public key as a secret.
    pub fn forged(&self, claims: &Value) -> [String; 2] {
        let unsigned = message(&json!({"alg": "none", "kid": self.id}), claims);
        let hashed = message(&json!({"alg": "HS256", "kid": self.id}), claims);
        let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.key.public_key().as_ref());
        let tag = ring::hmac::sign(&secret, hashed.as_bytes());
        [format!("{unsigned}."), format!("{hashed}.{}", coded(tag))]
    }
}

fn message(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        coded(header.to_string()),
        coded(claims.to_string())
    )
}

/// Claims for Baton that expire so many seconds from now.
pub fn claims(issuer: &str, seconds: i64) -> Value {
    let now = baton::clock::Clock::system().now().as_seconds() as i64;
    json!({"iss": issuer, "aud": "baton", "exp": now + seconds, "sub": "somebody"})
}

/// What the server tells, and how often its keys were asked for.
#[derive(Default)]
struct Told {
    url: String,
    /// `None`: it is out of order.
    keys: Option<Value>,
    asked: usize,
}

/// The server. It ends when it is dropped.
pub struct TestIssuer {
    told: Arc<Mutex<Told>>,
    serving: JoinHandle<()>,
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl TestIssuer {
    pub async fn start(keys: &[&IssuerKey]) -> Self {
        let told = Arc::new(Mutex::new(Told::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address: SocketAddr = listener.local_addr().expect("bound");
        told.lock().expect("no panic").url = format!("http://{address}");
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(self::keys))
            .with_state(Arc::clone(&told));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("served");
        });
        let issuer = Self { told, serving };
        issuer.tell(keys);
        issuer
    }

    pub fn url(&self) -> String {
        self.told.lock().expect("no panic").url.clone()
    }

    /// Tells these keys from now on; none: it is out of order.
    pub fn tell(&self, keys: &[&IssuerKey]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        let keys = (!keys.is_empty()).then(|| json!({"keys": keys}));
        self.told.lock().expect("no panic").keys = keys;
    }

    /// How often its keys were asked for.
    pub fn asked(&self) -> usize {
        self.told.lock().expect("no panic").asked
    }
}

async fn discovery(State(told): State<Arc<Mutex<Told>>>) -> String {
    let url = told.lock().expect("no panic").url.clone();
    json!({"issuer": url, "jwks_uri": format!("{url}/keys")}).to_string()
}

async fn keys(State(told): State<Arc<Mutex<Told>>>) -> (StatusCode, String) {
    let mut told = told.lock().expect("no panic");
    told.asked += 1;
    match &told.keys {
        Some(keys) => (StatusCode::OK, keys.to_string()),
        None => (StatusCode::BAD_GATEWAY, String::new()),
    }
}
