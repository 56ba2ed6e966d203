//! Which tools hand over, and to which agent.

use super::interner::{NameInterners, trimmed};
use super::{ReadContext, SpanReader, json, topics};
use crate::model::agent_name;
use crate::model::event::{Basis, Event, HandoffRequest, Kind, Target};
use crate::model::{List, Name};
use crate::otlp::attribute_key::key;
use serde_json::Value;

/// What a tool's name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ToolMeaning {
    /// An ordinary tool.
    Work,
    /// Hands over; the target is in the name, or in the arguments, or nowhere.
    HandsOver {
        target: Target,
        delegates: bool,
        /// Only its name says so, by a prefix that tools of other trades have too.
        by_name: bool,
    },
    /// Calls a human in, and does work of its own (opens a ticket).
    Escalates,
    /// Gives control back: no handoff, and no work either.
    Returns,
    /// The framework's way of answering the user: no work of a tool.
    Answers,
}

/// Prefixes after which the target's name follows, and whether such a tool waits for a result.
const PREFIXES: &[(&str, bool)] = &[
    ("transfer_to_", false),
    ("handoff_to_", false),
    ("hand_off_to_", false),
    ("handover_to_", false),
    ("delegate_to_", true),
];
/// The same in camel case: the target begins with a capital, or `transferTokens` would hand over to `kens`.
const CAMEL: &[(&str, bool)] = &[
    ("ransferTo", false),
    ("andoffTo", false),
    ("elegateTo", true),
];
/// Before the names of the handoff tools that a framework makes.
const FRAMEWORK: &str = "lc_";
/// Prefixes of tools that give control back.
const RETURNS: &[&str] = &["transfer_back_to_", "handoff_back_to_", "hand_back_to_"];
/// Tools that give control to the user: whole names, since `transfer_to_user_research` is a team.
const TO_USER: &[&str] = &[
    "transfer_to_user",
    "handoff_to_user",
    "hand_off_to_user",
    "handover_to_user",
];
/// Whom a handoff to the user names.
const USERS: &[&str] = &["user", "the_user", "end_user", "user_proxy"];
/// Tools by which a framework lets the model give its answer.
const ANSWERS: &[&str] = &["final_answer", "final_result", "finish"];
/// The tool by which the model of Strands answers; in a swarm with an agent's id it hands over.
const STRUCTURED_OUTPUT: &str = "strands_structured_output";
/// Tools whose target is an argument.
const BY_ARGUMENT: &[&str] = &[
    "transfer_to_agent",
    "handoff_to_agent",
    "hand_off_to_agent",
    "handoff",
    "transfer_to",
    "handoff_to",
];
/// Tools that wait for the target's result; the target is an argument. So does whatever else begins with `delegate_`.
const DELEGATES: &[&str] = &[
    "ask_question_to_coworker",
    "delegate",
    "delegate_to_agent",
    "delegate_to_coworker",
    "invoke_agent",
    "invoke_subagent",
    "teamassign",
    "team_assign",
];
/// Tools that call a subagent where an argument says which; else they are tools.
const SUBAGENTS: &[&str] = &["agent", "task"];
const ESCALATES: &[&str] = &["escalate", "request_human", "call_human", "contact_human"];
/// Argument names that hold the target.
const TARGET_ARGUMENTS: &[&str] = &[
    "agent_name",
    "agentName",
    "agentId",
    "member_id",
    "member",
    "coworker",
    "co_worker",
    "target_agent",
    "targetAgent",
    "targetAgents",
    "target_agents",
    "agent",
    "target",
    "to_agent",
    "recipient",
    "assistant",
    "to",
    "name",
];
const HUMANS: &[&str] = &[
    "human",
    "human_agent",
    "human_operator",
    "human_support",
    "human_representative",
    "live_agent",
    "live_support",
    "operator",
    "representative",
    "person",
    "real_person",
];

/// How frameworks say that there is no such tool.
const MISSING: &[&str] = &[
    "not found",
    "unknown tool",
    "no such tool",
    "found for tool",
];

/// Reads a tool's name; the arguments matter only where the name does not say the target. Control for the user is a return.
pub(super) fn meaning(
    tool: &str,
    arguments: impl FnOnce() -> Option<Value>,
    context: ReadContext<'_>,
) -> ToolMeaning {
    match as_named(tool, arguments, context) {
        ToolMeaning::HandsOver { target, .. } if is_user(&target, context) => ToolMeaning::Returns,
        other => other,
    }
}

/// Whether a target is the user: a handoff to nobody else, but a question.
pub(super) fn is_user(target: &Target, context: ReadContext<'_>) -> bool {
    matches!(target, Target::Agent(name) if USERS.contains(&plain(name, context.names).as_str()))
}

fn as_named(
    tool: &str,
    arguments: impl FnOnce() -> Option<Value>,
    context: ReadContext<'_>,
) -> ToolMeaning {
    let tool = trimmed(tool);
    if is_taken_out(tool, context) {
        return ToolMeaning::Work;
    }
    let plain = plain(tool, context.names);
    let returns = RETURNS.iter().any(|prefix| plain.starts_with(prefix));
    if returns || TO_USER.contains(&plain.as_str()) {
        return ToolMeaning::Returns;
    }
    if ANSWERS.contains(&plain.as_str()) {
        return ToolMeaning::Answers;
    }
    if is_structured_output(tool) {
        let arguments = arguments();
        let target = arguments
            .as_ref()
            .and_then(|a| json::first_str(a, &["agentId"]));
        return target.map_or(ToolMeaning::Answers, |target| {
            hands(named(target, context), false)
        });
    }
    if let Some(target) = configured(tool, context) {
        let target =
            target.map_or_else(|| by_argument(arguments(), context), |t| named(t, context));
        return hands(target, false);
    }
    let escalates = context.settings.escalation_tools.iter().any(|t| t == tool)
        || ESCALATES.iter().any(|prefix| plain.starts_with(prefix))
        || plain.contains("escalate_to_human");
    if escalates {
        return ToolMeaning::Escalates;
    }
    if DELEGATES.contains(&plain.as_str()) {
        return hands(by_argument(arguments(), context), true);
    }
    if BY_ARGUMENT.contains(&plain.as_str()) {
        return hands(by_argument(arguments(), context), false);
    }
    if let Some((target, delegates)) = in_name(tool, &plain) {
        return by_name(named(target, context), delegates);
    }
    if plain.starts_with("delegate_") {
        let arguments = arguments();
        // Rights and calendars are delegated too: to no agent, unless one works inside the tool (H-10).
        return match arguments.as_ref().is_some_and(|all| !may_name_target(all)) {
            true => ToolMeaning::Work,
            false => hands(by_argument(arguments, context), true),
        };
    }
    // `Desk-transfer_to_x`, `desk__transfer_to_x`, `lc_transfer_to_x`: plugins, servers and frameworks stand in front.
    let local = unqualified(tool);
    let local = local.strip_prefix(FRAMEWORK).unwrap_or(local);
    let shorter = local.len() < tool.len();
    if shorter && let Some((target, delegates)) = in_name(local, &self::plain(local, context.names))
    {
        return by_name(named(target, context), delegates);
    }
    if SUBAGENTS.contains(&plain.as_str())
        && let Some(arguments) = arguments()
        && let Some(target) = json::first_str(&arguments, &["subagent_type"])
    {
        return hands(named(target, context), true);
    }
    ToolMeaning::Work
}

/// A tool that hands over by more than its name.
fn hands(target: Target, delegates: bool) -> ToolMeaning {
    ToolMeaning::HandsOver {
        target,
        delegates,
        by_name: false,
    }
}

/// A tool that hands over by its name alone.
fn by_name(target: Target, delegates: bool) -> ToolMeaning {
    ToolMeaning::HandsOver {
        target,
        delegates,
        by_name: true,
    }
}

/// A tool's name without the plugin, server or class in front of it.
fn unqualified(tool: &str) -> &str {
    let local = tool.rsplit(['-', '.', '/', ':']).next().unwrap_or(tool);
    local.rsplit("__").next().unwrap_or(local)
}

/// The target in a tool's name, as the emitter writes it: lower-casing is for comparing only.
fn in_name<'t>(tool: &'t str, plain: &str) -> Option<(&'t str, bool)> {
    let snake = PREFIXES.iter().find_map(|(prefix, delegates)| {
        let is_longer = plain.len() > prefix.len() && plain.starts_with(prefix);
        is_longer.then(|| (&tool[prefix.len()..], *delegates))
    });
    snake.or_else(|| {
        let rest = tool.strip_prefix(['t', 'T', 'h', 'H', 'd', 'D'])?;
        CAMEL.iter().find_map(|(prefix, delegates)| {
            let target = rest.strip_prefix(prefix)?;
            target
                .starts_with(char::is_uppercase)
                .then_some((target, *delegates))
        })
    })
}

/// The request that a tool call in a model's output is, if it hands over.
pub(super) fn request(
    tool: &str,
    call_id: Option<&str>,
    arguments: impl FnOnce() -> Option<Value>,
    context: ReadContext<'_>,
) -> Option<HandoffRequest> {
    let target = match meaning(tool, arguments, context) {
        ToolMeaning::HandsOver { target, .. } => target,
        ToolMeaning::Escalates => Target::Human,
        ToolMeaning::Work | ToolMeaning::Returns | ToolMeaning::Answers => return None,
    };
    Some(HandoffRequest {
        target,
        call_id: call_id
            .filter(|id| !id.is_empty())
            .map(|id| context.names.id(id)),
    })
}

/// Whether a tool is the framework's way of answering.
pub(super) fn is_answer(
    tool: &str,
    arguments: impl FnOnce() -> Option<Value>,
    context: ReadContext<'_>,
) -> bool {
    let may = is_structured_output(tool) || ANSWERS.contains(&plain(tool, context.names).as_str());
    may && meaning(tool, arguments, context) == ToolMeaning::Answers
}

/// Whether a tool answers or hands over, as its arguments say.
pub(super) fn is_structured_output(tool: &str) -> bool {
    tool == STRUCTURED_OUTPUT
}

/// Whether a tool gives control to the user.
pub(super) fn is_to_user(tool: &str, context: ReadContext<'_>) -> bool {
    let tool = trimmed(tool);
    let plain = plain(tool, context.names);
    let target = in_name(tool, &plain).map(|(target, _)| named(target, context));
    TO_USER.contains(&plain.as_str()) || target.is_some_and(|target| is_user(&target, context))
}

/// The target of that name.
pub(super) fn named(target: &str, context: ReadContext<'_>) -> Target {
    target_of(target, context, |text| context.names.name(text))
}

/// The target of a name that was read already: it is harmless, and a second reading would escape its escapes.
pub(super) fn known(target: &str, context: ReadContext<'_>) -> Target {
    target_of(target, context, |text| Name::from(text))
}

fn target_of(target: &str, context: ReadContext<'_>, name: impl FnOnce(&str) -> Name) -> Target {
    let trimmed = target.trim().trim_matches(['"', '\'', '`']);
    if trimmed.is_empty() {
        return Target::Unknown;
    }
    let means = |person: &str| agent_name::is_alike(person, trimmed);
    let mut configured = context.settings.human_names.iter();
    if configured.any(|person| means(person)) || HUMANS.iter().any(|person| means(person)) {
        return Target::Human;
    }
    // The rest of a tool's name that said nothing: a framework left out letters that are not ASCII.
    match trimmed.contains(char::is_alphanumeric) {
        true => Target::Agent(name(trimmed)),
        false => Target::Unknown,
    }
}

/// Whether the operator says that a tool is none that hands over (H-10).
fn is_taken_out(tool: &str, context: ReadContext<'_>) -> bool {
    let mut patterns = context.settings.not_handoffs.iter();
    patterns.any(|pattern| match pattern.split_once('*') {
        None => pattern == tool,
        Some((head, tail)) => tool
            .strip_prefix(head)
            .is_some_and(|rest| rest.ends_with(tail)),
    })
}

/// A configured pattern: `Some(Some(target))` where `*` stands for it, `Some(None)` where the arguments say it.
fn configured<'t>(tool: &'t str, context: ReadContext<'_>) -> Option<Option<&'t str>> {
    context
        .settings
        .handoff_tools
        .iter()
        .find_map(|pattern| match pattern.split_once('*') {
            None => (pattern == tool).then_some(None),
            Some((head, tail)) => {
                let rest = tool.strip_prefix(head)?.strip_suffix(tail)?;
                (!rest.is_empty()).then_some(Some(rest))
            }
        })
}

/// What says that a tool call hands over (H-8).
pub(super) fn basis(source: &SpanReader<'_>, tool: &str) -> Basis {
    let context = source.context;
    let declares = |keys| source.attributes().first_str(keys).is_some();
    if declares(topics::HANDOFF_TARGET) || declares(topics::HANDOFF_TARGET_TYPE) {
        Basis::Declared
    } else if configured(tool, context).is_some()
        || context.settings.escalation_tools.iter().any(|t| t == tool)
    {
        Basis::Rule
    } else {
        Basis::Inferred
    }
}

/// Objects in which some SDKs nest the arguments once more.
const NESTED: &[&str] = &["kwargs", "input", "args", "arguments"];

/// Whether some argument may be the target.
fn may_name_target(arguments: &Value) -> bool {
    let mut names = TARGET_ARGUMENTS.iter().chain(NESTED);
    names.any(|name| json::unwrap(arguments).get(name).is_some())
}

fn by_argument(arguments: Option<Value>, context: ReadContext<'_>) -> Target {
    arguments
        .as_ref()
        .map(json::unwrap)
        .and_then(|arguments| {
            let inner = NESTED
                .iter()
                .find_map(|key| arguments.get(*key).filter(|v| v.is_object()).cloned());
            let target = json::first_str(&arguments, TARGET_ARGUMENTS)
                .or_else(|| json::first_str(inner.as_ref()?, TARGET_ARGUMENTS))?;
            Some(named(target, context))
        })
        .unwrap_or(Target::Unknown)
}

/// A name as it is compared: without capitals, blanks and dashes.
fn plain(text: &str, names: &NameInterners) -> Name {
    names.compared.of(text, |text| {
        let lower = text.trim().to_ascii_lowercase();
        lower.replace([' ', '-'], "_").into()
    })
}

/// What a remote agent says of the task that it was given (`a2a.task.state`): failed and rejected are errors of the call (H-13).
pub(super) fn read_task_state(source: &SpanReader<'_>, event: &mut Event) {
    let Some(state) = source.str(key!("a2a.task.state")) else {
        return;
    };
    let state = state.to_ascii_lowercase();
    let state = state.strip_prefix("task_state_").unwrap_or(&state);
    if matches!(state, "failed" | "rejected") {
        event.error = true;
        match &mut event.kind {
            Kind::Tool(tool) => tool.failed = true,
            Kind::Handoff(handoff) => handoff.failed = true,
            _ => {}
        }
    }
}

/// Handoffs that the span's error says were refused.
pub(super) fn refusals(source: &SpanReader<'_>) -> List<HandoffRequest> {
    let mut texts: Vec<&str> = vec![&source.span.status_message];
    texts.extend(source.str(key!("error")));
    texts.extend(source.str(key!("error.message")));
    for event in &source.span.events {
        texts.extend(event.attributes.str(key!("exception.message")));
    }
    let mut found: List<HandoffRequest> = List::new();
    for text in texts {
        let request =
            refused_tool(text, source.context).or_else(|| refused_agent(text, source.context));
        found.extend(request.filter(|r| !found.contains(r)));
    }
    found
}

/// "Tool not found: {'tool_name': 'transfer_to_x'}", "Tool transfer_to_x not found in agent y", "No ToolCallback found for tool name: transfer_to_x".
fn refused_tool(text: &str, context: ReadContext<'_>) -> Option<HandoffRequest> {
    let lower = text.to_ascii_lowercase();
    if !MISSING.iter().any(|words| lower.contains(words)) {
        return None;
    }
    // A tool's name, not a word of the sentence such as "escalated".
    let is_identifier = |word: &&str| {
        let inner = |c: char| matches!(c, '_' | '-') || c.is_uppercase();
        word.chars().skip(1).any(inner)
    };
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
        .filter(is_identifier)
        .find_map(|word| request(word, None, || None, context))
        .filter(|request| request.target != Target::Unknown)
}

/// "Transfer target agent 'x' not found.", "Agent 'x' not found in swarm"; not "Agent 'x' failed: order not found".
fn refused_agent(text: &str, context: ReadContext<'_>) -> Option<HandoffRequest> {
    let lower = text.to_ascii_lowercase();
    let end = lower.find("' not found")?;
    let begin = lower[..end].rfind("agent '")? + "agent '".len();
    let target = &text[begin..end];
    if target.contains('\'') {
        return None;
    }
    Some(HandoffRequest {
        target: named(target, context),
        call_id: None,
    })
}

/// The agent that a handoff tool's own name says works, e.g. `writer.transfer_to_editor` of AutoGen's OpenInference spans.
pub(super) fn qualified<'t>(tool: &'t str, names: &NameInterners) -> (Option<Name>, &'t str) {
    match tool.rsplit_once('.') {
        Some((agent, tool)) if !agent.is_empty() && !tool.is_empty() && !agent.contains(' ') => {
            (Some(names.name(agent)), tool)
        }
        _ => (None, tool),
    }
}
