"""The handoff board for SREs: objective, error budget, failures, and Baton's own health."""

from . import coverage, objectives, words
from .panels import bars, figure, lines, rests, rows
from .queries import JUDGED, MEASURED, POINT, Queries, descending, or_zero, share

SINCE, REFRESH = "24h", "1m"
ABOUT = "Do handoffs meet their objective, and is Baton healthy?"
CONTEXT_LOST = 'reason="context_lost"'
FAILED, UNKNOWN = 'result="failed"', 'result="unknown"'
BUDGET = objectives.budget("handoffs")


def variables(_values):
    """The metrics of this board have no cohorts."""
    return ()


def build(values):
    q = Queries(values, variables(values))
    return [*objective(q, values), *failures(q), *left_out(q), *itself(q)]


def handoffs(q, extra=JUDGED, **more):
    return q.grown("baton_handoffs_total", extra, **more)


def objective(q, values):
    success = share(handoffs(q, 'result="success"'), handoffs(q))
    failed = or_zero(handoffs(q, FAILED), handoffs(q))
    goal = f"{100 * values.objectives['handoffs']['good']:g} %"
    burn = lambda window: (f'{objectives.RATIO}{window}{{objective="handoffs"}} / {BUDGET}', window)
    limit = lambda name: f'vector(scalar(baton:threshold{{name="{name}"}}))'
    burning = lambda title, windows, name: lines(title, f"How many times faster than the objective of {goal} allows the error budget is consumed, over {' and '.join(windows)}: an alert fires when both lines are above the limit; 0 is good, and there is no line without handoffs.", [*map(burn, windows), (limit(name), "limit")], words.PLAIN, "times the budget", 12, dashed=["limit"], log=True, height=7)
    return [
        "Objective",
        figure("Handoffs that succeeded", f"Share of handoffs that succeeded: {goal} or more is good; read the failures by pair and reason below.", success, words.SHARE, 2, span=5, missing="No handoffs yet"),
        figure("Error budget used", f"Share of the failures that the objective of {goal} allows in the period shown: below 100 % is good; above it, stop releases until the cause is found.", f"({failed} / ({handoffs(q)} > 0)) / {BUDGET}", words.SHARE, 0, span=5, missing="No handoffs yet"),
        figure("Failures left in the budget", "Number of handoffs that can still fail before the error budget of the selected period is used up: 0 means that the budget is used up.", f"clamp_min({handoffs(q)} * {BUDGET} - {failed}, 0)", words.COUNT, 0, span=5, missing="No handoffs yet"),
        figure("Handoffs waiting", "Handoffs whose target agent has not started yet: a number that stays above 0 means that an agent does not start.", "sum(baton_handoffs_pending)", words.COUNT, 0, span=4),
        bars("Why the result is unknown", "Handoffs that are in no rate because no span shows whether their target started, by reason: none is good; set the names of agents on their spans.", (descending(handoffs(q, UNKNOWN, by="reason") + " > 0"), "{{reason}}"), words.COUNT, 5, 4).no_value("None"),
        rests("How much of the handoff figures is covered: more known and more declared is better; where a result is unknown, set the names of agents on their spans.", [
            *coverage.handoffs(q),
            coverage.context(q, "baton_handoff_context_retention_ratio", coverage.handoffs_by_pair),
            coverage.received(q),
        ]),
        burning("Burn rate, page", ["5m", "30m", "6h"], "burn_30m"),
        burning("Burn rate, ticket", ["2h", "1d", "3d"], "burn_1d"),
        lines("Burn rate of all objectives", "How many times faster than each objective of your values file allows its error budget was consumed over 6 hours: below 1 is good; above it, read the runbook of the alert with the name of the line.", [
            (f"sum by (objective) ({objectives.RATIO}6h) / on (objective) (1 - baton:objective)", "{{objective}}"),
            ("vector(1)", "budget"),
        ], words.PLAIN, "times the budget", 24, dashed=["budget"], log=True, height=7),
    ]


def failures(q):
    latency = lambda at, name: (q.quantile(at, "baton_handoff_duration_seconds", time=POINT), name)
    measured = lambda **more: q.grown("baton_handoff_context_retention_ratio_count", MEASURED, **more)
    # Where nothing is measured, as at handoffs to people, nobody knows what was lost.
    lost = lambda **more: f"({share(handoffs(q, CONTEXT_LOST, **more), handoffs(q, **more))}) and ({measured(**more)} > 0)"
    return [
        "Failures",
        rows("Failures by pair and reason", "Which handoffs fail and why, the most frequent first: start with the first row and its runbook.", [("Failures", handoffs(q, FAILED, by="from, to, reason") + " > 0", words.COUNT)], ["from", "to", "reason"], 12, height=9),
        lines("Failures by reason", "Failed handoffs per minute by reason: none is good; dropped and target_error together are usually an outage of a model.", [(q.rate("baton_handoffs_total", FAILED, by="reason"), "{{reason}}")], words.COUNT, "failures per minute", height=9),
        lines("Handoff latency", "Time from the request of the source to the first activity of the target, with dots that lead to traces: less is better; open a high dot.", [latency(0.5, "median"), latency(0.95, "slowest 5 %")], words.SECONDS, "time to first activity", exemplar=True),
        lines("Context lost", "Share of handoffs that lost the context: none is good; the panel on the right shows the target agents.", [(lost(time=POINT), "lost")], words.SHARE, "share of handoffs", 6),
        rows("Context lost by target", "Share of handoffs that lost the context, and share of which this can be measured, by target agent, with a dash where nothing is measured: no loss is good; pass more of the conversation to the target.", [
            ("Lost", lost(by="to"), words.SHARE),
            ("Measured", share(measured(by="to"), handoffs(q, "", by="to")), words.SHARE),
        ], ["to"], 6),
        bars("Transfer loops", "Number of times that control returned to an agent within a request: none is good; make clear in the prompts which agent is responsible.", (descending(q.grown("baton_transfer_loops_total", by="agent")), "{{agent}}"), words.COUNT, 12, 6),
        bars("Phantom handoffs", "Handoffs that a model requested and the application never executed, by pair: none is good; check that the target agent is registered.", (descending(q.grown("baton_phantom_handoffs_total", by="from, to") + " > 0"), "{{from}} → {{to}}"), words.COUNT, 12, 6),
    ]


# Metric of what is in no figure, or not fully; what it says; and the label that says why.
LEFT_OUT = [
    ("baton_ignored_events_total", "ignored: changes no figure", "reason"),
    ("baton_receiver_unread_total", "not read: changes no figure", "reason"),
    ("baton_duplicate_events_total", "duplicate: counted once", ""),
    ("baton_late_events_total", "late: counted in totals only", ""),
    ("baton_shed_total", "finalized early: a limit was reached", "reason"),
    ("baton_series_overflow_total", "counted without its label: too many values", "label"),
    ("baton_unknown_outcomes_total", "outcome not understood: declares nothing", ""),
    ("baton_unconverted_amounts_total", "amount without a rate: in no money figure", "currency"),
    ("baton_dialect_misreadings_total", "expression of a dialect that gave nothing", "key"),
    ("baton_receiver_rejected_total", "rejected: cannot be read", "reason"),
    ("baton_receiver_failed_requests_total", "request not accepted", "reason"),
]


def left_out(q):
    """What arrived and is in no figure, or not fully, each with its reason."""

    def said(metric, what, label):
        counts = q.grown(metric, by=label) + " > 0"
        counts = f'label_join({counts}, "why", "", "{label}")' if label else counts
        return f'sum by (what, why) (label_replace({counts}, "what", "{what}", "", ""))'

    spans = lambda extra="", by="": q.grown("baton_receiver_spans_total", extra, by=by)
    return [
        "Left out of the figures",
        rows("Ignored, dropped and only partly counted", "Spans, log records, requests and values that are in no figure or not fully, by reason: none is good; for shed, rejected and overflowed ones there are runbooks.", [("Number", " or ".join(said(*one) for one in LEFT_OUT), words.COUNT)], ["what", "why"], 14, height=9).no_value("None"),
        rows("Spans by dialect", "Accepted spans by the dialect that recognizes them, with their share: none is a dialect that Baton does not know, so teach it or add attributes.", [
            ("Spans", spans(by="dialect") + " > 0", words.COUNT),
            ("Share", f"({spans(by='dialect')} > 0) / on () group_left () ({spans()} > 0)", words.SHARE),
        ], ["dialect"], 10, height=9),
    ]


def itself(q):
    rate = lambda metric, by="": q.rate(metric, by=by)
    zero = lambda expr: f"{expr} or vector(0)"
    return [
        "Baton itself",
        lines("Spans received", "Spans accepted per minute: a fall to 0 means that no sender reaches Baton.", [(rate("baton_receiver_spans_total"), "spans")], words.COUNT, "spans per minute", 8),
        lines("Requests", "Export requests per minute by result: senders retry refused requests, so if the line of refused requests lasts, follow the runbook of BatonRefusing.", [(rate("baton_receiver_requests_total", "result"), "{{result}}")], words.COUNT, "requests per minute", 8),
        lines("Spans permanently rejected", "Spans and log records per minute that Baton cannot read, by reason: none is good; fix the sender.", [(rate("baton_receiver_rejected_total", "reason"), "{{reason}}")], words.COUNT, "spans per minute", 8),
        lines("Events not counted yet", "Events in the log that wait to be processed: a rising line means that metrics are delayed.", [("sum(baton_log_backlog)", "events")], words.COUNT, "events", 8),
        lines("Log on disk", "Size of the log, which shrinks after snapshots: a line that only rises means that snapshots fail.", [("sum(baton_log_bytes)", "log")], words.BYTES, "bytes", 8),
        lines("Snapshots, and refusals because the log is full", "Snapshots per minute by result, and writes refused because the volume or the log is full: none may fail or be refused; follow the runbook of BatonSnapshotsFailing.", [(rate("baton_snapshots_total", "result"), "snapshots {{result}}"), (rate("baton_log_full_total"), "log full")], words.COUNT, "per minute", 8),
        lines("Open sessions", "Sessions and traces held in memory: a line that only rises means that workflows never close.", [("sum(baton_partition_keys)", "sessions and traces")], words.COUNT, "sessions and traces", 8),
        lines("Memory of open sessions", "Estimated memory of open sessions and metric series: keep it below the memory limit of the container.", [("sum(baton_partition_bytes)", "state")], words.BYTES, "bytes", 8),
        lines("Late, duplicate, shed and overflowed events", "Events that count only in part, and limits that are reached: none is good; for shed and overflowed events there are runbooks.", [
            (zero(rate(metric)), word)
            for metric, word in [("baton_late_events_total", "late"), ("baton_duplicate_events_total", "duplicate"), ("baton_shed_total", "shed"), ("baton_series_overflow_total", "overflowed")]
        ], words.COUNT, "events per minute", 8),
    ]
