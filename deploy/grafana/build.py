#!/usr/bin/env python3
"""Writes the boards in dashboards/ with Grafana's typed Foundation SDK; --check says whether they are up to date.

One story per board: executives, product, engineering, SREs. Every panel has one sentence that says what it answers. Rates are sums divided by
sums over the time that the board shows.
"""

import json
import pathlib
import sys

from grafana_foundation_sdk.builders import bargauge, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
)

FOLDER = pathlib.Path(__file__).parent / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
# Okabe and Ito's colours, which colour-blind people can tell apart.
BLUE, ORANGE, RED = "#0072B2", "#E69F00", "#D55E00"

EVERYTHING = VariableOption(selected=True, text="All", value="$__all")
COHORT = 'tier=~"$tier", intent=~"$intent", channel=~"$channel", tenant=~"$tenant"'
FLOW = COHORT + ', workflow=~"$workflow"'
BOARDS = {
    "executive": "Baton: the business",
    "product": "Baton: product",
    "engineering": "Baton: engineering",
    "sre": "Baton: handoffs",
}


def increase(metric, labels=COHORT, by="", shift="", over="$__range"):
    """How much a counter grew, added up, by labels where asked."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (increase({metric}{{{labels}}}[{over}]{shift}))"


def ratio(part, whole):
    """A share; no events, no share."""
    return f"({part}) / ({whole} > 0)"


def or_zero(part, whole):
    """A part that never happened is 0 where the whole did."""
    return f"({part} or 0 * {whole})"


def outcome(which, labels=FLOW, **more):
    return increase("baton_workflows_total", f'{labels}, outcome="{which}"', **more)


def flows(**more):
    return increase("baton_workflows_total", FLOW, **more)


def resolution(**more):
    return ratio(or_zero(outcome("resolved", **more), flows(**more)), flows(**more))


def cost_per_resolution(**more):
    return ratio(increase("baton_llm_cost_usd_total", **more), outcome("resolved", **more))


def escalation(**more):
    return ratio(or_zero(increase("baton_escalations_total", **more), flows(**more)), flows(**more))


def handoffs(extra="", **more):
    return increase("baton_handoffs_total", COHORT + extra, **more)


def handoff_success(**more):
    whole = handoffs(**more)
    return ratio(or_zero(handoffs(', result="success"', **more), whole), whole)


def answered(**more):
    whole = increase("baton_turns_total", FLOW, **more)
    good = increase("baton_turns_total", FLOW + ', result="answered"', **more)
    return ratio(or_zero(good, whole), whole)


def mean(metric, labels=COHORT, **more):
    return ratio(increase(metric + "_sum", labels, **more), increase(metric + "_count", labels, **more))


def quantile(share, metric, labels=COHORT, by=""):
    groups = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({groups}) (increase({metric}_bucket{{{labels}}}[$__range])))"


def value(which, **more):
    return increase("baton_workflow_value_usd_total", f'{FLOW}, outcome{which}', **more)


def query(expr, legend="", instant=False, exemplar=False):
    made = prometheus.Dataquery().expr(expr).legend_format(legend or "__auto").ref_id("A").datasource(SOURCE)
    made = made.exemplar(exemplar)
    return made.instant() if instant else made.range()


def steps(*pairs):
    made = [Threshold(value=at, color=color) for at, color in pairs]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


PLAIN = ((None, BLUE),)


def figure(title, about, expr, unit, colors=PLAIN, decimals=None, span=4):
    """One big number."""
    made = stat.Panel().title(title).description(about).datasource(SOURCE).unit(unit).height(4).span(span)
    made = made.thresholds(steps(*colors)).no_value("unknown").with_target(query(expr, title, instant=True))
    return made.decimals(decimals) if decimals is not None else made


def lines(title, about, exprs, unit, span=12, exemplar=False):
    """Trends; each expression with its legend."""
    made = timeseries.Panel().title(title).description(about).datasource(SOURCE).unit(unit).height(8).span(span)
    made = made.min(0).fill_opacity(10).no_value("unknown").span_nulls(True)
    for place, (expr, legend) in enumerate(exprs):
        made = made.with_target(query(expr, legend, exemplar=exemplar).ref_id(chr(ord("A") + place)))
    return made


def bars(title, about, expr, legend, unit, span=8):
    """One bar per group."""
    made = bargauge.Panel().title(title).description(about).datasource(SOURCE).unit(unit).height(8).span(span)
    return made.thresholds(steps(*PLAIN)).no_value("unknown").with_target(query(expr, legend, instant=True))


def rows(title, about, expr, unit, span=12):
    """One row per group."""
    made = table.Panel().title(title).description(about).datasource(SOURCE).unit(unit).height(8).span(span)
    target = query(expr, instant=True).format("table")
    return made.no_value("unknown").with_target(target)


def over(expr):
    """The same figure along the time, over the interval that a point stands for."""
    return expr.replace("$__range", "$__rate_interval")


def change(title, about, now, before, unit, better):
    """The change against the period before, coloured by whether more is better."""
    low, high = (RED, BLUE) if better == "more" else (BLUE, RED)
    return figure(title, about, f"({now}) - ({before})", unit, ((None, low), (0, high)))


BEFORE = {"shift": " offset $__range"}


def board(name, about):
    made = dashboard.Dashboard(BOARDS[name]).uid(f"baton-{name}").description(about).tags(["baton"])
    made = made.refresh("30s").time("now-24h", "now").editable()
    made = made.with_variable(dashboard.DatasourceVariable("source").label("Data source").type("prometheus"))
    for label in ["tier", "intent", "channel", "tenant", "workflow"]:
        variable = dashboard.QueryVariable(label).label(label.capitalize()).datasource(SOURCE)
        variable = variable.query(f"label_values(baton_workflows_total, {label})").refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        made = made.with_variable(variable.multi(True).include_all(True).all_value(".*").current(EVERYTHING))
    return made


def executive():
    made = board("executive", "Is this period better than the one before, and what did it cost?")
    with_panels = [
        "Now",
        figure("Cases resolved", "Share of the closed cases whose solution was proven.", resolution(), "percentunit", ((None, RED), (0.5, ORANGE), (0.7, BLUE)), 1),
        figure("Cost per resolution", "All money spent on models, failed cases included, for each case resolved.", cost_per_resolution(), "currencyUSD", decimals=4),
        figure("Customer's wait", "Mean time from a question to the end of its answer.", mean("baton_turn_duration_seconds", FLOW), "s", ((None, BLUE), (10, ORANGE), (30, RED)), 1),
        figure("Passed to people", "Share of the cases that a human had to take over.", escalation(), "percentunit", ((None, BLUE), (0.2, ORANGE), (0.4, RED)), 1),
        figure("Clean handovers", "Share of the times a case moved to the next assistant without loss.", handoff_success(), "percentunit", ((None, RED), (0.9, ORANGE), (0.95, BLUE)), 1),
        figure("Questions answered", "Share of the customers' questions that got an answer.", answered(), "percentunit", ((None, RED), (0.95, ORANGE), (0.99, BLUE)), 1),
        "Against the period before",
        change("Cases resolved, change", "The share resolved, less that of the period before.", resolution(), resolution(**BEFORE), "percentunit", "more"),
        change("Cost per resolution, change", "The cost of a resolution, less that of the period before.", cost_per_resolution(), cost_per_resolution(**BEFORE), "currencyUSD", "less"),
        change("Customer's wait, change", "The wait, less that of the period before.", mean("baton_turn_duration_seconds", FLOW), mean("baton_turn_duration_seconds", FLOW, **BEFORE), "s", "less"),
        change("Passed to people, change", "The share taken over by people, less that of the period before.", escalation(), escalation(**BEFORE), "percentunit", "less"),
        change("Clean handovers, change", "The share of clean handovers, less that of the period before.", handoff_success(), handoff_success(**BEFORE), "percentunit", "more"),
        change("Questions answered, change", "The share answered, less that of the period before.", answered(), answered(**BEFORE), "percentunit", "more"),
        "Money",
        figure("Value completed", "Worth of the business in cases that were resolved.", value('="resolved"'), "currencyUSD", span=6),
        figure("Value at risk", "Worth of the business in cases that were not resolved.", value('!="resolved"'), "currencyUSD", ((None, ORANGE),), span=6),
        figure("Spent on models", "All money spent on models.", increase("baton_llm_cost_usd_total"), "currencyUSD", decimals=2, span=6),
        figure("Closed cases", "All cases that came to an end, well or not.", flows(), "short", decimals=0, span=6),
        "Trend",
        lines("Resolved and passed to people", "How the two shares move.", [(over(resolution()), "resolved"), (over(escalation()), "passed to people")], "percentunit"),
        lines("Cost per resolution over time", "How the cost of a resolved case moves.", [(over(cost_per_resolution()), "cost per resolution")], "currencyUSD"),
        lines("How cases end", "Closed cases by the way they ended; unverified means that nothing proved the result.", [(over(flows(by="outcome")), "{{outcome}}")], "short"),
        lines("Wait over time", "How long customers wait for a complete answer.", [(over(mean("baton_turn_duration_seconds", FLOW)), "mean wait")], "s"),
    ]
    return fill(made, with_panels)


def product():
    made = board("product", "Which customers, intents and models do well, and where do people have to repeat themselves?")
    per = lambda by: ratio(or_zero(outcome("resolved", by=by), flows(by=by)), flows(by=by))
    return fill(made, [
        "Cohorts",
        bars("Resolved by intent", "Which requests are solved.", per("intent"), "{{intent}}", "percentunit"),
        bars("Resolved by tier", "Whether paying customers are served better.", per("tier"), "{{tier}}", "percentunit"),
        bars("Resolved by channel", "Where customers are served best.", per("channel"), "{{channel}}", "percentunit"),
        "Money",
        bars("Cost per case by intent", "What a case costs, resolved or not.", ratio(increase("baton_workflow_cost_usd_sum", FLOW, by="intent"), increase("baton_workflow_cost_usd_count", FLOW, by="intent")), "{{intent}}", "currencyUSD"),
        rows("Spent by model and intent", "Which model is used for which request, and what it costs.", f'sort_desc({increase("baton_llm_cost_usd_total", by="model, intent")})', "currencyUSD", 8),
        bars("Value at risk by intent", "Worth of the business in cases that were not resolved: what an outage costs.", value('!="resolved"', by="intent"), "{{intent}}", "currencyUSD"),
        "Customers",
        bars("Came back", "Share of the resolved cases whose customer came back with the same request.", ratio(increase("baton_workflow_recontacts_total", FLOW + ', outcome="resolved"', by="intent"), outcome("resolved", by="intent")), "{{intent}}", "percentunit"),
        bars("Had to say it again", "Messages that customers repeated after a handoff, by the agent that got them.", increase("baton_user_repeats_total", by="agent"), "{{agent}}", "short"),
        bars("Satisfaction by agent", "Mean score that customers gave.", mean("baton_feedback_score", by="agent"), "{{agent}}", "short"),
        lines("Context kept", "Share of the facts that reached the next agent.", [(over(mean("baton_handoff_context_retention_ratio", COHORT + ', evidence!="tokens"', by="to")), "{{to}}")], "percentunit"),
        lines("Wait against completion", "Whether answers that take longer solve more.", [(over(mean("baton_turn_duration_seconds", FLOW)), "wait"), (over(resolution()), "resolved")], "short"),
    ])


def engineering():
    made = board("engineering", "What do agents, models and tools do, what does it cost, and what is slow?")
    calls = lambda by, extra="": increase("baton_llm_calls_total", COHORT + extra, by=by)
    return fill(made, [
        "Models",
        lines("Model calls", "Calls by model.", [(over(calls("model")), "{{model}}")], "short", 8),
        bars("Errors by model", "Share of the calls that failed.", ratio(or_zero(calls("model", ', status="error"'), calls("model")), calls("model")), "{{model}}", "percentunit"),
        bars("Cost by agent", "Money spent on models, by agent.", increase("baton_llm_cost_usd_total", by="agent"), "{{agent}}", "currencyUSD"),
        lines("Tokens", "Tokens by type; cache and reasoning are parts of input and output.", [(over(increase("baton_llm_tokens_total", by="type")), "{{type}}")], "short", 8),
        bars("First token, slowest 5 %", "From the start of a call to its first token, by model.", quantile(0.95, "baton_llm_first_token_seconds", by="model"), "{{model}}", "s"),
        bars("Call time, slowest 5 %", "How long calls take, by model.", quantile(0.95, "baton_llm_call_duration_seconds", by="model"), "{{model}}", "s"),
        lines("Answer time with traces", "How long turns take; the dots lead to traces.", [(quantile(0.5, "baton_turn_duration_seconds", FLOW).replace("$__range", "$__rate_interval"), "half"), (quantile(0.95, "baton_turn_duration_seconds", FLOW).replace("$__range", "$__rate_interval"), "slowest 5 %")], "s", exemplar=True),
        bars("Unpriced tokens", "Tokens of models without a price: their cost is in no figure.", increase("baton_unpriced_tokens_total", by="model"), "{{model}}", "short", 12),
        "Agents and tools",
        rows("Agents", "Activations by agent and status.", f'sort_desc({increase("baton_agent_invocations_total", by="agent, status")})', "short"),
        rows("Tools", "Calls by tool and status.", f'sort_desc({increase("baton_tool_calls_total", by="tool, status")})', "short"),
        rows("Handoffs from and to", "The matrix of handoffs with their results.", f'sort_desc({handoffs(by="from, to, result")})', "short"),
        bars("Evaluation scores", "Mean score by evaluation.", mean("baton_evaluation_score", by="name"), "{{name}}", "short", 6),
        figure("Retrievals", "Searches in knowledge bases that have a span of their own.", increase("baton_retrievals_total"), "short", span=6),
    ])


def sre():
    made = board("sre", "Do handoffs meet their objective, and is Baton well?")
    budget = 'scalar(baton:threshold{name="handoff_failure_budget"})'
    failures = ', result="failed"'
    return fill(made, [
        "Objective",
        figure("Handoff success", "Share of the handoffs that passed cleanly; the objective is 95 %.", handoff_success(), "percentunit", ((None, RED), (0.95, BLUE)), 2, 6),
        figure("Error budget left", "What is left of the failures that the objective allows in this period.", f"1 - (1 - ({handoff_success()})) / {budget}", "percentunit", ((None, RED), (0, ORANGE), (0.5, BLUE)), 1, 6),
        figure("Waiting handoffs", "Handoffs whose target has not acted yet.", "sum(baton_handoffs_pending)", "short", span=6),
        figure("Phantom handoffs", "Handoffs that a model asked for and that never ran.", or_zero(increase("baton_phantom_handoffs_total"), handoffs()), "short", span=6),
        lines("Burn rate", "How many times faster than allowed the budget is used up.", [(f"job:baton_handoff_failures:ratio_increase{w} / {budget}", w) for w in ("5m", "30m", "6h")], "short"),
        lines("Failures by reason", "Failed handoffs and why.", [(over(handoffs(failures, by="reason")), "{{reason}}")], "short"),
        rows("Failures by pair", "Which handoffs fail, and why.", f'sort_desc({handoffs(failures, by="from, to, reason")} > 0)', "short"),
        lines("Handoff latency", "From the decision to the first act of the target.", [(quantile(0.95, "baton_handoff_duration_seconds").replace("$__range", "$__rate_interval"), "slowest 5 %")], "s", exemplar=True),
        bars("Context lost", "Share of the handoffs that lost the context, by target.", ratio(or_zero(handoffs(', reason="context_lost"', by="to"), handoffs(by="to")), handoffs(by="to")), "{{to}}", "percentunit", 12),
        bars("Transfer loops", "Times that control came back within a turn.", increase("baton_transfer_loops_total", by="agent"), "{{agent}}", "short", 12),
        "Baton",
        lines("Spans taken", "Spans that came in, a second.", [("sum(rate(baton_receiver_spans_total[$__rate_interval]))", "spans")], "short", 8),
        lines("Requests", "Export requests by result; refused ones are to be retried.", [("sum by (result) (rate(baton_receiver_requests_total[$__rate_interval]))", "{{result}}")], "short", 8),
        lines("Rejected for good", "Spans that cannot be read, by reason.", [("sum by (reason) (increase(baton_receiver_rejected_total[$__rate_interval]))", "{{reason}}")], "short", 8),
        lines("Waiting events", "Events in the log that are not counted yet.", [("sum(baton_log_backlog)", "events")], "short", 8),
        lines("Open sessions", "Sessions and traces held.", [("sum(baton_partition_keys)", "sessions and traces")], "short", 8),
        lines("Late, twice, shed, overflowing", "Events that count only in part, and limits that were reached.", [
            ("sum(increase(baton_late_events_total[$__rate_interval]))", "late"),
            ("sum(increase(baton_duplicate_events_total[$__rate_interval]))", "twice"),
            ("sum(increase(baton_shed_total[$__rate_interval]))", "shed"),
            ("sum(increase(baton_series_overflow_total[$__rate_interval]))", "overflowing"),
        ], "short", 8),
    ])


def fill(made, panels):
    for panel in panels:
        made = made.with_row(dashboard.Row(panel)) if isinstance(panel, str) else made.with_panel(panel)
    return made


def known(tree):
    """Without keys that say nothing; a threshold's `value: null` says minus infinity."""
    if isinstance(tree, dict):
        return {k: known(v) for k, v in tree.items() if v is not None or (k == "value" and "color" in tree)}
    return [known(item) for item in tree] if isinstance(tree, list) else tree


def written(name, made):
    """The board as JSON, with what the builders have no words for: links between the boards, marks of releases and incidents."""
    tree = known(json.loads(JSONEncoder(sort_keys=True).encode(made.build())))
    tree["links"] = [
        {"type": "link", "title": title, "url": f"/d/baton-{other}", "keepTime": True, "includeVars": True, "icon": "dashboard", "tags": [], "asDropdown": False, "targetBlank": False, "tooltip": ""}
        for other, title in BOARDS.items()
        if other != name
    ]
    source = {"type": "prometheus", "uid": "${source}"}
    tree["annotations"] = {
        "list": [
            {"name": "Incidents", "datasource": source, "enable": True, "iconColor": RED, "expr": 'ALERTS{alertname=~"Baton.+", alertstate="firing", severity="page"}', "titleFormat": "{{alertname}}"},
            {"name": "Releases", "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": True, "iconColor": BLUE, "target": {"type": "tags", "tags": ["release"], "matchAny": False, "limit": 100}},
        ]
    }
    return json.dumps(tree, indent=1, sort_keys=True) + "\n"


def main():
    stale = []
    for name, build in [("executive", executive), ("product", product), ("engineering", engineering), ("sre", sre)]:
        text, file = written(name, build()), FOLDER / f"{name}.json"
        if "--check" in sys.argv:
            stale += [file.name] if not file.exists() or file.read_text() != text else []
        else:
            file.write_text(text)
    if stale:
        sys.exit(f"out of date, run deploy/grafana/build.py: {', '.join(stale)}")


if __name__ == "__main__":
    main()
