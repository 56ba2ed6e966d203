#!/usr/bin/env python3
"""Draws the boards as a person would see them and photographs them: tests/look/look.py [FOLDER]

Starts the demo and a Prometheus of its own, asks every query of the boards' JSON, lays the answers out by the positions, units, thresholds and
colours of that JSON, and lets Chromium take the pictures (docs/images by default). It is no Grafana: it shows what Grafana would be given.
Needs a release build, and prometheus and chromium from the distribution.
"""

import html
import json
import math
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLORS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A000", "#555555"]
CELL, ROW, GAP = 56, 36, 8


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(prometheus, path, **arguments):
    url = f"http://{prometheus}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["data"]["result"]


def shown(value, unit, decimals=None):
    """A number as people read it."""
    if value is None or math.isnan(value):
        return "unknown"
    if unit == "percentunit":
        return f"{value * 100:.{1 if decimals is None else decimals}f}%"
    if unit == "currencyUSD":
        places = decimals if decimals is not None else (2 if abs(value) >= 1 else 4)
        return f"{'-' if value < 0 else ''}${abs(value):,.{places}f}"
    if unit == "s":
        return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"
    return f"{value:,.{decimals}f}" if decimals is not None else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def color_of(value, panel):
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
    color = COLORS[0]
    for step in steps:
        if step["value"] is None or (value is not None and value >= step["value"]):
            color = step["color"]
    return color


def filled(query, span):
    query = query.replace("$__range", span).replace("$__rate_interval", "30s")
    return re.sub(r'"\$\w+"', '".*"', query)


def legend(target, metric):
    text = target.get("legendFormat", "")
    if text == "__auto":
        return ", ".join(metric.values())
    return re.sub(r"\{\{(\w+)\}\}", lambda m: metric.get(m.group(1), "unknown"), text)


def figure(panel, answers, unit, decimals):
    results = [r for _, rs in answers for r in rs]
    value = float(results[0]["value"][1]) if results else None
    color = color_of(value, panel) if results else "#888888"
    return f'<div class="figure" style="color:{color}">{shown(value, unit, decimals)}</div>'


def bars(panel, answers, unit, decimals):
    found = [(legend(t, r["metric"]) or "unknown", float(r["value"][1])) for t, rs in answers for r in rs]
    found = [(n, v) for n, v in found if not math.isnan(v)]
    if not found:
        return '<div class="none">unknown</div>'
    top = max(v for _, v in found) or 1
    lines = []
    for name, value in sorted(found, key=lambda pair: -pair[1])[:9]:
        bar = f'<i style="width:{max(value, 0) / top * 100:.1f}%;background:{color_of(value, panel)}"></i>'
        lines.append(f'<div class="bar"><b>{html.escape(name)}</b><span>{bar}</span><em>{shown(value, unit, decimals)}</em></div>')
    return "".join(lines)


def rows(panel, answers, unit, decimals):
    results = [r for _, rs in answers for r in rs]
    if not results:
        return '<div class="none">unknown</div>'
    keys = sorted(results[0]["metric"])
    head = "".join(f"<th>{html.escape(k)}</th>" for k in keys) + "<th>value</th>"
    body = ""
    for r in results[:9]:
        cells = "".join(f"<td>{html.escape(r['metric'].get(k, ''))}</td>" for k in keys)
        body += f"<tr>{cells}<td>{shown(float(r['value'][1]), unit, decimals)}</td></tr>"
    return f"<table><tr>{head}</tr>{body}</table>"


def lines(panel, answers, unit, decimals, width, height):
    series = []
    for target, results in answers:
        for r in results:
            points = [(float(t), float(v)) for t, v in r["values"] if not math.isnan(float(v))]
            if points:
                series.append((legend(target, r["metric"]) or "value", points))
    if not series:
        return '<div class="none">unknown</div>'
    first = min(p[0][0] for _, p in series)
    last = max(p[-1][0] for _, p in series)
    top = max(v for _, p in series for _, v in p) * 1.1 or 1
    w, h, left = width - 24, height - 84, 62
    drawn = ""
    for step in range(5):
        y = h - h * step / 4
        drawn += f'<line x1="{left}" x2="{w}" y1="{y}" y2="{y}" stroke="#ddd"/><text x="{left - 6}" y="{y + 4}">{shown(top * step / 4, unit, decimals)}</text>'
    names = ""
    for place, (name, points) in enumerate(series[:8]):
        color = COLORS[place % len(COLORS)]
        path = " ".join(f"{left + (t - first) / max(last - first, 1) * (w - left):.1f},{h - v / top * h:.1f}" for t, v in points)
        drawn += f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
        names += f'<span><i style="background:{color}"></i>{html.escape(name)}</span>'
    return f'<svg width="{w}" height="{h + 10}" overflow="visible">{drawn}</svg><div class="legend">{names}</div>'


def page(board, prometheus, start, end):
    # Half of the time, so that there is a period before it to compare with.
    span = f"{int(end - start) // 2}s"
    made, bottom = "", 0
    for panel in board["panels"]:
        at = panel["gridPos"]
        width, height = at["w"] * CELL - GAP, at["h"] * ROW - GAP
        place = f'left:{at["x"] * CELL}px;top:{at["y"] * ROW}px;width:{width}px;height:{height}px'
        bottom = max(bottom, (at["y"] + at["h"]) * ROW)
        if panel["type"] == "row":
            made += f'<h2 style="{place}">{html.escape(panel["title"])}</h2>'
            continue
        defaults = panel["fieldConfig"]["defaults"]
        unit, decimals = defaults.get("unit"), defaults.get("decimals")
        answers = []
        for target in panel["targets"]:
            query = filled(target["expr"], span)
            if panel["type"] == "timeseries":
                answers.append((target, ask(prometheus, "query_range", query=query, start=start + 10, end=end, step=1)))
            else:
                answers.append((target, ask(prometheus, "query", query=query, time=end)))
        if panel["type"] == "timeseries":
            inside = lines(panel, answers, unit, decimals, width, height)
        else:
            inside = {"stat": figure, "bargauge": bars, "table": rows}[panel["type"]](panel, answers, unit, decimals)
        made += f'<section style="{place}" title="{html.escape(panel["description"])}"><h3>{html.escape(panel["title"])}</h3>{inside}</section>'
    style = """body{font:14px/1.35 'DejaVu Sans',sans-serif;margin:16px;background:#f4f5f5;color:#222}h1{font-size:22px;margin:0 0 2px}
    p{margin:0 0 12px;color:#555}main{position:relative}section,h2{position:absolute;box-sizing:border-box}h2{font-size:15px;margin:0;padding-top:8px}
    section{background:#fff;border:1px solid #ddd;border-radius:4px;padding:8px 12px;overflow:hidden}h3{font-size:13px;margin:0 0 6px;font-weight:600}
    .figure{font-size:30px;font-weight:600;text-align:center;margin-top:22px}.none{color:#888;text-align:center;margin-top:36px}
    .bar{display:flex;align-items:center;margin:5px 0;font-size:12px}.bar b{width:34%;font-weight:400;overflow:hidden;white-space:nowrap}
    .bar span{flex:1;height:14px;background:#eee}.bar i{display:block;height:14px}.bar em{width:90px;text-align:right;font-style:normal}
    table{border-collapse:collapse;font-size:12px;width:100%}td,th{text-align:left;padding:2px 6px;border-bottom:1px solid #eee}
    svg text{font-size:10px;text-anchor:end;fill:#666}.legend{font-size:11px}.legend span{margin-right:12px}.legend i{display:inline-block;width:10px;height:10px;margin-right:4px}"""
    head = f"<h1>{html.escape(board['title'])}</h1><p>{html.escape(board['description'])}</p>"
    return f'<!doctype html><meta charset="utf-8"><style>{style}</style>{head}<main style="width:{24 * CELL}px;height:{bottom}px">{made}</main>', bottom + 100


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs/images").resolve()
    work = pathlib.Path(tempfile.mkdtemp())
    addresses = {f"BATON_{name}_ENDPOINT": "127.0.0.1:0" for name in ("GRPC", "HTTP", "SERVER")}
    demo = subprocess.Popen([ROOT / "target/release/baton", "demo", "--sessions", "1200"], env=os.environ | addresses, stderr=subprocess.PIPE, text=True)
    prometheus, children = f"127.0.0.1:{free_port()}", [demo]
    try:
        target = next(line.split("http://")[1].split("/")[0] for line in demo.stderr if line.startswith("metrics"))
        config = work / "prometheus.yaml"
        config.write_text(f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{ROOT}/deploy/rules/*.yaml']\nscrape_configs: [{{job_name: baton, static_configs: [{{targets: ['{target}']}}]}}]\n")
        start = time.time()
        children.append(subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={work / 'data'}", f"--web.listen-address={prometheus}", "--log.level=error"]))
        closed = 0
        while closed < 1200:
            time.sleep(1)
            try:
                result = ask(prometheus, "query", query="sum(baton_workflows_total)")
                closed = float(result[0]["value"][1]) if result else 0
            except OSError:
                pass
        end = time.time()
        for name in ("executive", "product", "engineering", "sre"):
            board = json.loads((ROOT / f"deploy/grafana/dashboards/{name}.json").read_text())
            text, height = page(board, prometheus, start, end)
            file = work / f"{name}.html"
            file.write_text(text)
            subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={folder / name}.png", f"--window-size={24 * CELL + 32},{height}", file.as_uri()], check=True, stderr=subprocess.DEVNULL)
            print(folder / f"{name}.png")
    finally:
        for child in children:
            child.terminate()
            child.wait()


if __name__ == "__main__":
    main()
