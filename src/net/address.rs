//! Addresses in the configuration: an IP address and a port.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;
use std::borrow::Cow;
use std::net::SocketAddr;

/// Notation of a [`SocketAddr`]: `127.0.0.1:4317`, `[::1]:4317`.
#[derive(Clone, Copy, Debug)]
pub struct Address;

impl Address {
    /// Writes the address.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &SocketAddr, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    /// Reads an address. Names of hosts are none: they may have several.
    ///
    /// # Errors
    /// Another text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            D::Error::custom(
                "expected an IP address and a port such as 127.0.0.1:4317 or [::1]:4317, found another text",
            )
        })
    }
}

impl JsonSchema for Address {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}
