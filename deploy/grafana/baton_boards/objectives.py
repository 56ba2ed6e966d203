"""Objectives: which share of events should be good, and the rules and alerts on how fast the error budget, the rest, is used up.

The windows and the two conditions of each alert are those of https://sre.google/workbook/alerting-on-slos/: a long window shows that it matters, a short
one that it is not over.
"""

import dataclasses
import re

# The default bounds of the histograms, by the key of an objective that names one of them (docs/metrics.md). An objective can say `bounds` instead.
BOUNDS = {
    "seconds": (0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600, 1800),
    "amount": (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
}
# Windows of the ratios, and those in which bad events are counted.
RATIOS = ("5m", "30m", "2h", "6h", "1d", "3d")
COUNTS = ("1h", "6h", "3d")
# Burn rates at which alerts fire, in `thresholds`.
BURNS = ("burn_30m", "burn_6h", "burn_1d", "burn_3d")
RATIO, COUNT = "job_objective:baton_bad_events:ratio_increase", "job_objective:baton_bad_events:increase"


@dataclasses.dataclass(frozen=True)
class Objective:
    """One kind of events. `bad` is a selector of bad ones, or the key of the limit above which an event of the histogram is bad."""

    alert: str
    events: str
    metric: str
    judged: str
    bad: str
    happened: str
    summary: str
    runbook: str
    board: str

    def ratio(self, window, values, name):
        every = f"sum by (job) (increase({self._all()}[{window}]))"
        return f"({self._bad(window, values, name)})\n            / ({every} > 0)"

    def count(self, window, values, name):
        return self._bad(window, values, name)

    def _all(self):
        return f"{self.metric}_count" if self.is_histogram else f"{self.metric}{{{self.judged}}}" if self.judged else self.metric

    @property
    def is_histogram(self):
        return "=" not in self.bad

    def _bad(self, window, values, name):
        every = f"sum by (job) (increase({self._all()}[{window}]))"
        if not self.is_histogram:
            return f"sum by (job) (increase({self.metric}{{{self.bad}}}[{window}])) or 0 * {every}"
        # Prometheus 3 writes the bounds of buckets as 5.0, earlier ones as they are exposed.
        bound = re.escape(f"{values.objectives[name][self.bad]:g}").replace("\\", "\\\\")
        return f'{every} - sum by (job) (increase({self.metric}_bucket{{le=~"{bound}([.]0)?"}}[{window}]))'


OBJECTIVES = {
    "handoffs": Objective("BatonHandoffFailures", "handoffs", "baton_handoffs_total", 'result!="unknown"', 'result="failed"', "failed", "handoffs fail", "handoff-failures.md", "sre"),
    "answers": Objective("BatonAnswersMissing", "requests", "baton_turns_total", "", 'result="failed"', "received no answer", "requests receive no answer", "missing-answers.md", "product"),
    "wait": Objective("BatonWaitLong", "requests", "baton_turn_duration_seconds", "", "seconds", "waited longer for their answer than the objective allows", "requests wait too long", "long-waits.md", "engineering"),
    "cost": Objective("BatonCostHigh", "workflows", "baton_workflow_cost_usd", "", "amount", "cost more than the objective allows", "workflows cost too much", "high-cost.md", "engineering"),
    "tools": Objective("BatonToolErrors", "tool calls", "baton_tool_calls_total", 'status!="cancelled"', 'status="error"', "failed", "tool calls fail", "tool-errors.md", "engineering"),
}


def faults(values):
    """What is wrong in the section `objectives`."""
    found = [f"objectives: no objective is called {name}" for name in values.objectives.keys() - OBJECTIVES]
    if "handoffs" not in values.objectives:
        found.append("objectives: the handoff board needs handoffs")
    for name, asked in values.objectives.items():
        if name not in OBJECTIVES:
            continue
        objective = OBJECTIVES[name]
        keys = {"good", objective.bad} if objective.is_histogram else {"good"}
        if asked.keys() - ({"bounds"} if objective.is_histogram else set()) != keys:
            found.append(f"objectives.{name}: expected {' and '.join(sorted(keys))}")
        elif not all(isinstance(asked[key], (int, float)) for key in keys):
            found.append(f"objectives.{name}: expected numbers")
        elif objective.is_histogram and asked[objective.bad] not in (bounds := asked.get("bounds", BOUNDS[objective.bad])):
            known = ", ".join(f"{bound:g}" for bound in bounds)
            found.append(f"objectives.{name}.{objective.bad}: no bucket ends at {asked[objective.bad]:g}, so no event would be judged: choose one of {known}, or list in objectives.{name}.bounds what metrics.buckets of Baton has")
        elif not 0 < asked["good"] < 1:
            found.append(f"objectives.{name}.good: expected a share between 0 and 1, without both")
        elif (fastest := max(values.thresholds[burn] for burn in BURNS)) * (1 - asked["good"]) >= 1:
            found.append(f"objectives.{name}.good: even if everything is bad, the budget does not burn {fastest} times too fast, so the alert never fires: raise good, or lower the thresholds burn_*")
    return found


def rules(values):
    """The recording rules and alerts of all objectives, in YAML."""
    text = "groups:\n  - name: baton-objectives\n    rules:\n"
    chosen = {name: OBJECTIVES[name] for name in OBJECTIVES if name in values.objectives}
    for name, objective in chosen.items():
        text += f"      - record: baton:objective\n        expr: vector({values.objectives[name]['good']})\n        labels: {{objective: {name}}}\n"
        for record, windows, of in ((RATIO, RATIOS, objective.ratio), (COUNT, COUNTS, objective.count)):
            for window in windows:
                text += f"      - record: {record}{window}\n        expr: |\n          {values.money(of(window, values, name))}\n        labels: {{objective: {name}}}\n"
    text += "  - name: baton-objectives-alerts\n    rules:\n"
    for name, objective in chosen.items():
        text += _alert(name, objective, values, "Fast", (("30m", "5m", "burn_30m", "1h"), ("6h", "30m", "burn_6h", "6h")), "2m", "page")
        text += _alert(name, objective, values, "Slow", (("1d", "2h", "burn_1d", "3d"), ("3d", "6h", "burn_3d", "3d")), "15m", "ticket")
    return text


def budget(name):
    """The share of events that may be bad."""
    return f'(1 - scalar(baton:objective{{objective="{name}"}}))'


def _alert(name, objective, values, speed, conditions, wait, severity):
    chosen = f'{{objective="{name}"}}'
    limit = lambda burn: f'scalar(baton:threshold{{name="{burn}"}}) * {budget(name)}'
    either = []
    for long, short, burn, counted in conditions:
        either.append(f"""          (
            {RATIO}{long}{chosen} > {limit(burn)}
            and {RATIO}{short}{chosen} > {limit(burn)}
            and {COUNT}{counted}{chosen} >= scalar(baton:threshold{{name="minimum_events"}})
          )
""")
    either = "          or\n".join(either)
    happens = objective.summary
    summary, over = {
        "Fast": (f"{happens[0].upper()}{happens[1:]} and burn the error budget quickly", ""),
        "Slow": (f"More {happens} than the error budget allows", " over the last days"),
    }[speed]
    allowed = f"""{{{{ with query "1 - baton:objective{{objective=''{name}''}}" }}}}{{{{ . | first | value | humanizePercentage }}}}{{{{ end }}}}"""
    return f"""      - alert: {objective.alert}{speed}
        expr: |
{either}        for: {wait}
        labels: {{severity: {severity}}}
        annotations:
          summary: {summary}
          description: '{{{{ $value | humanizePercentage }}}} of the {objective.events} of {{{{ $labels.job }}}} {objective.happened}{over}. The error budget is {allowed}.'
          runbook_url: {values.links['runbooks'].rstrip('/')}/{objective.runbook}
          dashboard_url: {values.links['boards'].rstrip('/')}/d/baton-{objective.board}
"""
