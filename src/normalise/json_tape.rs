//! A JSON text that is scanned once and not copied, because messages are long and most of their text is not needed.

use super::{json, python, swar};
use crate::otlp::view::Value as Attribute;
use serde_json::Value as Owned;
use std::borrow::Cow;

/// Deeper nesting is no JSON, as `serde_json` has it.
const MAX_DEPTH: usize = 127;

/// Room for the values of a short text at once; a longer one has about one in 64 bytes.
const USUAL_NODES: usize = 32;

/// The values of a text in its order.
#[derive(Debug)]
pub(super) struct Document<'t> {
    text: Cow<'t, str>,
    nodes: Vec<TapeNode>,
}

/// One value. The members of an object are its keys, each with its value after it.
#[derive(Clone, Copy, Debug)]
struct TapeNode {
    kind: NodeKind,
    /// Where it is in the text; quotes are left out.
    start: u32,
    end: u32,
    /// The place of the node after it and all that is in it.
    next: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NodeKind {
    Array,
    Object,
    /// A string without escapes, and one with some.
    Plain,
    Escaped,
    Number,
    Word,
}

/// A value of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct TapeValue<'d> {
    document: &'d Document<'d>,
    place: usize,
}

impl<'t> Document<'t> {
    /// The document, if the text looks like JSON and is.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        if !json::may_be(text) {
            return None;
        }
        let mut scan = Scan {
            bytes: text.as_bytes(),
            controls: has_controls(text.as_bytes()),
            at: 0,
            nodes: Vec::with_capacity(USUAL_NODES + text.len() / 64),
        };
        scan.value(0)?;
        scan.blanks();
        (scan.at == text.len()).then_some(Self {
            text: Cow::Borrowed(text),
            nodes: scan.nodes,
        })
    }

    /// The document of a text that is JSON, or that Python printed in its place.
    pub(super) fn read(text: &'t str) -> Option<Self> {
        Self::parse(text).or_else(|| Self::of_json(&python::printed(text)?))
    }

    /// The document that an attribute holds, be it structured or a text of it (C-11).
    pub(super) fn of_attribute(value: &Attribute<'t>) -> Option<Self> {
        match value {
            Attribute::Str(text) => Self::read(text),
            Attribute::Array(_) | Attribute::Map(_) => Self::of_json(&json::structured(value)),
            _ => None,
        }
    }

    fn of_json(value: &Owned) -> Option<Self> {
        let text = value.to_string();
        let nodes = Document::parse(&text)?.nodes;
        Some(Self {
            text: Cow::Owned(text),
            nodes,
        })
    }

    pub(super) fn root(&self) -> TapeValue<'_> {
        TapeValue {
            document: self,
            place: 0,
        }
    }
}

impl<'d> TapeValue<'d> {
    fn node(&self) -> TapeNode {
        self.document.nodes[self.place]
    }

    fn is(&self, kind: NodeKind) -> bool {
        self.node().kind == kind
    }

    pub(super) fn is_array(&self) -> bool {
        self.is(NodeKind::Array)
    }

    pub(super) fn is_object(&self) -> bool {
        self.is(NodeKind::Object)
    }

    fn raw(&self) -> &'d str {
        let node = self.node();
        &self.document.text[node.start as usize..node.end as usize]
    }

    /// The text of a string.
    pub(super) fn as_str(&self) -> Option<Cow<'d, str>> {
        match self.node().kind {
            NodeKind::Plain => Some(Cow::Borrowed(self.raw())),
            NodeKind::Escaped => Some(Cow::Owned(unescaped(self.raw()))),
            _ => None,
        }
    }

    /// A number in one spelling, as `serde_json` writes it; whole ones, which may be ids, keep all their digits.
    pub(super) fn as_number(&self) -> Option<Cow<'d, str>> {
        if !self.is(NodeKind::Number) {
            return None;
        }
        let raw = self.raw();
        if raw.bytes().all(|b| b.is_ascii_digit()) {
            return Some(Cow::Borrowed(raw));
        }
        let number: Owned = serde_json::from_str(raw).ok()?;
        Some(Cow::Owned(number.to_string()))
    }

    /// The values directly in an array.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> + use<'d> {
        let document = self.document;
        let (mut place, end) = self.inside(NodeKind::Array);
        std::iter::from_fn(move || {
            let item = Self { document, place };
            (place < end).then(|| {
                place = item.node().next as usize;
                item
            })
        })
    }

    /// The places from the first value in it to the end; none where it is of another kind.
    fn inside(&self, kind: NodeKind) -> (usize, usize) {
        match self.is(kind) {
            true => (self.place + 1, self.node().next as usize),
            false => (0, 0),
        }
    }

    /// The members of an object; a key with escapes is left out, as nobody reads one.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'d str, Self)> + use<'d> {
        self.pairs().map(|(key, value)| (key.raw(), value))
    }

    /// The members of an object, keys as they are.
    fn pairs(&self) -> impl Iterator<Item = (Self, Self)> + use<'d> {
        let document = self.document;
        let (mut place, end) = self.inside(NodeKind::Object);
        std::iter::from_fn(move || {
            if place >= end {
                return None;
            }
            let key = Self { document, place };
            let value = Self {
                document,
                place: place + 1,
            };
            place = value.node().next as usize;
            Some((key, value))
        })
    }

    /// The member of that name; the last of several.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let named = self.pairs().filter(|(name, _)| {
            // Most have another length, which is a quick comparison.
            let node = name.node();
            (node.end - node.start) as usize == key.len() && name.raw() == key
        });
        named.last().map(|(_, value)| value)
    }

    /// The text of the first of `keys` that has some.
    pub(super) fn first_str(&self, keys: &[&str]) -> Option<Cow<'d, str>> {
        keys.iter()
            .find_map(|key| self.get(key)?.as_str().filter(|text| !text.is_empty()))
    }

    /// A copy of its own.
    pub(super) fn to_owned(self) -> Option<Owned> {
        match self.as_str() {
            Some(text) => Some(Owned::from(text.as_ref())),
            None => serde_json::from_str(self.raw()).ok(),
        }
    }
}

fn has_controls(bytes: &[u8]) -> bool {
    // Without a branch between the bytes, of which the compiler makes vectors.
    bytes.iter().fold(false, |any, byte| any | (*byte < b' '))
}

/// A text whose escapes are known to be right.
pub(super) fn unescaped(raw: &str) -> String {
    serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_default()
}

/// The walk over the text. `None`: it is no JSON.
struct Scan<'t> {
    bytes: &'t [u8],
    /// Whether there are control signs anywhere, as in JSON that is laid out in lines.
    controls: bool,
    at: usize,
    nodes: Vec<TapeNode>,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Adds a node that ends at the last byte read, less so many.
    fn end(&mut self, place: usize, kind: NodeKind, start: usize, less: usize) {
        self.nodes[place] = TapeNode {
            kind,
            start: start as u32,
            end: (self.at - less) as u32,
            next: self.nodes.len() as u32,
        };
    }

    fn begin(&mut self) -> usize {
        self.nodes.push(TapeNode {
            kind: NodeKind::Word,
            start: 0,
            end: 0,
            next: 0,
        });
        self.nodes.len() - 1
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        self.blanks();
        match self.peek()? {
            b'{' => self.list(depth + 1, NodeKind::Object, b'}'),
            b'[' => self.list(depth + 1, NodeKind::Array, b']'),
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => None,
        }
    }

    /// Values, or keys and values, up to the closing bracket.
    fn list(&mut self, depth: usize, kind: NodeKind, close: u8) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (place, start) = (self.begin(), self.at);
        self.at += 1;
        self.blanks();
        let mut ended = self.peek()? == close;
        while !ended {
            if kind == NodeKind::Object {
                self.blanks();
                self.string()?;
                self.blanks();
                self.expect(b':')?;
            }
            self.value(depth)?;
            self.blanks();
            ended = self.peek()? == close;
            if !ended {
                self.expect(b',')?;
            }
        }
        self.expect(close)?;
        self.end(place, kind, start, 0);
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let place = self.begin();
        let start = self.at;
        if !self.bytes[start..].starts_with(word) {
            return None;
        }
        self.at += word.len();
        self.end(place, NodeKind::Word, start, 0);
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let place = self.begin();
        let start = self.at;
        let _ = self.expect(b'-');
        match self.digits()? {
            (b'0', 1) => {}
            (b'0', _) => return None,
            _ => {}
        }
        if self.expect(b'.').is_some() {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.end(place, NodeKind::Number, start, 0);
        // One that is too large for a float is none.
        let is_long = self.at - start > 18;
        let raw = &self.bytes[start..self.at];
        let is_number = || serde_json::from_slice::<Owned>(raw).is_ok();
        (!is_long && !raw.iter().any(|b| matches!(b, b'e' | b'E')) || is_number()).then_some(())
    }

    /// At least one digit: the first, and how many there are.
    fn digits(&mut self) -> Option<(u8, usize)> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        let first = self.bytes[start..self.at].first()?;
        Some((*first, self.at - start))
    }

    fn string(&mut self) -> Option<()> {
        let place = self.begin();
        self.expect(b'"')?;
        let start = self.at;
        let mut kind = NodeKind::Plain;
        loop {
            self.at += plain_bytes(&self.bytes[self.at..], self.controls);
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    kind = NodeKind::Escaped;
                    self.escape()?;
                }
                _ => return None,
            }
        }
        self.at += 1;
        self.end(place, kind, start, 1);
        Some(())
    }

    fn escape(&mut self) -> Option<()> {
        self.at += 1;
        let sign = self.peek()?;
        self.at += 1;
        match sign {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => match self.unit()? {
                0xD800..=0xDBFF => {
                    self.expect(b'\\')?;
                    self.expect(b'u')?;
                    (0xDC00..=0xDFFF).contains(&self.unit()?).then_some(())
                }
                0xDC00..=0xDFFF => None,
                _ => Some(()),
            },
            _ => None,
        }
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, digit| {
            Some(unit * 16 + char::from(*digit).to_digit(16)?)
        })
    }
}

/// How many bytes from the first on are neither quote, nor backslash, nor control; of a text without control signs where there
/// are none.
fn plain_bytes(bytes: &[u8], controls: bool) -> usize {
    // Most strings are short: to make ready for a search costs more than to look at them.
    let short = &bytes[..bytes.len().min(SHORT)];
    let plain = |bytes| swar::first(bytes, ends);
    let end = plain(short).or_else(|| {
        let rest = &bytes[short.len()..];
        let end = match controls {
            true => plain(rest),
            false => memchr::memchr2(b'"', b'\\', rest),
        };
        end.map(|end| short.len() + end)
    });
    end.unwrap_or(bytes.len())
}

const SHORT: usize = 16;

/// Marks quotes, backslashes and control signs, see [`swar::first`].
#[inline(always)]
fn ends(word: u64) -> u64 {
    // The difference of a byte is borrowed from the next one only where the byte itself is marked.
    let less = |other: u64, than: u8| other.wrapping_sub(swar::splat(than)) & !other;
    let quote = less(word ^ swar::splat(b'"'), 1);
    let backslash = less(word ^ swar::splat(b'\\'), 1);
    quote | backslash | less(word, b' ')
}
