//! Refusals speak in the log: the first of each kind at once, with its sender and what to do, and never with content.

use crate::door::doors::{Doors, PROTOBUF, request, span};
use crate::support::log::LogLines;
use opentelemetry_proto::tonic::trace::v1::Span;

#[tokio::test]
async fn the_first_refusal_of_a_kind_is_logged_and_the_next_ones_are_not() {
    let (lines, _guard) = LogLines::listen();
    let doors = Doors::open().await;
    for _ in 0..3 {
        let secret = b"a secret prompt".to_vec();
        assert_eq!(doors.post(&PROTOBUF, secret).await.0, 400);
        let unnamed = Span {
            name: "a secret prompt".into(),
            span_id: vec![],
            ..span(2)
        };
        let mixed = request(vec![span(1), unnamed]);
        assert_eq!(doors.post(&PROTOBUF, mixed).await.0, 200);
    }
    let text = lines.text();
    for (reason, advice) in [
        (
            "malformed",
            "check that the sender exports OTLP to this port",
        ),
        ("invalid_id", "check the SDK of the sender"),
    ] {
        let named = format!("reason=\"{reason}\"");
        let told: Vec<&str> = text.lines().filter(|l| l.contains(&named)).collect();
        let [line] = told[..] else {
            panic!("one line of {reason} in\n{text}");
        };
        for part in ["WARN", "listener=\"http\"", "from=127.0.0.1:", advice] {
            assert!(line.contains(part), "{part} is not in\n{line}");
        }
    }
    assert!(!text.contains("secret"), "{text}");
}
