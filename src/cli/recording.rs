//! Recorded OTLP as files hold it: what a file is, is told by its content.

use super::{called, is_standard_input};
use crate::model::reject::{RejectReason, UnreadCounts};
use crate::otlp::recognise::{self, RecordedSignal};
use crate::otlp::view::SpanSink;
use crate::otlp::{Counts, Limits, json, protobuf};
use flate2::read::MultiGzDecoder;
use serde_json::value::RawValue;
use std::io::Read;
use std::path::Path;

/// What is asked for, where something else was given.
const EXPECTED: &str = "expected recorded OTLP export requests of traces or logs: protobuf, JSON or JSON lines, as the file exporter of the OpenTelemetry Collector writes them";
/// One archive inside the other.
const MOST_UNPACKED: usize = 2;

/// What a recording held.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) spans: u64,
    pub(super) log_records: u64,
    pub(super) rejects: Vec<RejectReason>,
    pub(super) unread: UnreadCounts,
    /// Requests of metrics, which nothing is derived from.
    pub(super) of_metrics: u64,
}

impl Held {
    fn add(&mut self, counts: Counts) {
        self.spans += counts.spans;
        self.log_records += counts.log_records;
        self.rejects.extend(counts.rejects);
        self.unread.add_all(&counts.unread);
    }

    /// What is worth a warning; empty where all is well.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.rejects.is_empty() {
            let by_reason = RejectReason::ALL.iter().filter_map(|reason| {
                let count = self.rejects.iter().filter(|r| *r == reason).count();
                (count > 0).then(|| format!("{count} {}", reason.as_str()))
            });
            let reasons: Vec<String> = by_reason.collect();
            let all = self.rejects.len() as u64 + self.spans + self.log_records;
            warnings.push(format!(
                "rejected {} of {all} spans and log records ({}); whatever wrote them is at fault",
                self.rejects.len(),
                reasons.join(", ")
            ));
        }
        if self.of_metrics > 0 {
            let count = self.of_metrics;
            warnings.push(format!(
                "skipped {count} requests of metrics: only traces and logs are read"
            ));
        }
        if self.spans + self.log_records == 0 {
            warnings.push("valid OTLP with 0 spans and 0 log records taken".into());
        }
        warnings
    }
}

/// Feeds one file, or standard input.
///
/// # Errors
/// What the file is, where it is no OTLP, and what is expected.
pub(super) fn feed(
    file: &Path,
    recording: &mut dyn SpanSink,
    limits: &Limits,
) -> Result<Held, String> {
    let mut reader = Reader {
        recording,
        limits,
        held: Held::default(),
    };
    let bytes = unpacked(read(file)?)?;
    reader.whole(&bytes)?;
    Ok(reader.held)
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    if is_standard_input(file) {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(cannot)?;
        return Ok(bytes);
    }
    if file.is_dir() {
        let name = called(file);
        return Err(format!(
            "is a directory: name the files in it, such as {name}/*"
        ));
    }
    std::fs::read(file).map_err(cannot)
}

/// The content of what is packed with gzip or zstd, whatever the name says.
fn unpacked(mut bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    for _ in 0..MOST_UNPACKED {
        let mut plain = Vec::new();
        let (name, unpacking) = if bytes.starts_with(b"\x1f\x8b") {
            (
                "gzip",
                MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain),
            )
        } else if bytes.starts_with(b"\x28\xb5\x2f\xfd") {
            (
                "zstd",
                zstd::stream::copy_decode(bytes.as_slice(), &mut plain).map(|()| plain.len()),
            )
        } else {
            break;
        };
        unpacking.map_err(|error| {
            format!("cannot be decompressed ({name}): {error}; the file is cut or damaged")
        })?;
        bytes = plain;
    }
    Ok(bytes)
}

struct Reader<'e> {
    recording: &'e mut dyn SpanSink,
    limits: &'e Limits,
    held: Held,
}

impl Reader<'_> {
    fn whole(&mut self, bytes: &[u8]) -> Result<(), String> {
        if bytes.trim_ascii().is_empty() {
            return Err(format!("is empty; {EXPECTED}"));
        }
        if is_json(bytes) {
            return self.json(bytes);
        }
        let fault = match recognise::protobuf(bytes) {
            Ok(content) => return self.protobuf(bytes, content),
            Err(at) => at,
        };
        let Some(records) = framed(bytes) else {
            return Err(format!("{}; {EXPECTED}", no_otlp(bytes, fault)));
        };
        for (number, (at, record)) in (1..).zip(records) {
            self.record(record)
                .map_err(|what| format!("record {number} (byte {at}): {what}"))?;
        }
        Ok(())
    }

    /// One message of a file in which each has its length before it.
    fn record(&mut self, bytes: &[u8]) -> Result<(), String> {
        let bytes = unpacked(bytes.to_vec())?;
        if is_json(&bytes) {
            return self.json(&bytes);
        }
        match recognise::protobuf(&bytes) {
            Ok(content) => self.protobuf(&bytes, content),
            Err(at) => Err(format!("{}; {EXPECTED}", no_otlp(&bytes, at))),
        }
    }

    fn protobuf(&mut self, bytes: &[u8], content: RecordedSignal) -> Result<(), String> {
        let counts = match content {
            RecordedSignal::Traces | RecordedSignal::Nothing => {
                protobuf::traces(bytes, self.limits, self.recording)
            }
            RecordedSignal::Logs => protobuf::logs(bytes, self.limits, self.recording),
            RecordedSignal::Metrics => {
                self.held.of_metrics += 1;
                return Ok(());
            }
        };
        self.held
            .add(counts.map_err(|_| format!("not a valid OTLP export request; {EXPECTED}"))?);
        Ok(())
    }

    /// One request after the other: a line each, or over several lines.
    fn json(&mut self, bytes: &[u8]) -> Result<(), String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let values = serde_json::Deserializer::from_slice(bytes);
        let mut values = values.into_iter::<&RawValue>();
        let mut line = 1;
        loop {
            let from = values.byte_offset();
            let at = from + blank(&bytes[from..]);
            line += lines(&bytes[from..at]);
            match values.next() {
                None => return Ok(()),
                Some(Err(error)) => return Err(broken(&error, line, at)),
                Some(Ok(request)) => self
                    .request(request.get())
                    .map_err(|what| format!("line {line} (byte {at}): {what}; {EXPECTED}"))?,
            }
            line += lines(&bytes[at..values.byte_offset()]);
        }
    }

    fn request(&mut self, text: &str) -> Result<(), String> {
        let value = serde_json::from_str(text)
            .map_err(|error| format!("JSON that is nested too deeply: {error}"))?;
        for content in recognise::json(&value)? {
            let counts = match content {
                RecordedSignal::Traces => {
                    json::traces(text.as_bytes(), self.limits, self.recording)
                }
                RecordedSignal::Logs => json::logs(text.as_bytes(), self.limits, self.recording),
                RecordedSignal::Metrics | RecordedSignal::Nothing => {
                    self.held.of_metrics += 1;
                    continue;
                }
            };
            self.held
                .add(counts.map_err(|_| "not a valid OTLP export request".to_owned())?);
        }
        Ok(())
    }
}

/// Whether bytes are JSON. A request in protobuf may begin with what looks like an empty line and a bracket.
fn is_json(bytes: &[u8]) -> bool {
    let text = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start();
    let is_otlp =
        || matches!(recognise::protobuf(bytes), Ok(content) if content != RecordedSignal::Nothing);
    matches!(text.first(), Some(b'{' | b'[')) && !(bytes.starts_with(b"\n") && is_otlp())
}

fn blank(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_whitespace()).count()
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| **b == b'\n').count()
}

/// JSON that is none from a place on.
fn broken(error: &serde_json::Error, line: usize, at: usize) -> String {
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    if error.is_eof() {
        return format!(
            "line {line} (byte {at}): the file ends inside the request that begins here: it is cut, or still being written"
        );
    }
    let (line, column) = (error.line(), error.column());
    format!("line {line}, column {column}: not valid JSON: {what}; {EXPECTED}")
}

/// The messages of a file in which each has its length before it, in four bytes, as the file exporter writes protobuf and what it
/// compresses; `None` where the lengths do not fit the file.
fn framed(bytes: &[u8]) -> Option<Vec<(usize, &[u8])>> {
    let mut records = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes.get(at..at + 4)?.try_into().ok()?;
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        let record = bytes
            .get(at + 4..)?
            .get(..length)
            .filter(|r| !r.is_empty())?;
        records.push((at, record));
        at += 4 + length;
    }
    Some(records)
}

/// Beginnings of files that people have beside recordings.
const OTHERS: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a zip archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"\x89PNG", "a picture"),
    (b"%PDF", "a PDF document"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"<", "XML or HTML"),
];

/// What bytes are that are no OTLP from a byte on.
fn no_otlp(bytes: &[u8], at: usize) -> String {
    if let Some((_, what)) = OTHERS
        .iter()
        .find(|(beginning, _)| bytes.starts_with(beginning))
    {
        return format!("not OTLP, but {what}");
    }
    let is_text = |c: char| !c.is_control() || c.is_ascii_whitespace();
    if std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_text)) {
        return "not OTLP, but text".into();
    }
    if at > 0 {
        return format!(
            "OTLP protobuf up to byte {at}, and none from there on: the file is cut or damaged"
        );
    }
    if bytes.first() == Some(&0x0a) {
        return "it begins like an OTLP request in protobuf that is longer than the file: the file is cut or damaged, or is another format".into();
    }
    format!("not OTLP, but other binary data: byte {at} begins no OTLP request")
}
