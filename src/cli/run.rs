//! `baton run`.

use super::{Exit, Run, complain, load, start_logs};
use crate::app::{App, StartError};
use crate::clock::Clock;
use crate::config::Config;
use crate::machine;
use crate::model::limit::Bytes;
use crate::shutdown::{self, Failure};
use std::path::PathBuf;
use tracing::info;

pub(super) fn run(asked: &Run) -> Exit {
    let mut config = match load(asked.config.as_deref()) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    asked.overrides.apply(&mut config);
    config.state.directory = state_directory(&config);
    start_logs(&config);
    say(asked, &config);
    match runtime() {
        Ok(runtime) => {
            let exit = runtime.block_on(serve(&config));
            // What did not end within its time is not waited for: the log has what was acknowledged.
            runtime.shutdown_background();
            exit
        }
        Err(exit) => exit,
    }
}

/// What is configured, and by what.
fn say(asked: &Run, config: &Config) {
    let file = asked.config.as_ref().map(|file| file.display().to_string());
    let memory = machine::memory().map(|memory| memory.source);
    info!(
        version = env!("CARGO_PKG_VERSION"),
        configuration = file.as_deref().unwrap_or("the defaults"),
        memory_limit = %Bytes(config.memory_limit()),
        memory_limit_from = memory.as_deref().unwrap_or("an assumption, because the system does not report it"),
        "starting"
    );
}

/// The runtime of the receivers.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            complain(&format!("baton: cannot start: {error}"));
            Exit::Start
        })
}

/// Where the state lies, if anything says so.
pub(super) fn state_directory(config: &Config) -> Option<PathBuf> {
    config.state.directory.clone().or_else(usual_directory)
}

/// Where the state of a user's services lies: as systemd says, else by the XDG base directories.
fn usual_directory() -> Option<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let xdg = || folder("XDG_STATE_HOME").map(|state| state.join("baton"));
    let home = || folder("HOME").map(|home| home.join(".local/state/baton"));
    folder("STATE_DIRECTORY").or_else(xdg).or_else(home)
}

/// Starts, or says why not.
pub(super) async fn start(config: &Config) -> Result<App, Exit> {
    App::start(config, Clock::system()).await.map_err(|error| {
        complain(&format!("baton: {error}"));
        match error {
            StartError::Listen(_)
            | StartError::Open(_)
            | StartError::Tls(_)
            | StartError::Auth(_)
            | StartError::Destination(_) => Exit::Start,
            StartError::State(_) | StartError::NoDirectory => Exit::State,
        }
    })
}

async fn serve(config: &Config) -> Exit {
    // One listener from the beginning: no signal is lost between recovery and work.
    let mut asked = std::pin::pin!(shutdown::asked());
    let started = tokio::select! {
        started = start(config) => started,
        asked = &mut asked => {
            let signal = asked.unwrap_or("none");
            info!(signal, "stopping before the state is recovered: the state directory stays unchanged for the next start");
            return Exit::Ok;
        }
    };
    let app = match started {
        Ok(app) => app,
        Err(exit) => return exit,
    };
    let asked = tokio::select! {
        asked = &mut asked => asked,
        failure = app.broken() => {
            complain(&format!("baton: stopping: {failure}"));
            return match failure {
                Failure::Log(_) => Exit::State,
                Failure::Panic(_) => Exit::Failed,
            };
        }
    };
    let signal = match asked {
        Ok(signal) => signal,
        Err(error) => {
            complain(&format!("baton: cannot listen for signals: {error}"));
            return Exit::Start;
        }
    };
    info!(signal, "stopping");
    if app.stop().await {
        info!("stopped");
        Exit::Ok
    } else {
        Exit::Failed
    }
}
