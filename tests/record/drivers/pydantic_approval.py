"""Pydantic AI: a tool that needs approval. The run ends with what is asked, a second run goes on with the answer.

Other turns begin at a dispatcher, whose tools transfer_to_* run a desk and return its answer.
"""

import asyncio
import time

from common import AGENTS, MODEL_URL, TURNS, begin, end, escalate_to_human
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults, InstrumentationSettings, ToolDenied, capture_run_messages
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
Agent.instrument_all(InstrumentationSettings(version=5))

provided = OpenAIProvider(base_url=MODEL_URL + "/v1", api_key="none")


def agent(name, **more):
    return Agent(OpenAIChatModel(AGENTS[name], provider=provided), name=name, instructions=f"You are {name}.", **more)


desk = agent("claims_desk", output_type=[str, DeferredToolRequests], tools=[escalate_to_human])
tracking, dispatcher = agent("tracking_desk"), agent("dispatcher")


@dispatcher.tool_plain
async def transfer_to_claims_desk(request: str) -> str:
    """Hands over to claims_desk."""
    return str((await desk.run(request)).output)


@dispatcher.tool_plain
async def transfer_to_tracking_desk(request: str) -> str:
    """Hands over to tracking_desk."""
    return (await tracking.run(request)).output


@desk.tool_plain
def look_up_claim(claim: str) -> str:
    """Reads a claim."""
    return f"{claim} is open"


@desk.tool_plain(requires_approval=True)
def pay_compensation(claim: str, amount: float) -> str:
    """Pays."""
    return f"{amount} paid for {claim}"


def run(turn, *args, **more):
    facts = {"session.id": turn["session_id"], "user.id": turn["user_id"], "customer.tier": turn["customer_tier"],
             "intent": turn["intent"], "transaction.value": turn["transaction_value"]}
    first = dispatcher if turn.get("entry") == "dispatcher" else desk
    if not turn.get("stream"):
        return first.run_sync(*args, metadata=facts, conversation_id=turn["session_id"], **more).output
    return asyncio.run(streamed(first, *args, metadata=facts, conversation_id=turn["session_id"], **more))


async def streamed(first, *args, **more):
    async with first.run_stream(*args, **more) as result:
        return await result.get_output()


for turn in TURNS:
    begin(turn)
    try:
        with capture_run_messages() as messages:
            output = run(turn, turn["text"])
        provider.force_flush()
        if isinstance(output, DeferredToolRequests):
            time.sleep(9)  # A person thinks.
            answers = DeferredToolResults()
            for call in output.approvals:
                small = call.args_as_dict()["amount"] <= 100
                answers.approvals[call.tool_call_id] = True if small else ToolDenied("too much")
            output = run(turn, message_history=messages, deferred_tool_results=answers)
        end(answer=output)
    except Exception as error:
        end(error=error)
    provider.force_flush()
provider.shutdown()
