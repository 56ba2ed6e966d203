//! The independent check: the second Baton (`naive`) and the first one tell the same.

use crate::law::invariants;
use crate::law::naive::{self, Sheet};
use crate::law::play::{self, Way};
use crate::law::story::{self, SECOND, Story};
use crate::support::capture::{self, Encoding};
use baton::config::Config;
use baton::model::event::Event;
use baton::model::ids::TraceId;
use baton::model::metric::{Family, Point};
use baton::model::time::Timestamp;
use baton::normalise::Scratch;
use baton::otlp;
use baton::otlp::view::ScopeBatch;
use std::collections::{BTreeMap, BTreeSet};

/// The figures of Baton as the reference implementation writes them: other families and labels added up, and left out.
fn sheet(families: &[Family]) -> Sheet {
    let mut sheet = Sheet::default();
    for (name, keys) in naive::FAMILIES {
        let family = families.iter().find(|family| family.name == *name);
        for series in family.iter().flat_map(|family| &family.series) {
            let labels = series
                .labels
                .iter()
                .filter(|(key, _)| keys.contains(&key.as_ref()));
            let labels: Vec<(&str, &str)> = labels.map(|(k, v)| (k.as_ref(), v.as_str())).collect();
            let value = match &series.point {
                Point::Counter { value, .. } | Point::Gauge(value) => *value,
                Point::Histogram(histogram) => {
                    histogram.buckets.iter().map(|b| b.count as f64).sum()
                }
            };
            sheet.add(name, &labels, value);
        }
    }
    sheet.0.retain(|_, value| *value != 0.0);
    sheet
}

/// Where two Batons differ.
fn disagreements(baton: &Sheet, naive: &Sheet) -> Vec<String> {
    let names: BTreeSet<&String> = baton.0.keys().chain(naive.0.keys()).collect();
    let value = |sheet: &Sheet, name: &str| sheet.0.get(name).copied().unwrap_or_default();
    let mut all = Vec::new();
    for name in names {
        let (baton, naive) = (value(baton, name), value(naive, name));
        if (baton - naive).abs() > 1e-6 {
            all.push(format!(
                "{name}: Baton says {baton}, the second one {naive}"
            ));
        }
    }
    all
}

pub fn settings(config: &Config, ruled: bool) -> naive::Settings {
    naive::Settings {
        settle: config.stitch.settle,
        bind_timeout: config.stitch.bind_timeout,
        trace_timeout: config.stitch.trace_timeout,
        turn_timeout: config.stitch.turn_timeout,
        drop_timeout: config.stitch.drop_timeout,
        idle_timeout: config.stitch.idle_timeout,
        max_age: config.stitch.max_age,
        recontact_window: config.stitch.recontact_window,
        ruled,
    }
}

fn naively(events: &[Event], config: &Config, ruled: bool) -> Sheet {
    let mut sheet = naive::tell(events, &settings(config, ruled));
    sheet.0.retain(|_, value| *value != 0.0);
    sheet
}

#[test]
fn a_second_baton_tells_the_same_stories() {
    crate::law::each("second", 80, |seed| {
        let story = story::tell_without_late_outcomes(seed);
        let mut families = Vec::new();
        play::play(&story, Way::plain(), &mut |now, _| families = now.to_vec());
        let ruled = !story.config.rules.outcomes.is_empty();
        let second = naively(&story.events, &story.config, ruled);
        disagreements(&sheet(&families), &second)
    });
}

/// What the rules are about happens in the stories, so that the law holds for it.
#[test]
fn stories_tell_of_what_the_rules_are_about() {
    let mut told: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..80 {
        let story = story::tell(seed);
        for (what, times) in naive::contents(&story.events, &settings(&story.config, false)) {
            *told.entry(what).or_default() += times;
        }
    }
    let rare: Vec<_> = told.iter().filter(|(_, times)| **times < 3).collect();
    assert!(told.len() == 10 && rare.is_empty(), "{told:?}");
}

/// The same at the pace of people: recordings have no pauses, so each trace comes a minute and a half after the one before.
fn slowly(mut events: Vec<Event>) -> Vec<Event> {
    let mut begins: BTreeMap<TraceId, Timestamp> = BTreeMap::new();
    for event in &events {
        let begin = begins.entry(event.trace).or_insert(event.start);
        *begin = event.start.min(*begin);
    }
    for event in &mut events {
        let own = begins[&event.trace];
        let before = begins.values().filter(|begin| **begin < own).count() as u64;
        event.start.0 += before * 90 * SECOND;
        event.end.0 += before * 90 * SECOND;
    }
    events
}

#[test]
fn a_second_baton_tells_the_same_of_recordings() {
    let config = Config::default();
    let mut faults = Vec::new();
    for capture in capture::all() {
        let normaliser = baton::app::normaliser(&config, 7);
        let (mut events, mut scratch) = (Vec::new(), Scratch::default());
        for request in capture.requests(Encoding::Protobuf) {
            let decode = match request.signal {
                "logs" => otlp::protobuf::logs,
                _ => otlp::protobuf::traces,
            };
            let mut take = |group: &ScopeBatch<'_>| {
                let these = normaliser.normalise(group, &mut scratch).into_iter();
                events.extend(these.map(|event| *event));
            };
            decode(&request.body, &otlp::Limits::default(), &mut take).expect("a recording");
        }
        for (pace, events) in [("fast", events.clone()), ("slow", slowly(events))] {
            let story = Story {
                config: config.clone(),
                events,
            };
            let mut families = Vec::new();
            play::play(&story, Way::plain(), &mut |now, _| families = now.to_vec());
            let second = naively(&story.events, &config, false);
            let mut all = disagreements(&sheet(&families), &second);
            all.extend(invariants::always(&families));
            let told = all.iter();
            faults.extend(told.map(|fault| format!("{}, {pace}: {fault}", capture.name)));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
