//! Sizes in bytes: `16MiB`, `512KiB`, `1000`.

use super::text_schema;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;
use std::borrow::Cow;

/// The units of sizes, the largest first.
const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// How the size is written that Baton chooses.
const AUTO: &str = "auto";

/// What is told where a size is none.
pub(super) const NO_SIZE: &str =
    "expected a size of at least one byte such as 16MiB, found another text";

/// Notation of a number of bytes.
#[derive(Clone, Copy, Debug)]
pub struct Size;

/// Notation of a number of bytes, or `auto`: `None`.
#[derive(Clone, Copy, Debug)]
pub struct AutoSize;

impl Size {
    /// Writes the size in its largest whole unit.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T, S>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Copy + TryInto<u64>,
        S: Serializer,
    {
        let bytes = (*value).try_into().unwrap_or(u64::MAX);
        serializer.serialize_str(&written(bytes))
    }

    /// Reads a size.
    ///
    /// # Errors
    /// Another text, 0, or a size that is too large for its type.
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: TryFrom<u64>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        sized(&text).ok_or_else(|| D::Error::custom(NO_SIZE))
    }
}

impl AutoSize {
    /// Writes the size as [`Size`] does.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(bytes) => Size::serialize(bytes, serializer),
            None => serializer.serialize_str(AUTO),
        }
    }

    /// Reads a size or `auto`.
    ///
    /// # Errors
    /// As [`Size::deserialize`].
    pub fn deserialize<'de, D>(deserializer: D) -> Result<Option<u64>, D::Error>
    where
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        if text == AUTO {
            return Ok(None);
        }
        let bytes = sized(&text).ok_or_else(|| D::Error::custom(NO_SIZE))?;
        Ok(Some(bytes))
    }
}

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        text_schema("^[0-9]+(B|KiB|MiB|GiB)?$")
    }
}

impl JsonSchema for AutoSize {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AutoSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        text_schema("^(auto|[0-9]+(B|KiB|MiB|GiB)?)$")
    }
}

/// The size in its largest whole unit.
pub(super) fn written(bytes: u64) -> String {
    let whole = |(_, unit): &&(&str, u64)| bytes != 0 && bytes.is_multiple_of(*unit);
    match UNITS.iter().find(whole) {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => bytes.to_string(),
    }
}

/// The bytes of a size of at least one; `None`: it is none.
pub(super) fn sized<T: TryFrom<u64>>(text: &str) -> Option<T> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = match &text[digits..] {
        "" | "B" => 1,
        name => UNITS.iter().find(|(known, _)| *known == name)?.1,
    };
    let bytes = text[..digits].parse::<u64>().ok()?.checked_mul(unit)?;
    (bytes > 0).then(|| T::try_from(bytes).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_as_it_is_written() {
        for (text, bytes) in [("16MiB", 16 << 20), ("1000", 1000), ("3GiB", 3 << 30)] {
            assert_eq!(written(bytes), text);
            assert_eq!(sized(text), Some(bytes));
        }
        assert_eq!(sized("512KiB"), Some(512_usize << 10));
        assert_eq!(sized("7B"), Some(7_u64));
        for text in ["", "0", "MiB", "1MB", "-1", "99999999999GiB"] {
            assert_eq!(sized::<u64>(text), None, "{text}");
        }
        assert_eq!(sized::<u32>("8GiB"), None);
    }
}
