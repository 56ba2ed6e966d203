//! The tables are in order, their names follow Prometheus, and `docs/metrics.md` says what they say.

use super::*;

/// What holds of every row.
fn follows_prometheus<M>(description: &Description<M>) {
    let name = description.name;
    assert!(name.starts_with("baton_"), "{name}");
    assert_eq!(
        name.ends_with("_total"),
        description.kind == FamilyKind::Counter,
        "{name}"
    );
    let is_histogram = description.kind == FamilyKind::Histogram;
    assert!(description.bounds.is_empty() || is_histogram, "{name}");
    assert!(description.bounds.is_sorted(), "{name}");
    let own = |label| description.labels.contains(label);
    assert!(description.detail.iter().all(own), "{name}");
    let has_cohorts = description.cohorts != Cohorts::None;
    assert!(description.is_business || !has_cohorts, "{name}");
    assert!(description.help.ends_with('.'), "{name}");
}

#[test]
fn tables_are_in_the_order_of_their_ids_and_names_follow_prometheus() {
    for (i, description) in DERIVED.iter().enumerate() {
        assert_eq!(description.metric as usize, i);
        follows_prometheus(description);
    }
    for (i, description) in INTERNAL.iter().enumerate() {
        assert_eq!(description.metric as usize, i);
        follows_prometheus(description);
        assert_ne!(description.kind, FamilyKind::Histogram, "{description:?}");
    }
}

#[test]
fn every_name_is_taken_once() {
    let derived = DERIVED.iter().map(|description| description.name);
    let mut names: Vec<&str> = derived.chain(INTERNAL.iter().map(|d| d.name)).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// One metric as `docs/metrics.md` shows it.
fn section<M>(description: &Description<M>) -> String {
    let kind = format!("{:?}", description.kind).to_lowercase();
    let unit = match description.unit {
        "" => String::new(),
        unit => format!(" Unit: {unit}."),
    };
    let label = |label: &&str| match description.detail.contains(label) {
        true => format!("[`{label}`]"),
        false => format!("`{label}`"),
    };
    let labels: Vec<String> = description.labels.iter().map(label).collect();
    let labels = match labels.is_empty() {
        true => "none".to_owned(),
        false => labels.join(", "),
    };
    let cohorts = match description.cohorts {
        _ if !description.is_business => String::new(),
        Cohorts::All => " Cohort dimensions: all.".to_owned(),
        Cohorts::Only(some) => format!(" Cohort dimensions: `{}`.", some.join("`, `")),
        Cohorts::None => " Cohort dimensions: none.".to_owned(),
    };
    let bounds: Vec<String> = description.bounds.iter().map(f64::to_string).collect();
    let buckets = match description.kind {
        FamilyKind::Histogram if bounds.is_empty() => " Buckets: none.".to_owned(),
        FamilyKind::Histogram => format!(" Buckets: {}.", bounds.join(", ")),
        _ => String::new(),
    };
    format!(
        "\n### `{}`\n\n{}\n\nType: {kind}.{unit} Labels: {labels}.{cohorts}{buckets}\n",
        description.name, description.help
    )
}

const BUSINESS: &str = "# Metrics

Every metric that Baton exposes. This page is generated from the tables of `src/catalogue`.

## Business metrics

Counters also have exemplars with trace IDs. Rates are ratios of counters.

*Cohort dimensions* are labels too, where their value is known: the dimensions of `cohorts.dimensions` that a metric carries under the preset `standard` of `metrics.labels`. Under `full`, every business metric carries all dimensions, and the labels in brackets. Under `minimal`, none does. [sizing.md](sizing.md) compares the number of series.

`usd` in a name or a unit stands for the currency of `money.currency`.
";

const WORK: &str = "
## Completeness of the business metrics

These metrics say how complete the business metrics are. They have no cohort dimensions, and they count what was received, without the adjusted counts of sampling.
";

const HEALTH: &str = "
## Baton's own health

Metrics of Baton's own parts. They start at 0 when the process starts.
";

#[test]
fn the_metrics_are_in_the_docs() {
    let (business, work): (Vec<_>, Vec<_>) = DERIVED.iter().partition(|d| d.is_business);
    let mut text = String::from(BUSINESS);
    text.extend(business.into_iter().map(section));
    text.push_str(WORK);
    text.extend(work.into_iter().map(section));
    text.push_str(HEALTH);
    text.extend(INTERNAL.iter().map(section));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).expect("docs can be written");
        return;
    }
    let docs = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(docs, text, "run UPDATE=1 cargo test --lib catalogue::");
}
