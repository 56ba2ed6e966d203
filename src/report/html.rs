//! The report as one page of HTML that prints, without scripts and without a network.

use super::figure::FigureLine;
use super::markdown::{about, cells, mix_text, mover_text, notes};
use super::report::{BusinessReport, level};
use super::tally::PeriodTally;
use super::words::number;
use crate::model::harmless::harmless;
use crate::statistics::{ALPHA, Assessment};
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");

/// The report as a page.
pub fn write(report: &BusinessReport) -> String {
    let title = escaped(&report.context.settings.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}: {}</title><style>\n{STYLE}</style></head>\n<body><main>\n",
        BusinessReport::days(&report.now)
    );
    let _ = writeln!(
        page,
        "<header class=\"head\"><div><p class=\"kick\">{title}</p><h1>{}</h1></div>{}</header>\n<p class=\"about\">{}</p>",
        escaped(&report.headline()),
        trend(report),
        plain(&about(report))
    );
    figures(report, &mut page);
    page.push_str("<div class=\"two\">");
    bars(
        "Why cases were passed to people",
        &BusinessReport::top(&report.now.escalations),
        &mut page,
    );
    bars(
        "Where context was lost",
        &BusinessReport::top(&report.now.lost),
        &mut page,
    );
    page.push_str("</div>\n");
    if !report.movers.is_empty() {
        page.push_str("<section><h2>What moved most</h2><ul>");
        for mover in &report.movers {
            let _ = write!(
                page,
                "<li class=\"{}\">{}</li>",
                class(Some(mover.told)),
                plain(&mover_text(report, mover))
            );
        }
        if let Some(mix) = mix_text(report) {
            let _ = write!(page, "<li>{}</li>", escaped(&mix));
        }
        page.push_str("</ul></section>\n");
    }
    for note in notes(report) {
        let _ = writeln!(page, "<p class=\"note\">{}</p>", plain(&note));
    }
    page + "</main></body></html>\n"
}

fn figures(report: &BusinessReport, page: &mut String) {
    let _ = write!(
        page,
        "<section><h2>The figures</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"The figures\"><table><thead><tr><th scope=\"col\">Figure</th><th scope=\"col\" class=\"num\">Period</th><th scope=\"col\" class=\"num\">Before</th><th scope=\"col\" class=\"num\">Change ({:.0}% interval)</th><th scope=\"col\">less ◂ ▸ more</th><th scope=\"col\">Verdict</th><th scope=\"col\">Target</th></tr></thead><tbody>",
        level()
    );
    for line in &report.lines {
        let [now, before, change, told, target] = cells(report, line).map(|cell| escaped(&cell));
        let _ = write!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"num\"><b>{now}</b></td><td class=\"num\">{before}</td><td class=\"num\">{change}</td><td class=\"strip\">{}</td><td class=\"told {}\">{told}</td><td>{target}</td></tr>",
            line.title,
            strip(line),
            class(line.told)
        );
    }
    page.push_str("</tbody></table></div></section>\n");
}

fn class(told: Option<Assessment>) -> &'static str {
    match told {
        Some(Assessment::Better) => "better",
        Some(Assessment::Worse) => "worse",
        _ => "open",
    }
}

/// The interval of a change, with 0 in the middle. The scale is that of the line.
fn strip(line: &FigureLine) -> String {
    let Some(change) = line.change() else {
        return String::new();
    };
    let (low, high) = change.interval(ALPHA);
    let reach = low.abs().max(high.abs());
    let place = |value: f64| match reach > 0.0 {
        true => 50.0 + 46.0 * value / reach,
        false => 50.0,
    };
    let color = if class(line.told) == "open" {
        "--grey"
    } else {
        "--blue"
    };
    format!(
        "<svg width=\"100%\" height=\"14\" aria-hidden=\"true\"><line x1=\"50%\" x2=\"50%\" y1=\"0\" y2=\"14\" stroke=\"var(--line2)\"/><line x1=\"{:.1}%\" x2=\"{:.1}%\" y1=\"7\" y2=\"7\" stroke=\"var({color})\" stroke-width=\"2.5\"/><circle cx=\"{:.1}%\" cy=\"7\" r=\"3.4\" fill=\"var({color})\"/></svg>",
        place(low),
        place(high),
        place(change.value())
    )
}

/// The resolved share of each day, over that of the period before.
fn trend(report: &BusinessReport) -> String {
    let days = report.now.days.len();
    if days < 2 {
        return "<div></div>".into();
    }
    let points = |tally: &PeriodTally| {
        let known = tally
            .days
            .iter()
            .enumerate()
            .filter(|(_, [all, _])| *all > 0.0);
        let points = known.map(|(day, [all, resolved])| {
            let x = 34.0 + 236.0 * day as f64 / (days - 1) as f64;
            format!("{x:.1},{:.1}", 96.0 - 88.0 * resolved / all)
        });
        points.collect::<Vec<_>>().join(" ")
    };
    let mut chart = String::from(
        "<svg viewBox=\"0 0 280 124\" width=\"100%\" role=\"img\" aria-label=\"Share of resolved cases by day, this period and the one before\">",
    );
    for (percent, y) in [(0, 96), (50, 52), (100, 8)] {
        let _ = write!(
            chart,
            "<line x1=\"34\" x2=\"270\" y1=\"{y}\" y2=\"{y}\" stroke=\"var(--line)\"/><text x=\"30\" y=\"{}\" text-anchor=\"end\">{percent}%</text>",
            y + 4
        );
    }
    let (first, last) = report.now.period.days;
    let _ = write!(
        chart,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"var(--grey)\" stroke-width=\"1.5\" stroke-dasharray=\"4 3\"/><polyline points=\"{}\" fill=\"none\" stroke=\"var(--blue)\" stroke-width=\"2.5\"/><text x=\"34\" y=\"109\">{first}</text><text x=\"270\" y=\"109\" text-anchor=\"end\">{last}</text><text x=\"34\" y=\"121\">resolved by day: — this period, - - before</text></svg>",
        points(&report.before),
        points(&report.now)
    );
    chart
}

fn bars(title: &str, counts: &[(&str, u64)], page: &mut String) {
    let _ = write!(page, "<section><h2>{title}</h2>");
    let Some((_, most)) = counts.first() else {
        page.push_str("<p class=\"open\">None.</p></section>");
        return;
    };
    page.push_str("<table class=\"bars\"><tbody>");
    for (name, count) in counts {
        let _ = write!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"num\">{}</td><td class=\"bar\"><svg width=\"100%\" height=\"9\" aria-hidden=\"true\"><rect width=\"{:.1}%\" height=\"9\" fill=\"var(--blue)\"/></svg></td></tr>",
            escaped(name),
            number(*count),
            100.0 * *count as f64 / (*most).max(1) as f64
        );
    }
    page.push_str("</tbody></table></section>");
}

/// A text of Markdown without emphasis, as HTML: what was kept from being markup there needs no backslash here.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut letters = markdown.chars();
    while let Some(letter) = letters.next() {
        text.extend(if letter == '\\' {
            letters.next()
        } else {
            Some(letter)
        });
    }
    escaped(&text)
}

/// A text that cannot be taken for markup.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in harmless(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            letter => out.push(letter),
        }
    }
    out
}
