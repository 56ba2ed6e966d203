//! `baton check`.

use super::{Exit, load, out};
use std::path::Path;

pub(super) fn check(file: &Path) -> Exit {
    match load(Some(file)) {
        Ok(_) => out(&format!("{}: ok\n", file.display())),
        Err(exit) => exit,
    }
}
