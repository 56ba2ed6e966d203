//! `baton replay`.

use super::{
    Exit, ReplayArgs, ReplayFormat, called, complain, is_standard_input, load, out, recording,
};
use crate::app;
use crate::config::Config;
use crate::engine::Offline;
use crate::export::scrape::{ScrapeFormat, text};
use crate::export::sessions::{SessionFilter, SessionList, story, story_json};
use crate::export::{json, table};
use crate::ingest::Recording;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What is to be told of the recordings.
enum Asked {
    Metrics(ReplayFormat),
    /// All sessions, or one of them; as JSON or as text.
    Sessions(Option<String>, bool),
}

pub(super) fn replay(replay: &ReplayArgs) -> Exit {
    let (files, asked) = match asked(replay) {
        Ok(asked) => asked,
        Err(what) => {
            complain(&format!(
                "baton: {what}\n\nFor more information, try 'baton replay --help'."
            ));
            return Exit::Usage;
        }
    };
    let config = match load(replay.config.as_deref()) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let mut recording = Recording::new(app::normaliser(&config, app::fresh_seed()));
    if let Err(exit) = feed(&files, &mut recording, &config) {
        return exit;
    }
    let settings = app::engine_settings(&config);
    let mut engine = Offline::new(&settings);
    let frames = recording.into_frames(settings.partitions);
    match asked {
        Asked::Metrics(format) => {
            let families = engine.replay(frames);
            out(&match format {
                ReplayFormat::Json => json::write(&families),
                ReplayFormat::Table | ReplayFormat::Text => {
                    table::write(&families, &config.money.currency)
                }
                ReplayFormat::Prometheus => text::write(&families, ScrapeFormat::Text),
            })
        }
        Asked::Sessions(session, is_json) => {
            engine.remember();
            engine.replay(frames);
            match session {
                Some(session) => explain(&session, &engine, &config, is_json),
                None => list(&engine, &config, is_json),
            }
        }
    }
}

/// The files and what is asked of them. What follows `--explain` is a file where there is one of that name.
fn asked(replay: &ReplayArgs) -> Result<(Vec<PathBuf>, Asked), &'static str> {
    let mut files = replay.files.clone();
    let asked = match &replay.explain {
        None => Asked::Metrics(replay.format.unwrap_or(ReplayFormat::Prometheus)),
        Some(session) => {
            let is_json = match replay.format {
                None | Some(ReplayFormat::Text | ReplayFormat::Table) => false,
                Some(ReplayFormat::Json) => true,
                Some(ReplayFormat::Prometheus) => {
                    return Err("--explain lists sessions: its formats are text and json");
                }
            };
            let is_file = |name: &&String| {
                let file = Path::new(name.as_str());
                is_standard_input(file) || file.exists()
            };
            match session.as_ref().filter(is_file) {
                Some(file) => {
                    files.insert(0, file.into());
                    Asked::Sessions(None, is_json)
                }
                None => Asked::Sessions(session.clone(), is_json),
            }
        }
    };
    if files.is_empty() {
        return Err("no recording given: name files, or - for standard input");
    }
    if files.iter().filter(|file| is_standard_input(file)).count() > 1 {
        return Err("standard input can be read only once");
    }
    Ok((files, asked))
}

fn feed(files: &[PathBuf], recording: &mut Recording, config: &Config) -> Result<(), Exit> {
    let limits = config.receivers.otlp.limits();
    let mut spans = 0;
    for file in files {
        let name = called(file);
        let held = recording::feed(file, recording, &limits).map_err(|what| {
            complain(&format!("{name}: {what}"));
            Exit::Input
        })?;
        for warning in held.warnings() {
            complain(&format!("{name}: warning: {warning}"));
        }
        spans += held.spans;
    }
    if spans == 0 && files.len() > 1 {
        complain(
            "warning: the recordings contain no spans, and all metrics are derived from spans",
        );
    }
    Ok(())
}

fn list(engine: &Offline, config: &Config, is_json: bool) -> Exit {
    let display = app::display(config);
    let list = SessionList::of(&SessionFilter::all(), &display, |visit| {
        engine.stories(visit)
    });
    if is_json {
        return out(&format!("{:#}\n", list.json(&display)));
    }
    out(&list.text(&display, false))
}

fn explain(session: &str, engine: &Offline, config: &Config, is_json: bool) -> Exit {
    let display = app::display(config);
    let told = engine.story(session);
    if told.is_empty() {
        let mut sessions = 0;
        engine.stories(&mut |_, _| sessions += 1);
        complain(&format!(
            "{session}: no session or trace of this ID among {sessions} sessions; --explain without an ID lists them"
        ));
        return Exit::Input;
    }
    if is_json {
        let stories = told
            .iter()
            .map(|(key, facts)| story_json(key, facts, &display));
        let stories: Vec<Value> = stories.collect();
        return out(&format!("{:#}\n", json!({"sessions": stories})));
    }
    let stories = told
        .iter()
        .map(|(key, facts)| story::write(key, facts, &display.currency));
    out(&stories.collect::<Vec<_>>().join("\n"))
}
