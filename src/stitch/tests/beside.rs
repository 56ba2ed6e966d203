//! Work of a job beside the sessions of its trace: S-16.

use super::keys::{KeyedDesk, seconds};
use super::shared::{Job, figures};
use super::*;

/// S-16: what a job does for itself adds to the session before it. It neither fails nor lengthens the turn, hands nothing over, waits for nobody
/// and declares no outcome, also if it comes late.
#[test]
fn work_beside_sessions_changes_no_turn() {
    for (late, fails) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut job = Job::default();
        let root = job.frame((0, 9000));
        job.desk(root, 100, Some("a"));
        job.desk(root, 300, Some("b"));
        let whole = job.scene.events.len();
        let planner = job.scene.agent(root, "planner", (7000, 8000));
        job.scene.last().error = fails;
        job.scene.last().rare.outcome = Some(OutcomeEvidence {
            outcome: Outcome::Failed,
        });
        job.scene.asking(planner, (7100, 7200), &["billing"]);
        job.scene.call(planner, (7300, 7900));
        job.scene.last().error = fails;
        job.scene.tool(root, "lookup", (8100, 8200), None);
        let facts = match late {
            false => {
                let mut events = job.scene.events.clone();
                let facts = Job::told(&events);
                events.reverse();
                assert_eq!(figures(&Job::told(&events)), figures(&facts));
                facts
            }
            true => {
                let mut desk = KeyedDesk::new(Settings::default());
                for (events, at) in [
                    (&job.scene.events[..whole], 9),
                    (&job.scene.events[whole..], 40),
                ] {
                    for (key, record) in Job::records(events) {
                        desk.apply(&key, record, at);
                    }
                    desk.deliver(at);
                    for second in [at + 10, at + 20] {
                        desk.stitcher.advance(seconds(second), &mut desk.out);
                        desk.deliver(second);
                    }
                    desk.stitcher = reborn(&desk.stitcher, Settings::default());
                }
                desk.end()
            }
        };
        let told = [("a", [1, 1, 1, 0]), ("b", [1, 1, 3, 0])];
        let told = told.map(|(id, figures)| (id.to_owned(), figures));
        assert_eq!(figures(&facts), told, "{late} {fails}");
        assert_eq!(count(&facts, |what| matches!(what, What::Tool(_))), 1);
        assert_eq!(count(&facts, |what| matches!(what, What::Pending(_))), 0);
        let of = |fact: &Fact| match &fact.what {
            What::Turn(turn) => Some((turn.result, turn.duration.as_millis())),
            _ => None,
        };
        let turns: Vec<_> = facts.iter().filter_map(of).collect();
        assert_eq!(turns, [(TurnResult::Answered, 99); 2], "{late} {fails}");
        let spent = |fact: &Fact| match &fact.what {
            What::Workflow(workflow) => Some((workflow.outcome, workflow.cost_usd)),
            _ => None,
        };
        let mut spent: Vec<_> = facts.iter().filter_map(spent).collect();
        spent.sort_by(|a, b| a.1.partial_cmp(&b.1).expect("known"));
        let outcome = Outcome::Unverified;
        assert_eq!(spent, [(outcome, Some(0.25)), (outcome, Some(0.75))]);
    }
}
