"""Figures that are compared with the period before: value, change, 95 % interval and verdict.

A verdict is the difference in standard errors, so that a value mapping can say *better*, *worse* or *cannot tell*; see `words.CERTAIN`.
Shares rest on their numbers of events (Agresti and Caffo 2000 for the difference, Agresti and Coull 1998 for one share). Everything else rests on
the spread between the parts of the period, some 14 of them: their standard error with Student's t of 13 degrees of freedom.
"""

import dataclasses
from collections.abc import Callable

from . import words
from .queries import BEFORE, NOW, PART, PARTS, PARTS_BEFORE, counted, known, ratio, share, target, within

T = 2.160369


@dataclasses.dataclass(frozen=True)
class Figure:
    """`events` are what it rests on; `counted_in` names them."""

    name: str
    title: str
    about: str
    unit: str
    better: str
    events: Callable
    counted_in: str = "Workflows"
    decimals: int = 1
    missing: str = "No workflows yet"

    def value(self, time=NOW):
        raise NotImplementedError

    def difference(self):
        """In standard errors."""
        raise NotImplementedError

    def half_width(self):
        """Of the 95 % interval."""
        raise NotImplementedError

    @property
    def scale(self):
        """Shares change in points, everything else in its own unit."""
        return "100 * " if self.unit == words.SHARE else ""

    @property
    def change_unit(self):
        return words.POINTS if self.unit == words.SHARE else self.unit

    def change(self):
        return known(f"{self.scale}(({self.value()}) - ({self.value(BEFORE)}))")

    def interval(self):
        return known(f"{self.scale}({self.half_width()})")

    def verdict(self, least):
        """Only where both periods have enough events."""
        now, before = self.events(NOW), self.events(BEFORE)
        judged = f"clamp({self.difference()}, -99, 99) and ({now} >= {least}) and ({before} >= {least})"
        return f"({judged}) or ({words.TOO_FEW} + 0 * ({before} > 0)) or ({words.NOTHING_EARLIER} + 0 * ({now} > 0))"

    def met(self):
        sign = ">=" if self.better == "more" else "<="
        return known(f"({self.value()}) {sign} bool {target(self.name)}")


@dataclasses.dataclass(frozen=True)
class Share(Figure):
    """So many of so many events."""

    part: Callable = None

    def value(self, time=NOW):
        return within(share(self.part(time), self.events(time)))

    def _near(self, time, more):
        """The share with so many events more, half of them good."""
        whole = f"({counted(self.events(time))} + {more})"
        near = within(f"({counted(self.part(time))} + {more // 2}) / {whole}")
        return near, f"{near} * (1 - {near}) / {whole}"

    def difference(self):
        (now, spread), (before, spread_before) = self._near(NOW, 2), self._near(BEFORE, 2)
        return f"({now} - {before}) / sqrt({spread} + {spread_before})"

    def half_width(self, time=NOW):
        return f"{words.CERTAIN} * sqrt({self._near(time, 4)[1]}) and ({self.events(time)} > 0)"

    def bound(self, sign, time):
        """Of the interval, for a chart."""
        return f"clamp({self._near(time, 4)[0]} {sign} {words.CERTAIN} * sqrt({self._near(time, 4)[1]}), 0, 1) and ({self.events(time)} > 0)"


@dataclasses.dataclass(frozen=True)
class Spread(Figure):
    """What is judged by the spread between the parts of the period."""

    of: Callable = None

    def value(self, time=NOW):
        return self.of(time)

    def _error(self, parts):
        inside = f"({self.of(PART)}){parts}"
        return f"stdvar_over_time({inside}) / (count_over_time({inside}) - 1)"

    def difference(self):
        error = f"sqrt({self._error(PARTS)} + {self._error(PARTS_BEFORE)})"
        return f"{words.CERTAIN / T:.6f} * (({self.of(NOW)}) - ({self.of(BEFORE)})) / {error}"

    def half_width(self):
        return f"{T} * sqrt({self._error(PARTS)})"


@dataclasses.dataclass(frozen=True)
class Total(Spread):
    """What adds up over the parts; `per` divides it, as in workflows per day."""

    per: str = "1"

    def value(self, time=NOW):
        return f"({self.of(time)}) / ({self.per})"

    def difference(self):
        mean = lambda parts: f"avg_over_time(({self.of(PART)}){parts})"
        error = f"sqrt({self._error(PARTS)} + {self._error(PARTS_BEFORE)})"
        return f"{words.CERTAIN / T:.6f} * ({mean(PARTS)} - {mean(PARTS_BEFORE)}) / {error}"

    def half_width(self):
        parts = f"count_over_time(({self.of(PART)}){PARTS})"
        return f"{T} * {parts} * sqrt({self._error(PARTS)}) / ({self.per})"


def executive(queries, values):
    """The figures of the executive board, in groups of a row each."""
    q, money = queries, f"currency{values.currency}"
    workflows = lambda time: q.workflows(time=time)
    turns = lambda time: q.turns(time=time)
    resolved = lambda time: q.outcome("resolved", time=time)
    kept = 'evidence!="tokens"'
    stayed = lambda time: f"({resolved(time)} - {counted(q.grown('baton_workflow_recontacts_total', OUTCOME, time=time))})"
    spent = lambda time: q.spent(time=time)
    ratings = lambda part, time: q.grown(f"baton_workflow_feedback_score_{part}", time=time)
    context = lambda part, time: q.grown(f"baton_workflow_context_retention_ratio_{part}", kept, time=time)
    # Times are summed by the outcome at closing, so they are divided by workflows of that outcome.
    closed_resolved = lambda time: q.workflows(OUTCOME, time=time)
    elapsed = lambda time: q.grown("baton_workflow_elapsed_seconds_total", OUTCOME, time=time)
    return {
        "Customers and money": [
            Share("resolved", "Resolved (verified)", "Share of closed workflows that your system, an agent or an evaluation confirmed as resolved: more is better; when it falls, open What moved most.", words.SHARE, "more", workflows, part=resolved, missing="No outcome declared yet"),
            Spread("cost_of_resolved_workflow", "Cost per resolution", "All money spent, including failed workflows and people, divided by the number of resolved workflows: less is better; when it rises, look for agents and models on the engineering board.", money, "less", resolved, "Resolved", 2, "Needs a resolved workflow", of=lambda time: ratio(spent(time), resolved(time))),
            Spread("customer_wait", "Customer wait (median)", "Half of the requests received their final answer within this time: less is better; when it rises, look for slow models and agents on the engineering board.", words.SECONDS, "less", turns, "Requests", 2, "No requests yet", of=lambda time: q.quantile(0.5, "baton_turn_duration_seconds", time=time)),
            Total("net_return", "Net return", _about_return(values), money, "more", workflows, "Workflows", 0, "Needs a baseline: see deploy/values.yaml", of=lambda time: f"{stayed(time)} * sum(baton:baseline @ end()) - {counted(spent(time))}"),
        ],
        "How well customers are served": [
            Share("passed_to_people", "Passed to people", "Share of closed workflows that a person took over: less is better; when it rises, look at the intents in What moved most.", words.SHARE, "less", workflows, part=lambda time: q.outcome("escalated", time=time)),
            Share("requests_answered", "Requests answered", "Availability for customers, the share of requests that received an answer: more is better; when it falls, look for failing models and tools on the engineering board.", words.SHARE, "more", turns, "Requests", part=lambda time: q.turns('result="answered"', time=time), missing="No requests yet"),
            Share("stayed_resolved", "Stayed resolved", "Share of closed workflows that were resolved and whose customer did not return with the same intent: more is better; when it falls, read the repeat contacts on the product board.", words.SHARE, "more", workflows, part=stayed),
            Spread("customer_rating", "Customer rating (mean)", "Mean score that customers gave, on the scale of your feedback: more is better; when it falls, look at the agents on the engineering board.", words.PLAIN, "more", lambda time: ratings("count", time), "Ratings", 2, "No ratings yet", of=lambda time: ratio(ratings("sum", time), ratings("count", time))),
            Total("resolved_per_day", "Resolved per day", "Resolution velocity, the number of resolved workflows per day: more is better; when it falls, compare the number of closed workflows first.", words.COUNT, "more", resolved, "Resolved", of=resolved, per="$__range_s / 86400"),
            Spread("time_to_resolution", "Mean time to resolve", "Mean time from the first to the last activity of a resolved workflow: less is better; when it rises, look for slow handoffs and transfer loops on the handoff board.", words.SECONDS, "less", closed_resolved, "Resolved", of=lambda time: ratio(elapsed(time), closed_resolved(time)), missing="Needs a resolved workflow"),
        ],
        "How well the agents work together": [
            Share("handoffs_succeeded", "Handoffs that succeeded", "Share of handoffs in which the target agent started, did not fail at its first step and received enough context: more is better; when it falls, read the reasons below.", words.SHARE, "more", lambda time: q.handoffs(time=time), "Handoffs", part=lambda time: q.handoffs('result="success"', time=time), missing="No handoffs yet"),
            Share("context_kept", "Context kept at handoffs", "Mean share of the facts known to one agent that the next agent received, if it can be measured: more is better; when it falls, find the pair of agents on the handoff board.", words.SHARE, "more", lambda time: context("count", time), "Measured", part=lambda time: context("sum", time), missing="Not measured: messages are not sent"),
        ],
        "Business": [
            Total("business_completed", "Business completed", "Declared value of the workflows that were resolved: more is better; when it falls, compare the number of closed workflows first.", money, "more", workflows, "Workflows", 0, "No value declared", of=lambda time: q.value('="resolved"', time=time)),
            Total("business_at_risk", "Business at risk", "Declared value of the workflows that were not resolved: less is better; when it rises, find the intents that fail on the product board.", money, "less", workflows, "Workflows", 0, "No value declared", of=lambda time: q.value('!="resolved"', time=time)),
        ],
    }


OUTCOME = 'outcome="resolved"'


def _about_return(values):
    what = "Workflows that stayed resolved times the cost of a workflow without agents, minus all money spent"
    if not values.baseline:
        return f"{what}: it needs the cost of a workflow without agents, which you set in deploy/values.yaml."
    declared = f"{values.baseline['cost_of_workflow']:.2f} {values.currency} ({values.baseline['declared_by']})"
    return f"{what}; the baseline is {declared}: more is better, and when it falls look at the cost per resolution."
