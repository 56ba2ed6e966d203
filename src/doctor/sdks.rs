//! Which section of `docs/sdks.md` is about an emitter.

/// The page that says what to set in each SDK.
pub(super) const SDKS_PAGE: &str = "docs/sdks.md";

/// A section of the page, and the emitters that it is about.
#[derive(Debug)]
pub(super) struct SdkSection {
    /// The label of their dialect, or empty for any.
    dialect: &'static str,
    /// A part of the name of their scope, or empty for any.
    scope: &'static str,
    /// Page and anchor.
    pub(super) see: &'static str,
    /// Where session and user are set, in the words of the page.
    pub(super) session: &'static str,
}

const fn section(
    dialect: &'static str,
    scope: &'static str,
    see: &'static str,
    session: &'static str,
) -> SdkSection {
    SdkSection {
        dialect,
        scope,
        see,
        session,
    }
}

/// The sections. The first that fits an emitter is about it.
const SECTIONS: &[SdkSection] = &[
    section(
        "agentops",
        "",
        "docs/sdks.md#agentops",
        "`tags` of `start_trace`",
    ),
    section(
        "agent_365",
        "",
        "docs/sdks.md#agent-365",
        "`conversation_id` and `user_id` of `BaggageBuilder`",
    ),
    section(
        "agent_framework",
        "",
        "docs/sdks.md#agent-framework",
        "the turn span",
    ),
    section("agentscope", "", "docs/sdks.md#agentscope", "the turn span"),
    section("ag2", "", "docs/sdks.md#ag2", "the turn span"),
    section("autogen", "", "docs/sdks.md#autogen", "the turn span"),
    section(
        "beeai",
        "",
        "docs/sdks.md#beeai",
        "the turn span, or `using_attributes(session_id=…, user_id=…)` of `openinference.instrumentation` around the run",
    ),
    section(
        "claude_agent_sdk",
        "",
        "docs/sdks.md#claude-agent-sdk",
        "the turn span, or `using_attributes(session_id=…, user_id=…)` of `openinference.instrumentation` around the run",
    ),
    section(
        "claude_code",
        "",
        "docs/sdks.md#claude-code",
        "the session of Claude Code (`--session-id`, `--resume`). `user.id` on its spans is an ID of the installation and replaces one of yours",
    ),
    section(
        "crewai",
        "",
        "docs/sdks.md#crewai",
        "the turn span, or `using_attributes` of `openinference.instrumentation`",
    ),
    section(
        "gemini_cli",
        "",
        "docs/sdks.md#gemini-cli",
        "the session of Gemini CLI (`--session-id`, `--resume`); the user in `OTEL_RESOURCE_ATTRIBUTES`",
    ),
    section(
        "genkit",
        "",
        "docs/sdks.md#genkit",
        "the session of the agent; the turn span",
    ),
    section(
        "google_adk",
        "",
        "docs/sdks.md#google-adk",
        "`session_id` and `user_id` of `runner.run_async(…)`",
    ),
    section("haystack", "", "docs/sdks.md#haystack", "the turn span"),
    section(
        "koog",
        "",
        "docs/sdks.md#koog",
        "the turn span: Koog's conversation ID is the run of one agent",
    ),
    section(
        "laminar",
        "",
        "docs/sdks.md#laminar",
        "`set_trace_session_id`, `set_trace_user_id`",
    ),
    section(
        "langchain4j",
        "",
        "docs/sdks.md#langchain4j",
        "the turn span",
    ),
    section(
        "langfuse",
        "",
        "docs/sdks.md#langfuse",
        "`propagate_attributes`",
    ),
    section(
        "langsmith",
        "",
        "docs/sdks.md#langgraph",
        "`metadata` of the run, under `session_id` and `user_id`",
    ),
    section(
        "litellm",
        "",
        "docs/sdks.md#litellm",
        "SDK: the turn span. Proxy: `metadata.session_id` and `user` of the request",
    ),
    section(
        "livekit",
        "",
        "docs/sdks.md#livekit-agents",
        "`metadata` of `set_tracer_provider`",
    ),
    section(
        "llama_index",
        "",
        "docs/sdks.md#llamaindex",
        "the turn span, or `using_attributes(session_id=…, user_id=…)` of `openinference.instrumentation` around the run",
    ),
    section(
        "logfire",
        "",
        "docs/sdks.md#logfire",
        "`group_id` of the run of OpenAI Agents, or the turn span",
    ),
    section(
        "mastra",
        "",
        "docs/sdks.md#mastra",
        "`tracingOptions.metadata`",
    ),
    section(
        "mlflow",
        "",
        "docs/sdks.md#mlflow",
        "metadata of the run (`session_id`, `user_id`), or `mlflow.update_current_trace`",
    ),
    section("openlit", "", "docs/sdks.md#openlit", "the turn span"),
    section(
        "pipecat",
        "",
        "docs/sdks.md#pipecat",
        "`conversation_id`, `additional_span_attributes`",
    ),
    section(
        "pydantic_ai",
        "",
        "docs/sdks.md#pydantic-ai",
        "`conversation_id`, `metadata` of the run",
    ),
    section(
        "semantic_kernel",
        "",
        "docs/sdks.md#semantic-kernel",
        "the turn span",
    ),
    section(
        "spring_ai",
        "",
        "docs/sdks.md#spring-ai",
        "the conversation ID of the chat memory (`ChatMemory.CONVERSATION_ID`); the user on the turn span",
    ),
    section("strands", "", "docs/sdks.md#strands", "`trace_attributes`"),
    section(
        "vercel_ai_5",
        "",
        "docs/sdks.md#vercel-ai-5-and-6",
        "`metadata.sessionId`, `metadata.userId`",
    ),
    section(
        "vercel_ai_7",
        "",
        "docs/sdks.md#vercel-ai-7",
        "the turn span. Legacy: the runtime context",
    ),
    section(
        "voltagent",
        "",
        "docs/sdks.md#voltagent",
        "`conversationId`, `userId`",
    ),
    section(
        "",
        "instrumentation.agno",
        "docs/sdks.md#agno",
        "`session_id` and `user_id` of `team.run(…)` and `agent.run(…)`",
    ),
    section(
        "",
        "instrumentation.anthropic",
        "docs/sdks.md#anthropic-sdk",
        "the turn span",
    ),
    section(
        "",
        "instrumentation.crewai",
        "docs/sdks.md#crewai",
        "the turn span, or `using_attributes` of `openinference.instrumentation`",
    ),
    section(
        "",
        "instrumentation.dspy",
        "docs/sdks.md#dspy",
        "the turn span, or `using_attributes(session_id=…, user_id=…)` of `openinference.instrumentation` around the run",
    ),
    section(
        "",
        "@arizeai/openinference-instrumentation-langchain",
        "docs/sdks.md#langgraph-for-javascript",
        "`metadata` of the run",
    ),
    section(
        "",
        "@traceloop/instrumentation-langchain",
        "docs/sdks.md#langgraph-for-javascript",
        "`metadata` of the run",
    ),
    section(
        "",
        "instrumentation.langchain",
        "docs/sdks.md#langgraph",
        "`metadata` of the run, under `session_id` and `user_id`",
    ),
    section(
        "",
        "@arizeai/openinference-instrumentation-openai-agents",
        "docs/sdks.md#openai-agents-for-javascript",
        "the turn span",
    ),
    section(
        "",
        "instrumentation.openai_agents",
        "docs/sdks.md#openai-agents",
        "the turn span, or `using_attributes`. With Logfire: `RunConfig(group_id=session_id)`",
    ),
    section(
        "",
        "instrumentation.smolagents",
        "docs/sdks.md#smolagents",
        "the turn span, or `using_attributes(session_id=…, user_id=…)` of `openinference.instrumentation` around the run",
    ),
    section(
        "otel_genai",
        "",
        "docs/sdks.md#spans-of-your-own",
        "`gen_ai.conversation.id`, `user.id`",
    ),
];

/// The section about spans of a dialect that come from these scopes.
pub(super) fn section_of(dialect: &str, scopes: &[String]) -> Option<&'static SdkSection> {
    let is_from = |part: &str| scopes.iter().any(|scope| scope.contains(part));
    SECTIONS.iter().find(|section| {
        (section.dialect.is_empty() || section.dialect == dialect)
            && (section.scope.is_empty() || is_from(section.scope))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::DIALECTS;

    const PAGE: &str = include_str!("../../docs/sdks.md");

    /// The anchor of a heading, as GitHub makes it.
    fn anchor(heading: &str) -> String {
        let lower = heading.to_ascii_lowercase().replace(' ', "-");
        lower
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect()
    }

    #[test]
    fn each_section_is_on_the_page_with_these_words() {
        for section in SECTIONS {
            let mut written = PAGE.split("\n### ").skip(1);
            let written = written.find(|text| {
                let heading = text.lines().next().unwrap_or_default();
                section.see == format!("{SDKS_PAGE}#{}", anchor(heading))
            });
            let written = written.unwrap_or_else(|| panic!("no heading for {}", section.see));
            let row = format!("| Session, user | {} |", section.session);
            assert!(
                written.lines().any(|line| line == row),
                "{}: {row}",
                section.see
            );
            let is_known = DIALECTS.iter().any(|known| known.name == section.dialect);
            assert!(
                is_known || section.dialect.is_empty(),
                "{}",
                section.dialect
            );
        }
    }

    #[test]
    fn one_dialect_of_several_sdks_is_told_apart_by_its_scope() {
        let see = |dialect, scope: &str| {
            section_of(dialect, &[scope.to_owned()]).map(|section| section.see)
        };
        let of_python = "openinference.instrumentation.langchain";
        let of_javascript = "@arizeai/openinference-instrumentation-langchain";
        assert_eq!(
            see("openinference", of_python),
            Some("docs/sdks.md#langgraph")
        );
        assert_eq!(
            see("openinference", of_javascript),
            Some("docs/sdks.md#langgraph-for-javascript")
        );
        assert_eq!(see("openinference", "somebody's"), None);
        assert_eq!(see("none", "somebody's"), None);
    }
}
