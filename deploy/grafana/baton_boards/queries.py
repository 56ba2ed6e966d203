"""PromQL: how much counters grew under the variables of a board. Rates are sums divided by sums, never averages of averages."""

NOW, BEFORE = "[$__range]", "[$__range] offset $__range"
# Charts of executives show at each point the day that ends there; charts of engineers the shortest time that has samples.
DAY, DAY_BEFORE, POINT = "[1d]", "[1d] offset $__range", "[$__rate_interval]"
# The parts of a period, for the spread between them.
PART = "[$__interval]"
PARTS, PARTS_BEFORE = "[$__range:$__interval]", "[$__range:$__interval] offset $__range"
WHOLE = "[$__range] @ end()"
# Handoffs of which spans show how they ended: only these are in rates.
JUDGED = 'result!="unknown"'
# Handoffs of which more than the number of tokens says how much context they passed.
MEASURED = 'evidence!="tokens"'


class Queries:
    """The metrics of a board: every selector honours every variable that the board shows."""

    def __init__(self, values, variables=()):
        self.values = values
        self.where = ", ".join(f'{name}=~"${name}"' for name in variables)

    def select(self, metric, extra=""):
        inside = ", ".join(part for part in (self.where, extra) if part)
        return f"{self.values.money(metric)}{{{inside}}}" if inside else self.values.money(metric)

    def grown(self, metric, extra="", by="", time=NOW):
        return f"sum{grouped(by)} (increase({self.select(metric, extra)}{time}))"

    def rate(self, metric, extra="", by="", seconds=60):
        """Per minute, or per so many seconds."""
        return f"{seconds} * sum{grouped(by)} (rate({self.select(metric, extra)}{POINT}))"

    def workflows(self, extra="", **more):
        return self.grown("baton_workflows_total", extra, **more)

    def outcome(self, outcome, **more):
        """Closed workflows with one of these outcomes, corrected by what was reported later (O-5)."""
        moved = "baton_workflow_corrections_total"
        into, out = f'to=~"{outcome}", from!~"{outcome}"', f'from=~"{outcome}", to!~"{outcome}"'
        return self.corrected("baton_workflows_total", f'outcome=~"{outcome}"', moved, into, out, **more)

    def corrected(self, metric, extra, moved, into, out, by="", time=NOW):
        """What was counted, plus what corrections moved in, minus what they moved out. In a short time more may go out than came."""
        grown = lambda name, where: f"increase({self.select(name, where)}{time})"
        return f"clamp_min(sum{grouped(by)} ({grown(metric, extra)} or {grown(moved, into)} or -{grown(moved, out)}), 0)"

    def spent(self, extra="", **more):
        return self.grown("baton_workflow_spend_usd_total", extra, **more)

    def value(self, matcher, **more):
        """Declared value by outcome, corrected like the outcomes."""
        outcome = f"outcome{matcher}"
        moved = "baton_workflow_value_corrections_usd_total"
        into, out = f'{outcome}, direction="in"', f'{outcome}, direction="out"'
        return self.corrected("baton_workflow_value_usd_total", outcome, moved, into, out, **more)

    def turns(self, extra="", **more):
        return self.grown("baton_turns_total", extra, **more)

    def handoffs(self, extra=JUDGED, **more):
        return self.grown("baton_workflow_handoffs_total", extra, **more)

    def mean(self, metric, extra="", **more):
        return ratio(self.grown(f"{metric}_sum", extra, **more), self.grown(f"{metric}_count", extra, **more))

    def quantile(self, share, metric, extra="", by="", time=NOW):
        return f"histogram_quantile({share}, {self.grown(f'{metric}_bucket', extra, by=f'le, {by}' if by else 'le', time=time)})"

    def beyond_usual(self):
        """Workflows that failed beyond the usual, in the parts in which twice as many failed as over the whole time shown: incidents."""
        bad = "failed|abandoned"
        failed, all_of = self.outcome(bad, time=PART), self.workflows(time=PART)
        usual = f"scalar({self.outcome(bad, time=WHOLE)} / {self.workflows(time=WHOLE)})"
        return f"(({failed}) - {usual} * {all_of}) and ({failed} > 2 * {usual} * {all_of})"

    def incidents(self, each):
        """Of what is said for each workflow that failed beyond the usual, summed over the incidents; 0 where there was none."""
        return f"(sum_over_time(({self.beyond_usual()}){PARTS}) or 0 * {self.workflows()}) * {each}"


def grouped(by):
    return f" by ({by})" if by else ""


def ratio(part, whole):
    """No events, no ratio."""
    return f"({part}) / ({whole} > 0)"


def or_zero(part, whole):
    """A part that never happened is 0 where the whole did."""
    return f"({part} or 0 * {whole})"


def share(part, whole):
    return ratio(or_zero(part, whole), whole)


def within(rate):
    """A share of workflows by their corrected outcome: in a short time, corrections can move more in than closed."""
    return f"clamp_max({rate}, 1)"


def counted(expr):
    return f"({expr} or vector(0))"


def known(expr):
    """NaN where there is nothing, so that a table keeps its column; the board shows a dash."""
    return f"({expr}) or vector(NaN)"


def descending(expr):
    return f"sort_desc({expr})"


def target(name, at=""):
    return f'sum(baton:target{{figure="{name}"}}{at})'
