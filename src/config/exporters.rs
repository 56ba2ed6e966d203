//! The section `exporters`. The part of a key before `/` is the type of the exporter.

use crate::auth::ClientAuthSettings;
use crate::client::ClientSettings;
use crate::export::push::remote_write::{self, RemoteWriteSettings};
use crate::forward::{self, DestinationSettings};
use crate::setting::{Report, Validate};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::path::PathBuf;

const OTLP: &str = "otlp";
const REMOTE_WRITE: &str = "prometheusremotewrite";

/// All exporters, by their types and keys.
#[derive(Clone, Debug, Default)]
pub struct Exporters {
    /// Destinations of requests as they were received.
    pub otlp: forward::Settings,
    /// Receivers of Prometheus remote write.
    pub remote_write: remote_write::Settings,
}

impl Exporters {
    /// What the client of each exporter is made of, by its key.
    pub fn clients(&self) -> impl Iterator<Item = (&str, ClientSettings<'_>)> {
        let otlp = self.otlp.0.iter();
        let otlp = otlp.map(|(key, settings)| (&**key, settings.client()));
        let pushed = self.remote_write.0.iter();
        otlp.chain(pushed.map(|(key, settings)| (&**key, settings.client())))
    }

    /// The keys of the exporters that push metrics.
    pub fn pushed(&self) -> impl Iterator<Item = &str> {
        let remote_write = self.remote_write.0.keys();
        let derived = self.otlp.derived().map(|(key, _)| key);
        remote_write.chain(derived).map(|key| &**key)
    }

    /// All files that exporters name.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let otlp = self.otlp.0.values_mut();
        let clients = otlp.map(|settings| (&mut settings.tls, &mut settings.auth));
        let pushed = self.remote_write.0.values_mut();
        let clients = clients.chain(pushed.map(|settings| (&mut settings.tls, &mut settings.auth)));
        clients.flat_map(|(tls, auth)| {
            let auth = auth.iter_mut().flat_map(ClientAuthSettings::files);
            tls.files().chain(auth)
        })
    }
}

/// The type in the key of an exporter.
pub(super) fn kind(key: &str) -> &str {
    key.split_once('/').map_or(key, |(kind, _)| kind)
}

impl Validate for Exporters {
    fn validate(&self, report: &mut Report<'_>) {
        for (key, settings) in &self.otlp.0 {
            settings.validate(&mut report.below(key));
        }
        for (key, settings) in &self.remote_write.0 {
            settings.validate(&mut report.below(key));
        }
    }
}

impl Serialize for Exporters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let exporters = self.otlp.0.len() + self.remote_write.0.len();
        let mut map = serializer.serialize_map(Some(exporters))?;
        for (key, settings) in &self.otlp.0 {
            map.serialize_entry(key, settings)?;
        }
        for (key, settings) in &self.remote_write.0 {
            map.serialize_entry(key, settings)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Exporters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ExportersVisitor)
    }
}

struct ExportersVisitor;

impl<'de> Visitor<'de> for ExportersVisitor {
    type Value = Exporters;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a section of exporters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Exporters, A::Error> {
        let mut exporters = Exporters::default();
        while let Some(key) = map.next_key::<String>()? {
            match kind(&key) {
                OTLP => {
                    exporters.otlp.0.insert(key, map.next_value()?);
                }
                REMOTE_WRITE => {
                    exporters.remote_write.0.insert(key, map.next_value()?);
                }
                // The schema says so before, with the place.
                _ => return Err(Error::custom("unknown type of exporter")),
            }
        }
        Ok(exporters)
    }
}

impl JsonSchema for Exporters {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Exporters".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut types = serde_json::Map::new();
        let mut add = |kind: &str, mut schema: Schema| {
            // The title is the type: what is said of unknown keys lists it.
            schema.insert("title".into(), kind.into());
            types.insert(format!("^{kind}(/[A-Za-z0-9_-]+)?$"), schema.to_value());
        };
        add(OTLP, generator.subschema_for::<DestinationSettings>());
        let remote_write = generator.subschema_for::<RemoteWriteSettings>();
        add(REMOTE_WRITE, remote_write);
        json_schema!({
            "type": "object",
            "patternProperties": types,
            "additionalProperties": false,
        })
    }
}
