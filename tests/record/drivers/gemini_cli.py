"""Gemini CLI by itself (gemini -p), one process a turn; a session goes on with --resume. Desks are subagents."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import uuid

from common import MODEL_URL, OTLP_URL, TURNS, begin, end

GEMINI, HOME = sys.argv[1], pathlib.Path(sys.argv[2])
HERE = pathlib.Path(__file__).parent
MODELS = {"tracking_desk": "gemini-2.5-flash", "claims_desk": "gemini-2.5-pro"}
SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "general": {"disableAutoUpdate": True},
    "agents": {"overrides": {name: {"enabled": False} for name in ("generalist", "cli_help", "codebase_investigator")}},
    # What a desk of parcels has no use for, with pages of descriptions in every request.
    "tools": {"exclude": [
        "list_directory", "read_file", "grep_search", "glob", "replace", "write_file", "run_shell_command", "web_fetch", "google_web_search",
        "read_many_files", "save_memory", "ask_user", "write_todos", "activate_skill", "enter_plan_mode", "exit_plan_mode", "update_topic",
        "get_internal_docs",
    ]},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {
        "enabled": True, "traces": True, "target": "local", "otlpEndpoint": OTLP_URL, "otlpProtocol": "http", "logPrompts": True,
    },
    "mcpServers": {"parcel": {"command": sys.executable, "args": [str(HERE / "parcel_mcp.py")], "trust": True}},
}


def settle(home):
    """A home with the settings, the instructions of the main agent and the two subagents."""
    shutil.rmtree(home, ignore_errors=True)
    (home / "work").mkdir(parents=True)
    (home / ".gemini/agents").mkdir(parents=True)
    (home / ".gemini/settings.json").write_text(json.dumps(SETTINGS))
    (home / "system.md").write_text("You are dispatcher.")
    for name, model in MODELS.items():
        text = f"---\nname: {name}\ndescription: The {name}.\nmodel: {model}\n---\nYou are {name}.\n"
        (home / f".gemini/agents/{name}.md").write_text(text)


def env_of(turn):
    facts = {"user.id": turn["user_id"], "customer.tier": turn["customer_tier"], "intent": turn["intent"]}
    return {
        "HOME": str(HOME), "PATH": os.environ["PATH"], "GOOGLE_GEMINI_BASE_URL": MODEL_URL, "GEMINI_API_KEY": "none",
        "GEMINI_SYSTEM_MD": str(HOME / "system.md"), "GEMINI_CLI_TRUST_WORKSPACE": "true", "NO_PROXY": "127.0.0.1",
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{k}={v}" for k, v in facts.items()),
    }


settle(HOME)
known = {}
for turn in TURNS:
    begin(turn)
    first = turn["session_id"] not in known
    name = known.setdefault(turn["session_id"], str(uuid.uuid5(uuid.NAMESPACE_URL, turn["session_id"])))
    command = [
        "node", GEMINI, "-p", turn["text"], "--session-id" if first else "--resume", name, "-m", "gemini-2.5-flash-lite",
        "--approval-mode", "yolo", "--output-format", "json",
    ]
    done = subprocess.run(command, env=env_of(turn), cwd=HOME / "work", capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL)
    try:
        said = json.loads(done.stdout[done.stdout.index("{"):])
        end(said.get("response"), RuntimeError(said["error"].get("message")) if said.get("error") else None)
    except ValueError:
        end(error=RuntimeError((done.stderr or done.stdout)[-200:]))
