"""A model server that answers by the story, in four shapes: OpenAI chat, OpenAI responses, Anthropic messages, Gemini.

Drivers tell it the turn (POST /turn), the end of a turn (POST /end) and nothing else. It knows an agent by the words
"You are NAME." in its instructions, and writes down every request: truth comes from this log.
"""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import story


class State:
    def __init__(self, settings, turns):
        self.script = turns
        handoff, tools = settings.get("handoff"), settings.get("tools", "{tool}")
        self.finish = settings.get("finish")  # the tool by which an agent of the SDK gives its answer
        self.refusal = settings.get("refusal")  # the status of failures, where the SDK tries others again for minutes
        self.tools = tools  # how the SDK names a tool to the model
        self.handoff = handoff  # {"tool": "transfer_to_{to}", "args": {...}}
        self.lock = threading.Lock()
        self.log, self.turns, self.queues, self.ids = [], [], {}, 0
        self.turn = None
        self.results = set()  # ids of calls whose results were seen

    def begin(self, said):
        turn = next(t for t in self.script if t["turn"] == said["turn"])
        shown = {k: v for k, v in turn.items() if k not in ("steps", "stream")}
        self.turns.append({**shown, **said, "started": time.time(), "answered": False, "raised": None})
        self.turn = turn
        self.queues = {role: list(steps) for role, steps in turn["steps"].items()}

    def end(self, said):
        self.turns[-1].update(said)

    def next(self, role):
        steps = self.queues.get(role)
        if not steps:
            return ("text", story.CLOSING)
        return steps[0] if steps[0][0] == "fail" else steps.pop(0)

    def new(self, prefix):
        self.ids += 1
        return f"{prefix}{self.ids:06d}"


def words_of(value):
    """All text in a request, for the size and the markers."""
    return json.dumps(value, ensure_ascii=False)


def role_of(body, path):
    if "systemInstruction" in body:
        source = body["systemInstruction"]
    elif "/messages" in path:
        source = body.get("system", "")
    else:
        messages = body.get("messages") or []
        source = [m for m in messages if m.get("role") in ("system", "developer")] or [body.get("instructions")]
    found = [name for name in re.findall(r"You are (\w+)\.", words_of(source)) if name in story.AGENTS]
    return found[0] if found else None


def results_in(body):
    """The ids of calls whose results the request carries."""
    return set(re.findall(r'"(?:tool_call_id|tool_use_id|call_id)": "([^"]+)"', words_of(body)))


def calls_of(step, state):
    if step[0] == "handoff":
        text = state.turn["text"]

        def fill(value):
            if isinstance(value, str):
                return value.replace("{to}", step[1]).replace("{text}", text)
            return [fill(v) for v in value] if isinstance(value, list) else value

        tool = fill(state.handoff["tool"])
        return [(tool, {k: fill(v) for k, v in state.handoff.get("args", {}).items()})]
    return [(state.tools.replace("{tool}", t), args) for t, args in step[1]] if step[0] == "tools" else []


def usage_of(body, model, out):
    size = max(40, len(words_of(body.get("messages") or body.get("contents") or body.get("input") or "")) // 4)
    reasoning = 16 if model.startswith(("gpt-5", "gemini-2.5-pro")) else 0
    return {"input": size, "output": len(out) // 4 + 6 + reasoning, "cached": size // 4, "reasoning": reasoning}


def body_of(request):
    """The body of a request, in one piece or in chunks."""
    if request.headers.get("transfer-encoding", "").lower() != "chunked":
        return request.rfile.read(int(request.headers.get("content-length") or 0))
    body = b""
    while size := int(request.rfile.readline().split(b";")[0], 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: State

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # The client went away.

    def answer(self, status, body, headers=()):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_HEAD(self):
        self.answer(200, {})

    def do_GET(self):
        self.answer(200, {"data": [], "object": "list"})

    def do_POST(self):
        body = json.loads(body_of(self) or b"{}")
        state = self.state
        if self.path == "/turn":
            state.begin(body)
            return self.answer(200, state.turn | {"steps": None})
        if self.path == "/end":
            state.end(body)
            return self.answer(200, {})
        if "count_tokens" in self.path:
            return self.answer(200, {"input_tokens": 40})
        if not re.search(r"/chat/completions|/messages|enerateContent", self.path):
            return self.answer(200, {})
        with state.lock:
            self.model(body)

    def model(self, body):
        state, path = self.state, self.path
        api = "anthropic" if "/messages" in path else "gemini" if "enerateContent" in path else "chat"
        model = body.get("model") or re.search(r"models/([^:]+):", path).group(1)
        stream = bool(body.get("stream")) or "streamGenerateContent" in path
        role = role_of(body, path)
        step = state.next(role) if role else ("text", "A parcel conversation")
        if step[0] == "cut" and not stream:
            step = ("fail", 500)
        if step[0] == "fail" and state.refusal:
            step = ("fail", state.refusal)
        state.results |= results_in(body)
        calls = [(state.new("call_pq"), *call) for call in calls_of(step, state)]
        text = step[1] if step[0] == "text" else ""
        asked = calls
        if text and state.finish and role in state.finish["roles"]:
            # The SDK takes an answer by a tool of its own: it is an answer all the same.
            filled = {k: v.replace("{text}", text) for k, v in state.finish["args"].items()}
            calls, text = [(state.new("call_pq"), state.finish["tool"], filled)], ""
        usage = usage_of(body, model, text or words_of([c[1:] for c in calls]))
        entry = {
            "seq": len(state.log) + 1, "t": time.time(), "turn": state.turn["turn"] if state.turn else None, "api": api,
            "model": model, "role": role, "stream": stream, "status": 200, "kind": "call" if asked else "text",
            "calls": [[tool, args] for _, tool, args in asked] or None, "call_ids": [c[0] for c in asked],
            "handoff_to": step[1] if step[0] == "handoff" else None, "usage": usage, "response_id": state.new("resp-pq"),
            "client_retry": int(self.headers.get("x-stainless-retry-count") or 0),
            "user_agent": (self.headers.get("user-agent") or "")[:60],
        }
        if step[0] in ("busy", "fail"):
            entry.update(status=step[1], kind="error", usage=None, response_id=None)
        if step[0] == "cut":
            entry.update(status=599, kind="abort", usage=None)
        state.log.append(entry)
        if step[0] in ("busy", "fail"):
            kind = {429: "rate_limit_exceeded", 400: "invalid_argument"}.get(step[1], "server_error")
            error = {"message": f"scripted {kind}", "type": kind, "code": kind}
            whole = {"type": "error", "error": error} if api == "anthropic" else {"error": error}
            if api == "gemini":
                whole = {"error": {"code": step[1], "message": error["message"], "status": kind.upper()}}
            return self.answer(step[1], whole, [("retry-after", "0")] if step[0] == "busy" else [])
        shape = {"chat": Chat, "anthropic": Anthropic, "gemini": Gemini}[api](entry, text, calls, body)
        if not stream:
            return self.answer(200, shape.whole())
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        events = shape.parts(cut=step[0] == "cut")
        for event in events:
            time.sleep(0.01)
            self.chunk(event)
        if step[0] == "cut":
            self.wfile.flush()
            self.close_connection = True
            return self.connection.shutdown(2)
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


class Shape:
    def __init__(self, entry, text, calls, body):
        self.entry, self.text, self.calls, self.body = entry, text, calls, body
        self.usage = entry["usage"]


class Chat(Shape):
    def used(self):
        u = self.usage
        return {
            "prompt_tokens": u["input"], "completion_tokens": u["output"], "total_tokens": u["input"] + u["output"],
            "prompt_tokens_details": {"cached_tokens": u["cached"]},
            "completion_tokens_details": {"reasoning_tokens": u["reasoning"]},
        }

    def tool_calls(self):
        return [
            {"id": i, "type": "function", "function": {"name": tool, "arguments": json.dumps(args)}}
            for i, tool, args in self.calls
        ]

    def base(self, kind):
        return {
            "id": self.entry["response_id"], "object": kind, "created": int(self.entry["t"]), "model": self.entry["model"],
        }

    def whole(self):
        message = {"role": "assistant", "content": self.text or None}
        if self.calls:
            message["tool_calls"] = self.tool_calls()
        reason = "tool_calls" if self.calls else "stop"
        choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
        return self.base("chat.completion") | {"choices": [choice], "usage": self.used()}

    def parts(self, cut):
        def part(delta, reason=None):
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            return "data: " + json.dumps(self.base("chat.completion.chunk") | {"choices": [choice]}) + "\n\n"

        yield part({"role": "assistant", "content": ""})
        if cut:
            yield part({"content": "The depot is open "})
            return
        for number, call in enumerate(self.tool_calls()):
            yield part({"tool_calls": [{"index": number, **call}]})
        for word in self.text.split(" ") if self.text else []:
            yield part({"content": word + " "})
        yield part({}, "tool_calls" if self.calls else "stop")
        if (self.body.get("stream_options") or {}).get("include_usage"):
            last = self.base("chat.completion.chunk") | {"choices": [], "usage": self.used()}
            yield "data: " + json.dumps(last) + "\n\n"
        yield "data: [DONE]\n\n"


class Anthropic(Shape):
    def used(self):
        u = self.usage
        return {
            "input_tokens": u["input"] - u["cached"], "cache_read_input_tokens": u["cached"],
            "cache_creation_input_tokens": 0, "output_tokens": u["output"],
        }

    def blocks(self):
        if self.calls:
            return [{"type": "tool_use", "id": i, "name": tool, "input": args} for i, tool, args in self.calls]
        return [{"type": "text", "text": self.text}]

    def whole(self, blocks=None):
        return {
            "id": self.entry["response_id"], "type": "message", "role": "assistant", "model": self.entry["model"],
            "content": self.blocks() if blocks is None else blocks,
            "stop_reason": "tool_use" if self.calls else "end_turn", "stop_sequence": None,
            "usage": self.used() if self.usage else {"input_tokens": 0, "output_tokens": 0},
        }

    def parts(self, cut):
        def part(kind, **more):
            return f"event: {kind}\ndata: " + json.dumps({"type": kind, **more}) + "\n\n"

        start = self.whole([]) | {"stop_reason": None}
        yield part("message_start", message=start)
        if cut:
            return
        for index, block in enumerate(self.blocks()):
            if block["type"] == "text":
                yield part("content_block_start", index=index, content_block={"type": "text", "text": ""})
                yield part("content_block_delta", index=index, delta={"type": "text_delta", "text": block["text"]})
            else:
                yield part("content_block_start", index=index, content_block=block | {"input": {}})
                arguments = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
                yield part("content_block_delta", index=index, delta=arguments)
            yield part("content_block_stop", index=index)
        reason = {"stop_reason": "tool_use" if self.calls else "end_turn", "stop_sequence": None}
        yield part("message_delta", delta=reason, usage={"output_tokens": self.usage["output"]})
        yield part("message_stop")


class Gemini(Shape):
    def whole(self):
        u = self.usage
        parts = [{"functionCall": {"id": i, "name": tool, "args": args}} for i, tool, args in self.calls]
        parts = parts or [{"text": self.text}]
        # Gemini counts thoughts beside the candidates.
        used = {
            "promptTokenCount": u["input"], "candidatesTokenCount": u["output"] - u["reasoning"],
            "thoughtsTokenCount": u["reasoning"], "cachedContentTokenCount": u["cached"],
            "totalTokenCount": u["input"] + u["output"],
        }
        return {
            "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": used, "modelVersion": self.entry["model"], "responseId": self.entry["response_id"],
        }

    def parts(self, cut):
        if cut:
            yield 'data: {"candidates": [{"content": {"role": "model", "parts": [{"text": "The depot"}]}}]}\n\n'
            return
        yield "data: " + json.dumps(self.whole()) + "\n\n"


def serve(door):
    server = ThreadingHTTPServer(("127.0.0.1", 0), door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"
