//! References to environment variables inside the values of a configuration.

use serde_json::Value;

/// `${NAME}`, `${NAME:-default}` and `$$` inside one text. A value that is one reference takes the type its text has.
pub(super) fn resolve(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Value, String> {
    if !text.contains('$') {
        return Ok(Value::String(text.to_owned()));
    }
    let mut resolved = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        resolved.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            resolved.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let (reference, after) = after
                .split_once('}')
                .ok_or("a reference `${` without its `}`")?;
            let (name, default) = match reference.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (reference, None),
            };
            let value = env(name).or_else(|| default.map(str::to_owned));
            resolved.push_str(
                &value.ok_or_else(|| format!("the environment variable {name} is not set"))?,
            );
            rest = after;
        } else {
            resolved.push('$');
        }
    }
    resolved.push_str(rest);
    let whole = text.starts_with("${") && text.find('}') == Some(text.len() - 1);
    Ok(match (whole, resolved.parse::<u64>(), resolved.as_str()) {
        (true, Ok(number), _) => number.into(),
        (true, _, "true") => true.into(),
        (true, _, "false") => false.into(),
        _ => Value::String(resolved),
    })
}
