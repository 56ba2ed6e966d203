//! Objects printed by Python (`{'session_id': 'a', 'cached': None}`), as some SDKs put them where JSON belongs.

use serde_json::{Map, Number, Value};

/// Containers inside containers are read up to this depth.
const MAX_DEPTH: usize = 32;

/// The value that a text of Python's `repr` stands for; what is no plain value in it (a date, an object) is null.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut reader = PythonReader { rest: text.trim() };
    let value = reader.value(0)?;
    reader.rest.trim_start().is_empty().then_some(value)
}

struct PythonReader<'t> {
    rest: &'t str,
}

impl PythonReader<'_> {
    /// Takes the text if it comes next, after blanks.
    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.trim_start();
        let taken = rest.strip_prefix(text);
        self.rest = taken.unwrap_or(rest);
        taken.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.take("{") {
            return self.dictionary(depth);
        }
        if self.take("[") {
            return self.items("]", depth);
        }
        if self.take("(") {
            return self.items(")", depth);
        }
        if self.rest.starts_with(['\'', '"']) {
            return self.text().map(Value::String);
        }
        self.word()
    }

    fn dictionary(&mut self, depth: usize) -> Option<Value> {
        let mut members = Map::new();
        while !self.take("}") {
            let name = match self.value(depth + 1)? {
                Value::String(name) => name,
                name => name.to_string(),
            };
            // A set has no values.
            let value = if self.take(":") {
                self.value(depth + 1)?
            } else {
                Value::Null
            };
            members.insert(name, value);
            if !self.take(",") && !self.rest.starts_with('}') {
                return None;
            }
        }
        Some(Value::Object(members))
    }

    fn items(&mut self, end: &str, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        while !self.take(end) {
            items.push(self.value(depth + 1)?);
            if !self.take(",") && !self.rest.starts_with(end) {
                return None;
            }
        }
        Some(Value::Array(items))
    }

    /// A text in either kind of quotes.
    fn text(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        let mut text = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == quote => {
                    self.rest = &self.rest[1 + at + 1..];
                    return Some(text);
                }
                '\\' => {
                    let (at, escaped) = chars.next()?;
                    let digits = match escaped {
                        'x' => 2,
                        'u' => 4,
                        'U' => 8,
                        _ => 0,
                    };
                    if digits > 0 {
                        let begin = 1 + at + 1;
                        let code = self.rest.get(begin..begin + digits)?;
                        let code = u32::from_str_radix(code, 16).ok()?;
                        text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                        chars.nth(digits - 1);
                    } else {
                        text.push(match escaped {
                            'n' => '\n',
                            't' => '\t',
                            'r' => '\r',
                            other => other,
                        });
                    }
                }
                c => text.push(c),
            }
        }
        None
    }

    /// A constant, a number, or something that Python alone knows.
    fn word(&mut self) -> Option<Value> {
        let end = self
            .rest
            .find([',', ':', '}', ']', ')', '(', '<', '\'', '"']);
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let value = match word.trim() {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "None" => Value::Null,
            word => number(word).unwrap_or(Value::Null),
        };
        // `Decimal('0.1')`, `datetime.datetime(2026, 11, 28)`, `<object at 0x7f>`.
        if self.take("(") {
            self.items_of_call()?;
        } else if self.take("<") {
            let end = self.rest.find('>')?;
            self.rest = &self.rest[end + 1..];
        } else if word.trim().is_empty() {
            return None;
        }
        Some(value)
    }

    /// Passes over the arguments of a call, `name=value` too.
    fn items_of_call(&mut self) -> Option<()> {
        let mut open = 1;
        while open > 0 {
            let at = self.rest.find(['(', ')', '\'', '"'])?;
            self.rest = &self.rest[at..];
            match self.rest.as_bytes().first()? {
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {
                    self.text()?;
                    continue;
                }
            }
            self.rest = &self.rest[1..];
        }
        Some(())
    }
}

fn number(word: &str) -> Option<Value> {
    if let Ok(whole) = word.parse::<i64>() {
        return Some(whole.into());
    }
    let number = Number::from_f64(word.parse().ok()?)?;
    Some(Value::Number(number))
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
                json!({"at": null, "o": null, "d": null, "s": "s"}),
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
