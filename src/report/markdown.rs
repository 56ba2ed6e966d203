//! The report as Markdown.

use super::figure::FigureLine;
use super::report::{BusinessReport, level, verdict};
use super::words::number;
use crate::statistics::{ALPHA, Merit, Statistic, TargetResult};
use std::fmt::Write;

/// The report as a text of Markdown.
pub fn write(report: &BusinessReport) -> String {
    let mut text = format!(
        "# {}\n\n**{}**\n\n{}\n\n",
        harmless(&report.context.settings.title),
        report.headline(),
        about(report)
    );
    let _ = writeln!(
        text,
        "| Figure | Period | Before | Change ({:.0}% interval) | Verdict | Target |\n|---|---:|---:|---:|---|---|",
        level()
    );
    for line in &report.lines {
        let [now, before, change, told, target] = cells(report, line);
        let _ = writeln!(
            text,
            "| {} | {now} | {before} | {change} | {told} | {target} |",
            line.title
        );
    }
    let mut list = |title: &str, counts: &[(&str, u64)]| {
        if counts.is_empty() {
            return;
        }
        let _ = write!(text, "\n## {title}\n\n");
        for (name, count) in counts {
            let _ = writeln!(text, "- {}: {}", harmless(name), number(*count));
        }
    };
    list(
        "Why cases were passed to people",
        &BusinessReport::top(&report.now.escalations),
    );
    list(
        "Where context was lost",
        &BusinessReport::top(&report.now.lost),
    );
    if !report.movers.is_empty() {
        text.push_str("\n## What moved most\n\n");
        for mover in &report.movers {
            let _ = writeln!(text, "- {}", mover_text(report, mover));
        }
        if let Some(mix) = mix_text(report) {
            let _ = writeln!(text, "- {mix}");
        }
    }
    for note in notes(report) {
        let _ = write!(text, "\n{note}\n");
    }
    text
}

/// What the figures are of, and whether they are final.
pub(super) fn about(report: &BusinessReport) -> String {
    let mut text = format!(
        "{}, {}. Compared with {} ({} cases). ",
        BusinessReport::days(&report.now),
        harmless(&report.context.settings.time_zone),
        BusinessReport::days(&report.before),
        number(BusinessReport::cases(&report.before)),
    );
    match report.final_at {
        None => text.push_str("Final."),
        Some(time) => {
            let nanos = i128::from(time.0);
            let time = jiff::Timestamp::from_nanosecond(nanos).unwrap_or(jiff::Timestamp::MAX);
            let _ = write!(
                text,
                "Not final: results may still come until {} UTC.",
                jiff::tz::TimeZone::UTC
                    .to_datetime(time)
                    .strftime("%Y-%m-%d %H:%M")
            );
        }
    }
    text
}

/// The cells of a line after its title.
pub(super) fn cells(report: &BusinessReport, line: &FigureLine) -> [String; 5] {
    let words = &report.words;
    let before = line.before.as_ref().map(Statistic::value);
    let before = before.map_or("–".into(), |value| words.value(line.unit, value));
    let change = line.change().map_or(String::new(), |change| {
        let (low, high) = change.interval(ALPHA);
        let [change, low, high] =
            [change.value(), low, high].map(|value| words.change(line.unit, value));
        format!("{change} ({low} to {high})")
    });
    let target = line.target_result().map_or(String::new(), |(aim, result)| {
        let sign = if line.merit == Merit::Up {
            "≥"
        } else {
            "≤"
        };
        let result = match result {
            TargetResult::Met => "met",
            TargetResult::Missed => "missed",
            TargetResult::CannotTell => "cannot tell",
        };
        format!("{sign} {} {result}", words.value(line.unit, aim))
    });
    let told = line.told.map_or("–".into(), verdict);
    [report.shown(line), before, change, told, target]
}

pub(super) fn mover_text(report: &BusinessReport, mover: &super::report::Mover) -> String {
    let words = &report.words;
    let share = |value| words.value(super::words::Unit::Share, value);
    let sessions: Vec<String> = mover.sessions.iter().map(|id| harmless(id)).collect();
    let sessions = match sessions.is_empty() {
        true => String::new(),
        false => format!(" Sessions: {}.", sessions.join(", ")),
    };
    format!(
        "{}: resolved {} → {}, {} of the total: {}.{sessions}",
        harmless(&mover.name),
        share(mover.rates[1]),
        share(mover.rates[0]),
        words.change(super::words::Unit::Share, mover.effect),
        verdict(mover.told),
    )
}

pub(super) fn mix_text(report: &BusinessReport) -> Option<String> {
    let mix = report.mix?;
    let mix = report.words.change(super::words::Unit::Share, mix);
    Some(format!("A changed mix of cases: {mix} of the total."))
}

/// What the figures rest on.
pub(super) fn notes(report: &BusinessReport) -> Vec<String> {
    let mut notes = Vec::new();
    let baseline = &report.context.settings.baseline;
    let words = &report.words;
    let money = |value| words.value(super::words::Unit::Money, value);
    match baseline.case() {
        Some(case) => notes.push(format!(
            "Net return assumes that a case took a person {} minutes at {} an hour and {} besides ({}): {} for each case that was resolved and whose customer did not return, less all that was spent ({}). Nothing is taken as saved on other cases.",
            baseline.minutes,
            money(baseline.hourly_cost),
            money(baseline.case_cost),
            harmless(baseline.source.as_deref().unwrap_or_default()),
            money(case),
            money(super::report::spent(&report.now)),
        )),
        None => notes.push("There is no net return, because nobody has declared what a case took before the agents (report.baseline).".into()),
    }
    let evidence = &report.now.evidence;
    let count = |name: &str| number(evidence.get(name).copied().unwrap_or(0));
    notes.push(format!(
        "Of the results, {} were declared by the agents or by another system, {} follow from a rule, and {} from how the conversation ended.",
        count("declared"),
        count("rule"),
        count("inferred"),
    ));
    notes.push("Resolved, with proof: a declaration or a rule says so, of all closed cases. Cost of a resolved case: all that was spent on models and tools, failed cases included, for each resolved case. Passed to people: a person took over. Handoff: one agent passes a case on to another; it succeeded if the other one began and its first step did not fail. Context kept: the share of numbers, dates and names known to the first agent that the second one received. Better, worse: at most 5 of 100 reports in which nothing changed say so anywhere in their first table. Cannot tell: the change may be chance; the number is how many cases in each period would tell a change of this size. Days and cases are those on which a case was closed. Written without a language model.".into());
    notes
}

/// A text of a sender that cannot be taken for markup.
pub(super) fn harmless(text: &str) -> String {
    let clean = crate::model::harmless::harmless(text);
    let mut out = String::new();
    for letter in clean.chars() {
        if matches!(
            letter,
            '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '#' | '\\' | '&'
        ) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}
