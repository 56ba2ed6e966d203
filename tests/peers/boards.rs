//! Every query of every board and rule, run by a real Prometheus over two weeks of the demo: no error, no empty panel but those that say
//! why, and the executive figures of both weeks equal what the demo's script knows. With `LOOK=FOLDER` it also has pictures taken.

use super::past::{Past, STEP};
use super::{folder, get, query, root, start_prometheus, sum, until};
use baton::demo::Truth;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Panels that the demo leaves empty, and why.
const EMPTY: &[(&str, &str)] = &[(
    "Without a price",
    "all models and currencies of the demo have one",
)];

/// In place of a panel's title: the annotations of a board.
const MARKS: &str = "marks";

/// One query of a panel, with its legend.
struct Query {
    legend: String,
    expression: String,
}

/// The panels of a board: title and queries, as Grafana would send them with all filters open.
fn panels(board: &Path) -> Vec<(String, Vec<Query>)> {
    let board = fs::read_to_string(board).expect("a board");
    let board: Value = serde_json::from_str(&board).expect("JSON");
    let panels = board["panels"].as_array().expect("panels");
    // Marks of what happened are queries too, though mostly nothing did.
    let marks = board["annotations"]["list"]
        .as_array()
        .into_iter()
        .flatten();
    let marks = marks.filter_map(|mark| mark["expr"].as_str());
    let marks = marks.map(|mark| Query {
        legend: String::new(),
        expression: filled(mark),
    });
    let mut found = vec![(MARKS.to_owned(), marks.collect())];
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().expect("a title").to_owned();
        let about = panel["description"].as_str().unwrap_or_default();
        assert!(about.ends_with('.'), "{title} has no sentence of its own");
        let targets = panel["targets"].as_array().into_iter().flatten();
        let queries = targets.filter_map(|target| {
            Some(Query {
                legend: target["legendFormat"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                expression: filled(target["expr"].as_str()?),
            })
        });
        found.push((title, queries.collect()));
    }
    found
}

fn rules_of(groups: &[Value]) -> impl Iterator<Item = &Value> {
    let rules = groups.iter().flat_map(|group| group["rules"].as_array());
    rules.flatten()
}

fn filled(query: &str) -> String {
    let mut query = query
        .replace("$__range", "7d")
        .replace("$__rate_interval", &format!("{}s", 2 * STEP))
        .replace("$__interval", &format!("{STEP}s"));
    for variable in ["tier", "intent", "channel", "tenant", "workflow"] {
        query = query.replace(&format!("\"${variable}\""), "\".*\"");
    }
    assert!(!query.contains('$'), "{query}");
    query
}

/// The executive figures of a week.
fn figures(truth: &Truth) -> Vec<(&'static str, f64)> {
    let share = |part: u64, whole: u64| part as f64 / whole as f64;
    let cases = truth.workflows();
    vec![
        ("Cases resolved", share(truth.resolved, cases)),
        (
            "Proven solutions",
            share(truth.resolved, truth.resolved + truth.unverified),
        ),
        (
            "Cost of a solved case",
            share(truth.spent_nano_usd, truth.resolved) / 1e9,
        ),
        ("Customers' wait", share(truth.waited, truth.turns) / 1e3),
        ("Passed to people", share(truth.escalations, cases)),
        (
            "Clean handovers",
            share(truth.handoffs_succeeded, truth.handoffs()),
        ),
        ("Questions answered", share(truth.answered, truth.turns)),
        ("Business completed", truth.value_completed as f64),
        ("Business at risk", truth.value_at_risk as f64),
        ("Cases closed", cases as f64),
        ("Money spent", truth.spent_nano_usd as f64 / 1e9),
    ]
}

/// Of these less is better; of cases closed nobody can say.
const LESS: [&str; 5] = [
    "Cost of a solved case",
    "Customers' wait",
    "Passed to people",
    "Business at risk",
    "Money spent",
];

/// What a card of the executives' board must say: now, before, and the change between them; and how many are better, how many worse.
fn sayings(weeks: &[Truth; 2]) -> Vec<(String, String, f64)> {
    let [before, now] = weeks.each_ref().map(figures);
    let (mut better, mut worse) = (0.0, 0.0);
    let mut all = Vec::new();
    for ((title, before), (_, now)) in before.into_iter().zip(now) {
        let difference = match title {
            "Cost of a solved case" | "Money spent" => now - before,
            _ => (now - before) / before,
        };
        let word = if difference >= 0.0 { "up" } else { "down" };
        let mut say = |word: &str, value| all.push((title.to_owned(), word.to_owned(), value));
        say("now", now);
        say(word, difference.abs());
        say("was", before);
        if title != "Cases closed" && now != before {
            let wins = (now > before) != LESS.contains(&title);
            *if wins { &mut better } else { &mut worse } += 1.0;
        }
    }
    for (verdict, count) in [("Got better", better), ("Got worse", worse)] {
        all.push((verdict.to_owned(), verdict.to_owned(), count));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_every_board_and_rule_answers_over_the_demo() {
    let folder = folder("boards");
    let mut past = Past::live(&folder).await;
    let (prometheus, address) = start_prometheus(&folder, &past.server(), "1h");
    past.record(&folder, &address).await;
    drop(prometheus);
    let (_prometheus, prometheus) = start_prometheus(&folder, &past.server(), "2s");
    until("a first scrape", || sum(&prometheus, "up == 1", None)).await;
    past.go_on().await;

    let mut known = sayings(&past.weeks);
    let mut faults = Vec::new();
    for board in ["executive", "product", "engineering", "sre"] {
        let file = root().join(format!("deploy/grafana/dashboards/{board}.json"));
        for (title, queries) in panels(&file) {
            let mut empty = true;
            for Query { legend, expression } in queries {
                let Some(answer) = query(&prometheus, &expression, Some(past.end as f64)).await
                else {
                    faults.push(format!("{board}: {title}: no answer to {expression}"));
                    continue;
                };
                empty &= answer.iter().all(|(_, _, value)| value.is_nan());
                let place = known
                    .iter()
                    .position(|(t, l, _)| *t == title && *l == legend);
                let value = answer.first().map(|(_, _, value)| *value);
                if let Some(place) = place {
                    let (_, _, expected) = known.swap_remove(place);
                    if value.is_none_or(|value| (value - expected).abs() > 1e-6 * expected.max(1.0))
                    {
                        faults.push(format!("{title}, {legend}: {value:?}, not {expected}"));
                    }
                } else if board == "executive"
                    && ["up", "down"].contains(&&*legend)
                    && value.is_some()
                {
                    faults.push(format!("{title} goes {legend} by {value:?}"));
                }
            }
            let reason = EMPTY.iter().find(|(empty, _)| title == *empty);
            match (empty, reason) {
                (true, None) if title != MARKS => faults.push(format!("{board}: {title} is empty")),
                (false, Some((_, why))) => {
                    faults.push(format!("{board}: {title} is not empty, though {why}"));
                }
                _ => {}
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(known.is_empty(), "not on the board: {known:?}");

    // Each group of rules looks at a time of its own.
    let groups = until("all rules have looked", || async {
        let rules = get(&format!("http://{prometheus}/api/v1/rules")).await;
        let rules: Value = serde_json::from_str(&rules?).expect("JSON");
        let groups = rules["data"]["groups"].as_array().expect("groups").clone();
        let looked = rules_of(&groups).all(|rule| rule["health"] != "unknown");
        looked.then_some(groups)
    })
    .await;
    assert_eq!(groups.len(), 6);
    for rule in rules_of(&groups) {
        assert_eq!(rule["health"], "ok", "{rule}");
        if rule["type"] == "recording" {
            let name = rule["name"].as_str().expect("a name");
            until(name, || sum(&prometheus, name, None)).await;
        }
    }
    if let Ok(pictures) = std::env::var("LOOK") {
        let status = Command::new("python3")
            .arg(root().join("tests/look/look.py"))
            .args([&prometheus, &past.end.to_string(), &pictures])
            .status();
        assert!(status.expect("python").success());
    }
    past.stop().await;
    fs::remove_dir_all(&folder).expect("removed");
}
