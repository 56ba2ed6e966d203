//! I/O. What is made of files, and follows them while Baton runs: certificates and credentials.

use metrics::Counter;
use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::{info, warn};

/// What is read again while Baton runs.
pub trait Reload: Send + Sync {
    /// How often its files are looked at.
    fn interval(&self) -> Duration;

    /// Looks whether the files changed. What cannot be used is reported once, and what was in use stays so.
    fn reload(&self);
}

/// Where something comes from.
#[derive(Clone, Debug)]
pub struct ReloadSource {
    /// What it is, in the plural, for the log.
    pub what: &'static str,
    /// The listener or the exporter, as in labels.
    pub endpoint: String,
    pub files: Vec<PathBuf>,
    pub interval: Duration,
    /// Counts changes that could not be used.
    pub failures: Counter,
}

/// Why what is made of files cannot be used, or a file cannot. It never shows what a file contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadError(String);

impl Display for ReloadError {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReloadError {}

impl ReloadError {
    /// Not because of one file alone.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// Because of a file.
    pub fn of(file: &Path, what: impl Display) -> Self {
        Self(format!("{}: {what}", file.display()))
    }
}

/// The text of a file.
///
/// # Errors
/// When it cannot be read, or is no text.
pub fn read_text(file: &Path) -> Result<String, ReloadError> {
    readable(file, std::fs::read_to_string(file))
}

/// The bytes of a file.
///
/// # Errors
/// When it cannot be read.
pub fn read_bytes(file: &Path) -> Result<Vec<u8>, ReloadError> {
    readable(file, std::fs::read(file))
}

fn readable<T>(file: &Path, read: std::io::Result<T>) -> Result<T, ReloadError> {
    read.map_err(|error| ReloadError::of(file, format!("cannot be read: {error}")))
}

/// How it is made.
type ReloadFn<T> = Box<dyn Fn() -> Result<T, ReloadError> + Send + Sync>;

/// What the files last were, and what came of it.
pub struct Reloaded<T> {
    source: ReloadSource,
    load: ReloadFn<T>,
    state: Mutex<ReloadState<T>>,
}

struct ReloadState<T> {
    contents: Vec<Option<Vec<u8>>>,
    current: Arc<T>,
}

impl<T> std::fmt::Debug for Reloaded<T> {
    /// The files by their names alone.
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloaded")
            .field("endpoint", &self.source.endpoint)
            .field("files", &self.source.files)
            .finish_non_exhaustive()
    }
}

impl<T> Reloaded<T> {
    /// Loads for the first time.
    ///
    /// # Errors
    /// When the files cannot be used.
    pub fn open(source: ReloadSource, load: ReloadFn<T>) -> Result<Self, ReloadError> {
        // Before they are loaded: what changes meanwhile is loaded again.
        let contents = source.contents();
        let current = Arc::new(load()?);
        let state = Mutex::new(ReloadState { contents, current });
        Ok(Self {
            source,
            load,
            state,
        })
    }

    /// What came of the files last.
    pub fn current(&self) -> Arc<T> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&state.current)
    }
}

impl ReloadSource {
    /// What the files contain now. A file that cannot be read contains nothing.
    fn contents(&self) -> Vec<Option<Vec<u8>>> {
        let files = self.files.iter();
        files.map(|file| std::fs::read(file).ok()).collect()
    }
}

impl<T: Send + Sync> Reload for Reloaded<T> {
    fn interval(&self) -> Duration {
        self.source.interval
    }

    fn reload(&self) {
        let contents = self.source.contents();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.contents == contents {
            return;
        }
        state.contents = contents;
        let (what, endpoint) = (self.source.what, &*self.source.endpoint);
        match (self.load)() {
            Ok(current) => {
                state.current = Arc::new(current);
                info!(endpoint, "the {what} were read again");
            }
            Err(error) => {
                self.source.failures.increment(1);
                warn!(
                    endpoint,
                    %error,
                    "the {what} changed and cannot be used: the last ones stay in use"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_leaves_the_last_one_in_use() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("number");
        let write = |text: &str| std::fs::write(&file, text).expect("written");
        write("1");
        let source = ReloadSource {
            what: "numbers",
            endpoint: "test".to_owned(),
            files: vec![file.clone()],
            interval: Duration::from_secs(1),
            failures: Counter::noop(),
        };
        let own = file.clone();
        let load = Box::new(move || {
            let text = read_text(&own)?;
            text.parse::<u64>()
                .map_err(|error| ReloadError::of(&own, error))
        });
        let reloaded = Reloaded::open(source, load).expect("a number");
        for (text, expected) in [("2", 2), ("x", 2), ("3", 3)] {
            write(text);
            reloaded.reload();
            assert_eq!(*reloaded.current(), expected, "{text}");
        }
        std::fs::remove_file(&file).expect("removed");
        reloaded.reload();
        assert_eq!(*reloaded.current(), 3);
    }
}
