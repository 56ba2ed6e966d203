"""What figures rest on, in plain words: how much of each rate and each cost is covered. What is not known is a dash, never 0 %."""

import dataclasses

from . import words
from .queries import JUDGED, MEASURED, known, or_zero, share


@dataclasses.dataclass(frozen=True)
class Coverage:
    """`part` of `whole`, both in PromQL; `of` names the whole where the name does not."""

    name: str
    part: str
    whole: str
    of: str = ""

    def share(self):
        return share(self.part, self.whole)

    def said(self):
        """For `panels.figures`: *Cost known*, *81.0 % of model calls*."""
        return (self.name, known(f"100 * ({self.share()})"), words.share_of(self.of), 1, None)


RESOLVED, OPEN = 'outcome="resolved"', 'outcome!="resolved"'


def outcomes(q, outcome, name, every):
    """What the outcomes of one kind rested on when their workflows closed."""
    of = lambda evidence: q.workflows(f'outcome="{outcome}", evidence="{evidence}"')
    said = {"declared": f"{name} declared", "rule": f"{name} by rule", "inferred": f"{name} inferred"}
    return [Coverage(said[evidence], of(evidence), q.workflows(f'outcome="{outcome}"')) for evidence in every]


def resolutions(q):
    """A resolution is never inferred. What ended without proof is only in the denominator of the rate."""
    return [*outcomes(q, "resolved", "Resolutions", ["declared", "rule"]), Coverage("Ended without proof", q.outcome("unverified"), q.workflows(), "workflows")]


def results(q, handoffs):
    return Coverage("Result known", handoffs(q, JUDGED), handoffs(q, ""), "handoffs")


def handoffs_by_workflow(q, extra, **more):
    return q.handoffs(extra, **more)


def handoffs_by_pair(q, extra, **more):
    return q.grown("baton_handoffs_total", extra, **more)


def handoffs(q):
    """What handoffs are recognised by, and how many of them have a result."""
    of = lambda evidence: handoffs_by_pair(q, f'evidence="{evidence}"')
    said = {"declared": "Handoffs declared", "rule": "Handoffs by rule", "inferred": "Handoffs inferred"}
    return [*(Coverage(name, of(evidence), handoffs_by_pair(q, "")) for evidence, name in said.items()), results(q, handoffs_by_pair)]


def context(q, metric, handoffs):
    return Coverage("Context measured", q.grown(f"{metric}_count", MEASURED), handoffs(q, ""), "handoffs")


def cost(q, **by):
    """Of the calls of closed workflows, as the money that their spending is."""
    calls = lambda extra="": q.grown("baton_workflow_llm_calls_total", extra, **by)
    return Coverage("Cost known", calls('cost="known"'), calls(), "model calls")


def missing_cost(q):
    calls = lambda extra="": q.grown("baton_workflow_llm_calls_total", extra)
    said = {"no_usage": "Usage missing", "no_price": "Price missing"}
    return [Coverage(name, calls(f'cost="{cost}"'), calls(), "model calls") for cost, name in said.items()]


def _without(q, what, outcome, **by):
    workflows = q.workflows(outcome, **by)
    gap = q.grown(f"baton_workflows_without_{what}_total", outcome, **by)
    return f"{workflows} - {or_zero(gap, workflows)}", workflows


def users(q, **by):
    """Only of a workflow whose user is known can a repeat contact be seen."""
    return Coverage("Users known", *_without(q, "user", RESOLVED, **by), "resolutions")


def values(q, outcome, name, of, **by):
    return Coverage(name, *_without(q, "value", outcome, **by), of)


def ratings(q):
    return Coverage("Ratings", q.grown("baton_workflow_feedback_score_count"), q.workflows(), "workflows")


def cost_of_calls(q, **by):
    """By model and not by workflow: of all model calls, whether their workflow is closed or not."""
    gap = lambda metric: q.grown(f"baton_llm_calls_without_{metric}_total", **by)
    calls = q.grown("baton_llm_calls_total", **by)
    without = lambda metric: or_zero(gap(metric), calls)
    return Coverage("Cost known", f"{calls} - {without('usage')} - {without('price')}", calls, "model calls")


def gaps_of_cost(q):
    calls = q.grown("baton_llm_calls_total")
    gap = lambda metric: q.grown(f"baton_llm_calls_without_{metric}_total")
    return [Coverage("Usage missing", gap("usage"), calls, "model calls"), Coverage("Price missing", gap("price"), calls, "model calls")]


def answers(q):
    """The wait for what was not answered ends with the last that happened."""
    return Coverage("Ended with an answer", q.turns('result="answered"'), q.turns(), "requests")


def shown_answers(q):
    """The other answers are assumed: no span shows their text."""
    answered = q.turns('result="answered"')
    return Coverage("Answers shown", f"{answered} - {or_zero(q.grown('baton_turns_without_text_total'), answered)}", answered)


def first_tokens(q, by=""):
    count = lambda metric: q.grown(f"baton_{metric}_count", by=by)
    return Coverage("First token known", count("llm_first_token_seconds"), count("llm_call_duration_seconds"), "model calls")


def first_words(q):
    return Coverage("First word known", q.grown("baton_turn_first_token_seconds_count"), q.turns(), "requests")


def intents(q):
    return Coverage("Intent known on both sides", q.grown("baton_handoff_intents_total"), handoffs_by_pair(q, ""), "handoffs")


def received(q):
    """Requests of sampled traces stand for several."""
    return Coverage("Requests received, not estimated", q.grown("baton_observed_turns_total"), q.turns(), "requests")


def executive(q):
    """What each figure of the executive board rests on."""
    money = [cost(q), *missing_cost(q)]
    declared, by_rule, unproven = resolutions(q)
    return {
        "resolved": [declared, by_rule, unproven],
        "cost_of_resolved_workflow": money,
        "customer_wait": [answers(q)],
        "net_return": [cost(q), users(q)],
        "passed_to_people": outcomes(q, "escalated", "Escalations", ["declared", "rule", "inferred"]),
        "requests_answered": [shown_answers(q)],
        "stayed_resolved": [users(q), declared, by_rule],
        "customer_rating": [ratings(q)],
        "resolved_per_day": [declared, by_rule],
        "time_to_resolution": [declared, by_rule],
        "handoffs_succeeded": [results(q, handoffs_by_workflow)],
        "context_kept": [context(q, "baton_workflow_context_retention_ratio", handoffs_by_workflow)],
        "business_completed": [values(q, RESOLVED, "Value declared", "resolutions")],
        "business_at_risk": [values(q, OPEN, "Value at risk declared", "other workflows")],
    }
