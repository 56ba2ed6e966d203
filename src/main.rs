//! Baton's command line.

use baton::cli::Cli;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let exit = Cli::parse().run();
    ExitCode::from(exit as u8)
}
