//! Shipped files agree with the product: every metric and label that a rule, a board or a document names exists; every alert has a
//! runbook, a test in which it fires and one in which it stays silent.

use baton::catalogue::{DERIVED, INTERNAL};
use baton::config;
use baton::derive::Labels;
use baton::export::sessions::SessionFilter;
use baton::model::metric::FamilyKind;
use baton::model::time::Timestamp;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path
                .extension()
                .is_some_and(|e| endings.iter().any(|wanted| e == *wanted))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("text")
}

/// Words that begin with `baton_`, each with what follows it.
fn names(text: &str) -> Vec<(&str, &str)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices("baton_")
        .filter(|(at, _)| !text[..*at].ends_with(|c| is_name(c) || c == ':' || c == '/'))
        .map(|(at, _)| {
            let rest = &text[at..];
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            rest.split_at(end)
        })
        .filter(|(_, after)| !after.starts_with([':', '*']))
        .collect()
}

/// The labels of one of Baton's own metrics; `None` if there is none of that name.
fn own_labels(name: &str) -> Option<Vec<&'static str>> {
    let own = INTERNAL.iter().find(|d| d.name == name)?;
    Some([own.labels, &["job", "instance"]].concat())
}

/// The labels of a derived metric by any name Prometheus has for its parts; `None` if there is none of that name.
fn labels_of(name: &str) -> Option<Vec<&'static str>> {
    DERIVED.iter().find_map(|d| {
        let parts: &[&str] = match d.kind {
            FamilyKind::Histogram => &["", "_bucket", "_sum", "_count"],
            _ => &[""],
        };
        let known = parts.iter().any(|part| name == format!("{}{part}", d.name));
        let standard = Labels::default();
        let own = d.labels.iter().copied();
        let mut labels: Vec<&str> = own.filter(|label| standard.keep(d, label)).collect();
        labels.extend(["le", "job", "instance"]);
        let dimensions = ["tier", "intent", "channel", "tenant"];
        labels.extend(
            dimensions
                .into_iter()
                .filter(|name| standard.keep_dimension(d, name)),
        );
        known.then_some(labels)
    })
}

#[test]
fn every_metric_and_label_that_a_shipped_file_names_exists() {
    let mut faults = Vec::new();
    let mut shipped = files("deploy", &["yaml", "json"]);
    shipped.extend(files("docs", &["md"]));
    shipped.push(root().join("README.md"));
    for path in shipped {
        let text = text(&path).replace("\\\"", "\"");
        for (name, after) in names(&text) {
            let Some(labels) = labels_of(name).or_else(|| own_labels(name)) else {
                faults.push(format!("{}: no metric {name}", path.display()));
                continue;
            };
            let Some((inside, _)) = after.strip_prefix('{').and_then(|a| a.split_once('}')) else {
                continue;
            };
            let asked = inside.split(',').filter_map(|pair| {
                let (label, _) = pair.split_once(['=', '!'])?;
                Some(label.trim())
            });
            for label in asked.filter(|label| !labels.contains(label)) {
                faults.push(format!("{}: {name} has no label {label}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What follows `key:` in the lines of a YAML file.
fn values<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    text.lines()
        .filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix(key))
        .map(str::trim)
        .collect()
}

#[test]
fn every_alert_has_a_runbook_and_a_test_for_both_ways() {
    let rules = ["alerts", "objectives"].map(|name| format!("deploy/rules/{name}.yaml"));
    let alerts: String = rules.iter().map(|file| text(&root().join(file))).collect();
    let tests: String = files("tests/rules", &["yaml"])
        .iter()
        .map(|file| text(file))
        .collect();
    let named = values(&alerts, "alert:");
    let urls = values(&alerts, "runbook_url:");
    let shown = values(&alerts, "dashboard_url:");
    for url in urls.iter().chain(&shown) {
        assert!(url.starts_with("http"), "{url} is not absolute");
    }
    for url in &shown {
        let (_, board) = url.split_once("/d/baton-").expect("a board");
        let file = root().join(format!("deploy/grafana/dashboards/{board}.json"));
        assert!(file.exists(), "{url} leads to no board");
    }
    let page = |url: &&str| format!("docs/runbooks/{}", url.rsplit('/').next().unwrap_or(url));
    let books: Vec<String> = urls.iter().map(page).collect();
    assert!(named.len() > 10);
    assert_eq!(named.len(), books.len());
    assert_eq!(named.len(), shown.len());
    assert_eq!(named.len(), values(&alerts, "for:").len());
    for (alert, book) in named.iter().zip(&books) {
        let page = text(&root().join(book));
        assert!(page.contains(alert), "{book} does not name {alert}");
        for value in ["value: 1}", "value: 0}"] {
            let asked = format!("alertname=\"{alert}\"");
            let mut blocks = tests.split("      - expr:").skip(1);
            let tested = blocks.any(|block| block.contains(&asked) && block.contains(value));
            assert!(tested, "{alert} has no test with {value}");
        }
    }
    let used: BTreeSet<PathBuf> = books.iter().map(|book| root().join(book)).collect();
    for page in files("docs/runbooks", &["md"]) {
        assert!(used.contains(&page), "{} has no alert", page.display());
    }
}

/// A first step that is answered with 400 helps nobody.
#[test]
fn every_runbook_leads_to_sessions_by_queries_that_are_answered() {
    let display = baton::app::display(&config::Config::default());
    for page in files("docs/runbooks", &["md"]) {
        let text = text(&page);
        let is_merged = !text.contains("\n<<<<<<< ");
        assert!(is_merged, "{}: conflicts are left", page.display());
        let first = text.split("\n## ").next().unwrap_or_default();
        assert!(
            first.contains("/sessions") || first.contains("--explain"),
            "{}",
            page.display()
        );
        let queries = text.split("/sessions?").skip(1);
        for query in queries.filter_map(|rest| rest.split(['\'', '`', ' ']).next()) {
            let pairs = form_urlencoded::parse(query.as_bytes());
            let filter = SessionFilter::of_query(pairs, &display, Timestamp(u64::MAX));
            assert!(filter.is_ok(), "{}: {query}: {filter:?}", page.display());
        }
    }
}

/// The anchors of a page, as GitHub makes them from its headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter_map(|c| match c {
                ' ' => Some('-'),
                '-' | '_' => Some(c),
                _ => c.is_alphanumeric().then_some(c),
            });
            kept.collect()
        })
        .collect()
}

/// The targets of the Markdown links of a page, without those into the web.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1);
    let targets = targets.filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.contains("://"))
}

#[test]
fn every_link_of_a_document_leads_to_a_page_and_a_heading() {
    let mut pages = files("docs", &["md"]);
    pages.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|page| root().join(page)));
    let mut faults = Vec::new();
    for page in pages {
        let here = text(&page);
        for link in links(&here) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                file => page.parent().expect("a folder").join(file),
            };
            let found =
                target.exists() && (anchor.is_empty() || anchors(&text(&target)).contains(anchor));
            if !found {
                faults.push(format!("{}: {link} leads nowhere", page.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The names in backticks on the lines of a page that begin with `Dialect:`.
fn sections_name(page: &str) -> BTreeSet<&str> {
    let lines = page.lines().filter(|line| line.starts_with("Dialect:"));
    lines
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

#[test]
fn every_dialect_and_every_recording_has_a_section_for_the_developer_who_sends_it() {
    let page = text(&root().join("docs/sdks.md"));
    let named = sections_name(&page);
    let dialects = text(&root().join("docs/dialects.md"));
    let table = dialects.split_once("<!-- dialects:").expect("a table").1;
    let (table, _) = table.split_once("<!-- end").expect("its end");
    let labels = table.lines().filter_map(|line| line.split('`').nth(1));
    let mut wanted: BTreeSet<String> = labels.map(str::to_owned).collect();
    for meta in files("tests/fixtures", &["json"]) {
        if meta.ends_with("meta.json") {
            let folder = meta.parent().expect("a folder");
            let name = folder.strip_prefix(root().join("tests/fixtures"));
            wanted.insert(name.expect("inside").display().to_string());
        }
    }
    let missing: Vec<_> = wanted
        .iter()
        .filter(|w| !named.contains(w.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/sdks.md has no section for {missing:?}"
    );
}

/// The driver that made a recording, if the repository has it.
fn driver_of(recording: &str) -> Option<String> {
    let meta = text(
        &root()
            .join("tests/fixtures")
            .join(recording)
            .join("meta.json"),
    );
    let meta: serde_json::Value = serde_json::from_str(&meta).expect("JSON");
    meta["made_by"].as_str().map(str::to_owned)
}

#[test]
fn the_page_for_developers_names_recordings_that_exist_and_says_run_of_those_with_a_driver() {
    let page = text(&root().join("docs/sdks.md"));
    let mut faults = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("Dialect:")) {
        let recordings: Vec<&str> = line.split('`').filter(|word| word.contains('/')).collect();
        let known = |name: &str| {
            root()
                .join("tests/fixtures")
                .join(name)
                .join("meta.json")
                .exists()
        };
        faults.extend(
            recordings
                .iter()
                .filter(|name| !known(name))
                .map(|name| format!("{name} does not exist")),
        );
        let mut driven = recordings
            .iter()
            .filter(|name| known(name))
            .filter_map(|name| driver_of(name));
        let says_run = line.contains("Tested: run");
        if says_run != driven.any(|_| true) {
            faults.push(format!("a driver made it, or not: {line}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_driver_exists_that_made_a_recording_and_every_driver_made_one() {
    let settings = text(&root().join("tests/record/drivers/settings.json"));
    let settings: serde_json::Value = serde_json::from_str(&settings).expect("JSON");
    let drivers = settings.as_object().expect("an object");
    let path = |name: &str| format!("tests/record/drivers/{name}");
    let wanted: BTreeSet<String> = drivers
        .iter()
        .map(|(name, driver)| path(driver["driver"].as_str().unwrap_or(name)))
        .collect();
    let metas = files("tests/fixtures", &["json"]);
    let metas = metas.iter().filter(|path| path.ends_with("meta.json"));
    let folders = metas.map(|path| path.parent().expect("a folder").display().to_string());
    let made: BTreeSet<String> = folders.filter_map(|folder| driver_of(&folder)).collect();
    assert_eq!(wanted, made);
    let missing: Vec<_> = made
        .iter()
        .filter(|name| !root().join(name).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:?} do not exist");
}

/// Boards are as a current Grafana writes them: ids on every panel and row, no theme of their own, and as many points on a chart as its width shows.
#[test]
fn boards_are_written_as_a_current_grafana_writes_them() {
    for file in files("deploy/grafana/dashboards", &["json"]) {
        let board: serde_json::Value = serde_json::from_str(&text(&file)).expect("JSON");
        let name = file.display();
        assert_eq!(board["schemaVersion"], 41, "{name}");
        assert!(board.get("style").is_none(), "{name} has a style");
        assert_ne!(board["timezone"], "browser", "{name}");
        let panels = board["panels"].as_array().expect("panels");
        let ids: BTreeSet<u64> = panels.iter().filter_map(|p| p["id"].as_u64()).collect();
        assert_eq!(ids.len(), panels.len(), "{name}: an id is missing or twice");
        for panel in panels.iter().filter(|p| p["type"] == "timeseries") {
            let points = panel["maxDataPoints"].as_u64().expect("points");
            let width = panel["gridPos"]["w"].as_u64().expect("a width");
            assert_eq!(points, 5 * width, "{name}: {}", panel["title"]);
            let axis = &panel["fieldConfig"]["defaults"]["custom"]["axisLabel"];
            assert!(
                axis.as_str().is_some_and(|label| !label.is_empty()),
                "{name}: {}",
                panel["title"]
            );
        }
    }
}

/// Baton's own configurations among the files for Kubernetes, systemd and the Collector, and in the values of the chart. `tests/deploy.py` checks what
/// kustomize and helm make of them.
#[test]
fn every_shipped_configuration_of_baton_is_accepted() {
    let folders = ["deploy/kubernetes", "deploy/systemd", "deploy/collector"];
    let shipped = folders.iter().flat_map(|folder| files(folder, &["yaml"]));
    let own = shipped.filter(|file| {
        let name = file.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name == "baton.yaml" || name.ends_with(".baton.yaml"))
    });
    let mut configs: Vec<(String, String)> = own
        .map(|file| (file.display().to_string(), text(&file)))
        .collect();
    for file in ["values.yaml", "values-sidecar.yaml"] {
        let values = text(&root().join("deploy/helm/baton").join(file));
        let values: serde_json::Value = serde_saphyr::from_str(&values).expect("YAML");
        assert!(values["config"].is_object(), "{file} has no config");
        configs.push((file.to_owned(), values["config"].to_string()));
    }
    assert!(configs.len() >= 7, "{configs:?}");
    for (name, config) in configs {
        let read = config::of_text(&config, root(), &|_| Some("x".to_owned()));
        assert!(read.is_ok(), "{name}: {:?}", read.err());
    }
}
