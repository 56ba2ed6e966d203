"""The executive board: better or worse than before, since when, why, and where to look."""

from . import coverage, words
from .figures import executive as figures_of
from .panels import bars, figures, rests, rows, scored, trend
from .queries import BEFORE, NOW, PARTS, WHOLE, Queries, counted, descending, or_zero, ratio, share, within

SINCE, REFRESH = "7d", "5m"
ABOUT = "Is this period better than the one before, and what did it cost? A figure is called better or worse only if the 95 % interval of the difference excludes zero. The column Value, 95 % ± is the interval of the value itself."


def variables(values):
    return ("workflow", *values.cohorts)


def period(q, values):
    """What is shown and what it is compared with, in dates and workflows."""
    workflows = q.workflows()
    return figures(
        "Period and workflows",
        "The selected period, the period of the same length before it, and the number of closed workflows: with few workflows, no figure is called better or worse, so select a longer period.",
        [
            ("From", "vector(1000 * (time() - $__range_s))", words.DATE, None, None),
            ("To", "vector(1000 * time())", words.DATE, None, None),
            ("Compared with the time from", f"vector(1000 * (time() - 2 * $__range_s)) and ({q.workflows(time=BEFORE)} > 0)", words.DATE, None, None),
            ("Workflows closed", counted(workflows), words.COUNT, 0, {0: "No workflows yet"}),
            ("Workflows closed before", counted(q.workflows(time=BEFORE)), words.COUNT, 0, {0: words.NOTHING_EARLIER_WORDS}),
            ("Money spent", counted(q.spent()), f"currency{values.currency}", 2, None),
        ],
        24,
        3,
        20,
    )


def moved(q, values):
    """Which intents moved the share of resolved workflows, in points of the whole; what their changed mix did is a row of its own."""
    workflows = lambda time: q.workflows(by="intent", time=time)
    resolved = lambda time: within(share(q.outcome("resolved", by="intent", time=time), workflows(time)))
    whole = lambda time: within(share(q.outcome("resolved", time=time), q.workflows(time=time)))
    weight = lambda time: f"{workflows(time)} / on () group_left () {q.workflows(time=time)}"
    effect = f"100 * ({weight(NOW)}) * ({resolved(NOW)} - {resolved(BEFORE)})"
    mix = f'label_replace(100 * ({whole(NOW)} - {whole(BEFORE)}) - sum({effect}), "intent", "other mix of intents", "", "")'
    z = _difference(q)
    least = values.minimum_workflows_to_judge
    verdict = f"(clamp({z}, -99, 99) and ({workflows(NOW)} >= {least}) and ({workflows(BEFORE)} >= {least})) or ({words.TOO_FEW} + 0 * ({workflows(BEFORE)} > 0)) or ({words.NOTHING_EARLIER} + 0 * ({workflows(NOW)} > 0))"
    return rows(
        "What moved most",
        "How many percentage points each intent added to or took from the share of workflows resolved: the worst is first, so look at it on the product board.",
        [
            ("Effect", f"({effect}) or ({mix})", words.POINTS),
            ("Verdict", verdict, words.COUNT),
            ("Resolved before", resolved(BEFORE), words.SHARE),
            ("Resolved now", resolved(NOW), words.SHARE),
            ("Workflows", f"{workflows(NOW)} > 0", words.COUNT),
        ],
        ["intent"],
        12,
        "Effect",
        ascending=True,
        verdict="more",
        height=9,
    )


def _difference(q):
    """Of the shares of each intent, in standard errors, as in `figures.Share`."""

    def near(time):
        workflows = q.workflows(by="intent", time=time)
        whole = f"({workflows} + 2)"
        part = within(f"({or_zero(q.outcome('resolved', by='intent', time=time), workflows)} + 1) / {whole}")
        return part, f"{part} * (1 - {part}) / {whole}"

    (now, spread), (before, spread_before) = near(NOW), near(BEFORE)
    return f"({now} - {before}) / sqrt({spread} + {spread_before})"


def reasons(q, values):
    money = f"currency{values.currency}"
    return [
        bars("How the other workflows ended", "Closed workflows that were not resolved, by outcome: fewer is better; unverified workflows need a declared outcome.", [(q.outcome(outcome) + " > 0", outcome) for outcome in OPEN_OUTCOMES], words.COUNT, 8, 6),
        bars("Why handoffs failed", "Failed handoffs by reason: fewer is better; look for the pair of agents on the handoff board.", (descending(q.handoffs('result="failed"', by="reason") + " > 0"), "{{reason}}"), words.COUNT, 8, 6),
        bars("Spending against the budget", "Money spent in this month so far, the whole month at this rate, and its budget: below the budget is good; when it is above, look for expensive agents on the engineering board.", [
            (counted(q.spent()), "this month so far"),
            (projected(q), "this month at this rate"),
            ("sum(baton:budget)", "budget of a month"),
        ], money, 8, 6, 0).no_value("No budget set").time_from(MONTH),
    ]


# The panel's own time, where the board's is one that ends now: the calendar month so far, in the zone of the board.
MONTH = "now/M"


def projected(q):
    """Spending of the month at the rate so far. Half a month after its start it is the same month in each zone."""
    days = "scalar(days_in_month(vector(time() - $__range_s + 15 * 86400)))"
    return f"{counted(q.spent())} / $__range_s * 86400 * {days}"


def month(q, values):
    """The month so far, and what of it was not needed."""
    money = f"currency{values.currency}"
    return figures(
        "This month",
        "Money spent since the first day of this month: if more than a tenth went to workflows without result, look at the engineering board; if you selected fixed dates, it shows those.",
        [
            ("Spent so far", counted(q.spent()), money, 2, None),
            ("At the month's end at this rate", projected(q), money, 2, None),
            ("Budget", "sum(baton:budget)", money, 2, None),
            ("Spent on failed and abandoned workflows", counted(q.spent('outcome=~"failed|abandoned"')), money, 2, None),
        ],
        24,
        3,
        20,
    ).time_from(MONTH)


def incident_cost(q):
    usual = f"scalar({within(share(q.outcome('resolved', time=WHOLE), q.workflows(time=WHOLE)))})"
    worth = f"scalar({ratio(q.value(EQUAL_RESOLVED), q.outcome('resolved'))})"
    return usual, worth


OPEN_OUTCOMES = ("escalated", "failed", "abandoned", "unverified")
EQUAL_RESOLVED = '="resolved"'


def incidents(q, values):
    usual, worth = incident_cost(q)
    money = f"currency{values.currency}"
    return figures(
        "What incidents cost",
        "Resolved workflows, business value and time lost in parts of the period with more than twice the usual failures (shaded on the charts): none is good; open the handoff board at that time.",
        [
            ("Resolutions lost, about", q.incidents(usual), words.COUNT, 0, {0: "none"}),
            ("Business lost, about", q.incidents(f"{usual} * {worth}"), money, 0, None),
            ("Time in incidents, about", f"(count_over_time(({q.beyond_usual()}){PARTS}) or 0 * {q.workflows()}) * $__interval_ms / 1000", words.SECONDS, 0, {0: "none"}),
        ],
        24,
        3,
    )


def besides(one, values):
    """The net return rests on a number that no span tells."""
    if one.name != "net_return" or not values.baseline:
        return []
    return [(f"Baseline, {values.baseline['declared_by']}", "sum(baton:baseline)", f"currency{values.currency}", 2, None)]


def build(values):
    q = Queries(values, variables(values))
    groups = figures_of(q, values)
    by_name = {one.name: one for group in groups.values() for one in group}
    basis = coverage.executive(q)
    panels = [period(q, values)]
    for place, (title, group) in enumerate(groups.items()):
        panels.append(title)
        for pair in zip(group[::2], group[1::2], strict=True):
            panels += [panel for one in pair for panel in scored(one, values)]
            # Below each figure what it rests on.
            panels += [rests(f"How much of {one.title} is covered: more known and more declared is better; run baton doctor to see what is missing.", basis[one.name], 12, "", 2, 15, besides(one, values)) for one in pair]
        if place == 0:
            about = "The share of workflows resolved in this period and the one before, with its 95 % interval: above the target is good; a shaded dip is an incident."
            panels += [trend(by_name["resolved"], "Workflows resolved", about, 12, 9), moved(q, values)]
    panels += reasons(q, values)
    panels += [month(q, values), "Trends"]
    panels += [
        trend(by_name["cost_of_resolved_workflow"], "Cost per resolution over time", "Cost per resolution in the 24 hours before each point: below the target is good; compare a rise with the releases."),
        trend(by_name["customer_wait"], "Customer wait over time", "Median customer wait in the 24 hours before each point: below the target is good; compare a rise with the releases."),
        trend(by_name["handoffs_succeeded"], "Handoffs that succeeded over time", "Share of handoffs that succeeded in the 24 hours before each point: above the target is good; a shaded dip is an incident."),
    ]
    return [*panels, "Incidents", incidents(q, values)]
