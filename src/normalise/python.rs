//! Values that a program printed as Python objects, where it had to write JSON.

use serde_json::{Map, Number, Value};

/// Longer texts are not read.
const MAX_LENGTH: usize = 1 << 20;

/// Deeper nesting is none that anybody prints.
const MAX_DEPTH: usize = 32;

/// The value of a text that is a dictionary, a list or a tuple of Python.
pub(super) fn parse(text: &str) -> Option<Value> {
    let text = text.trim();
    let begins = text.as_bytes().first()?;
    (matches!(begins, b'{' | b'[' | b'(') && text.len() <= MAX_LENGTH)
        .then(|| parse_any(text))
        .flatten()
}

/// The same, of a text that may as well be words in brackets: only quotes as Python writes them show that it is none.
pub(super) fn printed(text: &str) -> Option<Value> {
    let inner = text.trim_start().trim_start_matches(['{', '[', '(']);
    let is = inner.starts_with('\'') || inner.starts_with('"') && text.contains('\'');
    is.then(|| parse(text)).flatten()
}

/// The same, of a text that may be any object: `Usage(input_tokens=1)`.
pub(super) fn parse_any(text: &str) -> Option<Value> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let mut reader = PythonReader { text, at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    (reader.at == text.len()).then_some(value)
}

struct PythonReader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> PythonReader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, sign: char) -> bool {
        self.blanks();
        let is = self.peek() == Some(sign);
        self.at += if is { sign.len_utf8() } else { 0 };
        is
    }

    fn take_while(&mut self, is: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !is(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.blanks();
        match self.peek()? {
            '{' => self.dictionary(depth),
            '[' => self.list(']', depth),
            '(' => self.list(')', depth),
            '\'' | '"' => self.string().map(Value::String),
            '<' => {
                // `<Status.DONE: 'done'>` has no value that can be relied on.
                self.take_while(|c| c != '>');
                self.take('>').then_some(Value::Null)
            }
            c if c.is_ascii_digit() || matches!(c, '-' | '+') => self.number(),
            _ => self.word(depth),
        }
    }

    fn dictionary(&mut self, depth: usize) -> Option<Value> {
        self.take('{');
        let mut members = Map::new();
        while !self.take('}') {
            let key = match self.value(depth + 1)? {
                Value::String(key) => key,
                other => other.to_string(),
            };
            // A set has no values.
            let value = match self.take(':') {
                true => self.value(depth + 1)?,
                false => Value::Null,
            };
            members.insert(key, value);
            self.comma('}')?;
        }
        Some(Value::Object(members))
    }

    fn list(&mut self, close: char, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.value(depth + 1)?);
            self.comma(close)?;
        }
        Some(Value::Array(items))
    }

    /// A comma, or the end before `close`.
    fn comma(&mut self, close: char) -> Option<()> {
        let more = self.take(',');
        self.blanks();
        (more || self.peek() == Some(close)).then_some(())
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.peek()?;
        self.at += 1;
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|c| c != quote && c != '\\'));
            let sign = self.peek()?;
            self.at += 1;
            if sign == quote {
                return Some(text);
            }
            text.extend(self.escaped()?);
        }
    }

    /// What stands behind a backslash; `None` inside: a line break in the program's text.
    fn escaped(&mut self) -> Option<Option<char>> {
        let sign = self.peek()?;
        self.at += sign.len_utf8();
        let digits = match sign {
            'n' => return Some(Some('\n')),
            't' => return Some(Some('\t')),
            'r' => return Some(Some('\r')),
            '\n' => return Some(None),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            other => return Some(Some(other)),
        };
        let code = self.rest().get(..digits)?;
        self.at += digits;
        let code = u32::from_str_radix(code, 16).ok()?;
        Some(Some(char::from_u32(code).unwrap_or('\u{fffd}')))
    }

    fn number(&mut self) -> Option<Value> {
        let digits =
            self.take_while(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'));
        if let Ok(whole) = digits.parse::<i64>() {
            return Some(Value::from(whole));
        }
        let number = digits.parse::<f64>().ok()?;
        Number::from_f64(number).map(Value::Number)
    }

    /// A constant, the name of one, or an object with its fields.
    fn word(&mut self, depth: usize) -> Option<Value> {
        let word = self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        match word {
            "" => None,
            "True" | "true" => Some(Value::Bool(true)),
            "False" | "false" => Some(Value::Bool(false)),
            "None" | "null" | "nan" | "inf" => Some(Value::Null),
            _ if self.peek() == Some('(') => self.fields(depth),
            _ => Some(Value::from(word)),
        }
    }

    /// `(input_tokens=1, output_tokens=2)`, or the one value in `Decimal('0.1')`; what else there may be has no value that can be
    /// relied on.
    fn fields(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let (mut fields, mut values) = (Map::new(), Vec::new());
        while !self.take(')') {
            self.blanks();
            let start = self.at;
            let name = self.take_while(|c| c.is_alphanumeric() || c == '_');
            if !name.is_empty() && self.take('=') {
                fields.insert(name.to_owned(), self.value(depth + 1)?);
            } else {
                self.at = start;
                values.push(self.value(depth + 1)?);
            }
            self.comma(')')?;
        }
        Some(match values.pop() {
            None => Value::Object(fields),
            Some(value) if values.is_empty() && fields.is_empty() => value,
            Some(_) => Value::Null,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::json;

    #[test]
    fn what_python_prints_is_read() {
        for (text, value) in [
            (
                "{'session_id': 'inc-1', 'n': 3, 'cost': 1.5e-05, 'ok': True, 'no': False, 'none': None}",
                json!({"session_id": "inc-1", "n": 3, "cost": 1.5e-05, "ok": true, "no": false, "none": null}),
            ),
            (
                r#"{"it's": 'say "yes"', 'path': 'a\\b\'c\n', 'e': '\xe9\u20ac'}"#,
                json!({"it's": "say \"yes\"", "path": "a\\b'c\n", "e": "é€"}),
            ),
            (
                "[{'a': [1, -2, (3,)]}, {}]",
                json!([{"a": [1, -2, [3]]}, {}]),
            ),
            ("{'x', 'y'}", json!({"x": null, "y": null})),
            (
                "{'at': datetime.datetime(2026, 11, 28, tzinfo=zone(')')), 'o': <A object at 0x7f>, 'd': Decimal('0.1'), 's': 's'}",
                json!({"at": null, "o": null, "d": "0.1", "s": "s"}),
            ),
            (
                "{'grüße': 'ß', 'kind': <Kind.A: 'a'>}",
                json!({"grüße": "ß", "kind": null}),
            ),
        ] {
            assert_eq!(parse(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_python_does_not_print_is_not_read() {
        let deep = "[".repeat(1000);
        for text in [
            "{'a': 'b'",
            "{'a' 'b'}",
            "{'a': }",
            "['\\x",
            "['\\uZZZZ']",
            "{'a': f(}",
            &deep,
            "",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
