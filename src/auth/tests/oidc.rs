//! Which JSON web tokens are accepted: every algorithm, every claim, and the known attacks.

use super::super::authenticator::{Authenticator, Principal};
use super::super::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};
use ring::rand::SystemRandom;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example/realms/agents";
/// A key of RSA, made for these tests.
const RSA_KEY: &str = include_str!("rsa-key.b64");

fn coded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key that signs tokens.
enum Signer {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    fn rsa() -> Self {
        let text: String = RSA_KEY.split_whitespace().collect();
        let der = STANDARD.decode(text).expect("base64");
        Self::Rsa(RsaKeyPair::from_der(&der).expect("a key"))
    }

    fn ecdsa(algorithm: &'static signature::EcdsaSigningAlgorithm) -> Self {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &random);
        Self::Ecdsa(key.expect("a key"))
    }

    fn ed() -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self::Ed(Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key"))
    }

    /// The public key with this ID.
    fn jwk(&self, id: &str) -> Value {
        match self {
            Self::Rsa(key) => {
                let RsaPublicKeyComponents::<Vec<u8>> { n, e } = key.public().into();
                json!({"kty": "RSA", "kid": id, "n": coded(n), "e": coded(e)})
            }
            Self::Ecdsa(key) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": curve, "kid": id, "x": coded(x), "y": coded(y), "use": "sig"})
            }
            Self::Ed(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": coded(key.public_key()), "alg": "EdDSA"})
            }
        }
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let padding: &dyn RsaEncoding = match algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signed = vec![0; key.public().modulus_len()];
                key.sign(padding, &random, message, &mut signed)
                    .expect("signed");
                signed
            }
            Self::Ecdsa(key) => key
                .sign(&random, message)
                .expect("signed")
                .as_ref()
                .to_vec(),
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    fn token(&self, algorithm: &str, id: Option<&str>, claims: &Value) -> String {
        let mut header = json!({"typ": "JWT", "alg": algorithm});
        if let Some(id) = id {
            header["kid"] = id.into();
        }
        let message = format!(
            "{}.{}",
            coded(header.to_string()),
            coded(claims.to_string())
        );
        let signed = self.sign(algorithm, message.as_bytes());
        format!("{message}.{}", coded(signed))
    }
}

/// Seconds since 1970, so many from now.
fn at(seconds: i64) -> i64 {
    i64::try_from(jsonwebtoken::get_current_timestamp()).expect("small") + seconds
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": "baton", "exp": at(60), "sub": "agent"})
}

/// Claims of which one is another one, or none.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().expect("claims").remove(name)),
        value => claims[name] = value,
    }
    claims
}

/// What accepts the tokens of these keys.
fn opened(keys: &[Value]) -> (tempfile::TempDir, Authenticator) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys.json");
    std::fs::write(&file, json!({"keys": keys}).to_string()).expect("written");
    let settings = ServerAuthSettings {
        oidc: Some(OidcSettings {
            issuer_url: ISSUER.to_owned(),
            audience: "baton".to_owned(),
            jwks_file: Some(file),
            tenant_claim: Some("org".to_owned()),
            ..OidcSettings::default()
        }),
        ..ServerAuthSettings::default()
    };
    let opened = Authenticator::open("test", &settings).expect("keys");
    (folder, opened)
}

async fn shown(to: &Authenticator, token: &str) -> Result<(), Denial> {
    principal(to, token).await.map(drop)
}

async fn principal(to: &Authenticator, token: &str) -> Result<Principal, Denial> {
    let value = HeaderValue::try_from(format!("Bearer {token}")).expect("a value");
    to.check(&HeaderMap::from_iter([(header::AUTHORIZATION, value)]))
        .await
}

#[tokio::test]
async fn each_algorithm_of_a_key_is_accepted_and_no_other_one() {
    let signers = [
        (
            Signer::rsa(),
            "rsa",
            &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"][..],
        ),
        (
            Signer::ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            "p256",
            &["ES256"],
        ),
        (
            Signer::ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            "p384",
            &["ES384"],
        ),
        (Signer::ed(), "ed", &["EdDSA"]),
    ];
    let all: Vec<&str> = signers
        .iter()
        .flat_map(|(_, _, own)| own.iter().copied())
        .collect();
    let keys: Vec<Value> = signers
        .iter()
        .map(|(signer, id, _)| signer.jwk(id))
        .collect();
    let (_folder, to) = opened(&keys);
    for (signer, id, own) in &signers {
        for algorithm in &all {
            // What it says is not what it is signed with, but for its own ones.
            let token = signer.token(algorithm, Some(id), &claims());
            let expected = if own.contains(algorithm) {
                Ok(())
            } else {
                Err(Denial::Wrong)
            };
            assert_eq!(shown(&to, &token).await, expected, "{id} {algorithm}");
        }
        let token = signer.token(own[0], None, &claims());
        assert_eq!(shown(&to, &token).await, Ok(()), "{id} without a key ID");
        let token = signer.token(own[0], Some("another"), &claims());
        assert_eq!(shown(&to, &token).await, Err(Denial::Wrong), "{id}");
    }
}

#[tokio::test]
async fn a_token_tells_its_subject_and_the_claim_of_the_tenant() {
    let signer = Signer::ed();
    let (_folder, to) = opened(&[signer.jwk("1")]);
    for (claims, tenant) in [
        (claims(), None),
        (with("org", "team-a".into()), Some("team-a")),
        (with("org", json!(["team-a"])), None),
        (with("org", 7.into()), None),
    ] {
        let token = signer.token("EdDSA", Some("1"), &claims);
        let expected = Principal {
            name: Some("agent".into()),
            tenant: tenant.map(Into::into),
        };
        assert_eq!(principal(&to, &token).await, Ok(expected), "{claims}");
    }
}

#[tokio::test]
async fn claims_must_be_those_of_the_issuer_for_baton_and_of_now() {
    let signer = Signer::ed();
    let (_folder, to) = opened(&[signer.jwk("1")]);
    let (wrong, expired) = (Err(Denial::Wrong), Err(Denial::Expired));
    for (claims, expected) in [
        (claims(), Ok(())),
        (with("aud", json!(["other", "baton"])), Ok(())),
        (with("nbf", at(-5).into()), Ok(())),
        (with("nbf", at(20).into()), Ok(())),
        (with("exp", at(-20).into()), Ok(())),
        (with("exp", at(-120).into()), expired),
        (with("exp", Value::Null), wrong),
        // Version 9 of the library took these for none.
        (with("exp", "never".into()), wrong),
        (with("nbf", "2000-01-01".into()), wrong),
        (with("nbf", at(120).into()), wrong),
        (with("aud", "other".into()), wrong),
        (with("aud", Value::Null), wrong),
        (with("aud", json!({"baton": true})), wrong),
        (
            with("iss", "https://issuer.example/realms/other".into()),
            wrong,
        ),
        (with("iss", format!("{ISSUER}/").into()), wrong),
        (with("iss", Value::Null), wrong),
    ] {
        let token = signer.token("EdDSA", Some("1"), &claims);
        assert_eq!(shown(&to, &token).await, expected, "{claims}");
    }
    // Who expired and was never signed is wrong.
    let stranger = Signer::ed().token("EdDSA", Some("1"), &with("exp", at(-120).into()));
    assert_eq!(shown(&to, &stranger).await, wrong);
}

#[tokio::test]
async fn unsigned_tokens_and_those_signed_with_a_public_key_are_refused() {
    let signer = Signer::rsa();
    let public = signer.jwk("1");
    let secret = json!({"kty": "oct", "kid": "2", "k": coded("secret"), "alg": "HS256"});
    let encryption =
        json!({"kty": "RSA", "kid": "3", "use": "enc", "n": public["n"], "e": public["e"]});
    let (_folder, to) = opened(&[public.clone(), secret, encryption]);
    let right = signer.token("RS256", Some("1"), &claims());
    assert_eq!(shown(&to, &right).await, Ok(()));
    let parts: Vec<&str> = right.split('.').collect();
    let unsigned = |algorithm: &str| {
        let header = coded(json!({"alg": algorithm, "kid": "1"}).to_string());
        format!("{header}.{}.", parts[1])
    };
    let hashed = |id: &str, secret: &[u8]| {
        let header = coded(json!({"alg": "HS256", "kid": id}).to_string());
        let message = format!("{header}.{}", parts[1]);
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        let tag = ring::hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", coded(tag))
    };
    let modulus = public["n"].as_str().expect("a text");
    let raw = URL_SAFE_NO_PAD.decode(modulus).expect("base64");
    let other = coded(with("sub", "root".into()).to_string());
    for token in [
        unsigned("none"),
        unsigned("None"),
        unsigned("RS256"),
        hashed("1", public.to_string().as_bytes()),
        hashed("1", modulus.as_bytes()),
        hashed("1", &raw),
        hashed("2", b"secret"),
        signer.token("RS256", Some("3"), &claims()),
        format!("{}.{other}.{}", parts[0], parts[2]),
        format!("{right}."),
        parts[..2].join("."),
        String::new(),
    ] {
        assert_eq!(shown(&to, &token).await, Err(Denial::Wrong), "{token}");
    }
}

#[test]
fn key_sets_that_cannot_be_used_are_refused_and_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys.json");
    let settings = ServerAuthSettings {
        oidc: Some(OidcSettings {
            issuer_url: ISSUER.to_owned(),
            audience: "baton".to_owned(),
            jwks_file: Some(file.clone()),
            ..OidcSettings::default()
        }),
        ..ServerAuthSettings::default()
    };
    let many = vec![Signer::ed().jwk("1"); 33];
    for (text, what) in [
        (super::HUSH.to_owned(), "is no JSON Web Key Set"),
        (json!({"keys": []}).to_string(), "has no key for signatures"),
        (
            json!({"keys": [{"kty": "oct", "k": super::HUSH}]}).to_string(),
            "has no key for signatures",
        ),
        (json!({"keys": many}).to_string(), "more than 32"),
    ] {
        std::fs::write(&file, text).expect("written");
        let error = Authenticator::open("test", &settings).expect_err("no keys");
        let told = format!("{error} {error:?}");
        assert!(told.contains(what) && !told.contains(super::HUSH), "{told}");
    }
}
