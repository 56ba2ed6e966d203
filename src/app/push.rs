//! The exporters of a configuration that push metrics.

use super::StartError;
use super::tasks::Task;
use crate::client::DestinationTarget;
use crate::config::Config;
use crate::export::push::PushExporter;
use crate::export::push::otlp::{OtlpPushExporter, OtlpPushTarget};
use crate::export::push::remote_write::RemoteWrite;
use crate::export::{Feed, ServiceIdentity};
use crate::log::LogKind;
use crate::log::disk::files::{Files, Folder};
use crate::model::time::Timestamp;
use crate::reload::Reload;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The directory in the state directory for what destinations of pushed metrics have.
const CHECKPOINTS: &str = "push";

/// What pushes, not running yet.
#[derive(Default)]
pub(super) struct Pushes {
    pub(super) tasks: Vec<Task>,
    /// What follows the files of all receivers.
    pub(super) files: Vec<Arc<dyn Reload>>,
}

/// All that push, in a process that began then. `forwarded`: where the destinations of forwarded requests are. Registers their metrics with the recorder in whose scope it is called.
///
/// # Errors
/// When a receiver has certificates or credentials that cannot be used.
pub(super) fn open(
    config: &Config,
    (forwarded, begun): (&BTreeMap<String, DestinationTarget>, Timestamp),
    identity: Option<&ServiceIdentity>,
    (feed, stop): (&Feed, &CancellationToken),
) -> Result<Pushes, StartError> {
    let mut pushes = Pushes::default();
    let files = checkpoints(config)?;
    // The check of the configuration says where there is none.
    let Some(identity) = identity else {
        return Ok(pushes);
    };
    for (name, settings) in &config.exporters.remote_write.0 {
        let Some(target) = settings.target(name)? else {
            continue;
        };
        pushes.files.extend(target.files());
        let protocol = RemoteWrite::new(name, settings, target, feed.clock.clone());
        let settings = settings.push(name);
        let exporter =
            PushExporter::new(settings, identity.clone(), protocol, files.clone(), begun);
        let task = Task::exporter(exporter, feed.clone(), stop.clone());
        pushes.tasks.push(task);
    }
    for (name, settings) in config.exporters.otlp.derived() {
        // What forwards to the same destination has it, and follows its files.
        let target = match forwarded.get(name) {
            Some(target) => target.clone(),
            None => {
                let Some(target) = settings.target(name)? else {
                    continue;
                };
                pushes.files.extend(target.files());
                target
            }
        };
        let client = settings.clone();
        let target = OtlpPushTarget {
            name: name.clone(),
            endpoint: settings.endpoint.clone(),
            retry: settings.retry_on_failure.clone(),
            connect: Box::new(move || client.connect(target)),
        };
        let settings = settings.derived.clone();
        let exporter =
            OtlpPushExporter::new(settings, target, identity.clone(), files.clone(), begun);
        let task = Task::exporter(exporter, feed.clone(), stop.clone());
        pushes.tasks.push(task);
    }
    Ok(pushes)
}

/// Where is kept what destinations have; `None`: they end with the process, as the state does, or there are none.
fn checkpoints(config: &Config) -> Result<Option<Arc<dyn Files>>, StartError> {
    let directory = config.state.directory.as_ref();
    let is_kept = config.state.log == LogKind::Disk;
    let is_needed = config.exporters.pushed().next().is_some();
    match directory.filter(|_| is_kept && is_needed) {
        Some(directory) => Ok(Some(Arc::new(Folder::open(&directory.join(CHECKPOINTS))?))),
        None => Ok(None),
    }
}
