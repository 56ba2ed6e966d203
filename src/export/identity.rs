//! Who Baton is, for those who get its metrics.

use crate::setting::{Report, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who this Baton is, for every exporter that pushes metrics: the section `service`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceSettings {
    /// The resource attribute service.name, and the label job in Prometheus.
    pub name: String,
    /// Which one of the instances of the service this is.
    pub instance: InstanceSettings,
    /// true: /metrics has the labels job and instance too, with these values. Prometheus keeps them with `honor_labels: true`, and a scrape and a push then give the same series.
    pub scrape_labels: bool,
}

/// The section `service.instance`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct InstanceSettings {
    /// The resource attribute service.instance.id, and the label instance in Prometheus. It must stay the same across restarts, and differ from those of other instances. Without it, a random one that is kept in the state directory. If state.log is memory, it must be set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Who Baton is. It stays the same across restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceIdentity {
    /// service.name, in Prometheus `job`.
    pub service: String,
    /// service.instance.id, in Prometheus `instance`.
    pub instance: String,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            name: "baton".into(),
            instance: InstanceSettings::default(),
            scrape_labels: false,
        }
    }
}

impl ServiceSettings {
    /// The identity, where `kept` is what the state directory has; `None`: neither the operator nor the directory says.
    pub fn identity(&self, kept: Option<u64>) -> Option<ServiceIdentity> {
        let configured = self.instance.id.clone();
        let instance = configured.or_else(|| kept.map(|kept| format!("{kept:016x}")))?;
        Some(ServiceIdentity {
            service: self.name.clone(),
            instance,
        })
    }
}

impl Validate for ServiceSettings {
    fn validate(&self, report: &mut Report<'_>) {
        if self.name.is_empty() {
            report.fault("name", "is empty: expected a name such as baton");
        }
        if self.instance.id.as_deref() == Some("") {
            report.fault("instance.id", "is empty: expected a text such as baton-0");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_operator_says_comes_before_what_the_directory_has_and_nothing_is_made_up() {
        let mut settings = ServiceSettings::default();
        let identity = |settings: &ServiceSettings, kept| {
            let identity = settings.identity(kept)?;
            Some((identity.service, identity.instance))
        };
        assert_eq!(identity(&settings, None), None);
        let own = identity(&settings, Some(0x2a)).expect("the directory says");
        assert_eq!(own, ("baton".into(), "000000000000002a".into()));
        settings.instance.id = Some("baton-0".into());
        for kept in [None, Some(7)] {
            let told = identity(&settings, kept).expect("the operator says");
            assert_eq!(told, ("baton".into(), "baton-0".into()));
        }
    }
}
