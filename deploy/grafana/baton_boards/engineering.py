"""The engineering board: what agents, models and tools do, what it costs, and what is slow."""

from . import coverage, words
from .panels import bars, lines, matrix, rests, rows
from .queries import JUDGED, MEASURED, POINT, Queries, descending, ratio, share

SINCE, REFRESH = "24h", "1m"
ABOUT = "What do agents, models and tools do, what does it cost, and what is slow?"
ERROR = 'status="error"'
CONTEXT_LOST = 'reason="context_lost"'


def variables(_values):
    """The metrics of this board have no cohorts."""
    return ()


def build(values):
    q, money = Queries(values, variables(values)), f"currency{values.currency}"
    return [basis(q), *models(q, money), *slow_and_expensive(q, money), *tools(q, money), *scores(q), *handoffs(q)]


def basis(q):
    return rests("How much of the cost, the times and the handoffs is covered: more is better; run baton doctor to see what is missing and how to add it.", [
        coverage.cost_of_calls(q),
        *coverage.gaps_of_cost(q),
        coverage.first_tokens(q),
        coverage.first_words(q),
        coverage.results(q, coverage.handoffs_by_pair),
        coverage.received(q),
    ])


def models(q, money):
    calls = lambda extra="", **more: q.grown("baton_llm_calls_total", extra, by="model", **more)
    cached = lambda direction: q.grown("baton_llm_cache_savings_usd_total", f'direction="{direction}"', by="model")
    wait = lambda share_of, metric: (q.quantile(share_of, metric, time=POINT), "median" if share_of == 0.5 else "slowest 5 %")
    return [
        "Models",
        lines("Model calls", "Model calls per minute by model: a sudden fall or rise points to a release or a loop.", [(q.rate("baton_llm_calls_total", by="model"), "{{model}}")], words.COUNT, "calls per minute", 8),
        lines("Tokens", "Tokens per minute by type (cached tokens are part of input, reasoning tokens of output): fewer for the same work is better; look for prompts that grew.", [(q.rate("baton_llm_tokens_total", by="type"), "{{type}}")], words.COUNT, "tokens per minute", 8),
        lines("Cost of models", "Money spent on models per hour: compare a rise with the calls beside it.", [(q.rate("baton_llm_cost_usd_total", by="model", seconds=3600), "{{model}}")], money, "per hour", 8),
        rows("Models", "Calls, failures and times of each model: a high error rate or a slow first token calls for a fallback model.", [
            ("Calls", calls(), words.COUNT),
            ("Errors", share(calls(ERROR), calls()), words.SHARE),
            ("First token, median", q.quantile(0.5, "baton_llm_first_token_seconds", by="model"), words.SECONDS),
            ("First token, slowest 5 %", q.quantile(0.95, "baton_llm_first_token_seconds", by="model"), words.SECONDS),
            ("First token known", coverage.first_tokens(q, by="model").share(), words.SHARE),
            ("Call, slowest 5 %", q.quantile(0.95, "baton_llm_call_duration_seconds", by="model"), words.SECONDS),
            ("Cost", q.grown("baton_llm_cost_usd_total", by="model"), money),
            ("Cost known", coverage.cost_of_calls(q, by="model").share(), words.SHARE),
            ("Saved by caching", f"{cached('saved')} - {cached('added')}", money),
        ], ["model"], 24, height=7),
        lines("Customer wait", "How long requests took, with dots that lead to traces: lower is better; open a high dot.", [wait(0.5, "baton_turn_duration_seconds"), wait(0.95, "baton_turn_duration_seconds")], words.SECONDS, "from request to final answer", 12, exemplar=True),
        lines("First word", "How long customers waited for the first word, with dots that lead to traces: lower is better; open a high dot.", [wait(0.5, "baton_turn_first_token_seconds"), wait(0.95, "baton_turn_first_token_seconds")], words.SECONDS, "from request to first token", 12, exemplar=True),
    ]


def slow_and_expensive(q, money):
    agents = lambda extra="": q.grown("baton_agent_invocations_total", extra, by="agent")
    cost = lambda by: q.grown("baton_llm_cost_usd_total", by=by)
    calls = q.grown("baton_llm_calls_total", by="agent, model")
    known = coverage.cost_of_calls(q, by="model").share()
    turn = "baton_turn_agent_duration_seconds"
    return [
        "Slowest and most expensive",
        rows("Agents", "Activations, errors, share of the customer wait and cost of model calls of each agent: start with the largest share of the wait.", [
            ("Activations", agents(), words.COUNT),
            ("Errors", share(agents(ERROR), agents()), words.SHARE),
            ("Share of the wait", f"{q.grown(turn + '_sum', by='agent')} / on () group_left () ({q.grown(turn + '_sum')} > 0)", words.SHARE),
            ("Slowest 5 %", q.quantile(0.95, turn, by="agent"), words.SECONDS),
            ("Cost", cost("agent"), money),
        ], ["agent"], height=7),
        rows("Most expensive agents and models", "Which agent spends how much on which model: try a less expensive model for the top rows first.", [
            ("Cost", cost("agent, model"), money),
            ("Share of cost", f"{cost('agent, model')} / on () group_left () ({cost('')} > 0)", words.SHARE),
            ("Calls", calls, words.COUNT),
            ("Cost of a call", ratio(cost("agent, model"), calls), money),
            ("Cost known, of the model", f"0 * {calls} + on (model) group_left () ({known})", words.SHARE),
        ], ["agent", "model"], height=7),
        bars("Several models in a workflow", "Share of closed workflows in which more than one model answered, by outcome: it should be higher for resolved workflows, otherwise the second model does not help.", (descending(share(q.grown("baton_workflow_cascades_total", by="outcome"), q.workflows(by="outcome"))), "{{outcome}}"), words.SHARE, 6, 6),
        bars("Response time by agent", "Mean time that each agent works on a request: less is better; look at its models and tools.", (descending(q.mean(turn, by="agent")), "{{agent}}"), words.SECONDS, 6, 6),
        bars("Tokens without a price", "Tokens that are in no money figure because their model has no price, by model: none is good; add the model to the price catalog.", (descending(q.grown("baton_unpriced_tokens_total", by="model, type") + " > 0"), "{{model}}: {{type}}"), words.COUNT, 6, 6).no_value("None"),
        bars("Calls without a known cost", "Model calls that are in no money figure, by model and by what is missing: none is good; have the SDK report usage, and add the model to the price catalog.", [(descending(q.grown(f"baton_llm_calls_without_{what}_total", by="model") + " > 0"), f"{{{{model}}}}: no {what}") for what in ("usage", "price")], words.COUNT, 6, 6).no_value("None"),
    ]


def tools(q, money):
    calls = lambda extra="": q.grown("baton_tool_calls_total", extra, by="tool")
    return [
        "Tools and retrieval",
        rows("Tools", "Calls of each tool and how often they fail: a failing tool is the usual cause of a surge of escalations.", [
            ("Calls", calls(), words.COUNT),
            ("Errors", share(calls(ERROR), calls()), words.SHARE),
        ], ["tool"], 8, height=6),
        bars("Cost of tools, retrieval and people", "Money spent on actions that have a price: less is better; people are usually the largest part.", (descending(q.grown("baton_action_cost_usd_total", by="kind, name") + " > 0"), "{{kind}} {{name}}"), money, 8, 6),
        lines("Retrievals", "Searches in knowledge bases per minute: a sudden fall means that agents answer without looking anything up.", [(q.rate("baton_retrievals_total"), "retrievals")], words.COUNT, "per minute", 8, height=6),
    ]


def scores(q):
    return [
        "Evaluations and ratings",
        bars("Evaluators' scores", "Mean score of each evaluation: more is better; compare it with the share of workflows resolved before you rely on it.", (descending(q.mean("baton_evaluation_score", by="name")), "{{name}}"), words.PLAIN, 8, 6, 2),
        bars("Customer rating by agent", "Mean score that customers gave, by the agent that answered: more is better; read sessions of the lowest bar.", (descending(q.mean("baton_feedback_score", by="agent")), "{{agent}}"), words.PLAIN, 8, 6, 2),
        bars("Passed to people by agent", "Escalations to people, by the agent that escalates: fewer is better; look at the tools of the longest bar.", (descending(q.grown("baton_escalations_total", by="from")), "{{from}}"), words.COUNT, 8, 6),
    ]


def handoffs(q):
    pairs = lambda extra="": q.grown("baton_handoffs_total", extra, by="from, to")
    # Where nothing is measured, as at handoffs to people, nobody knows what was lost. Not every preset of `metrics.labels` keeps the source.
    measured = q.grown("baton_handoff_context_retention_ratio_count", MEASURED, by="to")
    lost = f"({share(pairs(CONTEXT_LOST), pairs(JUDGED))}) and on (to) ({measured} > 0)"
    intents = lambda extra="": q.grown("baton_handoff_intents_total", extra, by="from, to")
    return [
        "Handoffs",
        matrix("Handoffs, from and to", "How many handoffs go from the agent of the row to the agent of the column: unexpected pairs point to wrong routing.", pairs(), "from", "to", words.COUNT),
        matrix("Handoffs that succeeded, from and to", "Share of handoffs that succeeded for each pair: more is better; read the reasons on the handoff board.", share(pairs('result="success"'), pairs(JUDGED)), "from", "to", words.SHARE),
        rows("Handoffs by pair", "Success, lost context and preserved intent of each pair of agents, with the share of its handoffs that each figure rests on: pass more context and the intent on to the target of the worst pair.", [
            ("Handoffs", pairs(), words.COUNT),
            ("Declared", share(pairs('evidence="declared"'), pairs()), words.SHARE),
            ("By rule", share(pairs('evidence="rule"'), pairs()), words.SHARE),
            ("Inferred", share(pairs('evidence="inferred"'), pairs()), words.SHARE),
            ("Succeeded", share(pairs('result="success"'), pairs(JUDGED)), words.SHARE),
            ("Result known", share(pairs(JUDGED), pairs()), words.SHARE),
            ("Context lost", lost, words.SHARE),
            ("Intent preserved", share(intents('result="kept"'), intents()), words.SHARE),
            ("Intent known", share(intents(), pairs()), words.SHARE),
        ], ["from", "to"], 24, height=8),
    ]
