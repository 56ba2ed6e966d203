"""AgentOps over the OpenAI Agents SDK, with a second exporter."""

import asyncio
import os

import agentops
import agents  # before init: AgentOps cannot instrument it while it is being imported
from common import MODEL_URL, OTLP_URL, TURNS, begin, end
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

agentops.init(
    api_key="00000000-0000-4000-8000-000000000000", endpoint=MODEL_URL,
    auto_start_session=False, log_session_replay_url=False, env_data_opt_out=True,
)
trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=OTLP_URL + "/v1/traces")))
from parcel_agents import ask


async def main():
    for turn in TURNS:
        begin(turn)
        run = agentops.start_trace(trace_name="parcel_turn", tags={
            "session.id": turn["session_id"], "user.id": turn["user_id"], "customer.tier": turn["customer_tier"], "intent": turn["intent"],
        })
        try:
            answer = await ask(turn)
            agentops.end_trace(run, "Success")
            end(answer=answer)
        except Exception as error:
            agentops.end_trace(run, "Error")
            end(error=error)
        trace.get_tracer_provider().force_flush()


asyncio.run(main())
os._exit(0)
