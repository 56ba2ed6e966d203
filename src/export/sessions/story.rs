//! The story of one session: a paragraph for each turn, and the outcome of each workflow.

use super::sentence;
use super::summary::id;
use crate::model::fact::{Fact, Turn, TurnResult, What};
use crate::model::ids::PartitionKey;
use crate::model::time::Timestamp;
use std::fmt::Write;

/// The story of a session from its facts; empty where nothing is known. Money is in `currency`.
pub fn write(key: &PartitionKey, facts: &[Fact], currency: &str) -> String {
    let (before, chapters) = arranged(facts);
    let mut text = String::new();
    if let Some(first) = before.first() {
        tell(&mut text, first.at, &before, currency);
    }
    for (number, chapter) in (1..).zip(&chapters) {
        chapter.write(&mut text, number, currency);
    }
    if text.is_empty() {
        return text;
    }
    let tenant = key.tenant().map(|tenant| format!(" of tenant {tenant}"));
    let tenant = tenant.unwrap_or_default();
    format!("Session {}{tenant}\n\n{}\n", id(key), text.trim_end())
}

/// The facts in the order in which they are told: those before the first turn, then turn by turn.
pub(super) fn arranged(facts: &[Fact]) -> (Vec<&Fact>, Vec<Chapter<'_>>) {
    let mut facts: Vec<&Fact> = facts.iter().collect();
    facts.sort_by_key(|fact| (fact.at, rank(&fact.what)));
    let mut chapters = chapters(&facts);
    let mut before = Vec::new();
    for fact in facts {
        match chapter_of(&mut chapters, fact) {
            Some(chapter) => chapter.facts.push(fact),
            None => before.push(fact),
        }
    }
    (before, chapters)
}

/// A turn, and what happened from its start to the next one's.
pub(super) struct Chapter<'a> {
    pub(super) start: Timestamp,
    pub(super) fact: &'a Fact,
    pub(super) turn: &'a Turn,
    pub(super) facts: Vec<&'a Fact>,
}

/// The turns in order of their start.
fn chapters<'a>(facts: &[&'a Fact]) -> Vec<Chapter<'a>> {
    let turns = facts.iter().filter_map(|fact| match &fact.what {
        What::Turn(turn) => Some(Chapter {
            start: Timestamp(fact.at.0.saturating_sub(turn.duration.as_nanos() as u64)),
            fact,
            turn,
            facts: Vec::new(),
        }),
        _ => None,
    });
    let mut chapters: Vec<Chapter<'_>> = turns.collect();
    chapters.sort_by_key(|chapter| (chapter.start, chapter.fact.trace));
    chapters
}

/// The latest turn that had begun, one of the fact's own trace if there is any. The end of a workflow, whose trace is that of its
/// first turn, is told after its last one.
fn chapter_of<'c, 'a>(chapters: &'c mut [Chapter<'a>], fact: &Fact) -> Option<&'c mut Chapter<'a>> {
    let begun = |chapter: &Chapter<'_>| chapter.start <= fact.at;
    let own = |chapter: &Chapter<'_>| begun(chapter) && chapter.fact.trace == fact.trace;
    let place = match &fact.what {
        What::Workflow(_) => None,
        _ => chapters.iter().rposition(own),
    };
    let place = place.or_else(|| chapters.iter().rposition(begun))?;
    chapters.get_mut(place)
}

/// What happened at the same moment is told in this order: causes first.
fn rank(what: &What) -> u8 {
    match what {
        What::Agent(_) => 1,
        What::Model(_) | What::Tool(_) | What::Retrieval => 2,
        What::Handoff(_) | What::Loop { .. } => 3,
        _ => 4,
    }
}

impl Chapter<'_> {
    fn write(&self, text: &mut String, number: usize, currency: &str) {
        let turn = self.turn;
        let wait = turn.duration.as_secs_f64();
        let _ = write!(text, "Turn {number}, {}: ", time(self.start));
        let _ = match turn.result {
            TurnResult::Answered => write!(text, "the user got an answer after {wait:.2} s"),
            TurnResult::Failed => write!(text, "the user got no answer within {wait:.2} s"),
        };
        if let Some(first) = turn.first_token {
            let _ = write!(text, ", its first token after {:.2} s", first.as_secs_f64());
        }
        let _ = writeln!(text, ". {}", cost(&self.facts, currency));
        if !turn.by_agent.is_empty() {
            let share = |(agent, share): &(_, std::time::Duration)| {
                format!("{agent} {:.2} s", share.as_secs_f64())
            };
            let shares: Vec<String> = turn.by_agent.iter().map(share).collect();
            let _ = writeln!(text, "Time by agent: {}.", shares.join(", "));
        }
        tell(text, self.start, &self.facts, currency);
    }
}

/// One line for each fact with the seconds since `start`, then how the work ended.
fn tell(text: &mut String, start: Timestamp, facts: &[&Fact], currency: &str) {
    for fact in facts {
        if let Some(sentence) = sentence::of(&fact.what, currency) {
            let after = fact.at.since(start).as_secs_f64();
            let _ = writeln!(text, "  {after:>+7.2} s  {sentence}");
        }
    }
    for fact in facts {
        if let What::Workflow(workflow) = &fact.what {
            let _ = writeln!(text, "{}", sentence::workflow(workflow, currency));
        }
    }
    let step = |fact: &&Fact| match &fact.what {
        What::FunnelStep { step, .. } => Some(step.to_string()),
        _ => None,
    };
    let steps: Vec<String> = facts.iter().filter_map(step).collect();
    if !steps.is_empty() {
        let _ = writeln!(text, "Funnel steps: {}.", steps.join(", "));
    }
    text.push('\n');
}

/// What a turn cost, and what of it is not known.
fn cost(facts: &[&Fact], currency: &str) -> String {
    let amounts = facts.iter().filter_map(|fact| match &fact.what {
        What::Model(call) => Some(call.cost.usd()),
        What::Action(action) => Some(Some(action.usd)),
        _ => None,
    });
    let amounts: Vec<Option<f64>> = amounts.collect();
    let known: Vec<f64> = amounts.iter().copied().flatten().collect();
    let cost = sentence::amount(known.iter().sum(), currency);
    match (known.len(), amounts.len() - known.len()) {
        (0, _) => "The cost is unknown.".to_owned(),
        (_, 0) => format!("It cost {cost}."),
        (_, more) => format!("It cost {cost}, and {more} calls of unknown cost."),
    }
}

fn time(at: Timestamp) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(at.0)) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => at.0.to_string(),
    }
}
