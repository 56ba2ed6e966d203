//! Reads a YAML text: references, then the schema, then the types, then the checks that neither can express. A fault in one place does not hide faults in others.

use super::node::{Node, parse};
use super::references::resolve;
use super::written::Written;
use super::{Config, ConfigFault, annotate, check, shape};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

pub(super) type Env<'e> = &'e dyn Fn(&str) -> Option<String>;

pub(super) fn of_text(text: &str, folder: &Path, env: Env<'_>) -> Result<Config, Vec<ConfigFault>> {
    let read = read::<Config>(text, &annotate::schema(), Some(env)).map_err(|fault| vec![fault])?;
    let mut config = read.value;
    let mut faults = read.faults;
    faults.extend(check::check(&mut config, folder, &read.written));
    if faults.is_empty() {
        return Ok(config);
    }
    faults.sort_by(|a, b| (a.line, a.column, &a.path).cmp(&(b.line, b.column, &b.path)));
    Err(faults)
}

/// A file in the form of its type, with all that is wrong so far.
pub(super) struct Read<T> {
    pub(super) value: T,
    pub(super) written: Written,
    pub(super) faults: Vec<ConfigFault>,
}

/// Reads a YAML text that a schema describes. Without `env`, a dollar sign is one.
///
/// # Errors
/// Where the text is no YAML: nothing else can be said of it then.
pub(super) fn read<T: DeserializeOwned + Default>(
    text: &str,
    schema: &Value,
    env: Option<Env<'_>>,
) -> Result<Read<T>, ConfigFault> {
    let mut written = Written::default();
    let mut faults = Vec::new();
    let mut unresolved = Vec::new();
    let is_comment = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let tree = if text.lines().all(is_comment) {
        Node::Scalar(Value::Null)
    } else {
        parse(text.strip_prefix('\u{feff}').unwrap_or(text))?
    };
    let mut json = tree.into_json(
        "",
        &mut written.places,
        &mut |path, text| match env.map(|env| resolve(&text, env)) {
            Some(Ok(value)) => value,
            Some(Err(what)) => {
                unresolved.push((path.to_owned(), what));
                Value::String(text)
            }
            None => Value::String(text),
        },
        &mut |fault| faults.push(fault),
    );
    for (path, what) in unresolved {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        shape::blame(&mut json, schema, &path, what, &mut written, &mut faults);
    }
    let value = shape::fit(json, schema, &mut written, &mut faults);
    shape::distrust_meant(&faults, schema, &mut written);
    Ok(Read {
        value,
        written,
        faults,
    })
}
