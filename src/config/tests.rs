//! Known faults, and the files that are written from the types.

use super::*;

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
            "5: stitch.setle: unknown key; did you mean settle?",
            "6: stitch.drop_timeout: is not of the form that is asked for (durations: 5s, 1h30m; sizes: 16MiB)",
            "7: stitch.max_sessions: is less than 0",
            "9: metrics.created: has the wrong type",
            "10: log.level: is none of [\"error\",\"warn\",\"info\",\"debug\",\"trace\"]",
            "11: unheard: unknown key; known here: cohorts, engine, log, metrics, money, normalise, prices, receivers, rules, server, shutdown, state, stitch",
        ]
    );
}

#[test]
fn rules_are_checked_with_the_place_of_the_fault() {
    let text = "rules:\n  outcomes:\n  - {over: event, when: event.tol == 'x', outcome: resolved}\n  funnel:\n  - {step: paid, over: turn, when: turn.handoffs}\n";
    let faults = read(text).expect_err("faults");
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0]
            .starts_with("3: rules.outcomes.0.when: column 6: event has no field tol; it has kind"),
        "{faults:?}"
    );
    assert_eq!(
        faults[1],
        "5: rules.funnel.0.when: `turn.handoffs` is a number, not true or false"
    );
}

#[test]
fn faults_that_no_schema_knows() {
    let text = "receivers: {otlp: {grpc: {endpoint: localhost}, http: {endpoint: '127.0.0.1:9464'}}}\nstitch:\n  settle: 3m\n  max_sessions: 0\nprices: {file: missing.yaml}\n";
    let faults = read(text).expect_err("faults");
    let all = faults.join("\n");
    for expected in [
        "server.endpoint: is the same as receivers.otlp.http.endpoint",
        "1: receivers.otlp.grpc.endpoint: is not an address and port",
        "3: stitch.settle: is longer than stitch.trace_timeout",
        "3: stitch.settle: is longer than stitch.drop_timeout",
        "4: stitch.max_sessions: must be at least 1",
        "5: prices.file: cannot be read",
    ] {
        assert!(all.contains(expected), "{expected} is not in\n{all}");
    }
    assert_eq!(faults.len(), 6, "{all}");
}

#[test]
fn references_fill_values_and_never_structure() {
    let config = read("server: {endpoint: '${PORT}'}\nreceivers: {otlp: {max_depth: '${COUNT}', retry_after: '${NONE:-9s}'}}").expect("fine");
    assert_eq!(config.server.port(), 9);
    assert_eq!(config.max_depth, 7);
    assert_eq!(config.retry_after, Duration::from_secs(9));
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
    let faults = read("log: {}\nlog: {}\n").expect_err("a fault");
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
    assert_eq!(config.cohorts[0].1[..2], ["plan", "customer.tier"]);
    assert_eq!(config.cohorts[1], ("region".into(), vec!["geo".into()]));
    let faults =
        read("cohorts:\n  dimensions: [tier, tier, Region, le, color]\n  attributes: {x: [z1]}\n")
            .expect_err("faults");
    assert_eq!(faults.len(), 7, "{faults:?}");
    for what in [
        "twice",
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
    assert_eq!(*Config::default().action_prices, Default::default());
    let text = "prices: {tools: {lookup: 0.002, free: 0}, retrieval: 0.001, escalation: 4.50}";
    let prices = read(text).expect("fine").action_prices;
    assert_eq!(prices.tools["lookup"], 0.002);
    assert_eq!(prices.tools["free"], 0.0);
    assert_eq!(
        (prices.retrieval, prices.escalation),
        (Some(0.001), Some(4.5))
    );
    let faults = read("prices:\n  tools: {a: -1, b: x}\n").expect_err("faults");
    assert_eq!(faults, ["2: prices.tools.b: has the wrong type"]);
    let faults = read("prices:\n  tools: {a: -1}\n  retrieval: 2e9\n  escalation: 1e300\n");
    assert_eq!(faults.expect_err("faults").len(), 3);
    read("prices: {retrieval: .nan}").expect_err("no number");
}

#[test]
fn a_currency_needs_its_code_and_the_worth_of_a_dollar() {
    let money = read("money: {currency: EUR, rates: {USD: 0.92, GBP: 1.15}}");
    let money = money.expect("fine").money;
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
