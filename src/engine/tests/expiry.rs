//! Series that have parts in several partitions expire as a whole.

use super::desk::{EXPIRES, PARTITIONS, SessionDesk};

#[test]
fn a_counter_never_falls_while_one_of_its_parts_lives_and_goes_as_a_whole() {
    let mut desk = SessionDesk::new(usize::MAX);
    let ids: Vec<String> = (0..64).map(|n| format!("session {n}")).collect();
    let (one, other): (Vec<_>, Vec<_>) = ids.iter().partition(|id| SessionDesk::partition(id) == 0);
    desk.turn(one[0], 1);
    desk.turn(other[0], 2);
    desk.wait(60);
    let parts = [0, 1].map(|index| desk.series(index) > 0);
    assert_eq!(parts, [true, true], "the sessions are of two partitions");
    assert_eq!(desk.shown(), Some(2.0));
    // One partition has news as long as the other one waits twice over.
    let mut most = Some(2.0);
    for (number, session) in one[1..9].iter().enumerate() {
        desk.turn(session, 10 + number as u8);
        for shown in desk.wait(EXPIRES / 4) {
            assert!(shown >= most, "{shown:?} after {most:?}");
            most = shown;
        }
    }
    assert!(most > Some(2.0));
    // Then nothing comes, and it goes at once and for good; no partition keeps what nobody sees.
    let quiet = desk.wait(10 * EXPIRES);
    let gone = quiet.iter().position(Option::is_none).expect("it expires");
    assert!(
        quiet[..gone].iter().all(|shown| *shown == most),
        "{quiet:?}"
    );
    assert!(quiet[gone..].iter().all(Option::is_none), "{quiet:?}");
    for index in 0..PARTITIONS {
        assert_eq!(desk.series(index), 0, "partition {index}");
    }
}
