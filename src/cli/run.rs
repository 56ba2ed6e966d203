//! `baton run`.

use super::{Exit, Run, complain, load, start_logs};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::shutdown;
use tracing::info;

pub(super) fn run(asked: &Run) -> Exit {
    let mut config = match load(asked.config.as_deref()) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    asked.overrides.apply(&mut config);
    start_logs(&config);
    match runtime() {
        Ok(runtime) => runtime.block_on(serve(&config)),
        Err(exit) => exit,
    }
}

/// The runtime of the doors and exporters.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            complain(&format!("baton: cannot start: {error}"));
            Exit::Start
        })
}

async fn serve(config: &Config) -> Exit {
    let app = match App::start(config, Clock::System).await {
        Ok(app) => app,
        Err(error) => {
            complain(&format!("baton: cannot listen on {error}"));
            return Exit::Start;
        }
    };
    let signal = match shutdown::asked().await {
        Ok(signal) => signal,
        Err(error) => {
            complain(&format!("baton: cannot listen for signals: {error}"));
            return Exit::Start;
        }
    };
    info!(signal, "stopping");
    if app.stop().await {
        Exit::Ok
    } else {
        Exit::Failed
    }
}
