"""Microsoft Agent 365's observability over the OpenAI Agents SDK, sent to a collector instead of its service."""

import asyncio
import os

from common import OTLP_URL, TURNS, begin, end
from microsoft_agents_a365.observability.core import configure, get_tracer_provider
from microsoft_agents_a365.observability.core.exporters.spectra_exporter_options import SpectraExporterOptions
from microsoft_agents_a365.observability.core.middleware.baggage_builder import BaggageBuilder
from microsoft_agents_a365.observability.extensions.openai import OpenAIAgentsTraceInstrumentor
from parcel_agents import ask

configure(
    service_name="parcel-desk", service_namespace="parcel",
    exporter_options=SpectraExporterOptions(endpoint=OTLP_URL + "/v1/traces", protocol="http"),
)
OpenAIAgentsTraceInstrumentor().instrument()


async def main():
    for turn in TURNS:
        begin(turn)
        facts = (
            BaggageBuilder().tenant_id("tenant-1").agent_id("agent-parcel").conversation_id(turn["session_id"])
            .session_id(turn["session_id"]).user_id(turn["user_id"])
            .set_pairs({"customer.tier": turn["customer_tier"], "intent": turn["intent"]})
        )
        try:
            with facts.build():
                answer = await ask(turn)
            end(answer=answer)
        except Exception as error:
            end(error=error)
        get_tracer_provider().force_flush()


asyncio.run(main())
os._exit(0)
