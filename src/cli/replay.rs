//! `baton replay`.

use super::{Exit, Replay, ReplayFormat, complain, load, out};
use crate::app;
use crate::engine::Offline;
use crate::export::prometheus::{self, Format};
use crate::export::{json, story, table};
use crate::receive::{self, Counts, Limits, Malformed};
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::path::Path;

pub(super) fn replay(asked: &Replay) -> Exit {
    let config = match load(asked.config.as_deref()) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let mut engine = Offline::new(
        &app::engine_settings(&config),
        app::normaliser(&config, app::fresh_seed()),
    );
    let limits = app::limits(&config);
    for file in &asked.files {
        if let Err(what) = feed(file, &mut engine, &limits) {
            complain(&format!("{}: {what}", file.display()));
            return Exit::Input;
        }
    }
    if let Some(session) = &asked.explain {
        engine.remember();
        engine.finish();
        let told = story::write(session, &engine.story(session), config.money.currency());
        if told.is_empty() {
            complain(&format!("{session}: no such session or trace"));
            return Exit::Input;
        }
        return out(&told);
    }
    let families = engine.finish();
    out(&match asked.format {
        ReplayFormat::Prometheus => prometheus::write(&families, Format::Text),
        ReplayFormat::Json => json::write(&families),
        ReplayFormat::Table => table::write(&families),
    })
}

/// Feeds one file. What it holds is told by its name, and by its content where the name says nothing.
fn feed(file: &Path, engine: &mut Offline, limits: &Limits) -> Result<(), String> {
    let bytes = read(file).map_err(|error| format!("cannot be read: {error}"))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let logs = name.starts_with("logs");
    let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
    let is_json = !name.ends_with(".pb") && first == Some(&b'{');
    if !is_json {
        let decode = if logs {
            receive::wire::logs
        } else {
            receive::wire::traces
        };
        let counts = decode(&bytes, limits, engine);
        return report(counts);
    }
    // One request a line, unless the whole file is one request.
    let whole = json_request(&bytes, engine, limits);
    if whole.is_ok() {
        return report(whole);
    }
    let lines = bytes
        .split(|b| *b == b'\n')
        .filter(|line| !line.trim_ascii().is_empty());
    for (number, line) in lines.enumerate() {
        report(json_request(line, engine, limits))
            .map_err(|what| format!("line {}: {what}", number + 1))?;
    }
    Ok(())
}

/// Feeds one request in JSON. A file of a collector's file exporter mixes traces and logs; the keys tell them apart.
fn json_request(text: &[u8], engine: &mut Offline, limits: &Limits) -> Result<Counts, Malformed> {
    let mut counts = receive::json::traces(text, limits, engine)?;
    let logs = receive::json::logs(text, limits, engine)?;
    counts.rejects.extend(logs.rejects);
    Ok(counts)
}

/// Says what of a request was not taken.
fn report(counts: Result<Counts, Malformed>) -> Result<(), String> {
    let rejects = counts
        .map_err(|_| "not a valid OTLP export request".to_owned())?
        .rejects;
    if !rejects.is_empty() {
        complain(&format!(
            "{} spans or log records were rejected",
            rejects.len()
        ));
    }
    Ok(())
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let bytes = std::fs::read(file)?;
    if file.extension().is_some_and(|extension| extension == "gz") {
        let mut plain = Vec::new();
        MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain)?;
        return Ok(plain);
    }
    Ok(bytes)
}
