//! One and the same metadata, however an SDK sends it, says the same; and what stands for nothing says nothing.

use super::{event, group, kept};
use crate::model::cohort::preset;
use crate::normalise::*;
use crate::otlp::view::Value;

/// What SDKs put before each entry of a user's metadata, with the scope of one that does.
const PREFIXES: &[(&str, &str)] = &[
    ("app", ""),
    ("openinference.instrumentation.langchain", "metadata."),
    ("litellm", "metadata."),
    ("langfuse-sdk", "langfuse.trace.metadata."),
    ("langfuse-sdk", "langfuse.observation.metadata."),
    ("langsmith", "langsmith.metadata."),
    ("ai", "ai.telemetry.metadata."),
    ("ai", "ai.settings.context."),
    (
        "opentelemetry.instrumentation.langchain",
        "traceloop.association.properties.",
    ),
    ("@mastra/otel", "mastra.metadata."),
    ("logfire", "logfire.metadata."),
    ("gcp.vertex.agent", "gen_ai.agent.metadata."),
];

/// Tier, session, tenant, user and outcome of the event of a span.
fn told(scope: &str, pairs: &[(&str, Value<'static>)]) -> [String; 5] {
    let attributes = |dimension| preset(dimension).expect("a preset");
    let settings = Settings {
        tenant_attributes: attributes("tenant").iter().map(|a| (*a).into()).collect(),
        dimensions: vec![attributes("tier").iter().map(|a| (*a).into()).collect()],
        ..Settings::default()
    };
    let group = group(scope, "x", &[], |span| {
        for (key, value) in pairs {
            span.attributes.push(kept(key), value.clone());
        }
    });
    let normaliser = Normaliser::new(settings, Arc::new(PriceBook::default()));
    let event = normaliser
        .normalise(&group, &mut Scratch::default())
        .remove(0);
    let context = &event.context;
    let tier = context.cohort.first().map(|(_, tier)| tier.clone());
    let session = context.session.as_ref().map(|hint| hint.id.clone());
    let outcome = event
        .rare
        .outcome
        .as_ref()
        .map(|e| format!("{:?}", e.outcome));
    let named = [tier, session, context.tenant.clone(), context.user.clone()];
    let [tier, session, tenant, user] = named.map(|name| name.unwrap_or_default().to_string());
    [tier, session, tenant, user, outcome.unwrap_or_default()]
}

fn text(text: &str) -> Value<'static> {
    Value::Str(kept(text))
}

/// The text of JSON for a text.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn map(pairs: &[(&str, Value<'static>)]) -> Value<'static> {
    let pairs = pairs.iter();
    let pairs = pairs.map(|(key, value)| (kept(key), value.clone()));
    Value::Map(Box::new(pairs.collect()))
}

const SAID: [(&str, &str); 4] = [
    ("tier", "gold \u{e9}\u{202e}"),
    ("session_id", "s-7"),
    ("tenant", "acme"),
    ("user_id", "u-1"),
];
const EXPECTED: [&str; 4] = ["gold \u{e9}\\u{202e}", "s-7", "acme", "u-1"];

#[test]
fn metadata_says_the_same_as_an_attribute_and_as_json() {
    for (scope, prefix) in PREFIXES {
        let all = |wrap: &dyn Fn(&str) -> Value<'static>| {
            let pairs = SAID.iter();
            let pairs: Vec<_> = pairs
                .map(|(key, value)| (format!("{prefix}{key}"), wrap(value)))
                .collect();
            let pairs: Vec<_> = pairs.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
            told(scope, &pairs)
        };
        let plain = all(&|value| text(value));
        assert_eq!(plain[..4], EXPECTED, "{prefix}");
        assert_eq!(all(&|value| text(&quoted(value))), plain, "{prefix}");
        assert_eq!(
            all(&|value| text(&format!("[{}]", quoted(value)))),
            plain,
            "{prefix}"
        );
        assert_eq!(
            all(&|value| Value::Array(vec![text(value)])),
            plain,
            "{prefix}"
        );
    }
}

#[test]
fn metadata_in_an_object_says_the_same_however_it_is_wrapped() {
    let object = |wrap: &dyn Fn(&str) -> serde_json::Value| {
        let pairs = SAID.iter();
        let pairs = pairs.map(|(key, value)| ((*key).to_owned(), wrap(value)));
        serde_json::Value::Object(pairs.collect()).to_string()
    };
    let plain = object(&|value| value.into());
    let ways = [
        text(&plain),
        text(&quoted(&plain)),
        text(&object(&|value| quoted(value).into())),
        text(&object(&|value| vec![value].into())),
        text(
            r#"{"user": {"tier": "gold é\u202e", "id": "u-1"}, "session": {"id": "s-7"}, "tenant": {"name": "acme"}}"#,
        ),
        map(&SAID.map(|(key, value)| (key, text(value)))),
        map(&[
            (
                "user",
                map(&[("tier", text("gold \u{e9}\u{202e}")), ("id", text("u-1"))]),
            ),
            ("session", map(&[("id", text("s-7"))])),
            ("tenant", map(&[("id", text("acme"))])),
        ]),
    ];
    for key in topics::METADATA {
        for way in &ways {
            let told = told("app", &[(key.name(), way.clone())]);
            assert_eq!(told[..4], EXPECTED, "{} {way:?}", key.name());
        }
    }
}

/// S-10.
#[test]
fn a_number_is_one_id_however_it_is_sent() {
    for value in [
        Value::Int(42),
        Value::Double(42.0),
        text("42"),
        text("\"42\""),
        text("[42]"),
        Value::Array(vec![Value::Double(42.0)]),
    ] {
        let pairs = ["tier", "session.id", "tenant", "user.id"].map(|key| (key, value.clone()));
        assert_eq!(told("app", &pairs)[..4], ["42"; 4], "{value:?}");
    }
    for number in ["42", "42.0", "\"42\"", "[42]"] {
        let json = format!(
            r#"{{"tier": {number}, "session_id": {number}, "tenant": {number}, "user_id": {number}}}"#
        );
        let told = told("app", &[("metadata", text(&json))]);
        assert_eq!(told[..4], ["42"; 4], "{json}");
    }
    let [tier, session, ..] = told(
        "app",
        &[
            ("tier", Value::Bool(true)),
            ("session.id", Value::Bool(true)),
        ],
    );
    assert_eq!([&*tier, &*session], ["true", ""]);
}

/// S-6.
#[test]
fn a_placeholder_is_no_value_and_the_next_name_counts() {
    for value in ["[]", "[\"a\", \"b\"]", "[null]"] {
        let pairs = ["tier", "session.id"].map(|key| (key, text(value)));
        assert_eq!(told("app", &pairs), [""; 5], "{value}");
    }
    let nothing = ["", " ", "None", "NULL", "[Scrubbed due to 'session']"];
    for placeholder in nothing.iter().chain(declared::PLACEHOLDERS) {
        for value in [text(placeholder), text(&quoted(placeholder))] {
            let names = ["customer.tier", "session.id", "tenant.name", "user.id"];
            let pairs = names.map(|key| (key, value.clone()));
            assert_eq!(told("app", &pairs), [""; 5], "{value:?}");
            let others = SAID.map(|(key, value)| (key, text(value)));
            let both = [&pairs[..], &others].concat();
            assert_eq!(told("app", &both)[..4], EXPECTED, "{value:?}");
        }
        let json = format!(r#"{{"tier": null, "session_id": {}}}"#, quoted(placeholder));
        assert_eq!(told("app", &[("metadata", text(&json))]), [""; 5], "{json}");
    }
    for zeros in ["0", "00000000-0000-0000-0000-000000000000"] {
        let pairs = ["tier", "session.id", "tenant", "user.id"].map(|key| (key, text(zeros)));
        assert_eq!(told("app", &pairs)[..4], [zeros, "", "", ""]);
    }
}

#[test]
fn an_outcome_loses_its_quotes_too() {
    for name in topics::OUTCOME {
        for value in ["escalated", "\"escalated\"", "Escalated", "handed to human"] {
            let told = told("app", &[(name.name(), text(value))]);
            assert_eq!(told[4], "Escalated", "{} {value}", name.name());
        }
    }
}

#[test]
fn a_graph_that_tells_its_agent_in_json_tells_it_without_quotes_and_escapes() {
    for (key, value) in [
        (
            "langfuse.observation.metadata.lc_agent_name",
            r#""Zo\u00eb""#,
        ),
        ("langfuse.observation.metadata.lc_agent_name", "Zo\u{eb}"),
        ("langsmith.metadata.lc_agent_name", r#""Zo\u00eb""#),
        ("traceloop.association.properties.lc_agent_name", "Zo\u{eb}"),
    ] {
        let namespace = key.replace("lc_agent_name", "langgraph_checkpoint_ns");
        let event = event(
            "langfuse-sdk",
            "x",
            &[
                ("langfuse.observation.type", "span"),
                (&namespace, "\"tools:1\""),
                (key, value),
            ],
        );
        assert_eq!(event.agent.as_deref(), Some("Zo\u{eb}"), "{key}");
    }
}
