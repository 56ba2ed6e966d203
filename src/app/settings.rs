//! What rooms are told of each other's settings.

use crate::auth::TenantLimits;
use crate::config::Config;
use crate::export::sessions::DisplaySettings;
use crate::model::tenant::TenantLimit;
use crate::net::{self, open_files};
use crate::normalise::{self, Normaliser};
use crate::{derive, engine, stitch, turn};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Partitions where neither the configuration nor the state directory says.
const MAX_PARTITIONS: usize = 4;

/// The settings of a new engine.
pub fn engine_settings(config: &Config) -> engine::Settings {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let partitions = match config.engine.partitions {
        0 => cores.min(MAX_PARTITIONS),
        configured => configured,
    };
    partition_settings(config, partitions)
}

/// The settings of an engine of so many partitions, which share its limits.
pub(super) fn partition_settings(config: &Config, partitions: usize) -> engine::Settings {
    engine::Settings {
        partitions,
        stories: config.engine.stories / partitions,
        stitch: stitch::Settings {
            judge: turn::Judge {
                rules: Arc::new(config.rules.compile()),
                dimensions: config.cohorts.dimensions.clone(),
            },
            prices: Arc::new(config.prices.actions()),
            outcomes_window: config.outcomes.window,
            tenant_sessions: tenant_limit(config, |limits| limits.max_sessions).share(partitions),
            soft_bytes: config.soft_state() / partitions,
            max_bytes: config.max_state() / partitions,
            ..config.stitch.clone()
        },
        derive: derive::Settings {
            max_bytes: config.soft_state() / partitions / 2,
            dimensions: config.cohorts.dimensions.clone(),
            has_tenants: config.tenants.is_some(),
            tenant_series: tenant_limit(config, |limits| limits.max_series),
            max_cohort_values: config.cohorts.max_values,
            currency: config.money.currency.as_str().into(),
            ..config.metrics.clone()
        }
        .share(partitions),
        snapshot_interval: config.state.snapshot_interval,
        soft_bytes: config.soft_state(),
        ..config.engine.clone()
    }
}

/// A limit of each tenant.
fn tenant_limit(config: &Config, of: impl Fn(&TenantLimits) -> Option<u32>) -> TenantLimit {
    let tenants = config.tenants.as_ref();
    tenants.map_or_else(TenantLimit::default, |tenants| {
        tenants.by_tenant().limit(of)
    })
}

/// The normaliser of a configuration. `seed` is that of the hashes of content, where the operator gives no key.
pub fn normaliser(config: &Config, seed: u64) -> Normaliser {
    let cohorts = &config.cohorts;
    let dimensions = cohorts.dimensions.iter();
    let key = config.normalise.content_key.as_ref();
    let settings = normalise::Settings {
        money: config.money.money(),
        intent_attributes: cohorts.intent_attributes(),
        dimensions: dimensions.map(|name| cohorts.attributes_of(name)).collect(),
        content_seed: key.map_or(seed, |key| rapidhash::v3::rapidhash_v3(key.0.as_bytes())),
        ..config.normalise.clone()
    };
    Normaliser::new(settings, config.prices.book())
}

/// What people are told of sessions in.
pub fn display(config: &Config) -> DisplaySettings {
    DisplaySettings {
        currency: config.money.currency.as_str().into(),
        dimensions: config.cohorts.dimensions.clone(),
    }
}

/// A new seed of the hashes of content, for sketches that do not outlive the process or its folder.
pub fn fresh_seed() -> u64 {
    RandomState::new().hash_one("baton")
}

/// How many connections each listener may have, with so many open files.
pub fn connections(config: &Config, open_files: Option<u64>) -> open_files::ConnectionLimits {
    let wanted = open_files::ConnectionLimits {
        grpc: config.receivers.otlp.grpc.max_connections,
        http: config.receivers.otlp.http.max_connections,
        server: config.server.max_connections,
    };
    open_files::fit(wanted, open_files)
}

/// The limits of a listener.
pub fn listener(config: &Config, max_connections: usize) -> net::Settings {
    net::Settings {
        max_connections,
        ..config.connections
    }
}
