//! Tests of parts of the room. Its rules are tested through `stitch`, where turns are collected.

mod deep;
pub(super) mod steps;
mod summary;
