//! The queue of verdicts: what is durable, and when nothing more is taken.

use crate::forward::verdict_queue::VerdictQueue;
use crate::model::event::{Basis, Outcome};
use crate::model::fact::{Fact, What, Workflow};
use crate::model::ids::TraceId;
use crate::model::time::Timestamp;
use std::time::Duration;

fn closed() -> Fact {
    let what = What::Workflow(Workflow {
        workflow: "w".into(),
        outcome: Outcome::Failed,
        because: "why".into(),
        basis: Basis::Inferred,
        duration: Duration::ZERO,
        cost_usd: None,
        value_usd: None,
        models: Vec::new(),
        calls: Default::default(),
        has_user: false,
        span: None,
    });
    Fact::new(
        Timestamp(1),
        TraceId::new(&[1; 16]).expect("not zero"),
        what,
    )
}

#[test]
fn a_partition_waits_for_its_own_verdicts_until_they_are_written() {
    let queue = VerdictQueue::default();
    let is_durable = |partition| queue.is_durable(partition, Duration::ZERO);
    let session = Fact {
        what: What::Session,
        ..closed()
    };
    queue.put(0, Timestamp(1), std::slice::from_ref(&session));
    assert!(is_durable(0), "it is no verdict");
    queue.put(0, Timestamp(1), &[session, closed(), closed()]);
    assert_eq!((is_durable(0), is_durable(1)), (false, true));
    let batch = queue.next();
    assert_eq!(batch.0.len(), 2);
    assert!(!is_durable(0), "they are being written");
    queue.put(0, Timestamp(1), &[closed()]);
    queue.settle(&batch);
    assert!(!is_durable(0), "one more");
    queue.settle(&queue.next());
    assert!(is_durable(0));
    assert_eq!(queue.outstanding(), 0);
    assert!(queue.next().0.is_empty());
}

#[test]
fn who_waits_is_told_when_the_last_one_is_written() {
    let queue = VerdictQueue::default();
    queue.put(3, Timestamp(1), &[closed()]);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.is_durable(3, Duration::from_secs(600)));
        queue.settle(&queue.next());
        assert!(waiting.join().expect("no panic"));
    });
}

#[test]
fn nobody_waits_while_the_spool_has_no_room() {
    let queue = VerdictQueue::default();
    queue.put(3, Timestamp(1), &[closed()]);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.is_durable(3, Duration::from_secs(600)));
        queue.set_blocked(true);
        assert!(!waiting.join().expect("no panic"));
    });
    queue.set_blocked(false);
    queue.settle(&queue.next());
    assert!(queue.is_durable(3, Duration::ZERO));
}

#[test]
fn nothing_is_taken_from_outside_while_too_many_wait() {
    let queue = VerdictQueue::default();
    let many = vec![closed(); 50_000];
    queue.put(0, Timestamp(1), &many);
    assert!(!queue.is_full());
    queue.put(0, Timestamp(1), &[closed()]);
    assert!(queue.is_full());
    queue.settle(&queue.next());
    assert!(!queue.is_full());
}
