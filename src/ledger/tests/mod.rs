//! The ledger without an engine: which rows are in files after what, and what the documents say of them.

mod compacting;
mod once;
mod reading;

use super::column::Column;
use super::name::{FileName, day};
use super::table::{ColumnType, Table};
use crate::model::Name;
use crate::model::event::{Basis, Outcome};
use crate::model::fact::{Fact, What, Workflow};
use crate::model::ids::{PartitionKey, TenantScoped, TraceId};
use crate::model::time::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// A workflow of a session that is named by a number.
fn workflow(number: u64) -> Fact {
    let trace = TraceId::new(&[7; 16]).expect("not zero");
    let workflow = Workflow {
        workflow: "refund".into(),
        outcome: Outcome::Resolved,
        because: "paid".into(),
        basis: Basis::Rule,
        duration: Duration::from_secs(number),
        cost_usd: Some(0.1),
        value_usd: None,
        models: vec![Name::from("large"), Name::from("small")],
        calls: Default::default(),
        has_user: true,
        span: None,
    };
    let key = PartitionKey::Session(TenantScoped {
        tenant: None,
        id: Name::from(number.to_string()),
    });
    Fact {
        key: Some(key),
        ..Fact::new(Timestamp(number), trace, What::Workflow(workflow))
    }
}

#[test]
fn names_of_files_are_read_as_they_are_written() {
    let text = "handoffs/day=2026-11-30/3-00000000000000ff-00000000000000000017-00000000000000000042.parquet";
    let name = FileName::parse(text).expect("a name");
    assert_eq!((name.key.table, name.key.partition), (Table::Handoffs, 3));
    assert_eq!((name.key.log, name.from, name.to), (255, 17, 42));
    assert_eq!(name.to_string(), text);
    for other in [
        "lock",
        "unfinished.new",
        "handoffs/day=2026-11-30/3-ff-17.parquet",
        "handoffs/day=2026-11-31/3-ff-17-42.parquet",
        "answers/day=2026-11-30/3-ff-17-42.parquet",
        "handoffs/day=2026-11-30/3-ff-17-42.parquet/more",
    ] {
        assert_eq!(FileName::parse(other), None, "{other}");
    }
}

#[test]
fn a_day_begins_at_midnight_in_utc() {
    let second = 1_000_000_000;
    let midnight = 1_796_083_200 * second;
    assert_eq!(day(Timestamp(midnight)).to_string(), "2026-12-01");
    assert_eq!(day(Timestamp(midnight - 1)).to_string(), "2026-11-30");
    assert_eq!(day(Timestamp::MAX).to_string(), "2554-07-21");
}

/// `docs/ledger.md` has a table for each table, whose first two columns name each column and its type.
#[test]
fn the_documents_have_every_column() {
    let docs = include_str!("../../../docs/ledger.md");
    let own = docs.split("\n## ").find(|part| part.starts_with("Tables"));
    let sections = own.expect("a section").split("\n### ");
    let mut sections = sections.map(|section| {
        let lines = section.lines().filter(|line| line.starts_with("| `"));
        let pairs = lines.flat_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let names = cells[1].split(", ").map(|name| name.trim_matches('`'));
            let names: Vec<String> = names.map(str::to_owned).collect();
            let kinds: Vec<String> = cells[2].split(", ").map(str::to_owned).collect();
            let last = kinds.last().expect("a type").clone();
            let kinds = kinds.into_iter().chain(std::iter::repeat(last));
            names.into_iter().zip(kinds).collect::<Vec<_>>()
        });
        (
            section.lines().next().expect("a title"),
            pairs.collect::<Vec<_>>(),
        )
    });
    let place = sections.next().expect("the first columns").1;
    let sections: Vec<_> = sections.collect();
    for table in Table::ALL {
        let (_, own) = sections
            .iter()
            .find(|(name, _)| *name == table.as_str())
            .expect("it");
        let described: BTreeSet<(String, String)> = place.iter().chain(own).cloned().collect();
        let columns = table.columns().map(|column| {
            let kind = match column.kind {
                ColumnType::Int => "int",
                ColumnType::Long => "bigint",
                ColumnType::Double => "double",
                ColumnType::Flag => "bool",
                ColumnType::Text => "text",
                ColumnType::Time => "timestamp",
                ColumnType::Money => "decimal",
                ColumnType::Texts => "list of text",
                ColumnType::NamedTexts => "map of text to text",
                ColumnType::NamedWholes => "map of text to bigint",
            };
            (column.name.to_owned(), kind.to_owned())
        });
        assert_eq!(columns.collect::<BTreeSet<_>>(), described, "{table:?}");
    }
}

#[test]
fn a_schema_has_a_leaf_for_every_one_that_is_written() {
    for table in Table::ALL {
        let schema = parquet::schema::parser::parse_message_type(&table.schema());
        let schema =
            parquet::schema::types::SchemaDescriptor::new(schema.expect("it is one").into());
        let leaves = table
            .columns()
            .map(|column| Column::new(column.kind).leaves.len());
        assert_eq!(schema.num_columns(), leaves.sum::<usize>(), "{table:?}");
    }
}
