//! Which tenant a request has: by its certificate, its token, its name or a header, in this order.

use super::super::*;
use crate::model::tenant::Access;
use crate::setting::Secret;
use crate::tls::ClientCertificate;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};

const HEADER: HeaderName = HeaderName::from_static("x-scope-orgid");

fn settings() -> TenantSettings {
    let names = [
        ("checkout", "team-a"),
        ("billing", "team-b"),
        ("cn-b", "team-b"),
    ];
    TenantSettings {
        certificate: Some(CertificatePart::CommonName),
        names: names
            .map(|(name, of)| (name.to_owned(), of.to_owned()))
            .into(),
        header: Some("X-Scope-OrgID".to_owned()),
        operators: vec!["ops".to_owned(), "cn-ops".to_owned()],
        ..TenantSettings::default()
    }
}

fn users() -> ServerAuthSettings {
    let hash = || Secret(bcrypt::hash("x", 4).expect("a hash"));
    let users = ["checkout", "billing", "ops", "nobody"];
    ServerAuthSettings {
        basic: Some(ServerBasicSettings {
            basic_auth_users: users.map(|name| (name.to_owned(), hash())).into(),
            filename: None,
        }),
        ..ServerAuthSettings::default()
    }
}

fn certificate(name: &str) -> ClientCertificate {
    ClientCertificate {
        common_names: vec![name.to_owned()],
        ..ClientCertificate::default()
    }
}

/// Headers of a user, if there is one, and of these tenants.
fn headers(user: Option<&str>, tenants: &[&'static str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(user) = user {
        let value = format!("Basic {}", STANDARD.encode(format!("{user}:x")));
        let value = HeaderValue::try_from(value).expect("a value");
        headers.insert(header::AUTHORIZATION, value);
    }
    for tenant in tenants {
        headers.append(HEADER, HeaderValue::from_static(tenant));
    }
    headers
}

fn tenant(name: &str) -> Result<Access, Denial> {
    Ok(Access::Tenant(name.into()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sender_can_prove_goes_before_what_it_says() {
    let control = AccessControl::open("test", Some(&users()), Some(&settings()));
    let control = control.expect("users");
    let (all, none) = (Ok(Access::All), Err(Denial::NoTenant));
    let invalid = Err(Denial::InvalidTenant);
    for (user, certified, said, expected) in [
        ("checkout", None, &[][..], tenant("team-a")),
        ("checkout", None, &["team-b"], tenant("team-a")),
        ("billing", None, &[], tenant("team-b")),
        ("nobody", None, &[], none.clone()),
        ("nobody", None, &["team-a"], none.clone()),
        // An operator may speak for one tenant, and then reaches that alone.
        ("ops", None, &[], all.clone()),
        ("ops", None, &["team-b"], tenant("team-b")),
        ("ops", None, &["team-a", "team-b"], invalid.clone()),
        ("ops", None, &["team-a|team-b"], invalid.clone()),
        ("ops", None, &[""], invalid.clone()),
        // A certificate goes before the user.
        ("checkout", Some("cn-b"), &[], tenant("team-b")),
        ("checkout", Some("cn-c"), &["team-a"], tenant("cn-c")),
        ("ops", Some("cn-c"), &[], tenant("cn-c")),
        ("checkout", Some("cn-ops"), &[], all),
        ("checkout", Some("a|b"), &[], invalid.clone()),
    ] {
        let certificate = certified.map(certificate);
        let headers = headers(Some(user), said);
        let found = control.access(&headers, certificate.as_ref()).await;
        assert_eq!(found, expected, "{user} {certified:?} {said:?}");
    }
    let denied = control.access(&headers(None, &["team-a"]), None).await;
    assert_eq!(denied, Err(Denial::Missing));
}

#[tokio::test]
async fn a_header_is_believed_where_no_credentials_are_asked_for_and_only_if_it_is_configured() {
    let open = |settings: &TenantSettings| {
        AccessControl::open("test", None, Some(settings)).expect("no files")
    };
    let control = open(&settings());
    let none = Err(Denial::NoTenant);
    assert_eq!(
        control.access(&headers(None, &["a"]), None).await,
        tenant("a")
    );
    assert_eq!(control.access(&headers(None, &[]), None).await, none);
    let invalid = Err(Denial::InvalidTenant);
    for said in ["a|b", "other", "_a"] {
        let found = control.access(&headers(None, &[said]), None).await;
        assert_eq!(found, invalid, "{said}");
    }
    // A certificate that names nobody is no proxy's.
    let nameless = ClientCertificate::default();
    let two = ClientCertificate {
        common_names: vec!["a".to_owned(), "b".to_owned()],
        ..ClientCertificate::default()
    };
    for certificate in [nameless, two] {
        let headers = headers(None, &["a"]);
        let found = control.access(&headers, Some(&certificate)).await;
        assert_eq!(found, none);
    }
    let control = open(&TenantSettings::default());
    assert_eq!(control.access(&headers(None, &["a"]), None).await, none);
    let control = AccessControl::default();
    let found = control.access(&headers(None, &["a"]), None).await;
    assert_eq!(found, Ok(Access::All), "there are no tenants");
}

#[test]
fn each_part_of_a_certificate_names_the_tenant_if_there_is_one_of_it() {
    let certificate = ClientCertificate {
        common_names: vec!["cn".to_owned()],
        dns_names: vec!["dns".to_owned()],
        uris: vec!["spiffe://a".to_owned(), "spiffe://b".to_owned()],
    };
    for (part, expected) in [
        (CertificatePart::CommonName, Some("cn")),
        (CertificatePart::Dns, Some("dns")),
        (CertificatePart::Uri, None),
    ] {
        assert_eq!(part.of(&certificate), expected);
    }
}
