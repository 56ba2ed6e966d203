//! Field numbers of the messages in `proto/baton/v1/log.proto` that are written field by field. They never change.

pub(super) const TRACE: u32 = 1;
pub(super) const SPAN: u32 = 2;
pub(super) const PARENT: u32 = 3;
pub(super) const LINKS: u32 = 4;
pub(super) const START: u32 = 5;
pub(super) const END: u32 = 6;
pub(super) const ERROR: u32 = 7;
pub(super) const AGENT: u32 = 8;
pub(super) const SESSION: u32 = 9;
pub(super) const SESSION_OF_RESOURCE: u32 = 10;
pub(super) const USER: u32 = 11;
pub(super) const TENANT: u32 = 12;
pub(super) const INTENT: u32 = 13;
pub(super) const COHORT: u32 = 14;
pub(super) const VALUE_USD: u32 = 15;
pub(super) const WORKFLOW: u32 = 16;
pub(super) const WORKFLOW_ID: u32 = 17;
pub(super) const OUTCOME: u32 = 18;
pub(super) const EVALUATIONS: u32 = 19;
pub(super) const REQUESTS: u32 = 20;
pub(super) const REFUSED: u32 = 21;
pub(super) const CONTENT: u32 = 22;
pub(super) const UNKNOWN_OUTCOME: u32 = 27;
pub(super) const UNCONVERTED: u32 = 28;
pub(super) const THRESHOLD: u32 = 29;

pub(super) const REMOTE_PARENT: u32 = 40;
pub(super) const AGENT_ID: u32 = 41;
pub(super) const CALLER: u32 = 42;
pub(super) const PAUSE: u32 = 43;
pub(super) const CANCELLED: u32 = 44;
pub(super) const IS_EXCHANGE: u32 = 45;
pub(super) const TOTALS: u32 = 46;
pub(super) const ABOUT: u32 = 47;
pub(super) const HANDOFF_BASIS: u32 = 48;
pub(super) const DELEGATE_RETURNED: u32 = 49;
pub(super) const IS_BESIDE: u32 = 50;
pub(super) const AUTHENTICATED_TENANT: u32 = 51;

pub(super) mod kind {
    pub(in crate::proto) const STRUCTURE: u32 = 30;
    pub(in crate::proto) const WORKFLOW_RUN: u32 = 31;
    pub(in crate::proto) const AGENT_SPAN: u32 = 32;
    pub(in crate::proto) const MODEL_CALL: u32 = 33;
    pub(in crate::proto) const TOOL_CALL: u32 = 34;
    pub(in crate::proto) const HANDOFF: u32 = 35;
    pub(in crate::proto) const RETRIEVAL: u32 = 36;
    pub(in crate::proto) const NOTE: u32 = 37;
    pub(in crate::proto) const GUARDRAIL: u32 = 38;
}

pub(super) mod link {
    pub(in crate::proto) const TRACE: u32 = 1;
    pub(in crate::proto) const SPAN: u32 = 2;
}

pub(super) mod dimension {
    pub(in crate::proto) const NUMBER: u32 = 1;
    pub(in crate::proto) const VALUE: u32 = 2;
}

pub(super) mod evaluation {
    pub(in crate::proto) const NAME: u32 = 1;
    pub(in crate::proto) const SCORE: u32 = 2;
    pub(in crate::proto) const LABEL: u32 = 3;
}

pub(super) mod content {
    pub(in crate::proto) const INPUT: u32 = 1;
    pub(in crate::proto) const OUTPUT: u32 = 2;
    pub(in crate::proto) const ASKED: u32 = 3;
}

pub(super) mod sketch {
    pub(in crate::proto) const HASHES: u32 = 1;
    pub(in crate::proto) const FULL: u32 = 2;
}

pub(super) mod agent_span {
    pub(in crate::proto) const INFERRED: u32 = 1;
}

pub(super) mod model_call {
    pub(in crate::proto) const EMBEDDINGS: u32 = 1;
    pub(in crate::proto) const PROVIDER: u32 = 2;
    pub(in crate::proto) const MODEL: u32 = 3;
    pub(in crate::proto) const USAGE: u32 = 4;
    pub(in crate::proto) const COST: u32 = 5;
    pub(in crate::proto) const FIRST_TOKEN_SECONDS: u32 = 6;
    pub(in crate::proto) const REQUESTS: u32 = 7;
    pub(in crate::proto) const ANSWERED: u32 = 8;
    pub(in crate::proto) const IS_AGENT: u32 = 9;
    pub(in crate::proto) const FAILED: u32 = 10;
    pub(in crate::proto) const INSTRUMENTATION: u32 = 11;
    pub(in crate::proto) const USAGE_IS_CUMULATIVE: u32 = 12;
    pub(in crate::proto) const RESPONSE: u32 = 13;
    pub(in crate::proto) const ASKED_TOOLS: u32 = 14;
    pub(in crate::proto) const CONTINUES: u32 = 15;
    pub(in crate::proto) const CACHE_SAVINGS: u32 = 16;
}

pub(super) mod totals {
    pub(in crate::proto) const PROVIDER: u32 = 1;
    pub(in crate::proto) const MODEL: u32 = 2;
    pub(in crate::proto) const USAGE: u32 = 3;
    pub(in crate::proto) const COST: u32 = 4;
}

pub(super) mod usage {
    pub(in crate::proto) const INPUT: u32 = 1;
    pub(in crate::proto) const OUTPUT: u32 = 2;
    pub(in crate::proto) const CACHE_READ: u32 = 3;
    pub(in crate::proto) const CACHE_WRITE: u32 = 4;
    pub(in crate::proto) const REASONING: u32 = 5;
}

pub(super) mod cost {
    pub(in crate::proto) const DECLARED: u32 = 1;
    pub(in crate::proto) const COMPUTED: u32 = 2;
    pub(in crate::proto) const UNPRICED: u32 = 3;
}

pub(super) mod tool_call {
    pub(in crate::proto) const NAME: u32 = 1;
    pub(in crate::proto) const CALL_ID: u32 = 2;
    pub(in crate::proto) const HANDS_TO: u32 = 3;
    pub(in crate::proto) const DOES_WORK: u32 = 4;
    pub(in crate::proto) const DELEGATES: u32 = 5;
    pub(in crate::proto) const FAILED: u32 = 6;
}

pub(super) mod handoff {
    pub(in crate::proto) const FROM: u32 = 1;
    pub(in crate::proto) const TO: u32 = 2;
    pub(in crate::proto) const DELEGATES: u32 = 3;
    pub(in crate::proto) const FAILED: u32 = 4;
}

pub(super) mod retrieval {
    pub(in crate::proto) const SOURCE: u32 = 1;
}

pub(super) mod guardrail {
    pub(in crate::proto) const TRIGGERED: u32 = 1;
}

pub(super) mod target {
    pub(in crate::proto) const AGENT: u32 = 1;
    pub(in crate::proto) const HUMAN: u32 = 2;
    pub(in crate::proto) const UNKNOWN: u32 = 3;
}

pub(super) mod handoff_request {
    pub(in crate::proto) const TARGET: u32 = 1;
    pub(in crate::proto) const CALL_ID: u32 = 2;
}
