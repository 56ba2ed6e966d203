//! What a dialect does not carry.

mod usage;

pub const BEGIN: &str = "<!-- unknown figures: written by tests/it/truth -->\n";
pub const END: &str = "<!-- end -->\n";

/// (capture, figure or its beginning, why it is unknown). A figure that is known after all fails the test.
const OTHERS: &[(&str, &str, &str)] = &[
    (
        "ag2/support-subagents",
        "handoff triage_agent -> crypto_agent failed",
        "the model calls a tool of that name which does not exist; nothing says that it should have been an agent",
    ),
    (
        "agentops-openai-agents/parcel-handoffs",
        "handoff dispatcher -> customs_desk failed",
        "the calls of the client stand beside the agents: who asks is unknown",
    ),
    (
        "autogen-native/support-swarm",
        "model *",
        "no spans for model calls",
    ),
    (
        "autogen-native/support-swarm",
        "handoff triage_agent -> crypto_agent failed",
        "a call of an unknown tool leaves no span, and there are no model calls to show it",
    ),
    (
        "beeai-openinference/support-handoff",
        "handoff triage_agent -> crypto_agent failed",
        "the model calls a tool of that name which does not exist; nothing says that it should have been an agent",
    ),
    (
        "beeai-openinference/support-handoff",
        "model errors",
        "a call whose tool the framework does not know is marked as failed, without its tokens",
    ),
    (
        "claude-agent-sdk/support-subagents",
        "handoff *",
        "the main agent has no name: who hands over is unknown",
    ),
    (
        "claude-agent-sdk/support-subagents",
        "model *",
        "no spans for model calls; the sums on the run, which count, name the model that answered last and leave subagents out",
    ),
    (
        "crewai-traceloop/support-delegation",
        "tool *",
        "no spans for tool calls",
    ),
    (
        "dspy-openinference/support-react",
        "handoff *",
        "agents are modules without a name of their own, called as tools: each is a tool here",
    ),
    (
        "dspy-openinference/support-react",
        "tool billing_agent*",
        "agents are modules without a name of their own, called as tools: each is a tool here",
    ),
    (
        "dspy-openinference/support-react",
        "tool refund_agent*",
        "agents are modules without a name of their own, called as tools: each is a tool here",
    ),
    (
        "gemini-cli/parcel-subagents",
        "model *",
        "a stream that breaks off has no span",
    ),
    (
        "gemini-cli/parcel-subagents",
        "turns",
        "a call that failed and is tried again is a trace of its own, which nothing joins to the next",
    ),
    (
        "google-adk-js/parcel-transfers",
        "tool open_claim*",
        "the span of a tool has no attributes: its error stands only in the input of the next call",
    ),
    (
        "haystack-native/support-agents-as-tools",
        "handoff *",
        "agents have no name of their own, called as tools: each is a tool here",
    ),
    (
        "haystack-native/support-agents-as-tools",
        "tool billing_agent*",
        "agents have no name of their own, called as tools: each is a tool here",
    ),
    (
        "haystack-native/support-agents-as-tools",
        "tool refund_agent*",
        "agents have no name of their own, called as tools: each is a tool here",
    ),
    (
        "koog/clinic-delegation",
        "sessions",
        "the session is the run of one agent: who asked, and what belongs together, is unknown",
    ),
    (
        "koog/clinic-delegation",
        "turns",
        "the session is the run of one agent: who asked, and what belongs together, is unknown",
    ),
    (
        "koog/clinic-delegation",
        "handoff front_desk -> scheduler *",
        "a delegate works in a trace of its own: one that fails is not told from one that was never called",
    ),
    (
        "langgraph-js-traceloop/support-swarm",
        "handoff *",
        "no span names an agent, and model calls do not show what they ask for",
    ),
    (
        "langgraph-js-traceloop/support-swarm",
        "tool DynamicStructuredTool error",
        "a tool is named by its answer, and one that throws has none",
    ),
    (
        "langgraph-js-traceloop/support-swarm",
        "tool get_invoice error",
        "a tool is named by its answer, and one that throws has none",
    ),
    (
        "litellm-sdk/parcel-loop",
        "handoff *",
        "no span names an agent, and the tools of a loop of one's own have no spans",
    ),
    (
        "litellm-sdk/parcel-loop",
        "sessions",
        "a streamed call is in a trace of its own, without the session of the request",
    ),
    (
        "litellm-sdk/parcel-loop",
        "tool *",
        "no span names an agent, and the tools of a loop of one's own have no spans",
    ),
    (
        "litellm-sdk/parcel-loop",
        "turns",
        "a streamed call is in a trace of its own, without the session of the request",
    ),
    (
        "litellm-proxy/ithelp-alone",
        "handoff *",
        "the proxy sees calls of models: only the words of the prompts say which agent makes one",
    ),
    (
        "litellm-proxy/ithelp-alone",
        "tool *",
        "the proxy sees calls of models: tools run elsewhere",
    ),
    (
        "openai-agents-openinference/support-agents-as-tools",
        "handoff triage_agent -> crypto_agent failed",
        "the model calls a tool of that name which does not exist; nothing says that it should have been an agent",
    ),
    (
        "openai-agents-otelv2/support-agents-as-tools",
        "handoff triage_agent -> crypto_agent failed",
        "the model calls a tool of that name which does not exist; nothing says that it should have been an agent",
    ),
    (
        "openai-agents-otelv2/support-responses",
        "sessions",
        "no session id on any span: each trace is a session of its own",
    ),
    (
        "openai-agents-traceloop/support-responses",
        "sessions",
        "no session id on any span: each trace is a session of its own",
    ),
    (
        "openlit-openai-agents/travel-handoffs",
        "model *",
        "a stream that breaks off has no span",
    ),
    (
        "pipecat/parcel-flows",
        "escalations",
        "nodes and tools have no spans: what was called stands only in the input of later calls",
    ),
    (
        "pipecat/parcel-flows",
        "handoff *",
        "nodes and tools have no spans: what was called stands only in the input of later calls",
    ),
    (
        "pipecat/parcel-flows",
        "tool *",
        "nodes and tools have no spans: what was called stands only in the input of later calls",
    ),
    (
        "quarkus-langchain4j/parcel-transfers",
        "handoff Dispatcher -> customs_desk failed",
        "a call of an unknown tool leaves no span, and model calls do not show what they ask for",
    ),
    (
        "semantic-kernel/support-handoff",
        "handoff triage_agent -> crypto_agent failed",
        "a call of an unknown tool leaves no span, and model calls do not show what they ask for",
    ),
    (
        "smolagents-openinference/support-managed",
        "handoff triage_agent -> crypto_agent failed",
        "the model calls a tool of that name which does not exist; nothing says that it should have been an agent",
    ),
    (
        "smolagents-openinference/support-managed",
        "handoff triage_agent -> refund_agent ok",
        "the span of an agent that dies is never sent",
    ),
    (
        "spring-ai/support-delegation",
        "handoff *",
        "chat clients have no name: whose work it is that calls a tool is unknown, so is who hands over",
    ),
    (
        "spring-ai/support-delegation",
        "model calls",
        "a streamed call holds the next one of its row inside it: counted once",
    ),
    (
        "spring-ai/support-delegation",
        "tool get_invoice*",
        "the exception of a tool becomes an answer to the model: its span is well",
    ),
    (
        "traceloop-decorators/parcel-loop",
        "model errors",
        "the call of a stream that breaks off is well: only the agent around it has an error",
    ),
    (
        "vercel-ai-v6-openinference/parcel-transfers",
        "model *",
        "a stream that breaks off ends none of its spans",
    ),
    (
        "vercel-ai-v6-openinference/parcel-transfers",
        "turns",
        "a stream that breaks off ends none of its spans",
    ),
    (
        "vercel-ai-v6/parcel-transfers",
        "model *",
        "a stream that breaks off ends none of its spans",
    ),
    (
        "vercel-ai-v6/parcel-transfers",
        "turns",
        "a stream that breaks off ends none of its spans",
    ),
    (
        "voltagent/parcel-subagents",
        "model *",
        "one span for all steps of a run; a stream that is cut leaves no span of its agent",
    ),
    (
        "voltagent/parcel-subagents",
        "turns",
        "one span for all steps of a run; a stream that is cut leaves no span of its agent",
    ),
];

/// All of them, by recording.
pub fn all() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut all = [OTHERS, usage::TOKENS].concat();
    all.sort();
    all
}

/// Why a figure of a capture is unknown, if it is.
pub fn reason(capture: &str, figure: &str) -> Option<&'static str> {
    all()
        .into_iter()
        .find(|(name, pattern, _)| *name == capture && covers(pattern, figure))
        .map(|(_, _, why)| why)
}

/// A pattern covers a figure that it is, or begins, or meets around its one `*`.
fn covers(pattern: &str, figure: &str) -> bool {
    match pattern.split_once('*') {
        Some((head, tail)) => figure.starts_with(head) && figure.ends_with(tail),
        None => figure == pattern || pattern == "tokens" && figure.starts_with("tokens "),
    }
}

/// The table as Markdown.
pub fn table() -> String {
    let mut text = String::from("\n| recording | unknown | why |\n|---|---|---|\n");
    for (capture, figure, why) in all() {
        text.push_str(&format!("| {capture} | {figure} | {why} |\n"));
    }
    text.push('\n');
    text
}
