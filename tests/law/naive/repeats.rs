//! Repeats: the user says again, after a handoff, what he said before.

use super::handoffs::{HUMAN, Handoff};
use super::tree::Tree;
use super::turns::Turn;
use super::{Sheet, UNKNOWN};
use baton::model::sketch::Sketch;

/// Messages that are remembered.
const LAST: usize = 4;
/// The share of equal words.
const ALIKE: f64 = 0.75;

pub fn count(tree: &Tree<'_>, turns: &[Turn<'_>], handoffs: &[Handoff<'_>], sheet: &mut Sheet) {
    // What the user said, in which turn, and whether a handoff came after it.
    let mut said: Vec<(Sketch, usize, bool)> = Vec::new();
    for (number, turn) in turns.iter().enumerate() {
        // A turn has one message of the user: that of its first call.
        let first = turn.calls(tree).first().map(|(event, _)| *event);
        let asked = first.and_then(|event| Some((event, tree.content(event)?.asked?)));
        if let Some((event, asked)) = asked {
            let own = said.iter().rev().filter(|(_, i, _)| turn.follows(*i));
            if own
                .take(LAST)
                .any(|(before, _, passed)| *passed && before.resemblance(&asked) >= ALIKE)
            {
                let agent = tree.agent(event).unwrap_or(UNKNOWN);
                let mut sheet = sheet.by(tree.weight_of_trace(turn.trace()));
                let workflow = turn.workflow();
                let labels = [("workflow", &*workflow), ("agent", agent)];
                sheet.count("baton_user_repeats_total", &labels);
            }
            said.push((asked, number, false));
        }
        if handoffs
            .iter()
            .any(|h| (h.turn == number || h.acted_in == number) && h.to != HUMAN)
        {
            for (_, i, passed) in &mut said {
                *passed |= *i == number || turn.follows(*i);
            }
        }
    }
}
