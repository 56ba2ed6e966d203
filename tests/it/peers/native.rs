//! A Prometheus that asks for protobuf and native histograms, and one that reads text, see the same.

use super::restarts::{send, session};
use super::{folder, get, query, start_prometheus, start_prometheus_with, sum, until};
use crate::support::process::{self, free_addresses};
use baton::catalogue::DERIVED;
use baton::model::metric::FamilyKind;
use std::collections::BTreeMap;
use std::fs;

const CONFIG: &str = "\
stitch: {settle: 100ms, bind_timeout: 200ms, trace_timeout: 1s, drop_timeout: 1s, idle_timeout: 24h}
metrics: {zero_hold: 300ms, native_histograms: true}
state: {log: memory}
";
const SESSIONS: u64 = 7;

/// The sums of all series of the counters that both read, by name.
async fn counters(prometheus: &str) -> BTreeMap<String, f64> {
    let all = r#"sum by (__name__) ({__name__=~"baton_.*_total"})"#;
    let found = query(prometheus, all, None).await.expect("an answer");
    let is_counter = |name: &str| {
        let mut known = DERIVED.iter();
        known.any(|d| d.name == name && d.kind != FamilyKind::Histogram)
    };
    let named = found.into_iter().filter_map(|(labels, _, value)| {
        let name = labels["__name__"].as_str()?.to_owned();
        is_counter(&name).then_some((name, value))
    });
    named.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn protobuf_and_text_say_the_same_to_a_real_prometheus() {
    let folder = folder("native");
    let config = folder.join("baton.yaml");
    fs::write(&config, CONFIG).expect("written");
    let [server] = free_addresses().map(|free| free.to_string());
    let mut command = process::baton();
    let command = process::run(&mut command).arg("--config").arg(&config);
    let (_baton, endpoints) = process::spawn(command.args(["--server-endpoint", &server]));
    let http = endpoints.http.to_string();
    let [reads_text, reads_protobuf] = ["text", "protobuf"].map(|name| folder.join(name));
    for folder in [&reads_text, &reads_protobuf] {
        fs::create_dir_all(folder).expect("a folder");
    }
    let (_text, text) = start_prometheus(&reads_text, &server, "200ms");
    let features = "exemplar-storage,native-histograms";
    let (_native, native) = start_prometheus_with(&reads_protobuf, &server, "200ms", features);
    for number in 0..SESSIONS {
        send(&http, &session(number, "desk")).await;
    }
    let expected = SESSIONS as f64;
    for prometheus in [&text, &native] {
        until("all turns", || async {
            let seen = sum(prometheus, "sum(baton_turns_total)", None).await?;
            (seen == expected).then_some(())
        })
        .await;
    }
    let seen = counters(&text).await;
    for counter in ["baton_sessions_total", "baton_agent_invocations_total"] {
        assert_eq!(seen.get(counter), Some(&expected), "{seen:?}");
    }
    assert_eq!(seen, counters(&native).await);
    let name = "baton_turn_duration_seconds";
    for (classic, sparse) in [("count", "histogram_count"), ("sum", "histogram_sum")] {
        let classic = sum(&text, &format!("sum({name}_{classic})"), None).await;
        let sparse = sum(&native, &format!("sum({sparse}({name}))"), None).await;
        assert!(classic.is_some_and(|value| value > 0.0), "{classic:?}");
        assert_eq!(classic, sparse);
    }
    // All turns take a millisecond, and buckets are 9 % wide.
    let median = format!("histogram_quantile(0.5, sum({name}))");
    let median = sum(&native, &median, None).await.expect("a quantile");
    assert!((0.000_9..=0.001_1).contains(&median), "{median}");
    let url = format!("http://{native}/api/v1/targets");
    let targets = get(&url).await.expect("targets");
    assert!(targets.contains(r#""lastError":"""#), "{targets}");
}
