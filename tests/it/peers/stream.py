"""Exports one span after the other with the OpenTelemetry SDK's own OTLP exporters, by turns over gRPC and HTTP, and tells of each
request the SHA-256 of its bytes, and whether it was acknowledged.

usage: stream.py GRPC_ENDPOINT HTTP_ENDPOINT REQUESTS
"""

import hashlib
import logging
import sys

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

# What fails is told on standard output.
logging.disable(logging.CRITICAL)


class Telling(SpanExporter):
    def __init__(self, exporter):
        self.exporter = exporter

    def export(self, spans):
        digest = hashlib.sha256(encode_spans(spans).SerializePartialToString()).hexdigest()
        result = self.exporter.export(spans)
        print(digest, "acknowledged" if result is SpanExportResult.SUCCESS else "failed", flush=True)
        return result

    def shutdown(self):
        self.exporter.shutdown()


def tracer(exporter):
    provider = TracerProvider(resource=Resource.create({"service.name": "stream-ünïcode"}))
    provider.add_span_processor(SimpleSpanProcessor(Telling(exporter)))
    return provider.get_tracer("peer.agents")


def main():
    grpc, http, requests = sys.argv[1:]
    tracers = [
        tracer(GrpcExporter(endpoint=grpc, insecure=True)),
        tracer(HttpExporter(endpoint=f"{http}/v1/traces", compression=Compression.Gzip)),
    ]
    for n in range(int(requests)):
        attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "süß", "gen_ai.conversation.id": f"stream-{n}"}
        with tracers[n % 2].start_as_current_span("invoke_agent süß", attributes=attributes):
            pass


main()
