//! The exporters of a configuration that push metrics.

use super::StartError;
use super::tasks::Task;
use crate::config::Config;
use crate::export::push::PushExporter;
use crate::export::push::remote_write::RemoteWrite;
use crate::export::{Feed, ServiceIdentity};
use crate::reload::Reload;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What pushes, not running yet.
#[derive(Default)]
pub(super) struct Pushes {
    pub(super) tasks: Vec<Task>,
    /// What follows the files of all receivers.
    pub(super) files: Vec<Arc<dyn Reload>>,
}

/// All that push. Registers their metrics with the recorder in whose scope it is called.
///
/// # Errors
/// When a receiver has certificates or credentials that cannot be used.
pub(super) fn open(
    config: &Config,
    identity: Option<&ServiceIdentity>,
    feed: &Feed,
    stop: &CancellationToken,
) -> Result<Pushes, StartError> {
    let mut pushes = Pushes::default();
    // The check of the configuration says where there is none.
    let Some(identity) = identity else {
        return Ok(pushes);
    };
    for (name, settings) in &config.exporters.remote_write.0 {
        let Some(target) = settings.target(name)? else {
            continue;
        };
        pushes.files.extend(target.files());
        let protocol = RemoteWrite::new(name, settings, target);
        let settings = settings.push(name);
        let exporter = PushExporter::new(settings, identity.clone(), protocol, &feed.clock);
        let task = Task::exporter(exporter, feed.clone(), stop.clone());
        pushes.tasks.push(task);
    }
    Ok(pushes)
}
