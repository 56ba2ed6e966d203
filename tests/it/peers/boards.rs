//! Every query of every board and rule, run by a real Prometheus over two weeks of the demo and under every variable that the board shows: no error,
//! no empty panel but those that say why, no query that ignores a variable, and the figures of the executive board equal what the demo's script
//! knows of the selected cases. With `LOOK=FOLDER` it also has pictures taken.

use super::panels::{BOARDS, Board, MARKS, Panel, coverage_of};
use super::past::{Past, STEP, STEPS};
use super::selection::{Known, Saying, Selection, coverages, figures, known, saying, week};
use super::{folder, get, query, root, start_prometheus, sum, until};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// All variables of boards.
const VARIABLES: [&str; 5] = ["workflow", "tier", "intent", "channel", "tenant"];

/// Panels that the demo leaves empty, and why.
const EMPTY: &[(&str, &str)] = &[
    (
        "Why the result is unknown",
        "the spans of the demo name all agents",
    ),
    (
        "Tokens without a price",
        "all models of the demo have a price",
    ),
    (
        "Ignored, dropped and only partly counted",
        "all that the demo sends counts in full",
    ),
];

/// The value that the boards show as "Nothing to compare with yet".
const NOTHING_TO_COMPARE_WITH: f64 = -1000.0;

/// All, one value of each variable, two values, a combination, and one with few cases.
fn selections() -> Vec<Selection> {
    let one = |name, value| Selection(vec![(name, vec![value])]);
    vec![
        Selection::default(),
        one("workflow", "care"),
        one("tier", "business"),
        one("intent", "refund"),
        one("channel", "mobile"),
        one("tenant", "south"),
        Selection(vec![("intent", vec!["delivery", "invoice"])]),
        Selection(vec![("workflow", vec!["orders"]), ("tier", vec!["free"])]),
        Selection(vec![
            ("intent", vec!["technical"]),
            ("tier", vec!["free"]),
            ("tenant", vec!["south"]),
        ]),
    ]
}

/// What is wrong with the executive board under a selection.
async fn wrong(
    board: &Board,
    selection: &Selection,
    past: &Past,
    prometheus: &str,
    buckets: &[f64],
) -> Vec<String> {
    let of = |wanted: &dyn Fn(u64) -> bool| known(&past.sessions, selection, wanted);
    let weeks: [Known; 2] = [of(&|step| week(step) == 0), of(&|step| week(step) == 1)];
    let steps: Vec<Known> = (1..=2 * STEPS).map(|step| of(&|s| s == step)).collect();
    let mut faults = Vec::new();
    for figure in figures() {
        let said = saying(&figure, &weeks, &steps, buckets);
        let panels = board.panels.iter().filter(|panel| panel.title == figure.0);
        let queries: Vec<_> = panels.flat_map(|panel| &panel.queries).collect();
        assert_eq!(queries.len(), 8, "{}", figure.0);
        for (column, expression) in queries {
            let Some(expected) = expected(&said, column, figure.0, figure.1) else {
                continue;
            };
            let expression = board.filled(expression, selection, STEP);
            let answer = query(prometheus, &expression, Some(past.end as f64))
                .await
                .unwrap_or_default();
            let value = answer.first().map(|(_, _, value)| *value);
            let same = match expected {
                Some(expected) => {
                    value.is_some_and(|v| (v - expected).abs() <= 1e-6 * expected.abs().max(1.0))
                }
                None => value.is_none_or(f64::is_nan),
            };
            if !same {
                faults.push(format!(
                    "{selection:?}: {}, {column}: {value:?}, not {expected:?}",
                    figure.0
                ));
            }
        }
    }
    faults.extend(wrong_coverage(board, selection, past, prometheus, &weeks[1]).await);
    faults
}

/// What is wrong with what the executive board says of how much of its figures is covered.
async fn wrong_coverage(
    board: &Board,
    selection: &Selection,
    past: &Past,
    prometheus: &str,
    week: &Known,
) -> Vec<String> {
    let mut faults = Vec::new();
    for (figure, name, of) in coverages() {
        let title = coverage_of(figure);
        let panels = board.panels.iter().filter(|panel| panel.title == title);
        let mut queries = panels.flat_map(|panel| &panel.queries);
        let (_, expression) = queries
            .find(|(legend, _)| legend == name)
            .unwrap_or_else(|| panic!("{title}: {name}"));
        let expression = board.filled(expression, selection, STEP);
        let value = sum(prometheus, &expression, Some(past.end as f64)).await;
        let (part, whole) = of(week);
        let expected = (whole > 0).then(|| 100.0 * part as f64 / whole as f64);
        let same = match expected {
            Some(expected) => value.is_some_and(|v| (v - expected).abs() <= 1e-6),
            None => value.is_none_or(f64::is_nan),
        };
        if !same {
            faults.push(format!(
                "{selection:?}: {figure}, {name}: {value:?}, not {expected:?}"
            ));
        }
    }
    faults
}

/// What a column must say; `None` if this test does not know, `Some(None)` if nothing.
fn expected(said: &Saying, column: &str, title: &str, events: &str) -> Option<Option<f64>> {
    let is_median = title.contains("median");
    let scale = if said.interval.is_some() && is_share(title) {
        100.0
    } else {
        1.0
    };
    match column {
        _ if column == title => Some(said.now),
        "Before" => Some(said.before),
        "Change" => Some(
            said.now
                .zip(said.before)
                .map(|(now, before)| scale * (now - before)),
        ),
        "Verdict" if !is_median => said
            .verdict
            .filter(|z| z.is_finite())
            .map(|z| Some(z.clamp(-99.0, 99.0))),
        "Value, 95 % ±" if !is_median => said.interval.filter(|half| half.is_finite()).map(Some),
        _ if column == events => (said.events > 0).then_some(Some(said.events as f64)),
        _ => None,
    }
}

fn is_share(title: &str) -> bool {
    [
        "Resolved (verified)",
        "Passed to people",
        "Requests answered",
        "Handoffs that succeeded",
    ]
    .contains(&title)
}

/// Every query under a value that no case has: whoever still has a figure ignores the variable.
async fn ignoring(
    board: &Board,
    variable: &'static str,
    past: &Past,
    prometheus: &str,
) -> Vec<String> {
    let nobody = Selection(vec![(variable, vec!["nobody"])]);
    let mut faults = Vec::new();
    for panel in &board.panels {
        for (legend, expression) in panel.queries.iter().filter(|(_, e)| e.contains("baton_")) {
            let asked = board.filled(expression, &nobody, STEP);
            let answer = query(prometheus, &asked, Some(past.end as f64))
                .await
                .unwrap_or_default();
            if answer
                .iter()
                .any(|(_, _, value)| !value.is_nan() && *value != 0.0)
            {
                faults.push(format!(
                    "{}: {}, {legend} ignores {variable}",
                    board.name, panel.title
                ));
            }
        }
    }
    faults
}

/// Every query answers, and no panel is empty without a reason.
async fn unanswered(
    board: &Board,
    selection: &Selection,
    past: &Past,
    prometheus: &str,
) -> Vec<String> {
    let mut faults = Vec::new();
    let all = selection.0.is_empty();
    for panel in &board.panels {
        let mut empty = true;
        for (_, expression) in &panel.queries {
            let expression = board.filled(expression, selection, STEP);
            match query(prometheus, &expression, Some(past.end as f64)).await {
                Some(answer) => empty &= answer.iter().all(|(_, _, value)| value.is_nan()),
                None => faults.push(format!(
                    "{}: {}: no answer to {expression}",
                    board.name, panel.title
                )),
            }
        }
        let reason = EMPTY.iter().find(|(empty, _)| panel.title == *empty);
        match (empty, reason) {
            (true, None) if all && panel.title != MARKS => {
                faults.push(format!("{}: {} is empty", board.name, panel.title))
            }
            (false, Some((_, why))) => faults.push(format!(
                "{}: {} is not empty, though {why}",
                board.name, panel.title
            )),
            _ => {}
        }
    }
    faults
}

/// Without a part of the selectors: what a board that forgets a variable would ask.
fn without(board: &Board, variable: &str) -> Board {
    let gone = |expression: &str| {
        let alone = format!("{variable}=~\"${variable}\"");
        expression
            .replace(&format!("{alone}, "), "")
            .replace(&format!(", {alone}"), "")
    };
    let panels = board.panels.iter().map(|panel| Panel {
        title: panel.title.clone(),
        queries: panel
            .queries
            .iter()
            .map(|(legend, e)| (legend.clone(), gone(e)))
            .collect(),
    });
    Board {
        name: board.name,
        variables: board.variables.clone(),
        panels: panels.collect(),
    }
}

/// While there is no earlier period, the board says so: no verdict, no change, nothing before.
async fn first_week(board: &Board, past: &Past, prometheus: &str) -> Vec<String> {
    let end = (past.start + STEPS * STEP) as f64;
    let mut faults = Vec::new();
    for panel in &board.panels {
        for (column, expression) in &panel.queries {
            let expected = match column.as_str() {
                "Verdict" => |value: f64| value == NOTHING_TO_COMPARE_WITH,
                "Workflows closed before" => |value: f64| value == 0.0,
                "Change" | "Before" | "Effect" | "Resolved before" => f64::is_nan,
                _ => continue,
            };
            let asked = board.filled(expression, &Selection::default(), STEP);
            let answer = query(prometheus, &asked, Some(end))
                .await
                .unwrap_or_default();
            for (_, _, value) in answer.iter().filter(|(_, _, value)| !expected(*value)) {
                faults.push(format!(
                    "{}: {column} is {value} in the first week",
                    panel.title
                ));
            }
        }
    }
    faults
}

fn rules_of(groups: &[Value]) -> impl Iterator<Item = &Value> {
    let rules = groups.iter().flat_map(|group| group["rules"].as_array());
    rules.flatten()
}

/// Each group of rules looks at a time of its own, and all of them are well.
async fn rules_are_well(prometheus: &str) {
    let groups = until("all rules have looked", || async {
        let rules = get(&format!("http://{prometheus}/api/v1/rules")).await;
        let rules: Value = serde_json::from_str(&rules?).expect("JSON");
        let groups = rules["data"]["groups"].as_array().expect("groups").clone();
        let looked = rules_of(&groups).all(|rule| rule["health"] != "unknown");
        looked.then_some(groups)
    })
    .await;
    assert_eq!(groups.len(), 10);
    for rule in rules_of(&groups) {
        assert_eq!(rule["health"], "ok", "{rule}");
        if rule["type"] == "recording" {
            let name = rule["name"].as_str().expect("a name");
            until(name, || sum(prometheus, name, None)).await;
        }
    }
}

/// Upper bounds of the histogram of waits.
async fn bounds(prometheus: &str) -> Vec<f64> {
    let found = query(
        prometheus,
        "count by (le) (baton_turn_duration_seconds_bucket)",
        None,
    )
    .await;
    let found = found.expect("buckets");
    let bounds = found
        .iter()
        .filter_map(|(labels, _, _)| labels["le"].as_str()?.parse().ok());
    let mut bounds: Vec<f64> = bounds.collect();
    bounds.sort_by(f64::total_cmp);
    bounds
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
    // Before the boards, which may take longer than the shortest rule looks back.
    rules_are_well(&prometheus).await;
    let buckets = bounds(&prometheus).await;

    let mut faults = Vec::new();
    for board in BOARDS.map(Board::read) {
        for selection in selections() {
            if selection
                .0
                .iter()
                .all(|(name, _)| board.variables.iter().any(|v| v == name))
            {
                faults.extend(unanswered(&board, &selection, &past, &prometheus).await);
            }
        }
        for variable in VARIABLES
            .into_iter()
            .filter(|v| board.variables.iter().any(|own| own == v))
        {
            faults.extend(ignoring(&board, variable, &past, &prometheus).await);
        }
    }
    let executive = Board::read("executive");
    for selection in selections() {
        faults.extend(wrong(&executive, &selection, &past, &prometheus, &buckets).await);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));

    let fresh = first_week(&executive, &past, &prometheus).await;
    assert!(fresh.is_empty(), "{}", fresh.join("\n"));

    // A board that forgets a variable is found out, by both ways.
    for selection in selections()
        .iter()
        .filter(|selection| selection.0.len() == 1)
    {
        let variable = selection.0[0].0;
        let forgetful = without(&executive, variable);
        let found = ignoring(&forgetful, variable, &past, &prometheus).await;
        assert!(found.len() > 50, "{variable} can be ignored: {found:?}");
        let found = wrong(&forgetful, selection, &past, &prometheus, &buckets).await;
        assert!(found.len() > 20, "{variable} can be ignored: {found:?}");
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
