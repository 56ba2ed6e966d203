//! The latest sessions: which ones are asked for, and the list of them for people and scripts.

use super::DisplaySettings;
use super::filter::SessionFilter;
use super::summary::{SessionSummary, iso};
use crate::export::SessionVisitor;
use crate::model::money::written;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

/// The sessions that a filter asks for.
#[derive(Debug)]
pub struct SessionList {
    /// The latest first.
    pub sessions: Vec<SessionSummary>,
    /// How many match, those beyond the limit included.
    pub matching: usize,
    /// How many are remembered.
    pub remembered: usize,
}

impl SessionList {
    /// Those that match among all that `stories` shows.
    pub fn of(
        filter: &SessionFilter,
        display: &DisplaySettings,
        stories: impl FnOnce(SessionVisitor<'_>),
    ) -> Self {
        let (mut sessions, mut remembered) = (Vec::new(), 0);
        stories(&mut |key, facts| {
            remembered += usize::from(!facts.is_empty());
            if filter.wants(key, facts)
                && let Some(session) = SessionSummary::of(key, facts)
                && filter.wants_session(&session, display)
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
    pub fn text(&self, display: &DisplaySettings, linked: bool) -> String {
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
            let mut row = cells(session, display);
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
    pub fn json(&self, display: &DisplaySettings) -> Value {
        let sessions = self.sessions.iter().map(|session| session.json(display));
        json!({
            "sessions": sessions.collect::<Vec<_>>(),
            "matching": self.matching,
            "remembered": self.remembered,
        })
    }
}

/// What a column shows where there is nothing.
const NOTHING: &str = "-";

fn cells(session: &SessionSummary, display: &DisplaySettings) -> Vec<String> {
    let turns = match session.failed_turns {
        0 => session.turns.to_string(),
        failed => format!("{} ({failed} failed)", session.turns),
    };
    let outcomes = session.workflows.iter();
    let outcomes: Vec<&str> = outcomes.map(|(_, outcome)| outcome.as_str()).collect();
    let reasons = counted(session.failed.iter().map(|failed| failed.reason));
    let mut path: Vec<String> = session.path.iter().map(ToString::to_string).collect();
    if session.path_is_cut {
        path.push("…".into());
    }
    vec![
        match session.is_trace {
            true => format!("trace {}", session.id),
            false => session.id.clone(),
        },
        iso(session.start),
        iso(session.last),
        turns,
        // What is not closed yet has no outcome.
        match outcomes.is_empty() {
            true => "open".into(),
            false => outcomes.join(","),
        },
        session.handoffs.to_string(),
        joined(&reasons, ","),
        cost(session, display),
        session.traces.to_string(),
        joined(&path, " > "),
        joined(&cohort(session, display), " "),
    ]
}

fn joined(words: &[String], between: &str) -> String {
    match words.is_empty() {
        true => NOTHING.into(),
        false => words.join(between),
    }
}

fn cost(session: &SessionSummary, display: &DisplaySettings) -> String {
    match (session.cost, session.unpriced) {
        (Some(cost), 0) => written(cost, &display.currency, 4),
        (Some(cost), _) => format!("{}+", written(cost, &display.currency, 4)),
        (None, 0) => NOTHING.into(),
        (None, _) => "unknown".into(),
    }
}

/// The values of the cohort, and the tenant where it is none of them.
fn cohort(session: &SessionSummary, display: &DisplaySettings) -> Vec<String> {
    let named = session.cohorts(display);
    let mut cohort: Vec<String> = named
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if let Some(tenant) = &session.tenant
        && !cohort.iter().any(|known| known.starts_with("tenant="))
    {
        cohort.push(format!("tenant={tenant}"));
    }
    cohort
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
