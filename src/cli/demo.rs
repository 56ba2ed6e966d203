//! `baton demo`.

use super::{Demo, Exit, complain};

pub(super) fn demo(asked: &Demo) -> Exit {
    complain(&format!("{asked:?}"));
    Exit::Failed
}
