//! The latest sessions: which ones are asked for, and the list of them for people and scripts.

use super::filter::Filter;
use super::session::{Manner, Session, iso};
use crate::model::fact::Fact;
use crate::model::ids::PartitionKey;
use crate::model::money::written;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

/// Shows each session that is remembered.
pub type Visit<'v> = &'v mut dyn FnMut(&PartitionKey, &[Fact]);

/// The sessions that a filter asks for.
#[derive(Debug)]
pub struct List {
    /// The latest first.
    pub sessions: Vec<Session>,
    /// How many match, those beyond the limit included.
    pub matching: usize,
    /// How many are remembered.
    pub remembered: usize,
}

impl List {
    /// Those that match among all that `stories` shows.
    pub fn of(filter: &Filter, manner: &Manner, stories: impl FnOnce(Visit<'_>)) -> Self {
        let (mut sessions, mut remembered) = (Vec::new(), 0);
        stories(&mut |key, facts| {
            remembered += usize::from(!facts.is_empty());
            if filter.wants(key, facts)
                && let Some(session) = Session::of(key, facts)
                && filter.wants_session(&session, manner)
            {
                sessions.push(session);
            }
        });
        sessions.sort_by(|a, b| (b.last, &a.id).cmp(&(a.last, &b.id)));
        let matching = sessions.len();
        sessions.truncate(filter.limit);
        Self {
            sessions,
            matching,
            remembered,
        }
    }

    /// One line a session. `linked` adds where its story is.
    pub fn text(&self, manner: &Manner, linked: bool) -> String {
        let shown = self.sessions.len();
        let mut text = format!(
            "{shown} of {} matching sessions, {} remembered; the latest first, times in UTC\n",
            self.matching, self.remembered
        );
        if shown == 0 {
            return text;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut header = vec![
            "SESSION", "START", "LAST", "TURNS", "OUTCOME", "HANDOFFS", "FAILED", "COST", "TRACES",
            "AGENTS", "COHORT",
        ];
        if linked {
            header.push("STORY");
        }
        table.set_header(header);
        for session in &self.sessions {
            let mut row = cells(session, manner);
            if linked {
                row.push(format!("/{}", session.href()));
            }
            table.add_row(row);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        text.push('\n');
        for line in table.to_string().lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// `{"sessions": […], "matching", "remembered"}`.
    pub fn json(&self, manner: &Manner) -> Value {
        let sessions = self.sessions.iter().map(|session| session.json(manner));
        json!({
            "sessions": sessions.collect::<Vec<_>>(),
            "matching": self.matching,
            "remembered": self.remembered,
        })
    }
}

fn cells(session: &Session, manner: &Manner) -> Vec<String> {
    let none = || "-".to_owned();
    let joined = |words: Vec<String>, between: &str| {
        if words.is_empty() {
            none()
        } else {
            words.join(between)
        }
    };
    let outcomes = session.workflows.iter();
    let outcomes: Vec<String> = outcomes
        .map(|(_, outcome)| outcome.as_str().to_owned())
        .collect();
    let reasons: Vec<String> = counted(session.failed.iter().map(|failed| failed.reason));
    let mut path = session
        .path
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    if session.path_is_cut {
        path.push("…".into());
    }
    let cohort = session
        .cohorts(manner)
        .map(|(name, value)| format!("{name}={value}"));
    let mut cohort: Vec<String> = cohort.collect();
    if let Some(tenant) = &session.tenant
        && !cohort.iter().any(|known| known.starts_with("tenant="))
    {
        cohort.push(format!("tenant={tenant}"));
    }
    let turns = match session.failed_turns {
        0 => session.turns.to_string(),
        failed => format!("{} ({failed} failed)", session.turns),
    };
    let cost = session.cost.map_or_else(
        || {
            if session.unpriced > 0 {
                "unknown".into()
            } else {
                none()
            }
        },
        |cost| {
            let more = if session.unpriced > 0 { "+" } else { "" };
            format!("{}{more}", written(cost, &manner.currency, 4))
        },
    );
    vec![
        if session.is_trace {
            format!("trace {}", session.id)
        } else {
            session.id.clone()
        },
        iso(session.start),
        iso(session.last),
        turns,
        // What is not closed yet has no outcome.
        if outcomes.is_empty() {
            "open".into()
        } else {
            outcomes.join(",")
        },
        session.handoffs.to_string(),
        joined(reasons, ","),
        cost,
        session.traces.to_string(),
        joined(path, " > "),
        joined(cohort, " "),
    ]
}

/// Each word once, with its number where it is there more often.
fn counted<'w>(words: impl Iterator<Item = &'w str>) -> Vec<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for word in words {
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let counts = counts.into_iter();
    counts
        .map(|(word, count)| {
            if count == 1 {
                word.to_owned()
            } else {
                format!("{word}x{count}")
            }
        })
        .collect()
}
