//! Baton's command line.

use baton::cli::Cli;
use clap::Parser;
use std::process::ExitCode;

/// Spans are taken on one thread and forgotten on another, which the system's allocator is slow at: `docs/performance.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let exit = Cli::parse().run();
    ExitCode::from(exit as u8)
}
