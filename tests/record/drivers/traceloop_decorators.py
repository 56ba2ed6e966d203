"""OpenLLMetry's SDK over a loop of one's own: @workflow, @agent and @tool around functions, and OpenAI's client."""

import inspect
import json

from common import AGENTS, MODEL_URL, OTLP_URL, TOOLS, TURNS, begin, end
from openai import OpenAI
from opentelemetry import trace
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import agent, tool, workflow

Traceloop.init(app_name="parcel-desk", api_endpoint=OTLP_URL, telemetry_enabled=False)
client = OpenAI(base_url=MODEL_URL + "/v1", api_key="none")


def schema(name, description, fields):
    parameters = {"type": "object", "properties": {f: {"type": "string"} for f in fields}, "required": list(fields)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def call(name, turn, messages, tools):
    """One call of the model; a stream is put together as text and calls."""
    more = {"stream": True, "stream_options": {"include_usage": True}} if turn.get("stream") else {}
    reply = client.chat.completions.create(model=AGENTS[name], messages=messages, tools=tools, **more)
    if not more:
        message = reply.choices[0].message
        return message.content, [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or []]
    text, calls = "", []
    for part in reply:
        for choice in part.choices:
            text += choice.delta.content or ""
            calls += [(c.id, c.function.name, c.function.arguments) for c in choice.delta.tool_calls or []]
    return text, calls


def loop(name, turn, text, functions):
    """One agent: asks the model until it answers in words."""
    tools = [schema(n, f.__doc__, inspect.signature(f).parameters) for n, f in functions.items()]
    messages = [{"role": "system", "content": f"You are {name}."}, {"role": "user", "content": text}]
    while True:
        said, calls = call(name, turn, messages, tools)
        if not calls:
            return said
        listed = [{"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in calls]
        messages.append({"role": "assistant", "content": None, "tool_calls": listed})
        for identity, function, arguments in calls:
            try:
                result = functions[function](**json.loads(arguments))
            except Exception as error:
                result = f"Error: {error}"
            messages.append({"role": "tool", "tool_call_id": identity, "content": result})


turn = None


def desk(name):
    functions = {f.__name__: tool(name=f.__name__)(f) for f in TOOLS[name]}

    @agent(name=name)
    def run(request):
        return loop(name, turn, request, functions)

    @tool(name=f"transfer_to_{name}")
    def transfer(request: str):
        """Hands over to a desk."""
        return run(request)

    return transfer


DESKS = {f"transfer_to_{name}": desk(name) for name in ("tracking_desk", "claims_desk")}


@agent(name="dispatcher")
def dispatcher(text):
    return loop("dispatcher", turn, text, DESKS)


@workflow(name="parcel_turn")
def serve(text):
    return dispatcher(text)


for turn in TURNS:
    begin(turn)
    Traceloop.set_association_properties({
        "session_id": turn["session_id"], "user_id": turn["user_id"], "customer_tier": turn["customer_tier"], "intent": turn["intent"],
    })
    try:
        end(answer=serve(turn["text"]))
    except Exception as error:
        end(error=error)
    trace.get_tracer_provider().force_flush()
trace.get_tracer_provider().shutdown()
