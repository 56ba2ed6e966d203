//! The limit of brackets inside brackets: parser and type check go one call deeper for each, and the stack is finite.

use super::Fault;

/// Brackets that may be open at once.
const MAX_OPEN_BRACKETS: usize = 10;

/// Counts open brackets outside of quoted texts, before anything is parsed.
///
/// # Errors
/// When more are open than a rule may have, with the column of the first one too many.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    let mut open = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (column, sign) in (1..).zip(text.chars()) {
        match (quote, sign) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(end), sign) if sign == end => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(sign),
            (None, '(' | '[' | '{') => open += 1,
            (None, ')' | ']' | '}') => open = open.saturating_sub(1),
            (None, _) => {}
        }
        if open > MAX_OPEN_BRACKETS {
            return Err(Fault {
                column: Some(column),
                what: format!("more than {MAX_OPEN_BRACKETS} brackets inside each other"),
            });
        }
    }
    Ok(())
}
