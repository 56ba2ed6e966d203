//! What Baton pushes by remote write and by OTLP, in a real Prometheus that scrapes it too: the same series with the same values, and every
//! first value counts, over restarts of Baton and outages of Prometheus.

use super::super::restarts::{send, session};
use super::super::{folder, get, until};
use super::{
    Pusher, Receiver, SeriesValues, address, counted, derived, every_value_counts_once, is_derived,
    name, otlp, remote_write, series,
};
use baton::catalogue::INTERNAL;
use std::collections::BTreeSet;
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_remote_write_and_otlp_give_the_same_series() {
    let folder = folder("push-same");
    let server = address();
    let mut prometheus = Receiver::prometheus(&folder, &server, "exemplar-storage");
    let at = prometheus.address.clone();
    let exporters = [
        otlp(
            &format!("http://{at}/api/v1/otlp"),
            "protocol: http/protobuf, compression: gzip",
            "",
        ),
        remote_write("next", &at, "external_labels: {job: written}"),
    ];
    let pusher = Pusher::new(&folder, &server, &exporters.join(", "), "");
    let (baton, endpoints) = pusher.start();
    let mut http = endpoints.http.to_string();
    let both_count = async |agents: u64| {
        for job in ["pushed", "written"] {
            counted(&at, job, agents).await;
        }
    };
    for number in 0..3 {
        send(&http, &session(number, &format!("agent {number}"))).await;
    }
    both_count(3).await;
    // Prometheus is away, a series is born, and Baton is killed and comes back.
    prometheus.end();
    send(&http, &session(3, "agent 3")).await;
    let born = r#"baton_agent_invocations_total{agent="agent 3""#;
    pusher.shows(born, "1").await;
    baton.stop("-KILL");
    let (baton, endpoints) = pusher.start();
    http = endpoints.http.to_string();
    send(&http, &session(4, "agent 4")).await;
    prometheus.begin();
    both_count(5).await;
    baton.stop("-TERM");
    // It is away, a series is born, and Baton stops in order.
    let (baton, endpoints) = pusher.start();
    prometheus.end();
    send(&endpoints.http.to_string(), &session(5, "agent 5")).await;
    pusher
        .shows(r#"baton_agent_invocations_total{agent="agent 5""#, "1")
        .await;
    baton.stop("-TERM");
    let (_baton, endpoints) = pusher.start();
    prometheus.begin();
    send(&endpoints.http.to_string(), &session(6, "agent 6")).await;
    both_count(7).await;
    counted(&at, "scraped", 7).await;
    for job in ["pushed", "written"] {
        every_value_counts_once(&at, job, 7).await;
    }
    all_jobs_have_the_same(&at).await;
    exemplars_are_there(&at).await;
    drop(prometheus);
    fs::remove_dir_all(&folder).expect("removed");
}

/// The same series in all jobs, with the same values.
pub(in super::super) async fn all_jobs_have_the_same(at: &str) {
    let names = |all: &SeriesValues| -> BTreeSet<String> { all.keys().cloned().collect() };
    let scraped = until("equal series", || async {
        let scraped = series(at, "scraped").await?;
        for job in ["pushed", "written"] {
            let pushed = series(at, job).await?;
            if derived(&scraped) != derived(&pushed) || names(&scraped) != names(&pushed) {
                return None;
            }
        }
        Some(scraped)
    })
    .await;
    let own = scraped.keys().filter(|series| !is_derived(series));
    let is_known = |series: &String| INTERNAL.iter().any(|row| row.name == name(series));
    assert!(own.clone().count() > 20 && own.clone().all(is_known));
    assert!(scraped.len() - own.count() > 50);
}

async fn exemplars_are_there(at: &str) {
    for job in ["pushed", "written"] {
        let exemplars = format!(
            "http://{at}/api/v1/query_exemplars?query=baton_turn_duration_seconds_bucket%7Bjob%3D%22{job}%22%7D&start=0&end=99999999999"
        );
        let exemplars = get(&exemplars).await.expect("an answer");
        let trace = format!(r#""trace_id":"{:032x}""#, 7);
        assert!(exemplars.contains(&trace), "{job}: {exemplars}");
    }
}
