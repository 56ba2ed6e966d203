//! What an agent may declare of its work, for people who instrument agents: each list of names is the one that is read, and
//! `docs/instrument.md` is written from here.

use super::metadata::PREFIXES;
use super::{business_attributes, declared, evaluation, money, outcome, session, topics};
use crate::model::cohort::preset;
use crate::model::evaluation::FEEDBACK;
use crate::model::event::Outcome;
use crate::otlp::attribute_key::AttributeKey;

/// One thing that can be declared.
#[derive(Clone, Debug)]
pub struct Declaration {
    pub what: &'static str,
    pub meaning: &'static str,
    /// Attributes, in order of precedence.
    pub attributes: Vec<&'static str>,
    /// What it is called inside of metadata, where it has other names there.
    pub in_metadata: &'static [&'static str],
    pub accepted: &'static str,
    /// The setting that adds names of the operator's own.
    pub setting: Option<&'static str>,
}

const ID: &str =
    "Text of up to 256 bytes, or a whole number. A longer text is shortened and stays unique.";
const WORD: &str =
    "A short text, a number or a flag. More than 64 bytes, or several lines, become `other`.";
const AMOUNT: &str = "A number from 0 to 10¹², also as text.";
const CURRENCY: &str = "An ISO 4217 code such as `EUR`, in upper or lower case.";

/// All that can be declared, in the order in which people ask for it.
pub fn declarations() -> Vec<Declaration> {
    [of_whom(), of_cohorts(), of_results(), of_evaluations()].concat()
}

/// Whose work it is.
fn of_whom() -> Vec<Declaration> {
    vec![
        Declaration {
            attributes: names(topics::SESSION),
            in_metadata: session::METADATA_SESSION,
            accepted: ID,
            setting: Some("normalise.session_attributes"),
            ..declaration(
                "session",
                "The conversation. Without it, each trace is a session of its own.",
            )
        },
        Declaration {
            attributes: names(topics::USER),
            in_metadata: session::METADATA_USER,
            accepted: ID,
            setting: Some("normalise.user_attributes"),
            ..declaration(
                "user",
                "The person who asks. Needed to count repeat contacts. Never a label.",
            )
        },
        Declaration {
            attributes: names(topics::WORKFLOW_ID),
            accepted: ID,
            ..declaration(
                "workflow id",
                "One unit of business work inside a session. Another ID starts another workflow.",
            )
        },
        Declaration {
            attributes: names(topics::WORKFLOW),
            accepted: "Text of up to 128 bytes.",
            ..declaration(
                "workflow",
                "The kind of work, which becomes the label `workflow`. Without it: `default`.",
            )
        },
    ]
}

/// What workflows are compared by.
fn of_cohorts() -> Vec<Declaration> {
    let cohort = |what, meaning| Declaration {
        attributes: preset(what).unwrap_or_default().to_vec(),
        accepted: WORD,
        setting: Some("cohorts.attributes"),
        ..declaration(what, meaning)
    };
    vec![
        cohort("tier", "The service level of the customer."),
        cohort("intent", "What the user wants."),
        cohort("channel", "How the user got in touch."),
        cohort(
            "tenant",
            "The organization that the user belongs to, as a label. To keep equal session and user IDs of different tenants apart, name the attributes in `normalise.tenant_attributes` too.",
        ),
    ]
}

/// How it ended, what it is worth and what it cost.
fn of_results() -> Vec<Declaration> {
    vec![
        Declaration {
            attributes: [names(topics::OUTCOME), vec![outcome::BARE.name()]].concat(),
            accepted: "One of the words below. Other words declare nothing.",
            setting: Some("normalise.outcome_attributes"),
            ..declaration(
                "outcome",
                "How the workflow ended. The last declared outcome counts. The plain name `outcome` does not count on spans of model calls and tools, and with words such as `success` and `error` it does not count on spans of HTTP, database and messaging requests.",
            )
        },
        Declaration {
            attributes: [
                business_attributes::VALUE,
                business_attributes::VALUE_IN_DOLLARS,
            ]
            .concat(),
            accepted: AMOUNT,
            setting: Some("normalise.value_attributes"),
            ..declaration(
                "value",
                "The business value of the workflow, for example of its order. The last declared value counts.",
            )
        },
        Declaration {
            attributes: business_attributes::CURRENCY.to_vec(),
            accepted: CURRENCY,
            ..declaration(
                "currency of the value",
                "Without it: `money.currency`, and US dollars for `transaction.value.usd`.",
            )
        },
        Declaration {
            attributes: [
                names(topics::COST),
                money::parts()
                    .flat_map(|(input, output)| [input.name(), output.name()])
                    .collect(),
            ]
            .concat(),
            accepted: AMOUNT,
            ..declaration(
                "cost",
                "The cost of a model call, on the span of the call: a total, otherwise the sum of its parts. `langfuse.observation.cost_details` is read too. Without it: tokens times the price catalog.",
            )
        },
        Declaration {
            attributes: names(topics::COST_CURRENCY),
            accepted: CURRENCY,
            ..declaration("currency of the cost", "Without it: US dollars.")
        },
    ]
}

fn of_evaluations() -> Vec<Declaration> {
    vec![
        Declaration {
            attributes: names(&[evaluation::EVALUATION]),
            accepted: "The name of the evaluation. [Evaluations](#evaluations) lists the names that are feedback and those that declare an outcome.",
            ..declaration(
                "feedback, evaluation",
                "The evaluation that gives a score, in a `gen_ai.evaluation.result` event, a log record of that name, or on the span itself.",
            )
        },
        Declaration {
            attributes: names(topics::EVALUATION_SCORE),
            accepted: "A number. An evaluation of the outcome passes at 0.5 or more.",
            ..declaration("score", "The score of the evaluation.")
        },
        Declaration {
            attributes: names(&[evaluation::LABEL]),
            accepted: "A word for an outcome, in an evaluation of the outcome.",
            ..declaration(
                "score label",
                "The result in words. It takes precedence over the score.",
            )
        },
        Declaration {
            attributes: evaluation::RETENTION
                .iter()
                .flat_map(|(_, keys)| names(keys))
                .collect(),
            accepted: "A number from 0 to 1.",
            ..declaration(
                "retention",
                "The share of the context, or of the intent, that a handoff passed.",
            )
        },
    ]
}

fn declaration(what: &'static str, meaning: &'static str) -> Declaration {
    Declaration {
        what,
        meaning,
        attributes: Vec::new(),
        in_metadata: &[],
        accepted: "",
        setting: None,
    }
}

fn names(keys: &[AttributeKey]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name()).collect()
}

/// The words for each outcome.
pub fn outcome_words() -> Vec<(Outcome, Vec<&'static str>)> {
    let of = |outcome: Outcome| {
        let words = outcome::WORDS.iter().filter(|(_, of)| *of == outcome);
        (outcome, words.map(|(word, _)| *word).collect())
    };
    Outcome::ALL.map(of).to_vec()
}

/// Evaluations by what they are read as.
pub fn evaluations() -> [(&'static str, &'static [&'static str]); 2] {
    [("feedback", FEEDBACK), ("outcome", outcome::EVALUATIONS)]
}

/// What declares nothing, in lower case.
pub fn placeholders() -> &'static [&'static str] {
    declared::PLACEHOLDERS
}

/// What SDKs put before the names of a user's metadata; any other prefix that ends in `.metadata.` is one too.
pub fn prefixes() -> Vec<&'static str> {
    [PREFIXES, topics::METADATA_ENTRIES].concat()
}

/// Attributes that hold metadata as an object.
pub fn metadata() -> Vec<&'static str> {
    names(topics::METADATA)
}
