"""Laminar's SDK over the OpenAI Agents SDK."""

import asyncio
import os

from common import OTLP_URL, TURNS, begin, end
from lmnr import Laminar
from parcel_agents import ask

host, port = OTLP_URL.rsplit(":", 1)
Laminar.initialize(project_api_key="none", base_url=host, http_port=int(port), force_http=True)


async def main():
    for turn in TURNS:
        begin(turn)
        try:
            with Laminar.start_as_current_span(name="parcel_turn", input=turn["text"]):
                Laminar.set_trace_session_id(turn["session_id"])
                Laminar.set_trace_user_id(turn["user_id"])
                Laminar.set_trace_metadata({
                    "customer_tier": turn["customer_tier"], "intent": turn["intent"],
                    "transaction_value": turn["transaction_value"], "outcome": turn["outcome"],
                })
                answer = await ask(turn)
            end(answer=answer)
        except Exception as error:
            end(error=error)
        Laminar.force_flush()
    Laminar.shutdown()


asyncio.run(main())
os._exit(0)
