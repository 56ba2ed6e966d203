"""What the benchmarks of whole processes share: they build Baton, start it beside others, and read what it used."""

import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "target" / "bench"
BATON = ROOT / "target" / "dist" / "baton"
LOAD = ROOT / "target" / "dist" / "examples" / "load"
TICK = os.sysconf("SC_CLK_TCK")

# One partition, and turns and workflows that are over soon, so that all work ends within a run.
CONFIG = {
    "engine": {"partitions": 1, "queue_events": 2000000, "soft_state_size": "8GiB", "max_state_size": "9GiB"},
    "stitch": {"settle": "1s", "bind_timeout": "1s", "trace_timeout": "2s", "drop_timeout": "2s", "idle_timeout": "3s"},
}


def build():
    """Baton and the load generator, as packages have them."""
    subprocess.run(["cargo", "build", "--locked", "--profile", "dist", "--bin", "baton", "--example", "load"], cwd=ROOT, check=True)
    OUT.mkdir(parents=True, exist_ok=True)


def free():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


def baton(folder, otlp, server, **more):
    """The command of a Baton on a folder of its own, with more sections of configuration."""
    (folder / "baton.yaml").write_text(json.dumps({**CONFIG, **more}))
    ends = ["--grpc-endpoint", otlp, "--http-endpoint", "127.0.0.1:0", "--server-endpoint", server]
    return [BATON, "run", "--config", folder / "baton.yaml", "--log-level", "error", *ends]


def start(core, command):
    """A process on one core."""
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], env=dict(os.environ, GOMAXPROCS="1"))


def load(otlp, kind, spans, first, *rate):
    """Sends from core 1 and returns what the load generator measured."""
    send = ["taskset", "-c", "1", LOAD, "send", otlp, kind, spans, first, *rate]
    return json.loads(subprocess.run([*map(str, send)], check=True, capture_output=True, text=True).stdout)


def cpu(process):
    """CPU seconds of a process so far."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def peak(process):
    """The most memory it had, in MiB."""
    for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no peak")


def until_idle(process):
    """Waits until it does next to nothing for three seconds: what it has taken is worked off."""
    quiet, before = 0, cpu(process)
    while quiet < 3:
        time.sleep(1)
        now = cpu(process)
        quiet = quiet + 1 if now - before < 0.05 else 0
        before = now


def listens(address, process):
    host, port = address.split(":")
    while process.poll() is None:
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} ended by itself")


def metric(server, name):
    """The sum of a metric of a Baton."""
    with urllib.request.urlopen(f"http://{server}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    found = [line for line in lines if line.startswith((name + " ", name + "{"))]
    return sum(float(line.rsplit(" ", 1)[1]) for line in found)
