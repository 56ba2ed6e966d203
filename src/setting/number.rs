//! Counts and percentages.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;
use std::borrow::Cow;
use std::marker::PhantomData;

/// Notation of a number of at least 1.
#[derive(Clone, Copy, Debug)]
pub struct Count;

/// Notation of a number that may be 0, in the range of `T`.
#[derive(Clone, Copy, Debug)]
pub struct Whole<T>(PhantomData<T>);

/// Notation of a share from 0 to 1: a whole number of per cent.
#[derive(Clone, Copy, Debug)]
pub struct Percent;

impl Count {
    /// Writes the number.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &usize, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(*value as u64)
    }

    /// Reads a number.
    ///
    /// # Errors
    /// What is no whole number of 32 bits, and 0.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
        let count = u32::deserialize(deserializer)?;
        if count == 0 {
            let what = "expected a whole number of at least 1, found 0";
            return Err(D::Error::custom(what));
        }
        Ok(count as usize)
    }
}

impl<T> Whole<T> {
    /// Writes the number.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &usize, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(*value as u64)
    }

    /// Reads a number.
    ///
    /// # Errors
    /// What is no number of the type.
    pub fn deserialize<'de, D>(deserializer: D) -> Result<usize, D::Error>
    where
        T: Deserialize<'de> + TryInto<usize>,
        D: Deserializer<'de>,
    {
        let number = T::deserialize(deserializer)?;
        Ok(number.try_into().unwrap_or(usize::MAX))
    }
}

impl Percent {
    /// Writes the percentage.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8((value * 100.0).round() as u8)
    }

    /// Reads a percentage.
    ///
    /// # Errors
    /// What is no whole number from 0 to 100.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let percent = u8::deserialize(deserializer)?;
        if percent > 100 {
            let what = "expected a percentage from 0 to 100, found a greater number";
            return Err(D::Error::custom(what));
        }
        Ok(f64::from(percent) / 100.0)
    }
}

impl JsonSchema for Count {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        u32::json_schema(generator)
    }
}

impl<T: JsonSchema> JsonSchema for Whole<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl JsonSchema for Percent {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        u8::json_schema(generator)
    }
}
