"""Sends a small multi-agent scenario with the OpenTelemetry SDK's own OTLP exporters and prints what is true about it.

usage: send.py GRPC_ENDPOINT HTTP_ENDPOINT
"""

import json
import sys

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode


class Desk:
    """One service that exports in its own way."""

    def __init__(self, exporter):
        self.provider = TracerProvider(resource=Resource.create({"service.name": "peer-ünïcode"}))
        self.provider.add_span_processor(SimpleSpanProcessor(exporter))
        self.tracer = self.provider.get_tracer("peer.agents")
        self.traces = []

    def agent(self, name, session):
        return self.tracer.start_as_current_span(
            f"invoke_agent {name}",
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": name,
                "gen_ai.conversation.id": session,
            },
        )

    def call(self, asks=None):
        part = {"type": "tool_call", "id": "c", "name": asks, "arguments": {}} if asks else {"type": "text", "content": "süß"}
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 10,
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [part]}]),
        }
        with self.tracer.start_as_current_span("chat gpt-4o", attributes=attributes):
            pass

    def tool(self, name, fails=False):
        attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
        with self.tracer.start_as_current_span(f"execute_tool {name}", attributes=attributes) as span:
            if fails:
                span.set_status(Status(StatusCode.ERROR, "no such agent"))

    def turn(self, session, story):
        with self.tracer.start_as_current_span("POST /chat") as root:
            self.traces.append(format(root.get_span_context().trace_id, "032x"))
            story(session)

    def hands_over(self, session):
        with self.agent("front", session):
            self.call(asks="transfer_to_desk")
            self.tool("transfer_to_desk")
        with self.agent("desk", session):
            self.call()

    def fails(self, session):
        with self.agent("front", session):
            self.call(asks="transfer_to_nowhere")
            self.tool("transfer_to_nowhere", fails=True)
            self.call()

    def escalates(self, session):
        with self.agent("front", session):
            self.call(asks="escalate_to_human")
            self.tool("escalate_to_human")
            self.call()

    def close(self):
        self.provider.shutdown()


def main():
    grpc, http = sys.argv[1:]
    desks = [
        Desk(GrpcExporter(endpoint=grpc, insecure=True)),
        Desk(HttpExporter(endpoint=f"{http}/v1/traces", compression=Compression.Gzip)),
    ]
    for session, desk in zip(["peer-1", "peer-2"], desks):
        desk.turn(session, desk.hands_over)
        desk.turn(session, desk.hands_over)
    desks[0].turn("peer-1", desks[0].fails)
    desks[1].turn("peer-2", desks[1].escalates)
    for desk in desks:
        desk.close()
    truth = {
        "success": 5,
        "failed": 1,
        "sessions": 2,
        "turns": 6,
        "calls": 12,
        "traces": [trace for desk in desks for trace in desk.traces],
    }
    print(json.dumps(truth))


main()
