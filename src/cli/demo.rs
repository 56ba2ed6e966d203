//! `baton demo`.

use super::{Demo, Exit, complain, run, start_logs, within_memory};
use crate::app::App;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::demo::{CONFIGURATION, Desk, Sender, Truth};
use crate::export::key_figures::KeyFigures;
use crate::{shutdown, stitch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

/// Sessions where nobody says how many.
const SESSIONS: u64 = 200;
/// Pause between sessions, so that one can watch.
const PAUSE: Duration = Duration::from_millis(50);
/// Time for a slow machine to process what is due.
const SLACK: Duration = Duration::from_secs(10);
/// How often the figures are drawn.
const REDRAW: Duration = Duration::from_millis(200);

pub(super) fn demo(asked: &Demo) -> Exit {
    let mut config = within_memory(settings());
    asked.overrides.apply(&mut config);
    // The demo is about this run: what it keeps goes when it ends.
    let folder = match folder() {
        Ok(folder) => folder,
        Err(error) => {
            complain(&format!("baton: no temporary directory: {error}"));
            return Exit::State;
        }
    };
    config
        .state
        .directory
        .get_or_insert_with(|| folder.path().to_owned());
    start_logs(&config);
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    runtime.block_on(show(asked, &config))
}

/// A directory for the state that only its user can read, whatever the umask is.
fn folder() -> std::io::Result<tempfile::TempDir> {
    let private = std::fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().permissions(private).tempdir()
}

fn settings() -> Config {
    let read = config::of_text(CONFIGURATION, Path::new("."), &|_| None);
    read.unwrap_or_else(|faults| unreachable!("the demo's own configuration is valid: {faults:?}"))
}

async fn show(asked: &Demo, config: &Config) -> Exit {
    let app = match run::start(config).await {
        Ok(app) => app,
        Err(exit) => return exit,
    };
    complain(&format!(
        "OTLP/gRPC  http://{}\nOTLP/HTTP  http://{}\nsummary    http://{server}/summary\nsessions   http://{server}/sessions\nmetrics    http://{server}/metrics\n",
        app.grpc,
        app.http,
        server = app.metrics
    ));
    let told = tokio::select! {
        told = tell(asked, &app, config) => told,
        _ = shutdown::asked() => Ok(()),
    };
    if let Err(what) = told {
        complain(&format!("baton: {what}"));
        return Exit::Failed;
    }
    if app.stop().await {
        Exit::Ok
    } else {
        Exit::Failed
    }
}

/// Sends the sessions, shows the figures, and stays up unless told to exit.
async fn tell(asked: &Demo, app: &App, config: &Config) -> Result<(), String> {
    let not_sent = |error: &dyn std::fmt::Display| format!("the desk could not send: {error}");
    let sender = Sender::connect(app.grpc).map_err(|error| not_sent(&error))?;
    let desk = Desk::new(asked.seed);
    let sessions = asked.sessions.unwrap_or(SESSIONS);
    let bar = progress(sessions);
    let mut truth = Truth::default();
    for number in 0..sessions {
        let session = desk.session(number);
        let now = Clock::system().now();
        tokio::task::block_in_place(|| sender.send(&session, now))
            .map_err(|error| not_sent(&error))?;
        truth += session.truth;
        bar.inc(1);
        bar.set_message(text(&key_figures(app, &config.money.currency)));
        if !asked.exit {
            tokio::time::sleep(PAUSE).await;
        }
    }
    // The last workflows close when nothing more comes for them.
    let is_complete = || {
        let figures = key_figures(app, &config.money.currency);
        bar.set_message(text(&figures));
        figures.workflows >= truth.sessions as f64
    };
    let is_complete = wait_for(is_complete, last_close(&config.stitch)).await;
    bar.finish_and_clear();
    let figures = key_figures(app, &config.money.currency);
    complain(&text(&figures));
    if !is_complete {
        let (counted, sent) = (figures.workflows, truth.sessions);
        let what = format!("{counted} of {sent} sessions are counted in time");
        if asked.exit {
            return Err(what);
        }
        complain(&format!("baton: {what}"));
    }
    if !asked.exit {
        complain("\nAll sessions have been sent. The endpoints stay up until Ctrl-C.");
        shutdown::asked().await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The longest time from the last span of a session to the end of its workflow: a timer of each stage may start when that before it fires.
fn last_close(waits: &stitch::Settings) -> Duration {
    waits.bind_timeout + waits.trace_timeout + waits.drop_timeout + waits.idle_timeout + SLACK
}

/// Waits until a condition holds, but not for ever: a session that is not counted must not keep the demo from its end. Returns whether it holds.
async fn wait_for(condition: impl Fn() -> bool, limit: Duration) -> bool {
    let polled = async {
        while !condition() {
            tokio::time::sleep(REDRAW).await;
        }
    };
    tokio::time::timeout(limit, polled).await.is_ok()
}

fn progress(sessions: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(sessions), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg}\n\n[{bar:40}] {pos}/{len} sessions");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn key_figures(app: &App, currency: &str) -> KeyFigures {
    KeyFigures::of(&app.engine().gather(), currency)
}

fn text(figures: &KeyFigures) -> String {
    let lines = figures.lines().into_iter();
    let lines: Vec<String> = lines
        .map(|(name, value)| format!("{name:<24}{value}"))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_session_that_is_not_counted_does_not_keep_the_demo_from_its_end() {
        assert!(!wait_for(|| false, Duration::from_millis(1)).await);
        assert!(wait_for(|| true, Duration::ZERO).await);
    }

    #[test]
    fn the_state_of_the_demo_is_private() {
        let folder = folder().expect("a folder");
        let mode = folder.path().metadata().expect("it is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o700);
    }
}
