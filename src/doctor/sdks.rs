//! Which section of `docs/sdks.md` is about an emitter, and what it says.

/// The page that says what to set in each SDK.
pub(super) const SDKS_PAGE: &str = "docs/sdks.md";
const PAGE: &str = include_str!("../../docs/sdks.md");

/// What the sections call a span of the application around each user message.
const TURN_SPAN: &str = "the turn span";

/// A section of the page, and the emitters that it is about.
#[derive(Debug)]
pub(super) struct SdkSection {
    /// The label of their dialect, or empty for any.
    dialect: &'static str,
    /// A part of the name of their scope, or their language, or empty for any.
    origin: &'static str,
    /// Page and anchor.
    pub(super) see: &'static str,
}

const fn section(dialect: &'static str, origin: &'static str, see: &'static str) -> SdkSection {
    SdkSection {
        dialect,
        origin,
        see,
    }
}

/// The sections. The first that fits an emitter is about it.
const SECTIONS: &[SdkSection] = &[
    section("agentops", "", "docs/sdks.md#agentops"),
    section("agent_365", "", "docs/sdks.md#agent-365"),
    section("agent_framework", "", "docs/sdks.md#agent-framework"),
    section("agentscope", "", "docs/sdks.md#agentscope"),
    section("ag2", "", "docs/sdks.md#ag2"),
    section("autogen", "", "docs/sdks.md#autogen"),
    section("beeai", "", "docs/sdks.md#beeai"),
    section("claude_agent_sdk", "", "docs/sdks.md#claude-agent-sdk"),
    section("claude_code", "", "docs/sdks.md#claude-code"),
    section("crewai", "", "docs/sdks.md#crewai"),
    section("gemini_cli", "", "docs/sdks.md#gemini-cli"),
    section("genkit", "", "docs/sdks.md#genkit"),
    section(
        "google_adk",
        "telemetry.sdk.language=nodejs",
        "docs/sdks.md#google-adk-for-javascript",
    ),
    section("google_adk", "", "docs/sdks.md#google-adk"),
    section("haystack", "", "docs/sdks.md#haystack"),
    section("koog", "", "docs/sdks.md#koog"),
    section("laminar", "", "docs/sdks.md#laminar"),
    section("langchain4j", "", "docs/sdks.md#langchain4j"),
    section("langfuse", "", "docs/sdks.md#langfuse"),
    section("langsmith", "", "docs/sdks.md#langgraph"),
    section("litellm", "", "docs/sdks.md#litellm"),
    section("livekit", "", "docs/sdks.md#livekit-agents"),
    section("llama_index", "", "docs/sdks.md#llamaindex"),
    section("logfire", "", "docs/sdks.md#logfire"),
    section("mastra", "", "docs/sdks.md#mastra"),
    section("mlflow", "", "docs/sdks.md#mlflow"),
    section("openlit", "", "docs/sdks.md#openlit"),
    section("pipecat", "", "docs/sdks.md#pipecat"),
    section("pydantic_ai", "", "docs/sdks.md#pydantic-ai"),
    section("semantic_kernel", "", "docs/sdks.md#semantic-kernel"),
    section("spring_ai", "", "docs/sdks.md#spring-ai"),
    section(
        "strands",
        "telemetry.sdk.language=typescript",
        "docs/sdks.md#strands-for-typescript",
    ),
    section("strands", "", "docs/sdks.md#strands"),
    section("vercel_ai_5", "", "docs/sdks.md#vercel-ai-5-and-6"),
    section("vercel_ai_7", "", "docs/sdks.md#vercel-ai-7"),
    section("voltagent", "", "docs/sdks.md#voltagent"),
    section("", "instrumentation.agno", "docs/sdks.md#agno"),
    section(
        "",
        "instrumentation.anthropic",
        "docs/sdks.md#anthropic-sdk",
    ),
    section("", "instrumentation.crewai", "docs/sdks.md#crewai"),
    section("", "instrumentation.dspy", "docs/sdks.md#dspy"),
    section(
        "",
        "@arizeai/openinference-instrumentation-langchain",
        "docs/sdks.md#langgraph-for-javascript",
    ),
    section(
        "",
        "@traceloop/instrumentation-langchain",
        "docs/sdks.md#langgraph-for-javascript",
    ),
    section("", "instrumentation.langchain", "docs/sdks.md#langgraph"),
    section(
        "",
        "@arizeai/openinference-instrumentation-openai-agents",
        "docs/sdks.md#openai-agents-for-javascript",
    ),
    section(
        "",
        "instrumentation.openai_agents",
        "docs/sdks.md#openai-agents",
    ),
    section("", "instrumentation.smolagents", "docs/sdks.md#smolagents"),
    section("otel_genai", "", "docs/sdks.md#spans-of-your-own"),
    section("anthropic", "", "docs/sdks.md#anthropic-sdk"),
    section("mcp", "", "docs/sdks.md#mcp"),
    section("openllmetry", "", "docs/sdks.md#openllmetry"),
];

/// The section about spans of a dialect of these origins.
pub(super) fn section_of(dialect: &str, origins: &[String]) -> Option<&'static SdkSection> {
    let is_from = |part: &str| origins.iter().any(|origin| origin.contains(part));
    SECTIONS.iter().find(|section| {
        (section.dialect.is_empty() || section.dialect == dialect)
            && (section.origin.is_empty() || is_from(section.origin))
    })
}

impl SdkSection {
    /// What the section says in a row of its table. Of the parts that begin with `With …:`, only those about the instrumentation of the emitter count: its
    /// name is that of the dialect, or in that of the scope.
    pub(super) fn row(&self, name: &str, dialect: &str, origins: &[String]) -> Option<String> {
        let begin = format!("| {name} | ");
        let mut rows = self.text()?.lines();
        let row = rows.find_map(|line| line.strip_prefix(&begin)?.strip_suffix(" |"))?;
        let mut parts = row.split(". With ");
        let mut said = parts.next()?.to_owned();
        for part in parts {
            let Some((instrumentation, how)) = part.split_once(": ") else {
                continue;
            };
            let label = instrumentation.to_ascii_lowercase();
            if dialect == label || origins.iter().any(|origin| origin.contains(&label)) {
                said = format!("{said}, or {how}");
            }
        }
        Some(explained(&said))
    }

    /// What the page says under its heading.
    fn text(&self) -> Option<&'static str> {
        let (_, wanted) = self.see.split_once('#')?;
        let mut sections = PAGE.split("\n### ").skip(1);
        sections.find(|text| text.lines().next().map(anchor).as_deref() == Some(wanted))
    }
}

/// Says what the turn span is, where an advice names it.
fn explained(advice: &str) -> String {
    let Some((before, after)) = advice.split_once(TURN_SPAN) else {
        return advice.to_owned();
    };
    format!(
        "{before}{TURN_SPAN} (a span that your application opens around the work on each user message, see {SDKS_PAGE}#a-span-for-each-turn){after}"
    )
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let lower = heading.to_ascii_lowercase().replace(' ', "-");
    let kept = lower
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-');
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::DIALECTS;

    #[test]
    fn each_section_is_on_the_page_and_says_how_to_set_session_and_user() {
        for section in SECTIONS {
            for row in ["Session", "User", "Not reported"] {
                let said = section.row(row, section.dialect, &[]);
                assert!(said.is_some(), "{}: {row}", section.see);
            }
            let is_known = DIALECTS.iter().any(|known| known.name == section.dialect);
            let is_any = section.dialect.is_empty() && !section.origin.is_empty();
            assert!(is_known || is_any, "{}", section.see);
        }
        for dialect in DIALECTS {
            let is_told = SECTIONS
                .iter()
                .any(|section| section.dialect == dialect.name);
            assert!(
                is_told || dialect.name == "openinference",
                "{}",
                dialect.name
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
        assert_eq!(see("strands", "x"), Some("docs/sdks.md#strands"));
        let of_typescript = "telemetry.sdk.language=typescript";
        assert_eq!(
            see("strands", of_typescript),
            Some("docs/sdks.md#strands-for-typescript")
        );
        assert_eq!(see("openinference", "somebody's"), None);
        assert_eq!(see("none", "somebody's"), None);
    }

    #[test]
    fn a_row_is_quoted_in_the_words_for_the_instrumentation_of_the_emitter() {
        let said = |dialect, scope: &str| {
            let origins = [scope.to_owned()];
            let section = section_of(dialect, &origins).expect("a section");
            section.row("Session", dialect, &origins).expect("a row")
        };
        let of_openllmetry = said("openllmetry", "opentelemetry.instrumentation.openai_agents");
        assert!(of_openllmetry.contains("(a span that your application opens around"));
        assert!(
            !of_openllmetry.contains("using_attributes"),
            "{of_openllmetry}"
        );
        assert!(!of_openllmetry.contains("Logfire"), "{of_openllmetry}");
        let of_openinference = said(
            "openinference",
            "openinference.instrumentation.openai_agents",
        );
        assert!(
            of_openinference.ends_with("around the run"),
            "{of_openinference}"
        );
        assert!(of_openinference.contains(", or `using_attributes(session_id=…)`"));
    }
}
