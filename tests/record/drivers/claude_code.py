"""Claude Code by itself (claude -p), one process a turn; a session goes on with --resume. Desks are subagents."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import uuid

from common import MODEL_URL, OTLP_URL, TURNS, begin, end

CLAUDE = sys.argv[1]
HERE = pathlib.Path(__file__).parent
HOME = pathlib.Path(sys.argv[2])
shutil.rmtree(HOME, ignore_errors=True)
(HOME / "work").mkdir(parents=True, exist_ok=True)


def env_of(turn):
    facts = {"session.id": turn["session_id"], "user.id": turn["user_id"], "customer.tier": turn["customer_tier"], "intent": turn["intent"]}
    return {
        "HOME": str(HOME), "PATH": os.environ["PATH"], "ANTHROPIC_BASE_URL": MODEL_URL, "ANTHROPIC_API_KEY": "none",
        "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_RETRIES": "2", "IS_SANDBOX": "1",
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1", "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "1",
        "OTEL_TRACES_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": OTLP_URL,
        "OTEL_LOG_USER_PROMPTS": "1", "OTEL_LOG_TOOL_DETAILS": "1", "OTEL_LOG_TOOL_CONTENT": "1",
        "OTEL_SERVICE_NAME": "parcel-desk", "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{k}={v}" for k, v in facts.items() if k != "session.id"),
    }


def agent(name, model):
    return {"description": f"The {name}.", "prompt": f"You are {name}.", "model": model}


AGENTS = {"tracking_desk": agent("tracking_desk", "sonnet"), "claims_desk": agent("claims_desk", "sonnet")}
MCP = {"mcpServers": {"parcel": {"command": sys.executable, "args": [str(HERE / "parcel_mcp.py")]}}}
ids = {}

for turn in TURNS:
    begin(turn)
    first = turn["session_id"] not in ids
    known = ids.setdefault(turn["session_id"], str(uuid.uuid5(uuid.NAMESPACE_URL, turn["session_id"])))
    command = [
        CLAUDE, "-p", turn["text"], "--session-id" if first else "--resume", known, "--output-format", "json",
        "--model", "claude-haiku-4-5", "--append-system-prompt", "You are dispatcher.", "--agents", json.dumps(AGENTS),
        "--mcp-config", json.dumps(MCP), "--strict-mcp-config", "--allowedTools", "Task,Agent,mcp__parcel",
    ]
    done = subprocess.run(command, env=env_of(turn), cwd=HOME / "work", capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL)
    try:
        said = json.loads(done.stdout)
        failed = said.get("is_error")
        end(None if failed else said.get("result"), RuntimeError(said.get("result")) if failed else None)
    except ValueError:
        end(error=RuntimeError((done.stderr or done.stdout)[-200:]))
        print(turn["turn"], done.returncode, done.stdout[-300:], done.stderr[-300:], file=sys.stderr)
