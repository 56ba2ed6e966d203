"""The product board: which requests and models do well, and where customers have to repeat themselves."""

from . import words
from .executive import EQUAL_RESOLVED, incident_cost, period
from .panels import bars, figures, lines, rows
from .queries import BEFORE, DAY, Queries, descending, or_zero, ratio, share

VARIABLES = ("workflow", "tier", "intent")
SINCE, REFRESH = "7d", "5m"
ABOUT = "Which customers, requests and models do well, where do customers have to repeat themselves, and what did an outage cost?"


def build(values):
    q, money = Queries(values, VARIABLES), f"currency{values.currency}"
    return [period(q, values), *funnel(q), *cohorts(q, money), *models(q, money), *customers(q), *outages(q, money)]


def resolution(q, by):
    return share(q.outcome("resolved", by=by), q.cases(by=by))


def funnel(q):
    step = lambda **more: q.grown("baton_funnel_steps_total", **more)
    return [
        "Funnel",
        bars("Funnel", "Number of cases that reached each step: start with the step that loses the most cases.", (descending(step(by="step")), "{{step}}"), words.COUNT, 8, 7),
        rows("Funnel against the period before", "Cases at each step in this period and the one before: more at the last steps is better; a loss at one step only points to its agent.", [
            ("Cases", step(by="step"), words.COUNT),
            ("Before", step(by="step", time=BEFORE), words.COUNT),
            ("Share of all cases", f"{step(by='step')} / on () group_left () ({q.cases()} > 0)", words.SHARE),
        ], ["step"], 8, height=7),
        bars("Funnel by workflow", "The same steps for each workflow: compare where they lose cases.", (descending(step(by="workflow, step")), "{{workflow}}: {{step}}"), words.COUNT, 8, 7),
    ]


def cohorts(q, money):
    by = "intent, tier"
    resolved = lambda which: bars(f"Cases resolved by {which}", f"Share of closed cases that are resolved, by {which}: more is better; start with the shortest bar that has many cases.", (descending(resolution(q, which)), f"{{{{{which}}}}}"), words.SHARE, 8, 6)
    return [
        "Intents, tiers and workflows",
        rows("Intents and tiers", "Cases, share resolved, cost and customer wait of each intent and tier, the most frequent first: do not judge rows with fewer than 20 cases.", [
            ("Cases", f"{q.cases(by=by)} > 0", words.COUNT),
            ("Resolved", resolution(q, by), words.SHARE),
            ("Cost of a resolved case", ratio(q.spent(by=by), q.outcome("resolved", by=by)), money),
            ("Median wait", q.quantile(0.5, "baton_turn_duration_seconds", by=by), words.SECONDS),
            ("Slowest 5 %", q.quantile(0.95, "baton_turn_duration_seconds", by=by), words.SECONDS),
            ("Requests answered", share(q.turns('result="answered"', by=by), q.turns(by=by)), words.SHARE),
            ("Business at risk", f"{q.value('!=' + EQUAL_RESOLVED[1:], by=by)} > 0", money),
        ], ["intent", "tier"], 24, "Cases", 9),
        resolved("intent"),
        resolved("tier"),
        resolved("workflow"),
    ]


def models(q, money):
    by = "intent, model"
    cases = lambda extra="": q.grown("baton_model_workflows_total", extra, by=by)
    cost = q.grown("baton_model_workflow_cost_usd_total", by=by)
    resolved = 'outcome="resolved"'
    spread = f"196 * sqrt(({or_zero(cases(resolved), cases())} + 2) / ({cases()} + 4) * (1 - ({or_zero(cases(resolved), cases())} + 2) / ({cases()} + 4)) / ({cases()} + 4)) and ({cases()} > 0)"
    return [
        "Is the expensive model worth it?",
        rows("Models within one intent", "Resolution rate and cost of cases by model, for the same intent and including other models in the case: prefer the less expensive model if the intervals overlap.", [
            ("Cases", f"{cases()} > 0", words.COUNT),
            ("Resolved", share(cases(resolved), cases()), words.SHARE),
            ("95 % ±", spread, words.POINTS),
            ("Cost of a case", ratio(cost, cases()), money),
            ("Cost of a resolved case", ratio(cost, cases(resolved)), money),
        ], ["intent", "model"], 16, "intent", 9, ascending=True),
        bars("Cost of a case by intent", "Money spent on a closed case, resolved or not: less is better; look at its models on the left.", (descending(ratio(q.spent(by="intent"), q.cases(by="intent"))), "{{intent}}"), money, 8, 9, 2),
    ]


def customers(q):
    repeats = lambda by="": q.grown("baton_user_repeats_total", by=by)
    returned = q.grown("baton_workflow_recontacts_total", 'outcome="resolved"', by="intent")
    rating = lambda by: q.mean("baton_workflow_feedback_score", by=by)
    return [
        "Customers",
        bars("Customer rating by intent", "Mean score that customers gave, on the scale of your feedback: more is better; read sessions of the lowest bar.", (descending(rating("intent")), "{{intent}}"), words.PLAIN, 6, 7, 2),
        bars("Customers who repeated themselves", "Messages that customers had to repeat after a handoff, by the agent that received them: fewer is better; pass more context to that agent.", (descending(repeats("agent")), "{{agent}}"), words.COUNT, 6, 7),
        bars("Repeat contacts", "Share of resolved cases whose customer returned with the same intent: less is better; check whether these cases were really resolved.", (descending(share(returned, q.outcome("resolved", by="intent"))), "{{intent}}"), words.SHARE, 6, 7),
        bars("Context kept by workflow", "Mean share of the facts known to one agent that the next agent received, if it can be measured: more is better; find the pair of agents on the handoff board.", (descending(q.mean("baton_workflow_context_retention_ratio", 'evidence!="tokens"', by="workflow")), "{{workflow}}"), words.SHARE, 6, 7),
    ]


def outages(q, money):
    usual, worth = incident_cost(q)
    expected = f"{q.cases(time=DAY)} * {usual}"
    return [
        "What did the outage cost?",
        figures("What incidents cost", "Resolved cases and business value lost in parts of the period with more than twice the usual failures: none is good; open the handoff board at that time.", [
            ("Resolutions lost, about", q.incidents(usual), words.COUNT, 0, {0: "none"}),
            ("Business lost, about", q.incidents(f"{usual} * {worth}"), money, 0, None),
        ], 8, 8, 26),
        lines("Resolved cases, and what is usual", "Resolved and failed cases in the 24 hours before each point: if resolved is below usual, there is an outage or a slow decline.", [
            (q.outcome("resolved", time=DAY), "resolved"),
            (expected, "usual"),
            (or_zero(q.outcome("failed|abandoned", time=DAY), q.cases(time=DAY)), "failed or abandoned"),
        ], words.COUNT, "cases in 24 hours", 16, dashed=["usual"]),
    ]
