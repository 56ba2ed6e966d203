//! User messages of the last turns, to detect that a user repeats a message after a handoff.

use crate::model::List;
use crate::model::sketch::Sketch;
use crate::model::time::Timestamp;

/// Messages of the user that a session remembers.
const REMEMBERED: usize = 4;
/// UserMessages that share this much of their words are the same, said again.
const SAME_MESSAGE: f64 = 0.75;

/// The latest messages of a session, the oldest first.
#[derive(Debug, Default)]
pub(super) struct UserMessages(pub(super) List<UserMessage>);

/// What the user said in one turn.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UserMessage {
    /// When the turn began.
    pub(super) at: Timestamp,
    pub(super) words: Sketch,
    /// A handoff came after it.
    pub(super) handed_over: bool,
}

impl UserMessages {
    /// Takes the next message; whether it nearly repeats an earlier one that a handoff followed.
    pub(super) fn add(&mut self, at: Timestamp, words: Sketch) -> bool {
        let again = self.0.iter().any(|message| {
            message.handed_over && message.words.resemblance(&words) >= SAME_MESSAGE
        });
        self.0.push(UserMessage {
            at,
            words,
            handed_over: false,
        });
        self.forget();
        again
    }

    /// A handoff came after all of them.
    pub(super) fn hand_over(&mut self) {
        for message in &mut self.0 {
            message.handed_over = true;
        }
    }

    /// Those of both sessions, as they met.
    pub(super) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.sort();
        self.forget();
    }

    fn forget(&mut self) {
        let forgotten = self.0.len().saturating_sub(REMEMBERED);
        self.0.drain(..forgotten);
    }
}
