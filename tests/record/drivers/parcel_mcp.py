"""The tools of the parcel service as an MCP server over standard input and output, for agents that take no functions."""

import inspect
import json
import sys

sys.dont_write_bytecode = True
import os

os.environ.setdefault("MODEL_URL", "")
os.environ.setdefault("OTLP_URL", "")
os.environ.setdefault("STORY", "[]")
from common import TOOLS

FUNCTIONS = {f.__name__: f for functions in TOOLS.values() for f in functions}


def schema(function):
    fields = {name: {"type": "string"} for name in inspect.signature(function).parameters}
    return {"type": "object", "properties": fields, "required": list(fields)}


def answer(request):
    method, params = request["method"], request.get("params") or {}
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                "serverInfo": {"name": "parcel", "version": "1"}}
    if method == "tools/list":
        return {"tools": [{"name": n, "description": f.__doc__, "inputSchema": schema(f)} for n, f in FUNCTIONS.items()]}
    if method == "tools/call":
        try:
            text, failed = FUNCTIONS[params["name"]](**params["arguments"]), False
        except Exception as error:
            text, failed = str(error), True
        return {"content": [{"type": "text", "text": text}], "isError": failed}
    return {}


for line in sys.stdin:
    request = json.loads(line)
    if "id" in request:
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer(request)}), flush=True)
