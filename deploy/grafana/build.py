#!/usr/bin/env python3
"""Writes the boards in dashboards/ with Grafana's typed Foundation SDK; --check says whether they are up to date.

One story per board: executives, product, engineering, SREs. Every panel has one sentence that says what it answers. Rates are sums divided by
sums over the time that the board shows.
"""

import json
import pathlib
import sys

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueGraphMode, BigValueTextMode, VizOrientation
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
)

FOLDER = pathlib.Path(__file__).parent / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
# Okabe and Ito's colours, which colour-blind people can tell apart.
BLUE, ORANGE, RED, GREY = "#0072B2", "#E69F00", "#D55E00", "#767676"
# A line has so many points, so that each stands for half a day where a board shows a week.
POINTS = 14

EVERYTHING = VariableOption(selected=True, text="All", value="$__all")
COHORT = 'tier=~"$tier", intent=~"$intent", channel=~"$channel", tenant=~"$tenant"'
FLOW = COHORT + ', workflow=~"$workflow"'
BOARDS = {
    "executive": "Baton: the business",
    "product": "Baton: product",
    "engineering": "Baton: engineering",
    "sre": "Baton: handoffs",
}
RANGE, POINT = "[$__range]", "[$__rate_interval]"
BEFORE = {"shift": " offset $__range"}


# Figures

def increase(metric, labels=COHORT, by="", shift="", over=RANGE):
    """How much a counter grew, added up, by labels where asked."""
    grouped = f" by ({by})" if by else ""
    selector = f"{metric}{{{labels}}}" if not metric.startswith("{") else f"{metric[:-1]}, {labels}}}"
    return f"sum{grouped} (increase({selector}{over}{shift}))"


def ratio(part, whole):
    """A share; no events, no share."""
    return f"({part}) / ({whole} > 0)"


def or_zero(part, whole):
    """A part that never happened is 0 where the whole did."""
    return f"({part} or 0 * {whole})"


def share(part, whole):
    return ratio(or_zero(part, whole), whole)


def outcome(which, **more):
    return increase("baton_workflows_total", f'{FLOW}, outcome=~"{which}"', **more)


def flows(**more):
    return increase("baton_workflows_total", FLOW, **more)


def resolution(**more):
    return share(outcome("resolved", **more), flows(**more))


def proven(**more):
    return share(outcome("resolved", **more), outcome("resolved|unverified", **more))


def spent(**more):
    """On models, and on the actions that have a price."""
    return increase('{__name__=~"baton_llm_cost_usd_total|baton_action_cost_usd_total"}', **more)


def cost_per_resolution(**more):
    return ratio(spent(**more), outcome("resolved", **more))


def escalation(**more):
    return share(increase("baton_escalations_total", **more), flows(**more))


def handoffs(extra="", **more):
    return increase("baton_handoffs_total", COHORT + extra, **more)


def handoff_success(**more):
    return share(handoffs(', result="success"', **more), handoffs(**more))


def answered(**more):
    turns = lambda extra="": increase("baton_turns_total", FLOW + extra, **more)
    return share(turns(', result="answered"'), turns())


def mean(metric, labels=COHORT, **more):
    return ratio(increase(metric + "_sum", labels, **more), increase(metric + "_count", labels, **more))


def wait(**more):
    return mean("baton_turn_duration_seconds", FLOW, **more)


def quantile(share_of, metric, labels=COHORT, by="", over=RANGE):
    return f"histogram_quantile({share_of}, {increase(metric + '_bucket', labels, by=f'le, {by}' if by else 'le', over=over)})"


def value(which, **more):
    return increase("baton_workflow_value_usd_total", f'{FLOW}, outcome{which}', **more)


def beyond_usual():
    """Cases that failed beyond the usual, in the stretches in which twice as many failed as over the whole time shown: incidents."""
    failed, all_of = outcome("failed|abandoned", over="[$__interval]"), flows(over="[$__interval]")
    usual = f"scalar({outcome('failed|abandoned', over='[$__range] @ end()')} / {flows(over='[$__range] @ end()')})"
    return f"(({failed}) - {usual} * {all_of}) and ({failed} > 2 * {usual} * {all_of})"


def incidents(each):
    """Of what is said for each case that failed beyond the usual, summed over the incidents."""
    return f"(sum_over_time(({beyond_usual()})[$__range:$__interval]) or vector(0)) * {each}"


# Panels

def query(expr, legend="", instant=False, exemplar=False, place=0):
    made = prometheus.Dataquery().expr(expr).legend_format(legend or "__auto").ref_id(chr(ord("A") + place)).datasource(SOURCE)
    made = made.exemplar(exemplar)
    return made.instant() if instant else made.range()


def steps(*pairs):
    made = [Threshold(value=at, color=color) for at, color in pairs]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


PLAIN = ((None, BLUE),)


def begun(kind, title, about, unit, span, height):
    made = kind.Panel().title(title).description(about).datasource(SOURCE).unit(unit).height(height).span(span)
    return made.no_value("unknown").interval("1m").max_data_points(POINTS)


def figure(title, about, expr, unit, colors=PLAIN, decimals=None, span=4, height=4):
    """One big number."""
    made = begun(stat, title, about, unit, span, height).thresholds(steps(*colors)).color_mode(BigValueColorMode.VALUE)
    made = made.graph_mode(BigValueGraphMode.NONE).with_target(query(expr, title, instant=True))
    return made.decimals(decimals) if decimals is not None else made


def card(title, about, measure, unit, better, absolute=False, decimals=1, span=8):
    """What it is now, how it changed, and what it was in the period before."""
    now, before = measure(), measure(**BEFORE)
    change = f"(({now}) - ({before}))" if absolute else f"(({now}) - ({before})) / ({before})"
    good = {"more": ("up", "down"), "less": ("down", "up"), "": ("", "")}[better]
    made = begun(stat, title, about, unit, span, 3).decimals(decimals).thresholds(steps(*PLAIN)).color_mode(BigValueColorMode.VALUE)
    made = made.graph_mode(BigValueGraphMode.NONE).text_mode(BigValueTextMode.VALUE_AND_NAME).orientation(VizOrientation.VERTICAL)
    said = [("now", now), ("up", f"{change} >= 0"), ("down", f"-({change} < 0)"), ("was", before)]
    for place, (word, expr) in enumerate(said):
        made = made.with_target(query(expr, word, instant=True, place=place))
        color = {"now": "#222222", "was": GREY}.get(word) or (GREY if not better else BLUE if word == good[0] else RED)
        properties = [DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})]
        if word in ("up", "down") and not absolute:
            properties.append(DynamicConfigValue(id_val="unit", value="percentunit"))
            properties.append(DynamicConfigValue(id_val="decimals", value=0))
        made = made.override_by_name(word, properties)
    return made


def lines(title, about, exprs, unit, span=12, exemplar=False, dashed=(), zero=True):
    """Trends; each expression with its legend."""
    made = begun(timeseries, title, about, unit, span, 8).fill_opacity(0).line_width(2).span_nulls(True)
    made = made.legend(common.VizLegendOptions().show_legend(True).display_mode("list").placement("bottom").calcs([]))
    made = made.min(0) if zero else made
    for place, (expr, legend) in enumerate(exprs):
        made = made.with_target(query(expr, legend, exemplar=exemplar, place=place))
    for legend in dashed:
        style = {"fill": "dash", "dash": [6, 6]}
        made = made.override_by_name(legend, [
            DynamicConfigValue(id_val="custom.lineStyle", value=style),
            DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": GREY}),
        ])
    return made


def trend(title, about, measure, unit, span=8):
    """This period and the one before, one over the other."""
    both = [(measure(over=POINT), "this period"), (measure(over=POINT, **BEFORE), "the period before")]
    return lines(title, about, both, unit, span, dashed=["the period before"])


def bars(title, about, expr, legend, unit, span=8, colors=PLAIN, height=8, decimals=None):
    """One bar per group."""
    made = begun(bargauge, title, about, unit, span, height).orientation(VizOrientation.HORIZONTAL).min(0)
    made = made.thresholds(steps(*colors)).with_target(query(expr, legend, instant=True))
    return made.decimals(decimals) if decimals is not None else made


def rows(title, about, columns, by, span=12, sort=None, height=8):
    """One row per group, one column per figure: (name, expression, unit)."""
    made = begun(table, title, about, "short", span, height)
    for place, (_, expr, _) in enumerate(columns):
        made = made.with_target(query(expr, instant=True, place=place).format("table"))
    values = [f"Value #{chr(ord('A') + place)}" for place in range(len(columns))] if len(columns) > 1 else ["Value"]
    names = dict(zip(values, (name for name, _, _ in columns)))
    order = {name: place for place, name in enumerate([*by, *values])}
    made = made.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    organize = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names}
    made = made.with_transformation(DataTransformerConfig(id_val="organize", options=organize))
    for name, _, unit in columns:
        made = made.override_by_name(name, [DynamicConfigValue(id_val="unit", value=unit)])
    return made.sort_by([common.TableSortByFieldState().display_name(sort or columns[0][0]).desc(True)])


def matrix(title, about, expr, row, column, unit, span=12):
    """Rows by columns."""
    made = begun(table, title, about, unit, span, 6).with_target(query(expr, instant=True).format("table"))
    fields = {"rowField": row, "columnField": column, "valueField": "Value", "emptyValue": "null"}
    return made.with_transformation(DataTransformerConfig(id_val="groupingToMatrix", options=fields))


# Boards

def board(name, about, since):
    made = dashboard.Dashboard(BOARDS[name]).uid(f"baton-{name}").description(about).tags(["baton"])
    made = made.refresh("1m").time(f"now-{since}", "now").editable()
    made = made.with_variable(dashboard.DatasourceVariable("source").label("Data source").type("prometheus"))
    for label in ["tier", "intent", "channel", "tenant", "workflow"]:
        variable = dashboard.QueryVariable(label).label(label.capitalize()).datasource(SOURCE)
        variable = variable.query(f"label_values(baton_workflows_total, {label})").refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        made = made.with_variable(variable.multi(True).include_all(True).all_value(".*").current(EVERYTHING))
    return made


def executive():
    made = board("executive", "Is this period better than the one before, and what did it cost? Blue got better, red got worse.", "7d")
    closed = lambda **more: flows(**more)
    completed = lambda **more: value('="resolved"', **more)
    at_risk = lambda **more: value('!="resolved"', **more)
    more = [resolution, proven, answered, handoff_success, completed]
    less = [wait, escalation, cost_per_resolution, at_risk, spent]
    many = len(more + less)
    tally = lambda up, down: " + ".join(f"(({f()}) {sign} bool ({f(**BEFORE)}) or vector(0))" for fs, sign in ((more, up), (less, down)) for f in fs)
    return fill(made, [
        "In a word",
        figure("Got better", f"Of the {many} figures below, those that are better than in the period before.", tally(">", "<"), f"suffix: of {many}", PLAIN, 0, 12, 3),
        figure("Got worse", f"Of the {many} figures below, those that are worse than in the period before.", tally("<", ">"), f"suffix: of {many}", ((None, GREY), (1, RED)), 0, 12, 3),
        "How well customers are served",
        card("Cases resolved", "Share of the closed cases whose solution was proven.", resolution, "percentunit", "more"),
        card("Proven solutions", "Of the cases that seemed to end well, the share whose solution was proven.", proven, "percentunit", "more"),
        card("Questions answered", "Share of the customers' questions that got an answer.", answered, "percentunit", "more"),
        card("Customers' wait", "Mean time from a question to the end of its answer.", wait, "s", "less", decimals=2),
        card("Passed to people", "Share of the cases that a person had to take over.", escalation, "percentunit", "less"),
        card("Clean handovers", "Share of the times a case moved to the next assistant without loss.", handoff_success, "percentunit", "more"),
        "What it brought and what it cost",
        card("Cost of a solved case", "All money spent, failed cases and people's time included, for each case resolved.", cost_per_resolution, "currencyUSD", "less", absolute=True, decimals=2),
        card("Business completed", "Worth of the business in cases that were resolved.", completed, "currencyUSD", "more", decimals=0),
        card("Business at risk", "Worth of the business in cases that were not resolved.", at_risk, "currencyUSD", "less", decimals=0),
        card("Money spent", "All money spent on assistants and people.", spent, "currencyUSD", "less", absolute=True, decimals=2, span=12),
        card("Cases closed", "All cases that came to an end, well or not.", closed, "short", "", decimals=0, span=12),
        "How it moved",
        trend("Cases resolved, trend", "How the share resolved moves, against the period before.", resolution, "percentunit"),
        trend("Cost of a solved case, trend", "How the cost of a solved case moves, against the period before.", cost_per_resolution, "currencyUSD"),
        trend("Customers' wait, trend", "How the wait moves, against the period before.", wait, "s"),
        trend("Passed to people, trend", "How the share taken over by people moves, against the period before.", escalation, "percentunit"),
        trend("Clean handovers, trend", "How the share of clean handovers moves, against the period before.", handoff_success, "percentunit"),
        trend("Business completed, trend", "How much business is completed, against the period before.", completed, "currencyUSD"),
    ])


def product():
    made = board("product", "Which customers, requests and models do well, where do people have to repeat themselves, and what did an outage cost?", "7d")
    resolved = lambda by: sort(resolution(by=by))
    by_model = lambda metric, extra="": increase(metric, COHORT + extra, by="intent, model")
    step = lambda by: sort(increase("baton_funnel_steps_total", FLOW, by=by))
    lost = share(handoffs(', reason="context_lost"', by="from, to"), handoffs(by="from, to"))
    usual = f"scalar({share(outcome('resolved', over='[$__range] @ end()'), flows(over='[$__range] @ end()'))})"
    worth = "scalar(" + ratio(value('="resolved"'), outcome("resolved")) + ")"
    return fill(made, [
        "Funnels",
        bars("Funnel", "How many cases come to each step; the longest bar is where all begin.", step("step"), "{{step}}", "short", 12, height=6),
        bars("Funnel by workflow", "The same, for each kind of work.", step("workflow, step"), "{{workflow}}: {{step}}", "short", 12, height=6),
        "Cohorts side by side",
        bars("Resolved by intent", "Which requests are solved.", resolved("intent"), "{{intent}}", "percentunit", 6, height=5),
        bars("Resolved by tier", "Whether paying customers are served better.", resolved("tier"), "{{tier}}", "percentunit", 6, height=5),
        bars("Resolved by channel", "Where customers are served best.", resolved("channel"), "{{channel}}", "percentunit", 6, height=5),
        bars("Resolved by tenant", "Which tenant's customers are served best.", resolved("tenant"), "{{tenant}}", "percentunit", 6, height=5),
        "Does the dear model earn its price?",
        rows("Cost and completion by intent and model", "For the same request, what each model solves and what a solution with it costs, whatever else was called included.", [
            ("cases", by_model("baton_model_workflows_total"), "short"),
            ("resolved", share(by_model("baton_model_workflows_total", ', outcome="resolved"'), by_model("baton_model_workflows_total")), "percentunit"),
            ("cost of a case", ratio(by_model("baton_model_workflow_cost_usd_total"), by_model("baton_model_workflows_total")), "currencyUSD"),
            ("cost of a solved case", ratio(by_model("baton_model_workflow_cost_usd_total"), by_model("baton_model_workflows_total", ', outcome="resolved"')), "currencyUSD"),
        ], ["intent", "model"], 16, "intent"),
        bars("Cost per case by intent", "What a case costs, resolved or not.", sort(mean("baton_workflow_cost_usd", FLOW, by="intent")), "{{intent}}", "currencyUSD", 8),
        bars("Several models in a case", "Share of the cases in which more than one model answered, by the way they ended.", sort(share(increase("baton_workflow_cascades_total", FLOW, by="outcome"), flows(by="outcome"))), "{{outcome}}", "percentunit", 8, height=6),
        bars("Cost of actions", "Money spent on tools, searches and people.", sort(increase("baton_action_cost_usd_total", by="kind, name") + " > 0"), "{{kind}} {{name}}", "currencyUSD", 8, height=6),
        bars("Value at risk by intent", "Worth of the business in cases that were not resolved.", sort(value('!="resolved"', by="intent") + " > 0"), "{{intent}}", "currencyUSD", 8, height=6),
        "Customers",
        bars("Satisfaction by agent", "Mean score that customers gave, here of five.", sort(mean("baton_feedback_score", by="agent")), "{{agent}}", "none", 8, height=6, decimals=2),
        bars("Had to say it again", "Messages that customers repeated after a handoff, by the agent that got them.", sort(increase("baton_user_repeats_total", by="agent")), "{{agent}}", "short", 8, height=6),
        bars("Where context is lost", "Share of the handoffs that lost what the customer had said, by the agents on both sides.", sort(f"{lost} > 0"), "{{from}} → {{to}}", "percentunit", 8, ((None, ORANGE),), height=6),
        bars("Came back", "Share of the resolved cases whose customer came back with the same request.", sort(share(increase("baton_workflow_recontacts_total", FLOW + ', outcome="resolved"', by="intent"), outcome("resolved", by="intent"))), "{{intent}}", "percentunit", 8),
        lines("Context kept", "Share of the facts that reached the next agent.", [(mean("baton_handoff_context_retention_ratio", COHORT + ', evidence!="tokens"', by="to", over=POINT), "{{to}}")], "percentunit", 8),
        bars("Request understood alike", "Share of the handoffs whose two agents name the same intent.", sort(share(increase("baton_handoff_intents_total", COHORT + ', result="kept"', by="from, to"), increase("baton_handoff_intents_total", by="from, to"))), "{{from}} → {{to}}", "percentunit", 8),
        "Latency against completion",
        rows("Wait and completion", "Whether requests that make people wait longer are solved more often.", [
            ("mean wait", wait(by="intent, tier"), "s"),
            ("slowest 5 %", quantile(0.95, "baton_turn_duration_seconds", FLOW, by="intent, tier"), "s"),
            ("resolved", resolution(by="intent, tier"), "percentunit"),
            ("turns answered", answered(by="intent, tier"), "percentunit"),
        ], ["intent", "tier"], 12),
        bars("Wait by agent", "How long each agent has the customer's question, on average.", sort(mean("baton_turn_agent_duration_seconds", FLOW, by="agent")), "{{agent}}", "s", 12),
        "What did the outage cost?",
        figure("Completed transactions lost", "Cases that failed beyond the usual in stretches with twice the usual failures, times the share usually resolved.", incidents(usual), "short", ((None, BLUE), (1, RED)), 1, 6, 8),
        figure("Business lost", "The same in money, by the worth of a resolved case.", incidents(f"{usual} * {worth}"), "currencyUSD", ((None, BLUE), (1, RED)), 0, 6, 8),
        lines("Completed, and what would be usual", "Cases resolved, against the share that is resolved over the whole time shown.", [(outcome("resolved", over=POINT), "resolved"), (f"{flows(over=POINT)} * {usual}", "usual"), (or_zero(outcome("failed|abandoned", over=POINT), flows(over=POINT)), "failed or abandoned")], "short", 12, dashed=["usual"]),
    ])


def engineering():
    made = board("engineering", "What do agents, models and tools do, what does it cost, and what is slow?", "24h")
    calls = lambda by, extra="", **more: increase("baton_llm_calls_total", COHORT + extra, by=by, **more)
    agents = lambda extra="": increase("baton_agent_invocations_total", COHORT + extra, by="agent")
    tools = lambda extra="": increase("baton_tool_calls_total", COHORT + extra, by="tool")
    score = lambda name: mean("baton_evaluation_score", f'{COHORT}, name="{name}"', by="intent")
    turn = lambda at: quantile(at, "baton_turn_duration_seconds", FLOW, over=POINT)
    first = lambda at: quantile(at, "baton_turn_first_token_seconds", FLOW, over=POINT)
    return fill(made, [
        "Models",
        lines("Model calls", "Calls by model.", [(calls("model", over=POINT), "{{model}}")], "short", 8),
        lines("Tokens", "Tokens by type; cache and reasoning are parts of input and output.", [(increase("baton_llm_tokens_total", by="type", over=POINT), "{{type}}")], "short", 8),
        lines("Cost", "Money spent on models.", [(increase("baton_llm_cost_usd_total", by="model", over=POINT), "{{model}}")], "currencyUSD", 8),
        bars("Errors by model", "Share of the calls that failed.", sort(share(calls("model", ', status="error"'), calls("model"))), "{{model}}", "percentunit", 8, ((None, ORANGE),), 6),
        bars("First token, slowest 5 %", "From the start of a call to its first token, by model.", sort(quantile(0.95, "baton_llm_first_token_seconds", by="model")), "{{model}}", "s", height=6),
        bars("Call time, slowest 5 %", "How long calls take, by model.", sort(quantile(0.95, "baton_llm_call_duration_seconds", by="model")), "{{model}}", "s", height=6),
        lines("Answer time with traces", "How long turns take; the dots lead to traces.", [(turn(0.5), "half"), (turn(0.95), "slowest 5 %")], "s", exemplar=True),
        lines("First word with traces", "How long users wait for the first word; the dots lead to traces.", [(first(0.5), "half"), (first(0.95), "slowest 5 %")], "s", exemplar=True),
        "Slowest and dearest",
        rows("Agents", "What each agent does, how often it fails, how long it has the turn, and what its calls cost.", [
            ("activations", agents(), "short"),
            ("errors", share(agents(', status="error"'), agents()), "percentunit"),
            ("slowest 5 %", quantile(0.95, "baton_turn_agent_duration_seconds", FLOW, by="agent"), "s"),
            ("cost", increase("baton_llm_cost_usd_total", by="agent"), "currencyUSD"),
        ], ["agent"], height=7),
        rows("Dearest calls", "Which agent spends how much on which model.", [
            ("cost", increase("baton_llm_cost_usd_total", by="agent, model"), "currencyUSD"),
            ("calls", calls("agent, model"), "short"),
            ("cost of a call", ratio(increase("baton_llm_cost_usd_total", by="agent, model"), calls("agent, model")), "currencyUSD"),
        ], ["agent", "model"], height=7),
        "Tools and retrieval",
        rows("Tools", "Calls of tools and how often they fail.", [("calls", tools(), "short"), ("errors", share(tools(', status="error"'), tools()), "percentunit")], ["tool"], 8, height=6),
        bars("Retrievals by intent", "Searches in knowledge bases that have a span of their own.", sort(increase("baton_retrievals_total", by="intent")), "{{intent}}", "short", height=6),
        bars("Without a price", "Tokens and amounts whose price or currency is not known: they are in no figure.", increase('{__name__=~"baton_unpriced_tokens_total|baton_unconverted_amounts_total"}', by="model, currency") + " > 0", "{{model}}{{currency}}", "short", height=6).no_value("none"),
        "Evaluations",
        rows("Scores beside outcomes", "Mean scores of the evaluations beside what became of the cases they were made in.", [
            ("groundedness", score("groundedness"), "none"),
            ("relevance", score("relevance"), "none"),
            ("resolved", resolution(by="intent"), "percentunit"),
            ("escalated", share(outcome("escalated", by="intent"), flows(by="intent")), "percentunit"),
        ], ["intent"], 14, height=6),
        bars("Evaluation scores", "Mean score by evaluation.", sort(mean("baton_evaluation_score", by="name")), "{{name}}", "none", 10, height=6, decimals=2),
        "Handoffs",
        matrix("Handoffs, from and to", "How many handoffs go from the agent of the row to that of the column.", handoffs(by="from, to"), "from", "to", "short"),
        matrix("Clean handoffs, from and to", "Share of them that succeeded.", handoff_success(by="from, to"), "from", "to", "percentunit"),
    ])


def sre():
    made = board("sre", "Do handoffs meet their objective, and is Baton well?", "24h")
    budget = 'scalar(baton:threshold{name="handoff_failure_budget"})'
    failures = ', result="failed"'
    burn = lambda window: f"job:baton_handoff_failures:ratio_increase{window} / {budget}"
    grown = lambda metric, by="": f"sum{f' by ({by})' if by else ''} (increase({metric}{POINT}))"
    return fill(made, [
        "Objective",
        figure("Handoff success", "Share of the handoffs that passed cleanly; the objective is 95 %.", handoff_success(), "percentunit", ((None, RED), (0.95, BLUE)), 2, 6),
        figure("Error budget left", "What is left of the failures that the objective allows in this period; below 0 it is overdrawn.", f"1 - (1 - ({handoff_success()})) / {budget}", "percentunit", ((None, RED), (0, ORANGE), (0.5, BLUE)), 0, 6),
        figure("Waiting handoffs", "Handoffs whose target has not acted yet.", "sum(baton_handoffs_pending)", "short", span=6),
        figure("Phantom handoffs", "Handoffs that a model asked for and that never ran.", or_zero(increase("baton_phantom_handoffs_total"), handoffs()), "short", span=6, decimals=0),
        lines("Burn rate", "How many times faster than allowed the budget is used up; 1 is as fast as allowed.", [*[(burn(w), w) for w in ("5m", "30m", "6h", "1d", "3d")], ('vector(scalar(baton:threshold{name="burn_30m"}))', "page")], "none", dashed=["page"]),
        lines("Failures by reason", "Failed handoffs and why.", [(handoffs(failures, by="reason", over=POINT), "{{reason}}")], "short"),
        rows("Failures by pair", "Which handoffs fail, and why.", [("failures", handoffs(failures, by="from, to, reason") + " > 0", "short")], ["from", "to", "reason"]),
        lines("Handoff latency", "From the decision to the first act of the target; the dots lead to traces.", [(quantile(0.5, "baton_handoff_duration_seconds", over=POINT), "half"), (quantile(0.95, "baton_handoff_duration_seconds", over=POINT), "slowest 5 %")], "s", exemplar=True),
        lines("Context lost", "Share of the handoffs that lost the context.", [(share(handoffs(', reason="context_lost"', over=POINT), handoffs(over=POINT)), "lost")], "percentunit", 8),
        bars("Context lost by target", "The same, by the agent that got too little.", sort(share(handoffs(', reason="context_lost"', by="to"), handoffs(by="to"))), "{{to}}", "percentunit", 8, ((None, ORANGE),)),
        bars("Transfer loops", "Times that control came back within a turn.", sort(increase("baton_transfer_loops_total", by="agent")), "{{agent}}", "short", 8),
        "Baton itself",
        lines("Spans taken", "Spans that came in.", [(grown("baton_receiver_spans_total"), "spans")], "short", 8),
        lines("Requests", "Export requests by result; refused ones are to be retried.", [(grown("baton_receiver_requests_total", "result"), "{{result}}")], "short", 8),
        lines("Rejected for good", "Spans that cannot be read, by reason.", [(grown("baton_receiver_rejected_total", "reason"), "{{reason}}")], "short", 8),
        lines("Waiting events", "Events in the log that are not counted yet.", [("sum(baton_log_backlog)", "events")], "short", 8),
        lines("Log on the disk", "Size of the log; it shrinks when the state is kept.", [("sum(baton_log_bytes)", "log")], "bytes", 8),
        lines("State kept and log full", "Snapshots by result, and appends refused because the log was full.", [(grown("baton_snapshots_total", "result"), "snapshots {{result}}"), (grown("baton_log_full_total"), "log full")], "short", 8),
        lines("Open sessions", "Sessions and traces held by the partitions.", [("sum(baton_partition_keys)", "sessions and traces")], "short", 8),
        lines("Memory of the partitions", "What the sessions weigh, by estimate.", [("sum(baton_partition_bytes)", "state")], "bytes", 8),
        lines("Late, twice, shed, overflowing", "Events that count only in part, and limits that were reached.", [
            (f"{grown(metric)} or vector(0)", word)
            for metric, word in [("baton_late_events_total", "late"), ("baton_duplicate_events_total", "twice"), ("baton_shed_total", "shed"), ("baton_series_overflow_total", "overflowing")]
        ], "short", 8),
    ])


def sort(expr):
    return f"sort_desc({expr})"


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
            {"name": "Incidents", "datasource": source, "enable": True, "iconColor": ORANGE, "expr": beyond_usual(), "titleFormat": "Many cases fail"},
            {"name": "Pages", "datasource": source, "enable": True, "iconColor": RED, "expr": 'ALERTS{alertname=~"Baton.+", alertstate="firing", severity="page"}', "titleFormat": "{{alertname}}"},
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
