"""LiteLLM's SDK alone: a loop of one's own around litellm.completion, in the span of a web request. No span names an agent."""

import inspect
import json
import time

import litellm
from common import AGENTS, MODEL_URL, OTLP_URL, TOOLS, TURNS, begin, end
from litellm.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=OTLP_URL + "/v1/traces")))
trace.set_tracer_provider(provider)
litellm.callbacks = [OpenTelemetry(config=OpenTelemetryConfig(exporter="otlp_http", endpoint=OTLP_URL + "/v1/traces"))]
litellm.suppress_debug_info = True


def schema(name, description, fields):
    parameters = {"type": "object", "properties": {f: {"type": "string"} for f in fields}, "required": list(fields)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def ask(turn, name, text):
    """One agent: asks the model until it answers in words."""
    functions = {f.__name__: f for f in TOOLS.get(name, [])}
    tools = [schema(n, f.__doc__, inspect.signature(f).parameters) for n, f in functions.items()]
    if name == "dispatcher":
        tools = [schema(f"transfer_to_{d}", f"Hands over to {d}.", ["request"]) for d in ("tracking_desk", "claims_desk")]
    messages = [{"role": "system", "content": f"You are {name}."}, {"role": "user", "content": text}]
    while True:
        stream = bool(turn.get("stream"))
        reply = litellm.completion(
            model="openai/" + AGENTS[name], api_base=MODEL_URL + "/v1", api_key="none", messages=messages, tools=tools,
            stream=stream, stream_options={"include_usage": True} if stream else None, max_retries=2,
            user=turn["user_id"], metadata={"session_id": turn["session_id"]},
        )
        if stream:
            reply = litellm.stream_chunk_builder(list(reply), messages=messages)
        message = reply.choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message.model_dump())
        for call in message.tool_calls:
            tool, args = call.function.name, json.loads(call.function.arguments)
            try:
                target = tool.removeprefix("transfer_to_")
                result = ask(turn, target, text) if target in AGENTS and target != tool else functions[tool](**args)
            except Exception as error:
                result = f"Error: {error}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


tracer = trace.get_tracer("parcel")
for turn in TURNS:
    begin(turn)
    with tracer.start_as_current_span("POST /chat", record_exception=False, set_status_on_exception=False) as span:
        # LiteLLM puts neither session nor facts on its spans: the request's own span carries them.
        span.set_attributes({
            "session.id": turn["session_id"], "user.id": turn["user_id"], "customer.tier": turn["customer_tier"],
            "intent": turn["intent"], "transaction.value": turn["transaction_value"],
        })
        try:
            end(answer=ask(turn, "dispatcher", turn["text"]))
        except Exception as error:
            end(error=error)
    time.sleep(1)  # LiteLLM reports from a thread.
    provider.force_flush()
time.sleep(6)
provider.shutdown()
