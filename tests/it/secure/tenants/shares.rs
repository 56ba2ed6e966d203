//! A tenant that has much of everything takes nothing of it from another one.

use super::credentials::{Reaches, by_secret};
use super::{in_trace, page, pass, post, session_of, started};
use crate::support::process::folder;

/// Sessions of the tenant that has many.
const MANY: u64 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_many_sessions_and_names_leaves_another_one_its_own() {
    let folder = folder("secure-shares");
    let way = by_secret(&folder);
    let own = |tenant| way.sender(Reaches::Own(tenant)).expect("a sender");
    // So few that one tenant alone has more of each.
    for limits in [
        "metrics: {max_label_values: 8, zero_hold: 0s}\n",
        "metrics: {max_series: 16, zero_hold: 0s}\n",
        "stitch: {max_sessions: 6}\nmetrics: {zero_hold: 0s}\n",
    ] {
        let text = format!(
            "{}engine: {{partitions: 1, stories: 4}}\n{limits}",
            way.config
        );
        let (app, nanos) = started(&text).await;
        let traces = format!("http://{}/v1/traces", app.http);
        let send = |tenant, number, sender: &str| {
            let body = session_of(number, sender, None);
            assert_eq!(post(&traces, own(tenant), &folder, &body), "200");
        };
        // The oldest session is that of the other one, and the latest, whose agents are new.
        send("b", 100, "b");
        (0..MANY).for_each(|number| send("a", number, &format!("a{number}")));
        pass(&app, &nanos).await;
        send("b", 101, "late");
        // A session that was forgotten would be counted again.
        let body = in_trace(7, &session_of(100, "b", None));
        assert_eq!(post(&traces, own("b"), &folder, &body), "200");
        pass(&app, &nanos).await;
        let shown = |path: &str, tenant| {
            let (status, text) = page(&format!("http://{}{path}", app.metrics), own(tenant));
            assert_eq!(status, "200 ", "{text}");
            text
        };
        let metrics = shown("/metrics", "b");
        let line = |start: &str| {
            let mut lines = metrics.lines().filter(|line| line.starts_with(start));
            lines.next().unwrap_or_default().to_owned()
        };
        for agent in ["b_triage", "b_refunds", "late_triage", "late_refunds"] {
            let series = format!("baton_agent_invocations_total{{agent=\"{agent}\"");
            assert!(!line(&series).is_empty(), "{limits} {agent}: {metrics}");
        }
        assert!(line("baton_sessions_total").contains("} 2"), "{metrics}");
        assert!(!metrics.contains("_overflow"), "{limits}: {metrics}");
        let sessions = shown("/sessions", "b");
        for number in [100, 101] {
            let id = format!("conversation {number}");
            assert!(sessions.contains(&id), "{limits}: {sessions}");
        }
        assert!(!shown("/sessions", "a").contains("conversation 100"));
        assert!(app.stop().await);
    }
}
