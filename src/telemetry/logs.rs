//! Baton's own log messages, on standard error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Baton's own log messages: the section `log`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// error, warn, info, debug or trace.
    pub level: LogLevel,
    /// text, json, or auto (text on a terminal, otherwise json).
    pub format: LogFormat,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            format: LogFormat::Auto,
        }
    }
}

/// The least severe messages that are logged.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How log messages are written.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogFormat {
    Auto,
    Text,
    Json,
}

/// Starts logging; a second call changes nothing.
pub fn start(settings: &Settings) {
    let level = match settings.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let json = match settings.format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    // Libraries speak up only when something is wrong. The resolver also does for options of resolv.conf that it does not know, with each name.
    let filter = EnvFilter::new(format!("warn,hickory_resolver=error,baton={level}"));
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
