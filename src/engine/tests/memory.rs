//! The soft limit of memory over the whole engine.

use super::desk::SessionDesk;

#[test]
fn what_is_only_remembered_refuses_nothing() {
    let soft_bytes = 100_000;
    let mut desk = SessionDesk::new(soft_bytes);
    let sessions = 200;
    for n in 1..=sessions {
        // Appended in spite of all that came before.
        desk.turn(&n.to_string(), n);
        desk.wait(100);
        let waiting = soft_bytes / 8;
        assert!(
            !desk.engine.memory_limit().is_exceeded(waiting),
            "{n} sessions: {} bytes",
            desk.engine.weight()
        );
    }
    assert!(
        desk.engine.keys() < usize::from(sessions),
        "some are forgotten"
    );
}
