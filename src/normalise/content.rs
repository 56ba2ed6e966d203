//! Sketches of messages: salted hashes of their salient tokens. No text leaves this file and `tokens.rs`.

use super::json_tape::{Document, TapeValue};
use super::tokens::TokenHasher;
use super::words::{count_at_least, has_word, words};
use super::{SpanReader, json, messages, topics};
use crate::model::sketch::{Content, Sketch};
use crate::otlp::attribute_key::{AttributeKeys, keys};
use crate::otlp::view::{Attributes, LogRecord};
use memchr::memmem;

/// Whether the key of a message holds no content: ids, types, instructions, bookkeeping.
fn is_skipped(key: &str) -> bool {
    matches!(
        key,
        "id" | "call_id"
            | "callId"
            | "tool_call_id"
            | "toolCallId"
            | "toolUseId"
            | "tool_use_id"
            | "type"
            | "role"
            | "name"
            | "toolName"
            | "model"
            | "model_name"
            | "finish_reason"
            | "finishReason"
            | "status"
            | "index"
            | "lc"
            | "tools"
            | "tool_choice"
            | "usage"
            | "usage_metadata"
            | "usageMetadata"
            | "modelVersion"
            | "model_version"
            | "responseId"
            | "response_id"
            | "response_metadata"
            | "metadata"
            | "config"
            | "generation_config"
            | "parameters"
            | "invocation_params"
            | "system"
            | "system_instruction"
            | "systemInstruction"
            | "instructions"
            | "signature"
            | "encrypted_content"
            | "event.name"
            | "gen_ai.message.index"
            | "timestamp"
            | "created"
            | "created_at"
    )
}

/// Words of a message that can be recognised when it comes again: a shorter one is "yes", a longer one is a form.
const RECOGNISABLE_WORDS: std::ops::RangeInclusive<usize> = 4..=120;

/// The content of a model call, and whether the last message of its input is the result of a tool.
pub(super) fn of_span(
    source: &SpanReader<'_>,
    hasher: &TokenHasher<'_>,
) -> (Content, Option<bool>) {
    let attributes = source.attributes();
    let mut input = SketchReader::new(hasher);
    let mut output = SketchReader::new(hasher);
    first_json(source, topics::INPUT_MESSAGES, &mut input);
    input.flat(attributes, topics::FLAT_INPUT);
    first_json(source, topics::OUTPUT_MESSAGES, &mut output);
    output.flat(attributes, topics::FLAT_OUTPUT);
    for event in &source.span.events {
        message_event(event.name, &event.attributes, &mut input, &mut output);
    }
    let is_message = |key: &str| {
        topics::FLAT_INPUT
            .iter()
            .any(|b| flattened(key, b).is_some())
    };
    if input.is_empty() && !attributes.others().any(|(key, _)| is_message(key)) {
        first_json(source, topics::WHOLE_INPUT, &mut input);
    }
    let continues = input.ends_with_result;
    (content(input, output), continues)
}

/// What of a flattened key is behind its beginning: the number of a message first. Most keys are none, and one byte says so.
fn flattened<'k>(key: &'k str, beginning: &str) -> Option<&'k str> {
    let number = key.as_bytes().get(beginning.len())?;
    let rest = number.is_ascii_digit().then(|| key.strip_prefix(beginning));
    rest.flatten()
}

/// The content of its span's call that a log record contains.
pub(super) fn of_log(log: &LogRecord<'_>, hasher: &TokenHasher<'_>) -> Content {
    let mut input = SketchReader::new(hasher);
    let mut output = SketchReader::new(hasher);
    message_event(log.event_name, &log.attributes, &mut input, &mut output);
    let body = || json::structured(&log.body).to_string();
    match log.event_name {
        "gen_ai.choice" => output.string(&body(), Role::Other, 0),
        "gen_ai.user.message" => {
            input.string(&body(), Role::User, 0);
            input.end(Role::User);
        }
        "gen_ai.assistant.message" | "gen_ai.tool.message" => {
            input.string(&body(), Role::Other, 0);
        }
        _ => {}
    }
    content(input, output)
}

fn content(input: SketchReader<'_>, output: SketchReader<'_>) -> Content {
    Content {
        asked: input.last_user_words(),
        // Of a message of the user it is known that it has no facts.
        input: input.sketch(has_word(&input.last_user_text)),
        output: output.sketch(false),
    }
}

/// The first of the attributes that holds something.
fn first_json(source: &SpanReader<'_>, keys: AttributeKeys, reader: &mut SketchReader<'_>) {
    for key in keys {
        match source.document(*key) {
            Some(document) => reader.message(document.root(), Role::Other, 1),
            None => match source.str(*key) {
                Some(text) => reader.plain(text, Role::Other, 0),
                None => continue,
            },
        }
        if !reader.is_empty() {
            return;
        }
    }
}

/// Attributes of an event that is a message: of a user the text, of others the tool calls too.
const USER_MESSAGE: AttributeKeys = &keys(["content"]);
const ANY_MESSAGE: AttributeKeys = &keys(["content", "tool_calls"]);

/// Attributes of an event that has all messages of a call.
const ALL_INPUT: AttributeKeys = &keys(["gen_ai.input.messages"]);
const ALL_OUTPUT: AttributeKeys = &keys(["gen_ai.output.messages"]);

/// Messages as span events or log records, one each, or all of a call in one.
fn message_event(
    name: &str,
    attributes: &Attributes<'_>,
    input: &mut SketchReader<'_>,
    output: &mut SketchReader<'_>,
) {
    let read = |reader: &mut SketchReader<'_>, role, keys: AttributeKeys| {
        for value in keys.iter().filter_map(|key| attributes.get(*key)) {
            reader.begin();
            if let Some(document) = Document::of_attribute(value) {
                reader.message(document.root(), role, 1);
            } else if let Some(text) = value.as_text() {
                reader.plain(text, role, 0);
            }
            reader.end(role);
        }
    };
    match name {
        "gen_ai.user.message" => read(input, Role::User, USER_MESSAGE),
        "gen_ai.tool.message" => read(input, Role::Tool, ANY_MESSAGE),
        "gen_ai.assistant.message" => read(input, Role::Other, ANY_MESSAGE),
        "gen_ai.choice" => read(output, Role::Other, messages::CHOICE),
        "gen_ai.client.inference.operation.details" => {
            read(input, Role::Other, ALL_INPUT);
            read(output, Role::Other, ALL_OUTPUT);
        }
        _ => {}
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    System,
    User,
    Tool,
    Other,
}

/// Collects the hashes of salient tokens, and the words of the last message of the user.
struct SketchReader<'k> {
    hasher: &'k TokenHasher<'k>,
    tokens: Vec<u32>,
    /// There was some text, whoever's.
    seen: bool,
    /// The user's words in the message being read, and in the last one; text by text, each on a line of its own.
    user_text: String,
    last_user_text: String,
    /// Whether the last message that is the user's or a tool's is the tool's.
    ends_with_result: Option<bool>,
}

impl<'k> SketchReader<'k> {
    fn new(hasher: &'k TokenHasher<'k>) -> Self {
        Self {
            hasher,
            tokens: Vec::new(),
            seen: false,
            user_text: String::new(),
            last_user_text: String::new(),
            ends_with_result: None,
        }
    }

    fn is_empty(&self) -> bool {
        !self.seen
    }

    fn sketch(&self, is_known: bool) -> Option<Sketch> {
        (is_known || !self.tokens.is_empty()).then(|| self.tokens.iter().copied().collect())
    }

    fn last_user_words(&self) -> Option<Sketch> {
        let words =
            words(&self.last_user_text).map(|(_, word)| self.hasher.salt.hash_of_lower(word));
        if count_at_least(&self.last_user_text) > *RECOGNISABLE_WORDS.end() {
            return None;
        }
        // One more than is of use shows that there are too many.
        let words: Vec<u32> = words.take(RECOGNISABLE_WORDS.end() + 1).collect();
        RECOGNISABLE_WORDS
            .contains(&words.len())
            .then(|| words.into_iter().collect())
    }

    fn begin(&mut self) {
        self.user_text.clear();
    }

    fn end(&mut self, role: Role) {
        if role == Role::User && has_word(&self.user_text) {
            std::mem::swap(&mut self.last_user_text, &mut self.user_text);
            self.user_text.clear();
        }
    }

    /// A text that may be JSON.
    fn string(&mut self, text: &str, role: Role, depth: usize) {
        match Document::read(text) {
            Some(document) => self.message(document.root(), role, depth + 1),
            None => self.plain(text, role, depth),
        }
    }

    /// A text that is no JSON.
    fn plain(&mut self, text: &str, role: Role, depth: usize) {
        if messages::is_python_call(text) {
            for arguments in messages::python_arguments(text) {
                self.string(arguments, role, depth);
            }
        } else {
            self.text(text, role);
        }
    }

    /// Any nesting of messages; the role of an inner object goes before that of the outer one.
    fn message(&mut self, value: TapeValue<'_>, role: Role, depth: usize) {
        if depth > 12 {
            return;
        }
        if value.is_array() {
            value
                .items()
                .for_each(|item| self.message(item, role, depth + 1));
        } else if value.is_object() {
            self.object(value, role, depth);
        } else if let Some(text) = value.as_str() {
            self.string(&text, role, depth);
        } else if let Some(number) = value.as_number() {
            self.text(&number, role);
        }
    }

    fn object(&mut self, object: TapeValue<'_>, role: Role, depth: usize) {
        let signs = Signs::of(object);
        let own = signs.role();
        if own == Some(Role::System) || signs.is_output() {
            return;
        }
        let is_result = own == Some(Role::Tool) || signs.is_result();
        if own.is_some() {
            self.begin();
        }
        for (key, inner) in object.members() {
            if !is_skipped(key) {
                self.message(inner, own.unwrap_or(role), depth + 1);
            }
        }
        if let Some(own) = own {
            self.end(own);
        }
        if is_result {
            self.ends_with_result = Some(true);
        }
    }

    /// Flattened messages, which come key by key: first their roles, then their texts in the order of the messages.
    fn flat(&mut self, attributes: &Attributes<'_>, beginnings: &[&str]) {
        let mut texts: Vec<(usize, &str)> = Vec::new();
        let mut roles: Vec<(usize, Role)> = Vec::new();
        for (key, value) in attributes.others() {
            let Some(rest) = beginnings.iter().find_map(|b| flattened(key, b)) else {
                continue;
            };
            let Some((number, field)) = rest.split_once('.') else {
                continue;
            };
            let (Ok(number), Some(text)) = (number.parse(), value.as_str()) else {
                continue;
            };
            match field {
                "role" | "message.role" => roles.push((number, role_named(text))),
                _ if field.ends_with("content")
                    || field.ends_with(".text")
                    || field.ends_with("arguments") =>
                {
                    texts.push((number, text));
                }
                _ => {}
            }
        }
        texts.sort_by_key(|(number, _)| *number);
        let mut at = None;
        for (number, text) in texts {
            let role = roles.iter().find(|(n, _)| *n == number);
            let role = role.map_or(Role::Other, |(_, role)| *role);
            if role == Role::System {
                continue;
            }
            if at != Some(number) {
                self.begin();
                at = Some(number);
            }
            self.string(text, role, 0);
            if role == Role::User {
                self.last_user_text.clone_from(&self.user_text);
            }
        }
    }

    fn text(&mut self, text: &str, role: Role) {
        if role == Role::User {
            self.add_user_text(text);
        }
        if matches!(role, Role::User | Role::Tool) {
            self.ends_with_result = Some(role == Role::Tool);
        }
        self.seen |= has_word(text);
        self.hasher.add(text, &mut self.tokens);
    }

    /// The user's own words, without those of a framework around them.
    fn add_user_text(&mut self, text: &str) {
        let after = |frame: &&str| {
            let at = memmem::find(text.as_bytes(), frame.as_bytes())?;
            Some(&text[at + frame.len()..])
        };
        let own = topics::INSTRUCTION_FRAME.iter().find_map(after);
        let own = own.map(|rest| rest.split("\n\n").next().unwrap_or(rest));
        self.user_text.push_str(own.unwrap_or(text));
        self.user_text.push('\n');
    }
}

fn role_named(role: &str) -> Role {
    let is = |names: [&str; 2]| names.iter().any(|name| role.eq_ignore_ascii_case(name));
    if is(["system", "developer"]) {
        Role::System
    } else if is(["user", "human"]) {
        Role::User
    } else if is(["tool", "function"]) {
        Role::Tool
    } else {
        Role::Other
    }
}

/// The members of an object that say whose message it is, found in one go.
#[derive(Default)]
struct Signs<'d> {
    role: Option<TapeValue<'d>>,
    event: Option<TapeValue<'d>>,
    kind: Option<TapeValue<'d>>,
    id: Option<TapeValue<'d>>,
    /// It holds the result of a tool under a name of its own, as Gemini's and Bedrock's parts do.
    holds_result: bool,
}

impl<'d> Signs<'d> {
    fn of(object: TapeValue<'d>) -> Self {
        let mut signs = Self::default();
        for (key, value) in object.members() {
            match key {
                "role" => signs.role = Some(value),
                "event.name" => signs.event = Some(value),
                "type" => signs.kind = Some(value),
                "id" => signs.id = Some(value),
                "functionResponse" | "function_response" | "toolResult" | "tool_result" => {
                    signs.holds_result = value.is_object();
                }
                _ => {}
            }
        }
        signs
    }

    /// The role in any spelling; LangChain has it in `type` or in the name of the class.
    fn role(&self) -> Option<Role> {
        let text = |value: Option<TapeValue<'d>>| value.and_then(|value| value.as_str());
        if let Some(role) = text(self.role).filter(|role| !role.is_empty()) {
            return Some(role_named(&role));
        }
        match text(self.event).as_deref() {
            Some("gen_ai.system.message") => return Some(Role::System),
            Some("gen_ai.user.message") => return Some(Role::User),
            Some("gen_ai.tool.message") => return Some(Role::Tool),
            _ => {}
        }
        match text(self.kind).as_deref() {
            Some("system") => return Some(Role::System),
            Some("human") => return Some(Role::User),
            Some("tool") => return Some(Role::Tool),
            _ => {}
        }
        match self.id?.items().last()?.as_str()?.as_ref() {
            "SystemMessage" => Some(Role::System),
            "HumanMessage" => Some(Role::User),
            "ToolMessage" => Some(Role::Tool),
            _ => None,
        }
    }

    /// The result of a tool: some providers have it in a message of the user.
    fn is_result(&self) -> bool {
        let kind = self.kind.and_then(|kind| kind.as_str());
        self.holds_result
            || matches!(
                kind.as_deref(),
                Some(
                    "tool_result"
                        | "tool-result"
                        | "tool_call_response"
                        | "function_call_output"
                        | "function_response"
                )
            )
    }

    /// A list of events may end with what came out.
    fn is_output(&self) -> bool {
        let event = self.event.and_then(|event| event.as_str());
        event.as_deref() == Some("gen_ai.choice")
    }
}
