//! Counts the steps from spans to those around them, to show that there are not too many.

use std::cell::Cell;

thread_local!(static STEPS: Cell<usize> = const { Cell::new(0) });

pub(in crate::turn) fn count_step() {
    STEPS.set(STEPS.get() + 1);
}

/// The steps that were gone meanwhile.
pub(super) fn of<T>(work: impl FnOnce() -> T) -> usize {
    let before = STEPS.get();
    work();
    STEPS.get() - before
}
