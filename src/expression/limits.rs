//! The limits of an expression: parser and type check go one call deeper for each bracket inside brackets, and for each operator of a row of them; the stack is
//! finite.

use super::Fault;

/// Brackets that may be open at once.
const MAX_OPEN_BRACKETS: usize = 10;

/// Characters of an expression.
const MAX_LENGTH: usize = 16_384;

/// Signs of operators outside of quoted texts.
const MAX_SIGNS: usize = 300;

/// Looks at brackets and operators outside of quoted texts, and at the length, before anything is parsed.
///
/// # Errors
/// When there are more than an expression may have, with the column of the first one too many.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    let (mut open, mut signs) = (0_usize, 0_usize);
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
            (None, '!' | '-' | '+' | '*' | '/' | '%' | '?' | '.' | '|' | '&' | '=' | '<' | '>') => {
                signs += 1;
            }
            (None, _) => {}
        }
        let refuse = |what: String| {
            Err(Fault {
                column: Some(column),
                what,
            })
        };
        if open > MAX_OPEN_BRACKETS {
            return refuse(format!(
                "more than {MAX_OPEN_BRACKETS} brackets inside each other"
            ));
        }
        if signs > MAX_SIGNS {
            return refuse(format!("more than {MAX_SIGNS} signs of operators"));
        }
        if column > MAX_LENGTH {
            return refuse(format!("longer than {MAX_LENGTH} characters"));
        }
    }
    Ok(())
}
