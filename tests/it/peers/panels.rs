//! The queries of the boards in `deploy/grafana`, panel by panel, and as Grafana sends them.

use super::root;
use super::selection::Selection;
use serde_json::Value;
use std::fs;

pub const BOARDS: [&str; 4] = ["executive", "product", "engineering", "sre"];

/// In place of a panel's title: the annotations of a board.
pub const MARKS: &str = "marks";

/// A board as its JSON says it.
pub struct Board {
    pub name: &'static str,
    pub variables: Vec<String>,
    pub panels: Vec<Panel>,
}

/// A panel without a title belongs to the one before it.
pub struct Panel {
    pub title: String,
    /// Legend or column, and expression.
    pub queries: Vec<(String, String)>,
}

impl Board {
    pub fn read(name: &'static str) -> Self {
        let file = root().join(format!("deploy/grafana/dashboards/{name}.json"));
        let board: Value =
            serde_json::from_str(&fs::read_to_string(file).expect("a board")).expect("JSON");
        let variables = board["templating"]["list"]
            .as_array()
            .expect("variables")
            .iter();
        let variables = variables.filter(|variable| variable["type"] == "query");
        let variables = variables
            .map(|v| v["name"].as_str().expect("a name").to_owned())
            .collect();
        let marks = board["annotations"]["list"]
            .as_array()
            .into_iter()
            .flatten();
        let marks =
            marks.filter_map(|mark| Some((String::new(), mark["expr"].as_str()?.to_owned())));
        let mut panels = vec![Panel {
            title: MARKS.to_owned(),
            queries: marks.collect(),
        }];
        for panel in board["panels"]
            .as_array()
            .expect("panels")
            .iter()
            .filter(|p| p["type"] != "row")
        {
            let own = panel["title"].as_str().unwrap_or_default();
            let about = panel["description"].as_str().unwrap_or_default();
            let title = match (own, covers(about)) {
                ("", Some(figure)) => coverage_of(figure),
                ("", None) => panels[panels.len() - 1].title.clone(),
                _ => own.to_owned(),
            };
            assert!(about.ends_with('.'), "{title} has no sentence of its own");
            panels.push(Panel {
                title,
                queries: queries(panel),
            });
        }
        Self {
            name,
            variables,
            panels,
        }
    }

    /// A query under a selection of variables, over a week in steps of so many seconds.
    pub fn filled(&self, expression: &str, selection: &Selection, step: u64) -> String {
        let variables: Vec<&str> = self.variables.iter().map(String::as_str).collect();
        let query = selection
            .filled(expression, &variables)
            .replace("$__range_s", "604800")
            .replace("$__range", "7d")
            .replace("$__rate_interval", &format!("{}s", 2 * step))
            .replace("$__interval_ms", &(step * 1000).to_string())
            .replace("$__interval", &format!("{step}s"));
        assert!(!query.contains('$'), "{query}");
        query
    }
}

/// The figure whose coverage a panel without a title shows.
fn covers(about: &str) -> Option<&str> {
    let (figure, _) = about
        .strip_prefix("How much of ")?
        .split_once(" is covered")?;
    Some(figure)
}

/// In place of the title of such a panel.
pub fn coverage_of(figure: &str) -> String {
    format!("coverage of {figure}")
}

fn queries(panel: &Value) -> Vec<(String, String)> {
    let targets = panel["targets"].as_array().into_iter().flatten();
    let names = &panel["transformations"][1]["options"]["renameByName"];
    let queries = targets.filter_map(|target| {
        let legend = target["legendFormat"].as_str().unwrap_or_default();
        let column = names[format!("Value #{}", target["refId"].as_str()?)].as_str();
        Some((
            column.unwrap_or(legend).to_owned(),
            target["expr"].as_str()?.to_owned(),
        ))
    });
    queries.collect()
}
