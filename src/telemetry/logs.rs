//! Baton's own log messages, on standard error.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging; a second call changes nothing. `json: None` takes text on a terminal, else JSON.
pub fn start(level: &str, json: Option<bool>) {
    let json = json.unwrap_or_else(|| !std::io::stderr().is_terminal());
    // Libraries speak up only when something is wrong.
    let filter = EnvFilter::new(format!("warn,baton={level}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Who reads the log may go away; that is no reason to stop.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    // Fails only where a subscriber is set already: in tests.
    let _ = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.with_target(false).try_init()
    };
}
