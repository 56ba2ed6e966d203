//! What Baton shows to a destination: the header `authorization`.

use super::client_settings::{ClientAuthSettings, ClientBasicSettings, ClientBearerSettings};
use crate::catalogue::InternalMetric;
use crate::reload::{Reload, ReloadError, ReloadSource, Reloaded, read_text};
use crate::setting::Secret;
use crate::telemetry::counter;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The credentials of Baton at one destination, which follow their files.
#[derive(Clone, Debug)]
pub struct Credentials(Arc<Reloaded<HeaderValue>>);

impl Credentials {
    /// Reads the files of checked settings. `endpoint` is the destination as in labels.
    /// Registers its metrics with the recorder in whose scope it is called.
    ///
    /// # Errors
    /// When a file cannot be read, or what it says cannot be in a header.
    pub fn open(endpoint: &str, settings: &ClientAuthSettings) -> Result<Self, ReloadError> {
        let mut own = settings.clone();
        let source = ReloadSource {
            what: "credentials",
            endpoint: endpoint.to_owned(),
            files: own.files().map(|file| file.clone()).collect(),
            interval: own.reload_interval,
            failures: counter(InternalMetric::AuthReloadFailures, &[endpoint]),
        };
        let reloaded = Reloaded::open(source, Box::new(move || header(&own)))?;
        Ok(Self(Arc::new(reloaded)))
    }

    /// The value of the header for the next request.
    pub fn header(&self) -> HeaderValue {
        HeaderValue::clone(&self.0.current())
    }

    /// What follows its files.
    pub fn files(&self) -> Arc<dyn Reload> {
        Arc::<Reloaded<HeaderValue>>::clone(&self.0)
    }
}

fn header(settings: &ClientAuthSettings) -> Result<HeaderValue, ReloadError> {
    let value = match (&settings.bearer, &settings.basic) {
        (Some(bearer), _) => of_token(bearer)?,
        (None, Some(basic)) => of_user(basic)?,
        (None, None) => return Err(ReloadError::new("neither bearer nor basic is set")),
    };
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| ReloadError::new("the credentials cannot be the value of a header"))?;
    // Neither logs nor the compression of headers show it.
    value.set_sensitive(true);
    Ok(value)
}

fn of_token(settings: &ClientBearerSettings) -> Result<String, ReloadError> {
    let token = secret(settings.token.as_ref(), settings.filename.as_ref())?;
    let token = token.trim();
    Ok(format!("{} {token}", settings.scheme).trim().to_owned())
}

fn of_user(settings: &ClientBasicSettings) -> Result<String, ReloadError> {
    let name = match (&settings.username, &settings.username_file) {
        (Some(name), _) => name.clone(),
        (None, Some(file)) => first_line(file)?,
        (None, None) => return Err(ReloadError::new("no user name is set")),
    };
    if name.contains(':') {
        return Err(ReloadError::new("a user name must not have a colon"));
    }
    let password = secret(settings.password.as_ref(), settings.password_file.as_ref())?;
    let both = STANDARD.encode(format!("{name}:{password}"));
    Ok(format!("Basic {both}"))
}

fn secret(text: Option<&Secret>, file: Option<&PathBuf>) -> Result<String, ReloadError> {
    match (text, file) {
        (_, Some(file)) => first_line(file),
        (Some(Secret(text)), None) => Ok(text.clone()),
        (None, None) => Err(ReloadError::new("no secret is set")),
    }
}

/// The first line of a file. What is written half is empty at first: it is not used.
fn first_line(file: &Path) -> Result<String, ReloadError> {
    let text = read_text(file)?;
    let line = text.lines().next().unwrap_or_default();
    match line.trim().is_empty() {
        true => Err(ReloadError::of(file, "has nothing in its first line")),
        false => Ok(line.to_owned()),
    }
}
