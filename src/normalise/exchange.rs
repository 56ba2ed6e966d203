//! Spans that stand for one exchange with the user, of several in their trace (T-10).

use super::SpanReader;
use super::topics;
use crate::model::event::Kind;

/// Last words of the names of such spans, in lower case.
const NAMES: &[&str] = &["turn", "exchange"];

/// Whose part of an exchange a span is that is none itself.
const PARTS: &[&str] = &["user", "agent", "assistant", "bot", "end", "start"];

/// Whether a span around the work of agents stands for one exchange: it serves a request, or says that it is a turn.
pub(super) fn is_one(source: &SpanReader<'_>, kind: &Kind) -> bool {
    let around = matches!(kind, Kind::Structure | Kind::Workflow);
    let serves = source.span.caller.is_request && matches!(kind, Kind::Structure);
    let numbered = || {
        topics::EXCHANGE
            .iter()
            .any(|key| source.attributes().get(*key).is_some())
    };
    serves || around && (is_turn(source.span.name) || numbered())
}

/// Whether a span is called a turn: `turn`, `Turn 3`.
fn is_turn(name: &str) -> bool {
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let at = name.rfind(|c: char| !c.is_ascii_alphabetic());
    let (before, last) = at.map_or(("", name), |at| (&name[..at], &name[at..]));
    let last = last.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    let is = |words: &[&str], word: &str| words.iter().any(|one| one.eq_ignore_ascii_case(word));
    is(NAMES, last) && !is(PARTS, before)
}

#[cfg(test)]
mod tests {
    use super::is_turn;

    #[test]
    fn a_turn_is_told_by_the_last_word_of_its_name() {
        let yes = [
            "turn",
            "Turn 3",
            "conversation.turn",
            "turn-12",
            "chat exchange",
        ];
        assert!(yes.into_iter().all(is_turn));
        let no = [
            "return",
            "agent_turn",
            "user_turn",
            "turned",
            "turn_detection",
            "",
            "7",
            "nocturn",
            "exchange rate",
        ];
        assert!(!no.into_iter().any(is_turn));
    }
}
