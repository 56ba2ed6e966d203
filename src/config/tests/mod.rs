//! Known faults, and the files that are written from the types.

mod dialects;
mod mutation;

use super::*;
use std::time::Duration;

fn read(text: &str) -> Result<Config, Vec<String>> {
    let env = |name: &str| match name {
        "PORT" => Some("127.0.0.1:9".to_owned()),
        "COUNT" => Some("7".to_owned()),
        "EVIL" => Some("1s\nmetrics: {created: false}".to_owned()),
        "SECRET" => Some("hunter2".to_owned()),
        _ => None,
    };
    of_text(text, Path::new("."), &env)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

#[test]
fn every_fault_is_told_at_once_with_its_line() {
    let text = "\
receivers:
  otlp:
    grpc: {endpoint: localhost}
stitch:
  setle: 1s
  drop_timeout: soon
  max_sessions: -1
metrics:
  created: maybe
log: {level: loud}
unheard: 1
";
    let faults = read(text).expect_err("faults");
    assert_eq!(
        faults,
        [
            "3:12: receivers.otlp.grpc.endpoint: expected an IP address and a port such as 127.0.0.1:4317 or [::1]:4317, found another text",
            "5:3: stitch.setle: unknown key; did you mean settle?",
            "6:3: stitch.drop_timeout: expected a duration (units: ms, s, m, h, d) such as 2m, found another text",
            "7:3: stitch.max_sessions: expected a whole number such as 1000000, not below 0",
            "9:3: metrics.created: expected true or false, found a text",
            "10:7: log.level: expected one of error, warn, info, debug, trace, found another text",
            "11:1: unheard: unknown key; known here: cohorts, connections, engine, exporters, insecure_listen, ledger, log, metrics, money, normalise, outcomes, prices, receivers, report, rules, server, service, shutdown, spool, state, stitch, tenants",
        ]
    );
}

#[test]
fn labels_and_buckets_are_those_of_the_catalogue_or_the_fault_says_which() {
    let text = "\
money: {currency: EUR, rates: {USD: 0.9}}
metrics:
  labels:
    keep:
      baton_handofs_total: [from]
      baton_handoffs_total:
      - from
      - resullt
      baton_late_events_total: [tier]
      baton_workflow_cost_usd: [workflow]
  buckets:
    baton_turns_total: [1]
    baton_turn_duration_seconds: [5, 1]
";
    assert_eq!(
        read(text).expect_err("faults"),
        [
            "5:7: metrics.labels.keep.baton_handofs_total: is no derived metric: did you mean baton_handoffs_total? see docs/metrics.md",
            "8:9: metrics.labels.keep.baton_handoffs_total.1: is a label that the metric does not have: did you mean result? it has from, to, kind, result, reason, evidence, tier, intent, channel, tenant",
            "9:33: metrics.labels.keep.baton_late_events_total.0: is a label that the metric does not have: it has none",
            "10:7: metrics.labels.keep.baton_workflow_cost_usd: is no derived metric: did you mean baton_workflow_cost_eur? see docs/metrics.md",
            "12:5: metrics.buckets.baton_turns_total: is no histogram and has no buckets",
            "13:5: metrics.buckets.baton_turn_duration_seconds: is no list of growing numbers, as in [0.5, 1, 2.5]; +Inf is added",
        ]
    );
    let text = "money: {currency: EUR, rates: {USD: 0.9}}\nmetrics: {labels: {preset: minimal, keep: {baton_workflow_cost_eur: [tier]}}, buckets: {baton_workflow_cost_eur: []}}";
    let config = read(text).expect("a configuration");
    assert_eq!(config.metrics.labels.preset, derive::Preset::Minimal);
    assert_eq!(
        config.metrics.labels.kept["baton_workflow_cost_usd"],
        ["tier"]
    );
    assert_eq!(config.metrics.bounds["baton_workflow_cost_usd"], [0.0; 0]);
}

#[test]
fn rules_are_checked_with_the_place_of_the_fault() {
    let text = "rules:\n  outcomes:\n  - {over: event, when: event.tol == 'x', outcome: resolved}\n  funnel:\n  - {step: paid, over: turn, when: turn.handoffs}\n";
    let faults = read(text).expect_err("faults");
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0].starts_with(
            "3:19: rules.outcomes.0.when: column 6: event has no field tol; it has kind"
        ),
        "{faults:?}"
    );
    assert_eq!(
        faults[1],
        "5:30: rules.funnel.0.when: `turn.handoffs` is a number, not true or false"
    );
}

#[test]
fn faults_that_no_schema_knows() {
    let text = "receivers: {otlp: {grpc: {endpoint: localhost}, http: {endpoint: '127.0.0.1:9464'}}}\nstitch:\n  settle: 3m\n  max_sessions: 0\nprices: {file: missing.yaml}\n";
    let faults = read(text).expect_err("faults");
    let all = faults.join("\n");
    for expected in [
        "1:56: receivers.otlp.http.endpoint: must not be the same address as server.endpoint",
        "1:27: receivers.otlp.grpc.endpoint: expected an IP address and a port",
        "3:3: stitch.settle: must not be longer than stitch.trace_timeout (by default)",
        "3:3: stitch.settle: must not be longer than stitch.drop_timeout (by default)",
        "4:3: stitch.max_sessions: expected a whole number of at least 1, found 0",
        "5:10: prices.file: missing.yaml cannot be read",
    ] {
        assert!(all.contains(expected), "{expected} is not in\n{all}");
    }
    assert_eq!(faults.len(), 6, "{all}");
}

#[test]
fn time_outs_of_connections_have_an_order_and_none_is_zero() {
    let text = "receivers: {otlp: {body_timeout: 2m, body_idle_timeout: 3m}}\nconnections: {idle_timeout: 0s}\nserver: {max_connections: 0}\n";
    let faults = read(text).expect_err("faults");
    assert_eq!(
        faults,
        [
            "1:20: receivers.otlp.body_timeout: must not be longer than connections.request_timeout (by default)",
            "1:38: receivers.otlp.body_idle_timeout: must not be longer than receivers.otlp.body_timeout",
            "2:15: connections.idle_timeout: expected a duration above 0 such as 30s, found 0",
            "3:10: server.max_connections: expected a whole number of at least 1, found 0",
        ]
    );
}

#[test]
fn references_fill_values_and_never_structure() {
    let config = read("server: {endpoint: '${PORT}'}\nreceivers: {otlp: {max_depth: '${COUNT}', retry_after: '${NONE:-9s}'}}").expect("fine");
    assert_eq!(config.server.endpoint.port(), 9);
    assert_eq!(config.receivers.otlp.max_depth, 7);
    assert_eq!(config.receivers.otlp.retry_after, Duration::from_secs(9));
    let faults = read("stitch:\n  settle: ${EVIL}\n  drop_timeout: ${NONE}\n").expect_err("faults");
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[1].contains("the environment variable NONE is not set"),
        "{faults:?}"
    );
}

#[test]
fn a_value_from_the_environment_is_never_printed() {
    for text in [
        "stitch: {settle: '${SECRET}'}",
        "log: {level: '${SECRET}'}",
        "server: {endpoint: '${SECRET}'}",
        "stitch: '${SECRET}'",
    ] {
        let faults = read(text).expect_err("a fault").join("\n");
        assert!(!faults.contains("hunter2"), "{faults}");
    }
}

#[test]
fn an_empty_file_is_the_defaults_and_broken_yaml_is_told() {
    assert_eq!(
        format!("{:?}", read("# nothing\n").expect("fine")),
        format!("{:?}", Config::default())
    );
    let faults = read("a: [1\nb: 2").expect_err("a fault");
    assert!(faults[0].contains("not valid YAML"), "{faults:?}");
}

#[test]
fn the_annotated_defaults_and_the_schema_are_shipped() {
    let config = read(&annotated()).expect("the annotated defaults are valid");
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    for (file, text) in [
        ("baton.yaml", annotated()),
        ("baton.schema.json", format!("{:#}\n", schema())),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("config")
            .join(file);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, text).expect("it can be written");
        } else {
            let shipped = std::fs::read_to_string(path).unwrap_or_default();
            assert_eq!(shipped, text, "run UPDATE=1 cargo test --lib");
        }
    }
}

#[test]
fn the_catalogue_has_the_common_models_at_their_list_price() {
    use crate::model::event::Usage;
    use crate::model::time::Timestamp;
    let book = built_in_prices();
    let million = Usage {
        input: 1_000_000,
        output: 1_000_000,
        ..Usage::default()
    };
    let now = Timestamp(1_795_000_000_000_000_000);
    for (provider, model, usd) in [
        ("openai", "gpt-4o", 12.5),
        ("openai", "gpt-4o-mini", 0.75),
        ("openai", "gpt-5-mini", 2.25),
        ("anthropic", "claude-sonnet-4-20250514", 18.0),
        (
            "aws.bedrock",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            18.0,
        ),
        ("gcp.gemini", "gemini-2.5-flash", 2.8),
    ] {
        let cost = book.cost(Some(provider), model, &million, now);
        assert_eq!(cost.map(|c| (c * 1e6).round() / 1e6), Some(usd), "{model}");
    }
    assert_eq!(book.cost(None, "a-model-of-our-own", &million, now), None);
}

#[test]
fn cohorts_are_checked_and_the_operators_attributes_go_first() {
    let config =
        read("cohorts: {dimensions: [tier, region], attributes: {region: [geo], tier: [plan]}}")
            .expect("fine");
    let cohorts = config.cohorts;
    assert_eq!(cohorts.dimensions, ["tier", "region"]);
    assert_eq!(
        cohorts.attributes_of("tier")[..2],
        ["plan", "customer.tier"]
    );
    assert_eq!(cohorts.attributes_of("region"), ["geo"]);
    let faults =
        read("cohorts:\n  dimensions: [tier, tier, Region, le, color]\n  attributes: {x: [z1]}\n")
            .expect_err("faults");
    assert_eq!(faults.len(), 7, "{faults:?}");
    for what in [
        "is a duplicate",
        "label name",
        "no attributes",
        "not in cohorts.dimensions",
    ] {
        let told = faults.iter().any(|fault| fault.contains(what));
        assert!(told, "{what}: {faults:?}");
    }
}

#[test]
fn actions_have_prices_only_where_the_operator_says_so() {
    assert_eq!(Config::default().prices.actions(), Default::default());
    let text = "prices: {tools: {lookup: 0.002, free: 0}, retrieval: 0.001, escalation: 4.50}";
    let prices = read(text).expect("fine").prices.actions();
    assert_eq!(prices.tools["lookup"], 0.002);
    assert_eq!(prices.tools["free"], 0.0);
    assert_eq!(
        (prices.retrieval, prices.escalation),
        (Some(0.001), Some(4.5))
    );
    let faults = read("prices:\n  tools: {a: -1, b: x}\n").expect_err("faults");
    assert_eq!(
        faults,
        [
            "2:11: prices.tools.a: expected a price from 0 to 1000000000 such as 0.002",
            "2:18: prices.tools.b: expected a number such as 0.5, found a text",
        ]
    );
    let faults = read("prices:\n  tools: {a: -1}\n  retrieval: 2e9\n  escalation: 1e300\n");
    assert_eq!(faults.expect_err("faults").len(), 3);
    read("prices: {retrieval: .nan}").expect_err("no number");
}

#[test]
fn a_currency_needs_its_code_and_the_worth_of_a_dollar() {
    let money = read("money: {currency: EUR, rates: {USD: 0.92, GBP: 1.15}}");
    let money = money.expect("fine").money.money();
    assert_eq!(
        (&**money.currency(), money.rate("GBP")),
        ("EUR", Some(1.15))
    );
    for (text, what) in [
        ("money: {currency: EUR}", "money.rates.USD"),
        (
            "money: {currency: euro, rates: {USD: 1}}",
            "three capital letters",
        ),
        ("money: {rates: {eur: 1}}", "three capital letters"),
        ("money: {rates: {EUR: 0}}", "a rate above 0"),
        ("money: {rates: {USD: 1}}", "the currency itself"),
    ] {
        let faults = read(text).expect_err(text);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains(what), "{faults:?}");
    }
}

#[test]
fn a_fault_hides_no_other_one() {
    let text = "\
money: {currency: EUR, rates: {USD: much}}
stitch: {settle: 5, trace_timeout: 1s}
rules:
  outcomes:
  - {over: event, when: event.tol == 'x', outcome: solved}
  - {over: evnt, when: event.tol == 'x', outcome: failed}
  - {over: event, when: 5, outcome: failed}
  - {over: event, outcome: failed}
  - 7
  funnel:
  - {step: paid, over: turn, when: turn.handoffs}
cohorts: {dimensions: [tier, 5, Region], attributes: {region: [x]}}
server: [1]
metrics:
  max_series: 5000000000
  max_label_values: 20.0
metrics: {created: 1}
engine: {partitions: -1, soft_state_size: 60%}
";
    let faults = read(text).expect_err("faults");
    let expected = [
        "1:32: money.rates.USD: expected a number such as 0.5, found a text",
        "2:10: stitch.settle: expected a duration (units: ms, s, m, h, d) such as 5s, found a number",
        "5:19: rules.outcomes.0.when: column 6: event has no field tol",
        "5:43: rules.outcomes.0.outcome: expected one of resolved,",
        "6:6: rules.outcomes.1.over: expected one of event, turn, workflow, found another text",
        "7:19: rules.outcomes.2.when: expected a text, found a number; put it in quotes",
        "8:5: rules.outcomes.3.when: is missing: expected a text",
        "9:5: rules.outcomes.4: expected a section with the keys name, outcome, over, when, found a number",
        "11:30: rules.funnel.0.when: `turn.handoffs` is a number",
        "12:30: cohorts.dimensions.1: expected a text, found a number",
        "12:33: cohorts.dimensions.2: expected a label name",
        "12:33: cohorts.dimensions.2: has no attributes",
        "13:1: server: expected a section with the keys auth, endpoint, max_connections, tls, web_config_file, found a list",
        "15:3: metrics.max_series: expected a whole number such as 40000",
        "17:1: metrics: is a duplicate key; it is on line 14 already",
        "17:11: metrics.created: expected true or false, found a number",
        "18:10: engine.partitions: expected a whole number such as 0, not below 0",
        "18:26: engine.soft_state_size: must not be more than engine.max_state_size (by default)",
    ];
    let all = faults.join("\n");
    assert_eq!(faults.len(), expected.len(), "{all}");
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{expected} is not in\n{all}");
    }
}

#[test]
fn an_empty_section_is_that_without_keys_and_an_empty_value_is_a_fault() {
    let empty = "stitch:\nrules:\n  outcomes:\nprices: {tools: }\nreceivers:\n  otlp:\n    grpc: # later\n---\n";
    let config = read(empty.trim_end_matches("---\n")).expect("fine");
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    read("---\n").expect("an empty document");
    read("normalise: {content_key: }").expect("a key that may be left out");
    let faults = read("stitch:\n  settle:\n").expect_err("a fault");
    assert_eq!(
        faults,
        [
            "2:3: stitch.settle: expected a duration (units: ms, s, m, h, d) such as 5s, found nothing"
        ]
    );
    let faults = read("[1]").expect_err("a fault").join("\n");
    assert!(
        faults.starts_with(" expected a section with the keys"),
        "{faults}"
    );
}

#[test]
fn a_relation_is_told_where_the_file_says_something() {
    for (text, expected) in [
        (
            "stitch: {trace_timeout: 1s}",
            "1:10: stitch.trace_timeout: must not be shorter than stitch.settle (by default)",
        ),
        (
            "stitch: {settle: 70s, trace_timeout: 65s}",
            "1:10: stitch.settle: must not be longer than stitch.trace_timeout",
        ),
        (
            "server: {endpoint: '127.0.0.1:4317'}",
            "1:10: server.endpoint: must not be the same address as receivers.otlp.grpc.endpoint",
        ),
    ] {
        assert_eq!(read(text).expect_err("a fault"), [expected]);
    }
}

#[test]
fn yaml_is_explained_in_plain_words() {
    for (text, expected) in [
        ("stitch:\n\tsettle: 5s\n", "tab"),
        (
            "stitch:\n  settle 5s\n  drop_timeout: 2m\n",
            "lacks its `:`",
        ),
        ("stitch:\n  settle: 5s\n drop_timeout: 2m\n", "indented"),
        ("a: [1, 2\nb: 3\n", "a bracket before it not closed"),
        ("a: {b: 1\nc: 3\n", "`,` or `}`"),
        ("a: 'x\nb: y\n", "quotes"),
        ("a: *b\n", "anchor"),
        ("a: 1\n---\nb: 1\n", "second document"),
        ("a: @b\n", "cannot begin a value"),
        ("a: ]\n", "a bracket that closes nothing"),
    ] {
        let faults = read(text).expect_err(text);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("not valid YAML: "), "{faults:?}");
        assert!(faults[0].contains(expected), "{text}: {faults:?}");
        assert!(
            faults[0].starts_with(|c: char| c.is_ascii_digit()),
            "{faults:?}"
        );
    }
}

#[test]
fn anchors_and_merged_sections_are_read() {
    let text = "normalise: {session_attributes: &ids [a, b], user_attributes: *ids}\n";
    assert_eq!(
        read(text).expect("fine").normalise.user_attributes,
        ["a", "b"]
    );
    let text = "receivers:\n  otlp:\n    grpc: &door {endpoint: 127.0.0.1:1}\n    http: {<<: *door, endpoint: 127.0.0.1:2}\n";
    assert_eq!(
        read(text)
            .expect("fine")
            .receivers
            .otlp
            .http
            .endpoint
            .port(),
        2
    );
}

#[test]
fn a_catalogue_of_prices_tells_all_its_faults() {
    let text = "prices:\n- {provider: x, model: yes, input: cheap, output: -1}\n- {provider: x, from: monday, modell: y, input: 1, output: 1}\n";
    let faults = prices_of_text(text).expect_err("faults");
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "2:17: prices.0.model: expected a text, found true or false; put it in quotes",
            "2:29: prices.0.input: expected a number such as 0.5, found a text",
            "2:43: prices.0.output: expected a price of at least 0, found a negative number",
            "3:3: prices.1.model: is missing: expected a text",
            "3:17: prices.1.from: expected a day such as 2026-01-31",
            "3:31: prices.1.modell: unknown key; did you mean model?",
        ]
    );
}

#[test]
fn what_a_terminal_obeys_is_not_printed() {
    let faults = read("\"a\\e[31m\": 1\n").expect_err("a fault");
    assert!(
        faults[0].starts_with("1:1: a\\u{1b}[31m: unknown key"),
        "{faults:?}"
    );
}

#[test]
fn an_example_comes_from_the_description_or_the_default() {
    let faults = read("prices: {tools: 1}\nnormalise: {handoff_tools: x}\n").expect_err("faults");
    assert!(
        faults[0].contains("such as {lookup: 0.002}, found a number"),
        "{faults:?}"
    );
    assert!(
        faults[1].contains("expected a list such as [") && faults[1].ends_with("found a text"),
        "{faults:?}"
    );
}
