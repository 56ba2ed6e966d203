//! The keys of `tenants.limits` and `tenants.overrides`.

use crate::model::Name;
use crate::model::tenant::TenantLimit;
use crate::setting::{Report, Size, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Limits of one tenant. A limit that is not set is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct TenantLimits {
    /// Export requests per second, on average. Above it, requests are refused with 429 or RESOURCE_EXHAUSTED, and the sender should retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_rate: Option<u32>,
    /// Export requests at once. Default: those of one second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_burst_size: Option<u32>,
    /// Bytes of export requests per second after decompression, on average, for example 5MiB. Above it, requests are refused in the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingestion_rate: Option<ByteCount>,
    /// Bytes of export requests at once. Default: those of one second. A larger request is accepted, and those after it wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingestion_burst_size: Option<ByteCount>,
    /// Bytes of export requests that upload, wait or are processed. Above it, requests are refused in the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes_in_flight: Option<ByteCount>,
    /// Sessions, and traces without a session, that are open or remembered, in equal shares per partition. Above it, those of the tenant that are least recently used are closed early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_sessions: Option<u32>,
    /// Series of business metrics, in equal shares per partition. Further ones of the tenant go to its overflow series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_series: Option<u32>,
}

/// A number of bytes, written as a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct ByteCount(#[serde(with = "Size")] pub u64);

impl TenantLimits {
    /// These limits, with others where they have none.
    fn or(&self, other: &Self) -> Self {
        Self {
            request_rate: self.request_rate.or(other.request_rate),
            request_burst_size: self.request_burst_size.or(other.request_burst_size),
            ingestion_rate: self.ingestion_rate.or(other.ingestion_rate),
            ingestion_burst_size: self.ingestion_burst_size.or(other.ingestion_burst_size),
            max_bytes_in_flight: self.max_bytes_in_flight.or(other.max_bytes_in_flight),
            max_sessions: self.max_sessions.or(other.max_sessions),
            max_series: self.max_series.or(other.max_series),
        }
    }

    /// Whether requests have a limit.
    pub fn limits_requests(&self) -> bool {
        self.request_rate.is_some()
            || self.ingestion_rate.is_some()
            || self.max_bytes_in_flight.is_some()
    }
}

impl Validate for TenantLimits {
    fn validate(&self, report: &mut Report<'_>) {
        for (key, value) in [
            ("request_rate", self.request_rate),
            ("request_burst_size", self.request_burst_size),
            ("max_sessions", self.max_sessions),
            ("max_series", self.max_series),
        ] {
            if value == Some(0) {
                report.fault(
                    key,
                    "expected at least 1; without the key there is no limit",
                );
            }
        }
    }
}

/// The limits of all tenants.
#[derive(Clone, Copy, Debug)]
pub struct LimitsByTenant<'s> {
    pub(super) common: &'s TenantLimits,
    pub(super) overrides: &'s BTreeMap<String, TenantLimits>,
}

impl LimitsByTenant<'_> {
    /// Those of one tenant.
    pub fn of(&self, tenant: &str) -> TenantLimits {
        match self.overrides.get(tenant) {
            Some(own) => own.or(self.common),
            None => self.common.clone(),
        }
    }

    /// One of them that is a number.
    pub fn limit(&self, of: impl Fn(&TenantLimits) -> Option<u32>) -> TenantLimit {
        let number = |limits: &TenantLimits| of(limits).map(|limit| limit as usize);
        let own = self.overrides.iter();
        let own = own.filter_map(|(tenant, own)| Some((Name::from(tenant.as_str()), number(own)?)));
        TenantLimit {
            common: number(self.common),
            own: own.collect(),
        }
    }
}
