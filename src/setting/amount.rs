//! An amount of memory: a size, or a percentage of the memory limit.

use super::{size, text_schema};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;

/// An amount of memory: `1GiB`, or `40%` of the memory limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many bytes.
    Bytes(usize),
    /// A share of the memory limit.
    Percent(u8),
}

impl Amount {
    /// Its bytes under a memory limit.
    pub fn of(self, memory: u64) -> usize {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(share) => {
                let bytes = u128::from(memory) * u128::from(share) / 100;
                usize::try_from(bytes).unwrap_or(usize::MAX)
            }
        }
    }
}

impl std::fmt::Display for Amount {
    /// Where the amount comes from, for the log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(_) => f.write_str("configured"),
            Self::Percent(share) => write!(f, "{share} % of the memory limit"),
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bytes(bytes) => size::Size::serialize(bytes, serializer),
            Self::Percent(share) => serializer.collect_str(&format_args!("{share}%")),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let percent = text.strip_suffix('%').and_then(|n| n.parse().ok());
        let bytes = || size::sized(&text).map(Self::Bytes);
        percent
            .map(Self::Percent)
            .or_else(bytes)
            .ok_or_else(|| D::Error::custom(size::NO_SIZE))
    }
}

impl JsonSchema for Amount {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        text_schema("^([0-9]+(B|KiB|MiB|GiB)?|[1-9][0-9]?%|100%)$")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_one_of_the_memory_limit() {
        assert_eq!(Amount::Percent(40).of(1000), 400);
        assert_eq!(Amount::Percent(100).of(u64::MAX), usize::MAX);
        assert_eq!(Amount::Bytes(7).of(1000), 7);
    }

    #[test]
    fn an_amount_is_read_as_it_is_written() {
        for (text, amount) in [
            ("40%", Amount::Percent(40)),
            ("1GiB", Amount::Bytes(1 << 30)),
        ] {
            let json = serde_json::Value::from(text);
            assert_eq!(serde_json::to_value(amount).ok(), Some(json.clone()));
            assert_eq!(serde_json::from_value(json).ok(), Some(amount));
        }
    }
}
