//! Durations: `5s`, `1h30m`, `250ms`. The unit is part of every number.

use super::text_schema;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;
use std::borrow::Cow;
use std::time::Duration;

const PATTERN: &str = "^([0-9]+(ms|s|m|h|d))+$";

/// The units in which a duration is written, the longest first. A default is written in hours at most: `24h`.
const WRITTEN: [(&str, u64); 3] = [("h", 3600), ("m", 60), ("s", 1)];

/// Notation of a [`Duration`].
#[derive(Clone, Copy, Debug)]
pub struct Interval;

/// Notation of a [`Duration`] above 0.
#[derive(Clone, Copy, Debug)]
pub struct PositiveInterval;

impl Interval {
    /// Writes the duration in its largest whole unit.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&written(*value))
    }

    /// Reads a duration.
    ///
    /// # Errors
    /// Another text, or a duration that is too long for its type.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        read(&text).ok_or_else(|| {
            D::Error::custom("expected a duration such as 5s or 1h30m, found another text")
        })
    }
}

impl PositiveInterval {
    /// Writes the duration as [`Interval`] does.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        Interval::serialize(value, serializer)
    }

    /// Reads a duration.
    ///
    /// # Errors
    /// As [`Interval::deserialize`], and 0.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let value = Interval::deserialize(deserializer)?;
        if value.is_zero() {
            let what = "expected a duration above 0 such as 30s, found 0";
            return Err(D::Error::custom(what));
        }
        Ok(value)
    }
}

impl JsonSchema for Interval {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Interval".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        text_schema(PATTERN)
    }
}

impl JsonSchema for PositiveInterval {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "PositiveInterval".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        text_schema(PATTERN)
    }
}

fn written(value: Duration) -> String {
    let seconds = value.as_secs();
    if value.subsec_nanos() != 0 {
        return format!("{}ms", value.as_millis());
    }
    let whole = |(_, unit): &&(&str, u64)| seconds != 0 && seconds.is_multiple_of(*unit);
    match WRITTEN.iter().find(whole) {
        Some((name, unit)) => format!("{}{name}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

fn read(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let part = match &rest[..letters] {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            "d" => Duration::from_secs(number.checked_mul(86_400)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = &rest[letters..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_as_it_is_written() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("2m", 120), ("24h", 86_400)] {
            let value = Duration::from_secs(seconds);
            assert_eq!(written(value), text);
            assert_eq!(read(text), Some(value));
        }
        assert_eq!(written(Duration::from_millis(1250)), "1250ms");
        assert_eq!(read("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(read("2d"), Some(Duration::from_secs(172_800)));
        for text in ["", "5", "s", "5 s", "5w", "99999999999999999d"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
