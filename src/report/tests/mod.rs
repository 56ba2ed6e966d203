//! Tests of the report: what rows become, in which days, and how it reads.

use super::tally::units;
use super::*;
use crate::model::time::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::time::Duration;

/// A row by the names of its columns.
#[derive(Clone, Debug, Default)]
struct MadeRow {
    texts: BTreeMap<&'static str, String>,
    wholes: BTreeMap<&'static str, i64>,
    money: BTreeMap<&'static str, i128>,
}

impl RowSource for MadeRow {
    fn text(&self, column: &str) -> &str {
        self.texts.get(column).map_or("", String::as_str)
    }

    fn whole(&self, column: &str) -> Option<i64> {
        self.wholes.get(column).copied()
    }

    fn real(&self, column: &str) -> Option<f64> {
        self.wholes
            .get(column)
            .map(|percent| *percent as f64 / 100.0)
    }

    fn money(&self, column: &str) -> Option<i128> {
        self.money.get(column).copied()
    }

    fn text_of(&self, map: &str, name: &str) -> &str {
        assert_eq!((map, name), ("cohort", "intent"));
        self.text("intent")
    }
}

impl MadeRow {
    fn of(session: u64, time: u64) -> Self {
        let mut row = Self::default();
        row.texts.insert("session_id", format!("s-{session}"));
        row.wholes.insert("log_time", time as i64);
        row
    }

    fn text(mut self, column: &'static str, text: &str) -> Self {
        self.texts.insert(column, text.to_owned());
        self
    }

    fn whole(mut self, column: &'static str, number: i64) -> Self {
        self.wholes.insert(column, number);
        self
    }

    fn money(mut self, column: &'static str, billionths: i128) -> Self {
        self.money.insert(column, billionths);
        self
    }
}

fn period(zone: &str, first: jiff::civil::Date, last: jiff::civil::Date) -> ReportPeriod {
    let zone = TimeZone::get(zone).expect("a zone");
    ReportPeriod::new(first, last, &zone).expect("days")
}

fn nanos(text: &str) -> Timestamp {
    let time: jiff::Timestamp = text.parse().expect("a time");
    Timestamp(u64::try_from(time.as_nanosecond()).expect("after 1970"))
}

/// A week in which so many of a thousand cases were resolved.
fn week(period: &ReportPeriod, start: &str, resolved: u64) -> PeriodTally {
    let mut tally = PeriodTally::new(period);
    let start = nanos(start).0;
    for case in 0..1000 {
        let row = MadeRow::of(case, start + case * 600_000_000_000);
        let outcome = match case {
            c if c < resolved => "resolved",
            c if c < 900 => "unverified",
            _ => "escalated",
        };
        let closed = row
            .clone()
            .text("outcome", outcome)
            .text("intent", "refund");
        let closed = closed
            .text("rule", "a_human | took over")
            .text("evidence", "rule");
        tally.take("workflows", &closed.money("value", 60_000_000_000));
        tally.take("calls", &row.clone().money("cost", 950_000_001));
        tally.take(
            "turns",
            &row.clone()
                .whole("duration_ns", 2_500_000_000 + case as i64 * 1_000_000),
        );
        let handoff = row
            .clone()
            .text("from_agent", "concierge")
            .text("to_agent", "<b>shipping</b>");
        let handoff = handoff
            .text("result", "failed")
            .text("reason", "context_lost");
        tally.take("handoffs", &handoff.whole("retention", 40));
    }
    tally
}

fn report() -> BusinessReport {
    let days = (date(2026, 11, 16), date(2026, 11, 22));
    let now = period("UTC", days.0, days.1);
    let before = now.before(&TimeZone::UTC).expect("days");
    let mut settings = Settings::default();
    settings.targets.resolved_percent = Some(70.0);
    settings.baseline = ReportBaseline {
        minutes: 11.0,
        hourly_cost: 37.2,
        case_cost: 0.0,
        source: Some("finance, 1 Sep 2026".into()),
    };
    let context = ReportContext {
        settings,
        currency: "USD".into(),
        window: Duration::from_secs(72 * 3600),
        now: nanos("2026-11-24T00:00:00Z"),
    };
    let week_now = week(&now, "2026-11-16T00:00:00Z", 670);
    let week_before = week(&before, "2026-11-09T00:00:00Z", 600);
    BusinessReport::new(context, week_now, week_before)
}

#[test]
fn days_are_those_of_the_zone_and_a_change_of_summer_time_makes_no_gap() {
    // In Berlin the 25th of October 2026 has 25 hours.
    let berlin = period("Europe/Berlin", date(2026, 10, 25), date(2026, 10, 26));
    let day = |text: &str| berlin.day(nanos(text));
    assert_eq!(day("2026-10-24T21:59:59.999999999Z"), None);
    assert_eq!(day("2026-10-24T22:00:00Z"), Some(0));
    assert_eq!(day("2026-10-25T22:59:59.999999999Z"), Some(0));
    assert_eq!(day("2026-10-25T23:00:00Z"), Some(1));
    assert_eq!(day("2026-10-26T23:00:00Z"), None);
    for (zone, start) in [
        ("America/Los_Angeles", "2026-12-01T08:00:00Z"),
        ("Asia/Kolkata", "2026-11-30T18:30:00Z"),
        ("Pacific/Tongatapu", "2026-11-30T11:00:00Z"),
    ] {
        let days = period(zone, date(2026, 12, 1), date(2026, 12, 1));
        assert_eq!(days.day(nanos(start)), Some(0), "{zone}");
        assert_eq!(days.day(Timestamp(nanos(start).0 - 1)), None, "{zone}");
    }
}

#[test]
fn the_report_has_exact_sums_and_says_what_it_rests_on() {
    let report = report();
    assert_eq!(report.now.money[0], 950_000_001_000);
    let json = json(&report);
    assert_eq!(json["cases"], 1000);
    assert_eq!(json["spent"], 950.000_001);
    assert_eq!(json["completed"], 670.0 * 60.0);
    assert_eq!(json["at_risk"], units(330 * 60_000_000_000));
    let figure = |key: &str| {
        let figures = json["figures"].as_array().expect("figures");
        figures
            .iter()
            .find(|line| line["figure"] == key)
            .expect(key)
    };
    assert_eq!(figure("resolved")["value"], 0.67);
    assert_eq!(figure("resolved")["verdict"], "better");
    assert_eq!(figure("resolved")["target"]["result"], "missed");
    assert_eq!(figure("escalated")["verdict"], "cannot_tell");
    assert_eq!(json["final"], false);
    let text = markdown(&report);
    assert!(text.contains("**The agents resolved 67.0% of 1,000 cases, 7.0 points more than before, and a resolved case cost $1.42"), "{text}");
    assert!(
        text.contains("Not final: results may still come until 2026-11-26 00:00 UTC."),
        "{text}"
    );
    assert!(
        text.contains("a case took a person 11 minutes at $37.20 an hour"),
        "{text}"
    );
    assert!(text.contains("a\\_human \\| took over: 100"), "{text}");
    let page = html(&report);
    assert!(
        page.contains("concierge → &lt;b&gt;shipping&lt;/b&gt;"),
        "{page}"
    );
    assert!(
        !page.contains("http") && !page.contains("<script"),
        "{page}"
    );
}

#[test]
fn a_period_without_cases_has_no_figures() {
    let days = period("UTC", date(2026, 11, 16), date(2026, 11, 22));
    let before = days.before(&TimeZone::UTC).expect("days");
    let context = ReportContext {
        settings: Settings::default(),
        currency: "EUR".into(),
        window: Duration::ZERO,
        now: days.end(),
    };
    let report = BusinessReport::new(context, PeriodTally::new(&days), PeriodTally::new(&before));
    let text = markdown(&report);
    assert!(
        text.contains("No case was closed in this period."),
        "{text}"
    );
    assert!(text.contains("Final."), "{text}");
    assert!(text.contains("| Resolved, with proof | – | – |"), "{text}");
    assert!(!text.contains("NaN") && !html(&report).contains("NaN"));
}
