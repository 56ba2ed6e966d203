#!/usr/bin/env python3
"""record.py DRIVER OUT [-- COMMAND…]: runs a driver against the scripted model server and keeps what it exports.

DRIVER is a folder or file name in drivers/; its settings stand in drivers/settings.json. OUT gets NNN.pb, NNN.json.gz and
meta.json. Needs Python 3.11 with opentelemetry-proto; the SDK itself lives wherever COMMAND says.
"""

import base64
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
import server
import story

HERE = pathlib.Path(__file__).parent
KIND = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}
# Attributes that say something of this machine and nothing of the conversation.
DROP = re.compile(r"^(host\.|process\.|os\.|os_|is_docker$|installation\.id$|service\.instance\.id$|thread\.|code\.|imported_libraries$|user\.(email|account))")


class Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    taken: list

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = server.body_of(self)
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        signal = self.path.rsplit("/", 1)[-1]
        if signal in KIND:
            self.taken.append((signal, self.headers.get("content-type", ""), body))
        self.send_response(200)
        self.send_header("content-type", self.headers.get("content-type", "application/x-protobuf"))
        empty = b"{}" if "json" in self.headers.get("content-type", "") else b""
        self.send_header("content-length", str(len(empty)))
        self.end_headers()
        self.wfile.write(empty)


def decoded(signal, content_type, body):
    message = KIND[signal]()
    if "json" not in content_type:
        message.ParseFromString(body)
        return message
    from google.protobuf.json_format import ParseDict

    def to_base64(value):
        if isinstance(value, dict):
            return {
                k: base64.b64encode(bytes.fromhex(v)).decode()
                if k in ("traceId", "spanId", "parentSpanId") and isinstance(v, str) else to_base64(v)
                for k, v in value.items()
            }
        return [to_base64(v) for v in value] if isinstance(value, list) else value

    return ParseDict(to_base64(json.loads(body)), message, ignore_unknown_fields=True)


def scrub(message, places):
    """Takes out what names this machine."""

    def text(value):
        for pattern, instead in places:
            value = re.sub(pattern, instead, value)
        return value

    def walk(node):
        for field, value in node.ListFields():
            if field.type == field.TYPE_STRING:
                if field.is_repeated:
                    value[:] = [text(v) for v in value]
                else:
                    setattr(node, field.name, text(value))
            elif field.type == field.TYPE_MESSAGE:
                items = value if field.is_repeated else [value]
                for item in list(items):
                    walk(item)
                if field.is_repeated and field.name == "attributes":
                    kept = [item for item in value if not DROP.match(item.key)]
                    del value[:]
                    value.extend(kept)

    walk(message)


def as_json(message):
    """OTLP's JSON: ids in hex, enums as numbers."""

    def to_hex(value):
        if isinstance(value, dict):
            return {
                k: base64.b64decode(v).hex() if k in ("traceId", "spanId", "parentSpanId") else to_hex(v)
                for k, v in value.items()
            }
        return [to_hex(v) for v in value] if isinstance(value, list) else value

    return to_hex(MessageToDict(message, use_integers_for_enums=True))


def calls_of(log, settings):
    """The calls of the model: a client's own tries again are one call, unless the SDK shows each try."""
    broken = [] if settings.get("own_retries") else ["error", "abort"] if settings.get("resumes_streams") else ["error"]
    calls = []
    for entry in log:
        last = calls[-1] if calls else None
        same = last and (last["turn"], last["role"]) == (entry["turn"], entry["role"])
        if same and last["kind"] in broken:
            calls[-1] = entry
        else:
            calls.append(entry)
    return calls


def named(entry, names):
    """An entry of the log with the names that the SDK gives its agents, where they are not those of the story."""
    return entry | {key: names.get(entry[key], entry[key]) for key in ("role", "handoff_to")}


def truth_of(state, settings):
    calls = [named(entry, settings.get("names", {})) for entry in calls_of(state.log, settings)]
    tokens, handoffs, tools, humans, turns = {}, [], [], [], {}
    for number, entry in enumerate(calls):
        used = tokens.setdefault(entry["model"], dict.fromkeys(
            ["calls", "errors", "input", "output", "cached", "reasoning", "cache_write"], 0))
        used["calls"] += 1
        used["errors"] += entry["kind"] in ("error", "abort")
        for key in ("input", "output", "cached", "reasoning"):
            used[key] += (entry["usage"] or {}).get(key, 0)
        turn = turns.setdefault(entry["turn"], {"llm_calls": 0, "llm_errors": 0, "agents": [], "tool_calls": 0, "handoffs": 0})
        turn["llm_calls"] += 1
        turn["llm_errors"] += entry["kind"] in ("error", "abort")
        if entry["role"] and entry["role"] not in turn["agents"]:
            turn["agents"].append(entry["role"])
        if entry["handoff_to"]:
            # The target was at work when it asked the model for anything later in this turn.
            later = [e["role"] for e in calls[number + 1:] if e["turn"] == entry["turn"]]
            turn["handoffs"] += 1
            handoffs.append({"turn": entry["turn"], "from": entry["role"], "to": entry["handoff_to"],
                             "ok": entry["handoff_to"] in later, "via_tool": [entry["calls"][0][0]]})
            continue
        for (tool, args), call in zip(entry["calls"] or [], entry["call_ids"]):
            if call not in state.results and settings.get("results_have_ids", True):
                continue  # Nothing shows that it ran.
            if story.refused(tool, args):
                continue  # A person said no.
            plain = story.plain(tool)
            error = story.BROKEN.get(plain)
            turn["tool_calls"] += 1
            shown = settings.get("shown_tools", "{tool}").replace("{tool}", plain)
            tools.append({"turn": entry["turn"], "tool": shown, "ok": error is None, "error": error})
            if plain == story.ESCALATION:
                humans.append({"turn": entry["turn"], "via": tool})
    errors = sum(e["kind"] in ("error", "abort") for e in calls)
    return {
        "sessions": len({t["session_id"] for t in state.turns}), "turns": state.turns,
        "answered": sum(bool(t["answered"]) for t in state.turns),
        "llm_requests": len(state.log), "llm_calls": len(calls), "llm_calls_ok": len(calls) - errors, "llm_errors": errors,
        "retries_inside_the_client": len(state.log) - len(calls),
        "streamed_llm_calls": sum(e["stream"] for e in calls), "aborted_streams": sum(e["kind"] == "abort" for e in calls),
        "tool_calls": tools, "tool_calls_total": len(tools), "tool_errors": sum(not t["ok"] for t in tools),
        "handoffs": handoffs, "handoffs_ok": sum(h["ok"] for h in handoffs),
        "handoffs_failed": sum(not h["ok"] for h in handoffs), "escalations": humans,
        "tokens_by_model": tokens, "per_turn": turns,
    }


def main():
    driver, out = sys.argv[1], pathlib.Path(sys.argv[2])
    command = sys.argv[sys.argv.index("--") + 1:]
    settings = json.loads((HERE / "drivers/settings.json").read_text())[driver]
    turns = story.STORIES[settings.get("story", "parcel")]
    state = server.State(settings, turns)
    server.Door.state = state
    Sink.taken = []
    model, sink = server.serve(server.Door), server.serve(Sink)
    env = os.environ | {
        "MODEL_URL": model, "OTLP_URL": sink, "OTEL_EXPORTER_OTLP_ENDPOINT": sink,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_SERVICE_NAME": "parcel-desk", "OPENAI_API_KEY": "none", "OPENAI_BASE_URL": model + "/v1",
        "STORY": json.dumps([{k: v for k, v in t.items() if k != "steps"} for t in turns]),
        **{k: v.replace("{model}", model).replace("{sink}", sink) for k, v in settings.get("env", {}).items()},
    }
    done = subprocess.run(command, env=env, timeout=300)
    time.sleep(1)
    places = [
        (r"/(?:tmp|root)/[\w./-]*?/(?=node_modules/|lib/python|site-packages/)", "/app/"), (r"/(?:tmp|root|work)/[\w./-]+", "/app"),
        (re.escape(model), "http://127.0.0.1:9000"), (re.escape(sink), "http://127.0.0.1:4318"), (re.escape(os.uname().nodename), "host"),
    ]
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*"):
        old.unlink()
    counts = {}
    for signal, content_type, body in Sink.taken:
        message = decoded(signal, content_type, body)
        scrub(message, places)
        number = counts[signal] = counts.get(signal, 0) + 1
        name = f"{'logs-' if signal == 'logs' else ''}{number:03d}"
        (out / f"{name}.pb").write_bytes(message.SerializeToString())
        if signal == "traces":
            data = json.dumps(as_json(message), ensure_ascii=False).encode()
            (out / f"{name}.json.gz").write_bytes(gzip.compress(data, mtime=0))
    meta = {
        "sdk": out.parent.name, "scenario": out.name, "instrumentation": settings["instrumentation"],
        "description": settings["description"], "versions": settings["versions"], "made_by": f"tests/record/drivers/{settings.get('driver', driver)}",
        "captured_files": counts, "truth": truth_of(state, settings), "llm_log": state.log,
    }
    text = json.dumps(meta, indent=1, ensure_ascii=False)
    for pattern, instead in places:
        text = re.sub(pattern, instead, text)
    (out / "meta.json").write_text(text + "\n")
    size = sum(f.stat().st_size for f in out.glob("*.pb"))
    t = meta["truth"]
    print(f"exit {done.returncode}; {counts} requests, {size} bytes; calls {t['llm_calls']}/{t['llm_errors']}; "
          f"handoffs {[(h['to'], h['ok']) for h in t['handoffs']]}; tools {[(x['tool'], x['ok']) for x in t['tool_calls']]}; "
          f"answered {[(x['turn'], x['answered']) for x in t['turns']]}")


main()
