"""The product board: which requests and models do well, and where customers have to repeat themselves."""

from . import coverage, words
from .executive import EQUAL_RESOLVED, incident_cost, period
from .panels import bars, figures, lines, rests, rows
from .queries import BEFORE, DAY, JUDGED, MEASURED, Queries, descending, or_zero, ratio, share, within

SINCE, REFRESH = "7d", "5m"
ABOUT = "Which customers, requests and models do well, where do customers have to repeat themselves, and what did an outage cost?"


# The metrics of models have these cohorts only.
EVERYWHERE = ("tier", "intent")


def variables(values):
    """Those that every metric of this board has."""
    return ("workflow", *(name for name in values.cohorts if name in EVERYWHERE))


def build(values):
    q, money = Queries(values, variables(values)), f"currency{values.currency}"
    return [period(q, values), basis(q), *funnel(q), *cohorts(q, values), *models(q, money), *customers(q), *outages(q, money)]


def resolution(q, by):
    return within(share(q.outcome("resolved", by=by), q.workflows(by=by)))


def basis(q):
    return rests("How much of the figures of this board is covered: more is better; run baton doctor to see what is missing and how to add it.", [
        *coverage.resolutions(q),
        coverage.cost(q),
        coverage.users(q),
        coverage.results(q, coverage.handoffs_by_workflow),
        coverage.context(q, "baton_workflow_context_retention_ratio", coverage.handoffs_by_workflow),
        coverage.ratings(q),
    ])


def proven(q, by):
    """Columns that say what resolutions rested on when their workflows closed."""
    of = lambda evidence: share(q.workflows(f'outcome="resolved", evidence="{evidence}"', by=by), q.workflows('outcome="resolved"', by=by))
    return [("Declared", of("declared"), words.SHARE), ("By rule", of("rule"), words.SHARE)]


def funnel(q):
    step = lambda **more: q.grown("baton_funnel_steps_total", **more)
    return [
        "Funnel",
        bars("Funnel", "Number of workflows that reached each step: start with the step that loses the most workflows.", (descending(step(by="step")), "{{step}}"), words.COUNT, 8, 7),
        rows("Funnel against the period before", "Workflows at each step in this period and the one before: more at the last steps is better; a loss at one step only points to its agent.", [
            ("Workflows", step(by="step"), words.COUNT),
            ("Before", step(by="step", time=BEFORE), words.COUNT),
            ("Share of all workflows", f"{step(by='step')} / on () group_left () ({q.workflows()} > 0)", words.SHARE),
        ], ["step"], 8, height=7),
        bars("Funnel by workflow", "The same steps for each workflow: compare where they lose workflows.", (descending(step(by="workflow, step")), "{{workflow}}: {{step}}"), words.COUNT, 8, 7),
    ]


def cohorts(q, values):
    money, other = f"currency{values.currency}", values.breakdown
    labels = ["intent", other] if other else ["intent"]
    by, spoken = ", ".join(labels), " and ".join(words.spoken(label) for label in labels)
    broken = [*labels, "workflow"]
    resolved = lambda which: rows(f"Workflows resolved by {words.spoken(which)}", f"Share of closed workflows that are resolved, by {words.spoken(which)}, and how many resolutions are declared or decided by your rules: more is better; start with the last row that has many workflows.", [
        ("Resolved", resolution(q, which), words.SHARE),
        *proven(q, which),
        ("Workflows", f"{q.workflows(by=which)} > 0", words.COUNT),
    ], [which], 24 // len(broken), height=6)
    return [
        f"By {', '.join(words.spoken(label) for label in broken)}",
        rows(f"By {spoken}", f"Workflows, share resolved, cost and customer wait of each {spoken}, the most frequent first: do not judge rows with fewer than 20 workflows.", [
            ("Workflows", f"{q.workflows(by=by)} > 0", words.COUNT),
            ("Resolved", resolution(q, by), words.SHARE),
            *proven(q, by),
            ("Cost per resolution", ratio(q.spent(by=by), q.outcome("resolved", by=by)), money),
            ("Cost known", coverage.cost(q, by=by).share(), words.SHARE),
            ("Median wait", q.quantile(0.5, "baton_turn_duration_seconds", by=by), words.SECONDS),
            ("Slowest 5 %", q.quantile(0.95, "baton_turn_duration_seconds", by=by), words.SECONDS),
            ("Requests answered", share(q.turns('result="answered"', by=by), q.turns(by=by)), words.SHARE),
            ("Business at risk", f"{q.value('!=' + EQUAL_RESOLVED[1:], by=by)} > 0", money),
            ("Value declared", coverage.values(q, coverage.OPEN, "", "", by=by).share(), words.SHARE),
        ], labels, 24, "Workflows", 9),
        *(resolved(which) for which in broken),
    ]


def models(q, money):
    by = "intent, model"
    workflows = lambda extra="": q.grown("baton_model_workflows_total", extra, by=by)
    cost = q.grown("baton_model_workflow_cost_usd_total", by=by)
    resolved = 'outcome="resolved"'
    spread = f"196 * sqrt(({or_zero(workflows(resolved), workflows())} + 2) / ({workflows()} + 4) * (1 - ({or_zero(workflows(resolved), workflows())} + 2) / ({workflows()} + 4)) / ({workflows()} + 4)) and ({workflows()} > 0)"
    return [
        "Is the expensive model worth it?",
        rows("Models within one intent", "Resolution rate and cost of workflows by model, for the same intent and including other models in the workflow: prefer the less expensive model if the intervals overlap.", [
            ("Workflows", f"{workflows()} > 0", words.COUNT),
            ("Resolved", share(workflows(resolved), workflows()), words.SHARE),
            ("Resolved, 95 % ±", spread, words.POINTS),
            ("Cost of a workflow", ratio(cost, workflows()), money),
            ("Cost per resolution", ratio(cost, workflows(resolved)), money),
            ("Cost known, of the intent", f"0 * {workflows()} + on (intent) group_left () ({coverage.cost(q, by='intent').share()})", words.SHARE),
        ], ["intent", "model"], 16, "intent", 9, ascending=True),
        rows("Cost of a workflow by intent", "Money spent on a closed workflow, resolved or not, and share of the model calls whose cost is known: less is better; look at its models on the left.", [
            ("Cost", ratio(q.spent(by="intent"), q.workflows(by="intent")), money),
            ("Cost known", coverage.cost(q, by="intent").share(), words.SHARE),
        ], ["intent"], 8, height=9),
    ]


def customers(q):
    repeats = lambda by="": q.grown("baton_user_repeats_total", by=by)
    returned = q.grown("baton_workflow_recontacts_total", 'outcome="resolved"', by="intent")
    kept = "baton_workflow_context_retention_ratio"
    rating = lambda by: q.mean("baton_workflow_feedback_score", by=by)
    return [
        "Customers",
        rows("Customer rating by intent", "Mean score that customers gave, on the scale of your feedback, with the number of ratings: more is better; read sessions of the last row.", [
            ("Rating", rating("intent"), words.PLAIN),
            ("Ratings", q.grown("baton_workflow_feedback_score_count", by="intent"), words.COUNT),
        ], ["intent"], 8, height=7),
        bars("Customers who repeated themselves", "Messages that customers had to repeat after a handoff, by the agent that received them: fewer is better; pass more context to that agent.", (descending(repeats("agent")), "{{agent}}"), words.COUNT, 8, 7),
        rows("Repeat contacts", "Share of resolved workflows whose customer returned with the same intent, and share of which the customer is known: less is better; check whether these workflows were really resolved.", [
            ("Returned", share(returned, q.workflows('outcome="resolved"', by="intent")), words.SHARE),
            ("Users known", coverage.users(q, by="intent").share(), words.SHARE),
        ], ["intent"], 8, height=7),
        rows("Context kept by workflow", "Mean share of the facts known to one agent that the next agent received, and share of the handoffs of which it can be measured: more is better; find the pair of agents on the handoff board.", [
            ("Kept", q.mean(kept, MEASURED, by="workflow"), words.SHARE),
            ("Measured", share(q.grown(f"{kept}_count", MEASURED, by="workflow"), q.handoffs("", by="workflow")), words.SHARE),
        ], ["workflow"], 12, height=7),
        rows("Handoffs that succeeded by workflow", "Share of handoffs that succeeded, and share of the handoffs whose result is known: more is better; read the reasons on the handoff board.", [
            ("Succeeded", share(q.handoffs('result="success"', by="workflow"), q.handoffs(by="workflow")), words.SHARE),
            ("Result known", share(q.handoffs(JUDGED, by="workflow"), q.handoffs("", by="workflow")), words.SHARE),
        ], ["workflow"], 12, height=7),
    ]


def outages(q, money):
    usual, worth = incident_cost(q)
    expected = f"{q.workflows(time=DAY)} * {usual}"
    return [
        "What did the outage cost?",
        figures("What incidents cost", "Resolved workflows and business value lost in parts of the period with more than twice the usual failures: none is good; open the handoff board at that time.", [
            ("Resolutions lost, about", q.incidents(usual), words.COUNT, 0, {0: "none"}),
            ("Business lost, about", q.incidents(f"{usual} * {worth}"), money, 0, None),
        ], 8, 8, 26),
        lines("Resolved workflows, and what is usual", "Resolved and failed workflows in the 24 hours before each point: if resolved is below usual, there is an outage or a slow decline.", [
            (q.outcome("resolved", time=DAY), "resolved"),
            (expected, "usual"),
            (or_zero(q.outcome("failed|abandoned", time=DAY), q.workflows(time=DAY)), "failed or abandoned"),
        ], words.COUNT, "workflows in 24 hours", 16, dashed=["usual"]),
    ]
