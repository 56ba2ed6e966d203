//! `baton spool`: what waits for destinations, and what they rejected.

use super::{Exit, SpoolAction, SpoolArgs, complain, load, out, run, start_logs};
use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::forward::{QuarantinedFile, Requeue};
use crate::log::disk::files::{Files, Folder};
use crate::log::{LogError, LogKind};
use crate::model::limit::Bytes;
use crate::spool::{SpoolOverview, quarantined};
use comfy_table::Table;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn spool(action: &SpoolAction) -> Exit {
    let (SpoolAction::List(asked) | SpoolAction::Drain(asked) | SpoolAction::Requeue(asked)) =
        action;
    let (config, directory) = match configured(asked) {
        Ok(configured) => configured,
        Err(exit) => return exit,
    };
    match action {
        SpoolAction::List(_) => list(&directory),
        SpoolAction::Drain(_) => drain(&config, &directory),
        SpoolAction::Requeue(_) => requeue(&config, &directory),
    }
}

/// The configuration, and the directory of its spool.
fn configured(asked: &SpoolArgs) -> Result<(Config, PathBuf), Exit> {
    let mut config = load(asked.config.as_deref())?;
    asked.overrides.apply(&mut config);
    config.state.directory = run::state_directory(&config);
    if config.state.log == LogKind::Memory {
        complain("baton: the spool is in memory (state.log): only the running process has it");
        return Err(Exit::Config);
    }
    match app::spool_directory(&config) {
        Ok(directory) => Ok((config, directory)),
        Err(error) => {
            complain(&format!("baton: {error}"));
            Err(Exit::Config)
        }
    }
}

/// What ends a command whose files cannot be read.
fn unreadable(error: impl std::fmt::Display) -> Exit {
    complain(&format!("baton: the spool cannot be read: {error}"));
    Exit::State
}

fn overview(directory: &Path) -> Result<SpoolOverview, LogError> {
    let files: Arc<dyn Files> = Arc::new(Folder::look(directory)?);
    SpoolOverview::of(&files)
}

fn list(directory: &Path) -> Exit {
    if !directory.exists() {
        return out(&format!("{}: no spool yet\n", directory.display()));
    }
    let (overview, files) = match (overview(directory), quarantine(directory)) {
        (Ok(overview), Ok(files)) => (overview, files),
        (Err(error), _) => return unreadable(error),
        (_, Err(error)) => return unreadable(error),
    };
    let mut text = format!("{}: {}\n", directory.display(), Bytes(overview.bytes));
    let mut waiting = table(&["exporter", "requests waiting"]);
    for (name, requests) in &overview.waiting {
        waiting.add_row([name.clone(), requests.to_string()]);
    }
    text.push_str(&format!(
        "{waiting}\nquarantine: {} requests\n",
        files.len()
    ));
    if !files.is_empty() {
        let mut rejected = table(&["exporter", "signal", "answer", "size", "file"]);
        for (path, file) in &files {
            rejected.add_row(row(path, file.as_ref()));
        }
        text.push_str(&format!("{rejected}\n"));
    }
    out(&text)
}

fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.set_header(heads.iter().copied());
    table
}

fn row(path: &Path, file: Option<&QuarantinedFile>) -> [String; 5] {
    let shown = path.display().to_string();
    match file {
        Some(file) => [
            file.destination.clone(),
            file.signal.as_str().to_owned(),
            file.answer.clone(),
            Bytes(file.bytes as u64).to_string(),
            shown,
        ],
        None => ["?", "?", "not readable", "?", &shown].map(str::to_owned),
    }
}

/// The files of the quarantine with their contents; `None`: it cannot be read.
fn quarantine(directory: &Path) -> std::io::Result<Vec<(PathBuf, Option<QuarantinedFile>)>> {
    let paths = quarantined(directory)?.into_iter();
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).ok();
        let file = bytes.and_then(QuarantinedFile::decode);
        (path, file)
    };
    Ok(paths.map(read).collect())
}

fn drain(config: &Config, directory: &Path) -> Exit {
    if config.exporters.otlp.names().is_empty() {
        return undeliverable(directory);
    }
    start_logs(config);
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    match runtime.block_on(app::drain(config, &Clock::system())) {
        Err(error) => {
            complain(&format!("baton: {error}"));
            Exit::State
        }
        Ok(left) => told(&left, directory),
    }
}

/// What waits where the configuration has no destination.
fn undeliverable(directory: &Path) -> Exit {
    complain(
        "baton: the configuration has no destination (exporters): is it the one of `baton run`?",
    );
    if !directory.exists() {
        return Exit::Ok;
    }
    match overview(directory) {
        Ok(overview) => told(&overview.waiting, directory),
        Err(error) => unreadable(error),
    }
}

/// Prints what is left for each destination and in the quarantine, which is a failure if it is anything.
fn told(left: &[(String, u64)], directory: &Path) -> Exit {
    let rejected = match quarantined(directory) {
        Ok(files) => files.len(),
        Err(error) => return unreadable(error),
    };
    let lines = left.iter();
    let lines = lines.map(|(name, requests)| format!("{name}: {requests} requests left\n"));
    let mut text: String = lines.collect();
    if rejected > 0 {
        text.push_str(&format!(
            "quarantine: {rejected} requests, which destinations rejected: `baton spool requeue` sends them again\n"
        ));
    }
    let printed = out(&text);
    match rejected > 0 || left.iter().any(|(_, requests)| *requests > 0) {
        true => Exit::Failed,
        false => printed,
    }
}

fn requeue(config: &Config, directory: &Path) -> Exit {
    let files = match quarantine(directory) {
        Ok(files) => files,
        Err(error) => return unreadable(error),
    };
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    // The clients belong to the runtime.
    let entered = runtime.enter();
    let requeue = match Requeue::new(&config.exporters.otlp, &Clock::system()) {
        Ok(requeue) => requeue,
        Err(error) => {
            complain(&format!("baton: {error}"));
            return Exit::Start;
        }
    };
    drop(entered);
    let (mut sent, mut failed) = (0, 0);
    runtime.block_on(async {
        for (path, file) in files {
            let result = match &file {
                Some(file) => requeue.send(file).await,
                None => Err("the file is not readable".to_owned()),
            };
            let result = result.and_then(|()| {
                std::fs::remove_file(&path)
                    .map_err(|error| format!("sent, and not removed: {error}"))
            });
            match result {
                Ok(()) => sent += 1,
                Err(what) => {
                    complain(&format!("{}: {what}", path.display()));
                    failed += 1;
                }
            }
        }
    });
    let printed = out(&format!(
        "{sent} requests sent, {failed} left in the quarantine\n"
    ));
    if failed > 0 { Exit::Failed } else { printed }
}
