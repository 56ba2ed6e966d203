//! Series of tenants: every metric has their label, and a limit of one touches no other one.

use super::{fact, in_cohort, settings, shown, tool};
use crate::derive::*;
use crate::model::tenant::TenantLimit;

fn tenants(tenant_series: TenantLimit) -> Deriver {
    Deriver::new(Settings {
        max_label_values: 100,
        max_cohort_values: 100,
        max_series: 1000,
        dimensions: vec!["tier".to_owned(), "tenant".to_owned()],
        has_tenants: true,
        tenant_series,
        ..settings()
    })
}

fn called(deriver: &mut Deriver, tenant: &str, name: &str) {
    let what = in_cohort(&[(1, tenant)], tool(name));
    deriver.apply(&what, Timestamp(1));
}

#[test]
fn a_tenant_with_too_many_series_overflows_into_its_own() {
    let mut deriver = tenants(TenantLimit {
        common: Some(4),
        own: [("c".into(), 1000)].into(),
    });
    for name in ["one", "two", "three", "four"] {
        for tenant in ["a", "c"] {
            called(&mut deriver, tenant, name);
        }
    }
    called(&mut deriver, "b", "one");
    let lines = shown(&deriver.families(), "baton_tool_calls_total");
    let of = |tenant: &str| {
        let is_own = |line: &&String| line.split(' ').any(|word| word == tenant);
        lines
            .iter()
            .filter(is_own)
            .cloned()
            .collect::<Vec<String>>()
    };
    // Each tool has a series for each of two results.
    assert_eq!(
        of("a"),
        [
            "_overflow _overflow _overflow a = 2",
            "one error a = 0",
            "one ok a = 1",
            "two error a = 0",
            "two ok a = 1",
        ]
    );
    assert_eq!(of("b"), ["one error b = 0", "one ok b = 1"]);
    assert_eq!(of("c").len(), 8);
    let overflow = shown(&deriver.families(), "baton_series_overflow_total");
    assert_eq!(overflow, ["baton_tool_calls_total _tenant = 2"]);
}

#[test]
fn a_full_metric_keeps_the_names_of_tenants() {
    let mut deriver = Deriver::new(Settings {
        max_series: 2,
        dimensions: vec!["tier".to_owned(), "tenant".to_owned()],
        has_tenants: true,
        ..settings()
    });
    for tenant in ["a", "b"] {
        called(&mut deriver, tenant, "one");
    }
    let lines = shown(&deriver.families(), "baton_tool_calls_total");
    assert_eq!(
        lines,
        [
            "_overflow _overflow _overflow b = 1",
            "one error a = 0",
            "one ok a = 1"
        ]
    );
    deriver.apply(&fact(2, tool("one")), Timestamp(2));
}
