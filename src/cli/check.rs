//! `baton check`.

use super::{Check, Exit, called, complain, load, out, run};
use crate::app;
use crate::config::Config;
use crate::log::LogKind;

pub(super) fn check(asked: &Check) -> Exit {
    let mut config = match load(Some(&asked.file)) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    asked.overrides.apply(&mut config);
    let refused = app::refused_listeners(&config);
    if !refused.is_empty() {
        for what in refused {
            complain(&format!("{}: {what}", called(&asked.file)));
        }
        return Exit::Config;
    }
    for what in app::insecure_settings(&config) {
        complain(&format!("{}: insecure: {what}", called(&asked.file)));
    }
    out(&format!(
        "{}: ok: {}\n",
        called(&asked.file),
        summary(&config)
    ))
}

/// Where `baton run` would listen and keep its state.
fn summary(config: &Config) -> String {
    let state = match (config.state.log, run::state_directory(config)) {
        (LogKind::Memory, _) => "in memory".to_owned(),
        (LogKind::Disk, Some(directory)) => format!("in {}", directory.display()),
        (LogKind::Disk, None) => "nowhere yet: set state.directory or $HOME".to_owned(),
    };
    let (grpc, http, server) = (
        config.receivers.otlp.grpc.endpoint,
        config.receivers.otlp.http.endpoint,
        config.server.endpoint,
    );
    format!("OTLP/gRPC on {grpc}, OTLP/HTTP on {http}, metrics on {server}, state {state}")
}
