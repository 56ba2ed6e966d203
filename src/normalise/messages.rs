//! Model output in all encodings: which handoffs it requests, and whether it contains text for the user. Input history is never read.

use super::declared::is_named;
use super::handoff::{is_answer, is_to_user, request};
use super::json_tape::{Document, TapeValue};
use super::{ReadContext, SpanReader, json, topics};
use crate::model::List;
use crate::model::event::{HandoffRequest, MAX_ASKED_TOOLS};
use crate::otlp::attribute_key::{AttributeKeys, key, keys};
use crate::otlp::view::{Attributes, LogRecord};
use serde_json::Value as Owned;
use std::borrow::Cow;

/// What a model put out.
#[derive(Debug, Default)]
pub(super) struct ModelOutput {
    pub(super) requests: List<HandoffRequest>,
    /// `None`: no content was captured.
    pub(super) answered: Option<bool>,
    /// How many tools that do work it calls, at most [`MAX_ASKED_TOOLS`].
    pub(super) asked_tools: u32,
}

/// Flattened keys under which the answer stands as plain text.
const TEXTS: &[&str] = &[
    "gen_ai.completion.0.content",
    "llm.output_messages.0.message.content",
];

/// Attributes of a `gen_ai.choice` event.
pub(super) const CHOICE: AttributeKeys = &keys(["message", "content", "tool_calls"]);

/// Reads the output of a model call.
pub(super) fn output(source: &SpanReader<'_>) -> ModelOutput {
    let mut reader = OutputReader::new(source.context);
    let attributes = source.attributes();
    for key in topics::REQUESTING_MESSAGES {
        if let Some(document) = source.document(*key) {
            reader.begin();
            reader.seen();
            if topics::EVENT_LIST.contains(key) {
                reader.event_list(document.root());
            } else {
                reader.value(document.root(), 0);
            }
        }
    }
    let texts = attributes.others().filter(|(name, _)| TEXTS.contains(name));
    let texts = texts.filter_map(|(_, value)| value.as_text());
    let answer = attributes.first_str(topics::ANSWER_TEXT);
    answer
        .into_iter()
        .chain(texts)
        .for_each(|text| reader.text(text));
    reader.begin();
    reader.flattened(attributes);
    reader.begin();
    for event in &source.span.events {
        reader.asked = 0;
        match event.name {
            "gen_ai.choice" | "gen_ai.assistant.message.output" => reader.choice(&event.attributes),
            "gen_ai.client.inference.operation.details" => {
                let messages = event.attributes.get(key!("gen_ai.output.messages"));
                if let Some(document) = messages.and_then(Document::of_attribute) {
                    reader.seen();
                    reader.value(document.root(), 0);
                }
            }
            _ => {}
        }
    }
    reader.output
}

/// Reads output that stands in no attribute of its own.
pub(super) fn output_in(value: &Owned, context: ReadContext<'_>) -> ModelOutput {
    let mut reader = OutputReader::new(context);
    reader.seen();
    reader.text_value(&value.to_string());
    reader.output
}

/// Reads an answer in plain text.
pub(super) fn output_of_text(text: &str, context: ReadContext<'_>) -> ModelOutput {
    let mut reader = OutputReader::new(context);
    reader.seen();
    reader.text(text);
    reader.output
}

/// The handoffs that a log record shows a model asking for.
pub(super) fn log_requests(log: &LogRecord<'_>, context: ReadContext<'_>) -> List<HandoffRequest> {
    let is_output = matches!(
        log.event_name,
        "gen_ai.choice" | "gen_ai.client.inference.operation.details"
    );
    if !is_output {
        return List::new();
    }
    let mut reader = OutputReader::new(context);
    let in_attributes = log.attributes.get(key!("gen_ai.output.messages"));
    if let Some(document) = Document::of_attribute(in_attributes.unwrap_or(&log.body)) {
        reader.value(document.root(), 0);
    }
    reader.output.requests
}

struct OutputReader<'s> {
    context: ReadContext<'s>,
    output: ModelOutput,
    /// How many requests other encodings of the same output had already.
    earlier: usize,
    /// The tools that this encoding calls, and the hashes of the call IDs of all encodings.
    asked: u32,
    asked_ids: Vec<u64>,
}

impl<'s> OutputReader<'s> {
    fn new(context: ReadContext<'s>) -> Self {
        Self {
            context,
            output: ModelOutput::default(),
            earlier: 0,
            asked: 0,
            asked_ids: Vec::new(),
        }
    }

    /// Begins with one more encoding of the same output.
    fn begin(&mut self) {
        self.earlier = self.output.requests.len();
        self.asked = 0;
    }

    /// Counts a call of a tool that does work. The encoding that shows most of them counts.
    fn ask(&mut self, id: Option<&str>) {
        if self.output.asked_tools == MAX_ASKED_TOOLS {
            return;
        }
        if let Some(id) = id.map(|id| rapidhash::v3::rapidhash_v3(id.as_bytes())) {
            if self.asked_ids.contains(&id) {
                return;
            }
            self.asked_ids.push(id);
        }
        self.asked += 1;
        self.output.asked_tools = self.output.asked_tools.max(self.asked);
    }

    /// ModelOutput was captured, whatever is in it.
    fn seen(&mut self) {
        self.output.answered.get_or_insert(false);
    }

    fn text(&mut self, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let calls = python_calls(text);
        if calls.is_empty() {
            self.output.answered = Some(true);
        }
        for (tool, id) in calls {
            self.call(tool, Some(id), || None);
        }
    }

    fn call(&mut self, tool: &str, id: Option<&str>, arguments: impl Fn() -> Option<Owned>) {
        self.seen();
        // A question gives the user text as an answer does.
        if is_answer(tool, &arguments, self.context) || is_to_user(tool, self.context) {
            self.output.answered = Some(true);
            return;
        }
        let id = id.filter(|id| is_named(id));
        let Some(request) = request(tool, id, arguments, self.context) else {
            self.ask(id);
            return;
        };
        // One encoding may have lost the id that another has.
        let (earlier, _) = self.output.requests.split_at_mut(self.earlier);
        let same = earlier.iter_mut().find(|old| {
            old.target == request.target && (old.call_id.is_none() || request.call_id.is_none())
        });
        if let Some(old) = same {
            old.call_id = old.call_id.take().or(request.call_id);
        } else if request.call_id.is_none() || !self.output.requests.contains(&request) {
            self.output.requests.push(request);
        }
    }

    /// A value by its text; what is no list, object or string says nothing.
    fn text_value(&mut self, json: &str) {
        if let Some(document) = Document::parse(json) {
            self.value(document.root(), 0);
        }
    }

    /// Any nesting of messages, parts, choices and tool calls.
    fn value(&mut self, value: TapeValue<'_>, depth: usize) {
        if depth > 12 {
            return;
        }
        if value.is_array() {
            value.items().for_each(|item| self.value(item, depth + 1));
        } else if value.is_object() {
            if !is_result(value) && !self.tool_call(value) {
                self.object(value, depth);
            }
        } else if let Some(text) = value.as_str()
            && let Some(inner) = Document::read(&text)
        {
            self.value(inner.root(), depth + 1);
        }
    }

    fn object(&mut self, object: TapeValue<'_>, depth: usize) {
        let kind = object.get("type").and_then(|kind| kind.as_str());
        if matches!(kind.as_deref(), Some("thinking" | "reasoning")) {
            return;
        }
        for key in ["content", "text"] {
            if let Some(text) = object.get(key).and_then(|text| text.as_str()) {
                let inner = (key == "content").then(|| Document::read(&text)).flatten();
                match inner.filter(|inner| inner.root().is_array()) {
                    Some(inner) => self.value(inner.root(), depth + 1),
                    None => self.text(&text),
                }
            }
        }
        for key in NESTED {
            let inner = object.get(key);
            if let Some(inner) = inner.filter(|v| v.is_array() || v.is_object()) {
                self.value(inner, depth + 1);
            }
        }
    }

    /// One tool call, in any spelling; `false` if the object is none.
    fn tool_call(&mut self, value: TapeValue<'_>) -> bool {
        for key in ["toolUse", "functionCall", "function_call", "tool_call"] {
            if let Some(call) = value.get(key).filter(|call| call.is_object()) {
                let function = call.get("function").filter(|f| f.is_object());
                return self.tool_call_named(function.unwrap_or(call), call)
                    || self.tool_call_named(call, value);
            }
        }
        let kind = value.first_str(&["type"]).unwrap_or_default();
        let function = value.get("function").filter(|f| f.is_object());
        let is_call = matches!(
            kind.as_ref(),
            "tool_call" | "tool-call" | "tool_use" | "toolUse" | "function_call" | "function"
        ) || value.get("toolName").is_some()
            || function.is_some();
        is_call && self.tool_call_named(function.unwrap_or(value), value)
            || kind.is_empty()
                && (value.get("args").is_some() || value.get("arguments").is_some())
                && value.get("content").is_none()
                && self.tool_call_named(value, value)
    }

    fn tool_call_named(&mut self, call: TapeValue<'_>, outer: TapeValue<'_>) -> bool {
        let Some(tool) = call.first_str(&["name", "toolName", "tool_name"]) else {
            return false;
        };
        const IDS: &[&str] = &["call_id", "id", "toolCallId", "toolUseId", "tool_call_id"];
        let id = id_in(call, IDS).or_else(|| id_in(outer, IDS));
        let arguments = || {
            let names = ["arguments", "args", "input"];
            names.iter().find_map(|key| call.get(key)?.to_owned())
        };
        self.call(&tool, id.as_deref(), arguments);
        true
    }

    /// A list of events (logfire, pydantic-ai): the output is the last choice or assistant message.
    fn event_list(&mut self, events: TapeValue<'_>) {
        let is = |event: &TapeValue<'_>, key, text| {
            let found = event.get(key).and_then(|found| found.as_str());
            found.as_deref() == Some(text)
        };
        let choices = events.items();
        let choices = choices.filter(|event| is(event, "event.name", "gen_ai.choice"));
        let last = || events.items().last();
        let choice = choices.last();
        let choice = choice.or_else(|| last().filter(|event| is(event, "role", "assistant")));
        if let Some(choice) = choice {
            self.value(choice, 0);
        }
    }

    /// A `gen_ai.choice` span event.
    fn choice(&mut self, attributes: &Attributes<'_>) {
        for key in CHOICE {
            let Some(value) = attributes.get(*key).filter(|value| !value.is_blank()) else {
                continue;
            };
            self.seen();
            match Document::of_attribute(value) {
                Some(document) => self.value(document.root(), 0),
                None => self.text(value.as_str().unwrap_or_default()),
            }
        }
    }

    /// OpenInference: `llm.output_messages.N.message.tool_calls.M.tool_call.function.name`; older OpenLLMetry:
    /// `gen_ai.completion.N.tool_calls.M.name`.
    fn flattened(&mut self, attributes: &Attributes<'_>) {
        for (key, value) in attributes.others() {
            let Some(text) = value.as_str() else { continue };
            let (stem, id_key, arguments_key) = if let Some(stem) =
                strip(key, "llm.output_messages.", ".tool_call.function.name")
            {
                (stem, ".tool_call.id", ".tool_call.function.arguments")
            } else if let Some(stem) = strip(key, "gen_ai.completion.", ".name")
                .filter(|s| s.contains(".tool_calls.") || s.ends_with(".function_call"))
            {
                (stem, ".id", ".arguments")
            } else {
                if key.starts_with("llm.output_messages.") {
                    self.seen();
                    if key.ends_with(".message_content.text") || key.ends_with(".message.content") {
                        self.text(text);
                    }
                }
                continue;
            };
            let beside = |end| attributes.named(&format!("{stem}{end}"))?.as_text();
            let arguments = || json::parse(beside(arguments_key)?);
            self.call(text, beside(id_key), arguments);
        }
    }
}

/// AttributeKeys under which output nests.
const NESTED: &[&str] = &[
    "parts",
    "tool_calls",
    "toolCalls",
    "message",
    "messages",
    "choices",
    "content",
    "output",
    "generations",
    "kwargs",
    "candidates",
    "body",
];

/// The key without its end, when it has that beginning and end.
fn strip<'k>(key: &'k str, beginning: &str, end: &str) -> Option<&'k str> {
    key.strip_suffix(end)
        .filter(|stem| stem.starts_with(beginning))
}

/// What a tool answered: it names the tool, but requests nothing.
fn is_result(value: TapeValue<'_>) -> bool {
    let kind = value.first_str(&["type"]);
    matches!(
        kind.as_deref(),
        Some(
            "tool_call_response"
                | "tool_result"
                | "tool-result"
                | "function_call_output"
                | "function_response"
        )
    ) || value.first_str(&["role"]).as_deref() == Some("tool")
}

/// The first of `keys` that is an id: a number is one, a placeholder is none (S-6, S-10).
fn id_in<'d>(value: TapeValue<'d>, keys: &[&str]) -> Option<Cow<'d, str>> {
    keys.iter().find_map(|key| {
        let value = value.get(key)?;
        let text = value.as_str().or_else(|| value.as_number())?;
        is_named(&text).then_some(text)
    })
}

/// How a tool call begins that is printed as a Python object:
/// `ResponseFunctionToolCall(arguments='{}', call_id='c', name='transfer_to_x', …)`.
const PYTHON_CALL: &str = "ResponseFunctionToolCall(";

/// The names and ids of the tool calls that a text consists of; none if it is an answer.
fn python_calls(text: &str) -> Vec<(&str, &str)> {
    if !is_python_call(text) {
        return Vec::new();
    }
    let calls = text.split(PYTHON_CALL).skip(1);
    calls.filter_map(python_call).collect()
}

/// Whether a text is tool calls printed as Python objects.
pub(super) fn is_python_call(text: &str) -> bool {
    text.trim_start_matches(['[', ' ']).starts_with(PYTHON_CALL)
}

/// The arguments of such calls.
pub(super) fn python_arguments(text: &str) -> impl Iterator<Item = &str> {
    let after = |call: &'_ str| -> Option<(usize, usize)> {
        const FIELD: &str = "arguments='";
        let begin = call.find(FIELD)? + FIELD.len();
        Some((begin, begin + call[begin..].find("', call_id=")?))
    };
    text.split(PYTHON_CALL).filter_map(move |call| {
        let (begin, end) = after(call)?;
        Some(&call[begin..end])
    })
}

fn python_call(text: &str) -> Option<(&str, &str)> {
    let field = |key: &str| {
        // The last one: the arguments before it may hold the same words.
        let at = text.rfind(key)? + key.len();
        text[at..].split('\'').next()
    };
    Some((field(", name='")?, field(", call_id='")?))
}
