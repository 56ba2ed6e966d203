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
fn a_full_metric_has_room_for_an_equal_share_of_each_tenant_and_keeps_their_names() {
    let mut deriver = Deriver::new(Settings {
        max_series: 2,
        dimensions: vec!["tier".to_owned(), "tenant".to_owned()],
        has_tenants: true,
        ..settings()
    });
    for tenant in ["a", "b", "c"] {
        called(&mut deriver, tenant, "one");
    }
    let lines = shown(&deriver.families(), "baton_tool_calls_total");
    // The second tenant has one of two, the third none: there are twice as many as there should be.
    assert_eq!(
        lines,
        [
            "_overflow _overflow _overflow b = 0",
            "_overflow _overflow _overflow c = 1",
            "one error a = 0",
            "one ok a = 1",
            "one ok b = 1",
        ]
    );
    deriver.apply(&fact(2, tool("one")), Timestamp(2));
}

#[test]
fn where_series_take_too_much_memory_a_tenant_with_few_still_gets_some() {
    let call_many = |deriver: &mut Deriver, tenant: &str| {
        (0..90).for_each(|number| called(deriver, tenant, &format!("tool{number}")));
    };
    let mut deriver = tenants(TenantLimit::default());
    call_many(&mut deriver, "a");
    let max_bytes = deriver.weight() / 2;
    deriver.store.settings.max_bytes = max_bytes;
    let own = |deriver: &Deriver, tenant: &str| {
        let lines = shown(&deriver.families(), "baton_tool_calls_total");
        let is_own = |line: &&String| {
            let mut words = line.split(' ');
            words.next() != Some("_overflow") && words.any(|word| word == tenant)
        };
        lines.iter().filter(is_own).count()
    };
    let mut deriver = Deriver::new(deriver.store.settings.clone());
    call_many(&mut deriver, "a");
    let of_a = own(&deriver, "a");
    assert!(of_a < 180 && deriver.weight() >= max_bytes);
    called(&mut deriver, "b", "tool1");
    assert_eq!(own(&deriver, "b"), 2);
    called(&mut deriver, "a", "another");
    assert_eq!(own(&deriver, "a"), of_a, "it has more than its share");
    // There is an end of it.
    call_many(&mut deriver, "b");
    let last = (own(&deriver, "b"), deriver.weight() * 100 / max_bytes);
    assert!((3..180).contains(&last.0) && last.1 < 150, "{last:?}");
}

#[test]
fn names_of_one_tenant_take_no_place_from_those_of_another_and_tenants_are_never_folded() {
    let limits = Settings {
        max_label_values: 3,
        max_cohort_values: 2,
        max_series: 1000,
        dimensions: vec!["tier".to_owned(), "tenant".to_owned()],
        has_tenants: true,
        ..settings()
    };
    let mut deriver = Deriver::new(limits.clone());
    let mut call = |tenant: &str, number: usize| {
        let tier = format!("tier{}", number.min(8));
        let what = tool(&format!("tool{number}"));
        let what = in_cohort(&[(0, &tier), (1, tenant)], what);
        deriver.apply(&what, Timestamp(1));
    };
    (0..9).for_each(|number| call("a", number));
    for tenant in ["b", "c", "d"] {
        (8..10).for_each(|number| call(tenant, number));
    }
    let families = deriver.families();
    let lines = shown(&families, "baton_tool_calls_total");
    let of = |tenant: &str| {
        let end = format!(" {tenant} = 1");
        let own = lines.iter().filter_map(|line| line.strip_suffix(&end));
        own.map(str::to_owned).collect::<Vec<String>>()
    };
    assert_eq!(
        of("a"),
        ["tool0 ok tier0", "tool1 ok tier1", "tool2 ok other"]
    );
    for tenant in ["b", "c", "d"] {
        assert_eq!(of(tenant), ["tool8 ok tier8", "tool9 ok tier8"]);
    }
    // What is stored has the same limits in the next process.
    let mut restored = Deriver::new(limits);
    for series in deriver.save() {
        assert_eq!(restored.restore(series), Ok(Restored::Taken));
    }
    assert_eq!(restored.weight(), deriver.weight());
    assert_eq!(restored.families(), families);
}

#[test]
fn a_tenant_without_series_is_none_that_is_held() {
    let mut deriver = tenants(TenantLimit::default());
    called(&mut deriver, "a", "one");
    deriver.apply(&fact(1, tool("one")), Timestamp(1));
    let held: Vec<&str> = deriver.tenants().collect();
    assert_eq!(held, ["a"]);
    deriver.advance(Timestamp(1) + settings().expire_after);
    assert_eq!(deriver.tenants().count(), 0);
    assert_eq!(deriver.weight(), 0);
}
