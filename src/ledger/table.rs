//! The tables and their columns. `docs/ledger.md` describes them; a test compares both.

use super::cell::Cell;
use std::fmt::Write;

/// What kind of value a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnType {
    /// 32 bits.
    Int,
    /// 64 bits.
    Long,
    Double,
    Flag,
    Text,
    /// Nanoseconds since 1970 in UTC.
    Time,
    /// `DECIMAL(28,9)`: every amount that the metrics can count, to the last billionth.
    Money,
    /// A list of texts.
    Texts,
    /// A map from texts to texts.
    NamedTexts,
    /// A map from texts to numbers of 64 bits.
    NamedWholes,
}

impl ColumnType {
    /// How many leaves a column has in the schema.
    pub(super) fn leaves(self) -> usize {
        match self {
            Self::NamedTexts | Self::NamedWholes => 2,
            _ => 1,
        }
    }

    /// What a row has of a column that its file does not have, because an older Baton wrote it.
    pub(super) fn missing(self) -> Cell {
        match self {
            Self::Texts => Cell::Texts(Vec::new()),
            Self::NamedTexts => Cell::NamedTexts(Vec::new()),
            Self::NamedWholes => Cell::NamedWholes(Vec::new()),
            _ => Cell::Null,
        }
    }
}

/// One column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColumnKind {
    pub(super) name: &'static str,
    pub(super) kind: ColumnType,
    /// Whether a row may have no value.
    pub(super) is_optional: bool,
}

const fn always(name: &'static str, kind: ColumnType) -> ColumnKind {
    ColumnKind {
        name,
        kind,
        is_optional: false,
    }
}

const fn maybe(name: &'static str, kind: ColumnType) -> ColumnKind {
    ColumnKind {
        name,
        kind,
        is_optional: true,
    }
}

/// One table: a directory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    Workflows,
    Handoffs,
    Turns,
    Calls,
    Scores,
    Events,
}

/// What the rows of all tables begin with.
const PLACE: &[ColumnKind] = &[
    always("log", ColumnType::Text),
    always("partition", ColumnType::Int),
    always("position", ColumnType::Long),
    always("ordinal", ColumnType::Int),
    always("log_time", ColumnType::Time),
    always("event_time", ColumnType::Time),
    maybe("tenant", ColumnType::Text),
    maybe("session_id", ColumnType::Text),
    always("trace_id", ColumnType::Text),
    always("cohort", ColumnType::NamedTexts),
    always("weight", ColumnType::Long),
];

const WORKFLOWS: &[ColumnKind] = &[
    always("id", ColumnType::Text),
    always("version", ColumnType::Int),
    always("workflow", ColumnType::Text),
    always("outcome", ColumnType::Text),
    always("evidence", ColumnType::Text),
    always("rule", ColumnType::Text),
    always("duration_ns", ColumnType::Long),
    maybe("cost", ColumnType::Money),
    maybe("value", ColumnType::Money),
    always("currency", ColumnType::Text),
    always("models", ColumnType::Texts),
    always("calls_known", ColumnType::Long),
    always("calls_no_usage", ColumnType::Long),
    always("calls_no_price", ColumnType::Long),
    always("has_user", ColumnType::Flag),
    maybe("span_id", ColumnType::Text),
];

const HANDOFFS: &[ColumnKind] = &[
    always("id", ColumnType::Text),
    always("version", ColumnType::Int),
    always("workflow", ColumnType::Text),
    always("from_agent", ColumnType::Text),
    always("to_agent", ColumnType::Text),
    always("kind", ColumnType::Text),
    always("result", ColumnType::Text),
    maybe("reason", ColumnType::Text),
    always("evidence", ColumnType::Text),
    maybe("latency_ns", ColumnType::Long),
    maybe("retention", ColumnType::Double),
    maybe("retention_evidence", ColumnType::Text),
    maybe("intent_kept", ColumnType::Flag),
    maybe("intent_from", ColumnType::Text),
    maybe("intent_to", ColumnType::Text),
    always("phantom", ColumnType::Flag),
    maybe("span_id", ColumnType::Text),
    always("span_ordinal", ColumnType::Int),
];

const TURNS: &[ColumnKind] = &[
    always("workflow", ColumnType::Text),
    always("result", ColumnType::Text),
    always("duration_ns", ColumnType::Long),
    maybe("first_token_ns", ColumnType::Long),
    always("assumed", ColumnType::Flag),
    always("agents_ns", ColumnType::NamedWholes),
];

const CALLS: &[ColumnKind] = &[
    always("kind", ColumnType::Text),
    maybe("agent", ColumnType::Text),
    maybe("provider", ColumnType::Text),
    maybe("model", ColumnType::Text),
    maybe("operation", ColumnType::Text),
    maybe("name", ColumnType::Text),
    maybe("status", ColumnType::Text),
    always("calls", ColumnType::Long),
    maybe("duration_ns", ColumnType::Long),
    maybe("input_tokens", ColumnType::Long),
    maybe("output_tokens", ColumnType::Long),
    maybe("cache_read_tokens", ColumnType::Long),
    maybe("cache_write_tokens", ColumnType::Long),
    maybe("reasoning_tokens", ColumnType::Long),
    maybe("cost", ColumnType::Money),
    maybe("cost_source", ColumnType::Text),
    always("currency", ColumnType::Text),
];

const SCORES: &[ColumnKind] = &[
    always("kind", ColumnType::Text),
    maybe("name", ColumnType::Text),
    maybe("workflow", ColumnType::Text),
    maybe("agent", ColumnType::Text),
    always("score", ColumnType::Double),
];

const EVENTS: &[ColumnKind] = &[
    always("kind", ColumnType::Text),
    maybe("workflow", ColumnType::Text),
    maybe("agent", ColumnType::Text),
    maybe("outcome", ColumnType::Text),
    maybe("step", ColumnType::Text),
    maybe("length", ColumnType::Long),
];

impl Table {
    /// In the order of the documents.
    pub const ALL: [Self; 6] = [
        Self::Workflows,
        Self::Handoffs,
        Self::Turns,
        Self::Calls,
        Self::Scores,
        Self::Events,
    ];

    /// Its name: the value of a label, and of a directory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workflows => "workflows",
            Self::Handoffs => "handoffs",
            Self::Turns => "turns",
            Self::Calls => "calls",
            Self::Scores => "scores",
            Self::Events => "events",
        }
    }

    /// That of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.as_str() == name)
    }

    /// Whether its rows are corrected later: by new ones with the same ID and a greater version.
    pub(super) fn has_versions(self) -> bool {
        matches!(self, Self::Workflows | Self::Handoffs)
    }

    /// Its columns, in their order.
    pub(super) fn columns(self) -> impl Iterator<Item = &'static ColumnKind> {
        let own = match self {
            Self::Workflows => WORKFLOWS,
            Self::Handoffs => HANDOFFS,
            Self::Turns => TURNS,
            Self::Calls => CALLS,
            Self::Scores => SCORES,
            Self::Events => EVENTS,
        };
        PLACE.iter().chain(own)
    }

    /// Its schema, in the notation of Parquet.
    pub(super) fn schema(self) -> String {
        let mut schema = format!("message {} {{\n", self.as_str());
        for column in self.columns() {
            let name = column.name;
            let need = if column.is_optional {
                "optional"
            } else {
                "required"
            };
            let text = "required binary";
            let _ = match column.kind {
                ColumnType::Int => writeln!(schema, "{need} int32 {name};"),
                ColumnType::Long => writeln!(schema, "{need} int64 {name};"),
                ColumnType::Double => writeln!(schema, "{need} double {name};"),
                ColumnType::Flag => writeln!(schema, "{need} boolean {name};"),
                ColumnType::Text => writeln!(schema, "{need} binary {name} (STRING);"),
                ColumnType::Time => {
                    writeln!(schema, "{need} int64 {name} (TIMESTAMP(NANOS,true));")
                }
                ColumnType::Money => writeln!(
                    schema,
                    "{need} fixed_len_byte_array(12) {name} (DECIMAL(28,9));"
                ),
                ColumnType::Texts => writeln!(
                    schema,
                    "required group {name} (LIST) {{ repeated group list {{ {text} element (STRING); }} }}"
                ),
                ColumnType::NamedTexts => writeln!(
                    schema,
                    "required group {name} (MAP) {{ repeated group key_value {{ {text} key (STRING); {text} value (STRING); }} }}"
                ),
                ColumnType::NamedWholes => writeln!(
                    schema,
                    "required group {name} (MAP) {{ repeated group key_value {{ {text} key (STRING); required int64 value; }} }}"
                ),
            };
        }
        schema.push('}');
        schema
    }
}
