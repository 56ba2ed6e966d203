//! The settings of each room, from the configuration.

use crate::config::Config;
use crate::export::sessions::DisplaySettings;
use crate::model::cohort::preset;
use crate::net::{self, open_files};
use crate::normalise::{self, Normaliser};
use crate::otlp::Limits;
use crate::receive::Room;
use crate::{derive, engine, stitch};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Partitions where the configuration does not say.
const MAX_PARTITIONS: usize = 4;

/// The engine's part of the configuration.
pub fn engine_settings(config: &Config) -> engine::Settings {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let partitions = config.partitions.unwrap_or(cores.min(MAX_PARTITIONS));
    // A partition knows its own series only, so that it can recover from its own entries: it gets an equal share of each limit.
    let share = |limit: usize| (limit / partitions).max(1);
    engine::Settings {
        partitions,
        stitch: stitch::Settings {
            judge: stitch::Judge {
                rules: Arc::clone(&config.rules),
                dimensions: config
                    .cohorts
                    .iter()
                    .map(|(name, _)| name.clone())
                    .collect(),
            },
            prices: Arc::clone(&config.action_prices),
            soft_bytes: config.soft_state() / partitions,
            max_bytes: config.max_state() / partitions,
            ..config.stitch.clone()
        },
        derive: derive::Settings {
            labels: config.metric_labels.clone(),
            bounds: config.metric_buckets.clone(),
            native_histograms: config.native_histograms,
            max_bytes: config.soft_state() / partitions / 2,
            shared: partitions > 1,
            max_series: share(config.max_series),
            max_label_values: share(config.max_label_values),
            expire_after: config.expire_after,
            dimensions: config
                .cohorts
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            max_cohort_values: share(config.max_cohort_values),
            currency: config.money.currency().clone(),
            zero_hold: config.zero_hold,
        },
        snapshot_interval: config.snapshot_interval,
        soft_bytes: config.soft_state(),
        stories: config.stories / partitions,
    }
}

/// The normaliser of a configuration. `seed` is that of the hashes of content, where the operator gives no key.
pub fn normaliser(config: &Config, seed: u64) -> Normaliser {
    let key = config.content_key.as_ref();
    let settings = normalise::Settings {
        session_attributes: config.session_attributes.clone(),
        user_attributes: config.user_attributes.clone(),
        outcome_attributes: config.outcome_attributes.clone(),
        handoff_tools: config.handoff_tools.clone(),
        escalation_tools: config.escalation_tools.clone(),
        human_names: config.human_names.clone(),
        tenant_attributes: config.tenant_attributes.clone(),
        value_attributes: config.value_attributes.clone(),
        money: config.money.clone(),
        intent_attributes: intent_attributes(config),
        dimensions: config.cohorts.iter().map(|(_, a)| a.clone()).collect(),
        content_seed: key.map_or(seed, |key| rapidhash::v3::rapidhash_v3(key.0.as_bytes())),
    };
    Normaliser::new(settings, Arc::clone(&config.prices))
}

/// What people are told of sessions in.
pub fn display(config: &Config) -> DisplaySettings {
    DisplaySettings {
        currency: config.money.currency().clone(),
        dimensions: config
            .cohorts
            .iter()
            .map(|(name, _)| name.clone())
            .collect(),
    }
}

/// A new seed of the hashes of content, for sketches that do not outlive the process or its folder.
pub fn fresh_seed() -> u64 {
    RandomState::new().hash_one("baton")
}

/// What the operator says of the dimension `intent`, else what is known of it: intents matter without cohorts too.
fn intent_attributes(config: &Config) -> Vec<String> {
    let configured = config.cohorts.iter().find(|(name, _)| name == "intent");
    let known = || preset("intent").unwrap_or_default().iter();
    configured.map_or_else(
        || known().map(|a| (*a).to_owned()).collect(),
        |(_, attributes)| attributes.clone(),
    )
}

/// The limits of one request.
pub fn limits(config: &Config) -> Limits {
    Limits {
        max_request_bytes: config.max_request_bytes,
        max_decompressed_bytes: config.max_decompressed_bytes,
        max_attributes: config.max_attributes,
        max_depth: config.max_depth,
    }
}

/// What requests may hold at once.
pub fn room(config: &Config) -> Room {
    Room {
        max_requests: config.max_requests,
        max_bytes: config.bytes_in_flight(),
        body_timeout: config.body_timeout,
        body_idle_timeout: config.body_idle_timeout,
        queue_timeout: config.queue_timeout,
    }
}

/// How many connections each listener may have, with so many open files.
pub fn connections(config: &Config, open_files: Option<u64>) -> open_files::ConnectionLimits {
    let wanted = open_files::ConnectionLimits {
        grpc: config.connections.max_grpc,
        http: config.connections.max_http,
        server: config.connections.max_server,
    };
    open_files::fit(wanted, open_files)
}

/// The limits of a listener.
pub fn listener(config: &Config, max_connections: usize) -> net::Settings {
    let limits = &config.connections;
    net::Settings {
        max_connections,
        header_timeout: limits.header_timeout,
        idle_timeout: limits.idle_timeout,
        request_timeout: limits.request_timeout,
        keepalive_interval: limits.keepalive_interval,
        keepalive_timeout: limits.keepalive_timeout,
    }
}
