//! What waits for destinations now. Gauges say it, and so it ends when its cause does; what counters say is in `lacks.rs`.

use super::figures::{Figures, Only};
use super::finding::{Finding, FindingKind};
use crate::model::harmless::harmless;
use crate::model::limit::Bytes;

const ALL: Only = ("", &[]);
/// A request that waits for longer has had its first attempts.
const LATE_SECONDS: u64 = 15;

/// Destinations that do not take what waits for them, and what is in the quarantine.
pub(super) fn waiting(figures: &Figures) -> Vec<Finding> {
    let late = late(figures);
    late.into_iter().chain(quarantined(figures)).collect()
}

fn late(figures: &Figures) -> Option<Finding> {
    let requests = figures.by("baton_spool_requests", ALL, &["exporter"]);
    let oldest = figures.by("baton_spool_oldest_seconds", ALL, &["exporter"]);
    let mut count = 0;
    let mut which = Vec::new();
    for (exporter, waiting) in requests {
        let of_this = oldest.iter().find(|(name, _)| *name == exporter);
        if let Some((_, seconds)) = of_this.filter(|(_, seconds)| *seconds >= LATE_SECONDS) {
            count += waiting;
            let exporter = harmless(&exporter);
            which.push(format!(
                "`{exporter}` {waiting}, the oldest for {seconds} s"
            ));
        }
    }
    let message = format!(
        "Requests that wait for a destination: {}. Is it reachable, and fast enough? The log of the instance says why attempts failed",
        which.join("; ")
    );
    let kind = FindingKind::Forwarding;
    let finding = Finding::new(kind, (count, count), message, "docs/runbooks/forwarding.md");
    (count > 0).then_some(finding)
}

fn quarantined(figures: &Figures) -> Option<Finding> {
    let bytes = figures.sum("baton_spool_quarantine_bytes", ALL);
    let message = format!(
        "Requests that a destination rejected permanently: {}. They are kept: mend the cause and run `baton spool requeue`",
        Bytes(bytes)
    );
    let kind = FindingKind::Forwarding;
    let finding = Finding::new(
        kind,
        (bytes, bytes),
        message,
        "docs/forwarding.md#quarantine",
    );
    (bytes > 0).then_some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let findings = waiting(&Figures::of_text(text));
        findings.into_iter().map(|one| one.message).collect()
    }

    #[test]
    fn a_destination_that_is_down_is_told_and_one_that_is_served_is_not() {
        let spool = |exporter: &str, requests: u64, seconds: f64| {
            format!(
                "baton_spool_requests{{exporter=\"{exporter}\"}} {requests}\nbaton_spool_oldest_seconds{{exporter=\"{exporter}\"}} {seconds}\n"
            )
        };
        assert_eq!(told(&spool("otlp/up", 3, 0.2)), [""; 0]);
        let both = spool("otlp/up", 3, 0.2) + &spool("otlp/down", 20, 93.4);
        let found = told(&both);
        assert_eq!(found.len(), 1);
        let expected = "destination: `otlp/down` 20, the oldest for 93 s. Is";
        assert!(found[0].contains(expected), "{found:?}");
    }

    #[test]
    fn the_quarantine_is_told_until_it_is_empty() {
        let counted = "baton_exporter_quarantined_requests_total{exporter=\"otlp\"} 2\n";
        let held = |bytes: u64| format!("{counted}baton_spool_quarantine_bytes {bytes}\n");
        assert_eq!(told(&held(0)), [""; 0]);
        let found = told(&held(2048));
        assert!(found[0].contains("permanently: 2.0 KiB. They"), "{found:?}");
    }
}
