"""Pydantic AI: a tool that needs approval. The run ends with what is asked, a second run goes on with the answer."""

import time

from common import AGENTS, MODEL_URL, OTLP_URL, TURNS, begin, end
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults, InstrumentationSettings, ToolDenied
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("parcel")
Agent.instrument_all(InstrumentationSettings(version=5))

model = OpenAIChatModel(AGENTS["claims_desk"], provider=OpenAIProvider(base_url=MODEL_URL + "/v1", api_key="none"))
desk = Agent(model, name="claims_desk", instructions="You are claims_desk.", output_type=[str, DeferredToolRequests])


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
    return desk.run_sync(*args, metadata=facts, conversation_id=turn["session_id"], **more)


for turn in TURNS:
    begin(turn)
    try:
        result = run(turn, turn["text"])
        provider.force_flush()
        if isinstance(result.output, DeferredToolRequests):
            time.sleep(9)  # A person thinks.
            answers = DeferredToolResults()
            for call in result.output.approvals:
                small = call.args_as_dict()["amount"] <= 100
                answers.approvals[call.tool_call_id] = True if small else ToolDenied("too much")
            result = run(turn, message_history=result.all_messages(), deferred_tool_results=answers)
        end(answer=result.output)
    except Exception as error:
        end(error=error)
    provider.force_flush()
provider.shutdown()
