#!/usr/bin/env python3
"""Draws the boards as a person would see them and photographs them: LOOK=docs/images cargo test --test peers boards

Asks the Prometheus of that test every query of the boards' JSON for the week that ends at END, lays the answers out by the positions, units,
thresholds, overrides and transformations of that JSON, and lets Chromium take the pictures. It is no Grafana: it shows what Grafana would be
given, and fails on a panel, unit or transformation that it does not know. Arguments: PROMETHEUS END FOLDER.
"""

import datetime
import html
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLORS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A7A00", "#555555"]
CELL, ROW, GAP = 56, 36, 8
WEEK, STEP = 7 * 24 * 3600, 12 * 3600
STYLE = """body{font:14px/1.35 'DejaVu Sans',sans-serif;margin:16px;background:#f4f5f5;color:#222}h1{font-size:22px;margin:0 0 2px}
p{margin:0 0 12px;color:#555}main{position:relative}section,h2{position:absolute;box-sizing:border-box}h2{font-size:15px;margin:0;padding-top:8px}
section{background:#fff;border:1px solid #ddd;border-radius:4px;padding:8px 12px;overflow:hidden}h3{font-size:13px;margin:0 0 6px;font-weight:600;white-space:nowrap}
.said{display:flex}.said div{flex:1;text-align:center}.said small{display:block;font-size:13px;color:#555}.said b{font-size:25px;font-weight:600}
.figure{font-size:32px;font-weight:600;position:absolute;inset:26px 0 0;display:flex;align-items:center;justify-content:center}.none{color:#767676;text-align:center;margin-top:36px}
.bar{display:flex;align-items:center;margin:4px 0;font-size:12px}.bar b{width:42%;font-weight:400;overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
.bar span{flex:1;height:100%;background:#eee}.bar i{display:block;height:100%}.bar em{width:66px;text-align:right;font-style:normal}
table{border-collapse:collapse;font-size:12px;width:100%}td,th{text-align:left;padding:2px 6px;border-bottom:1px solid #eee}td.n,th.n{text-align:right}
svg text{font-size:10px;text-anchor:end;fill:#555}svg .day{text-anchor:middle}.legend{font-size:11px;line-height:1.5;margin-top:2px}.legend span{margin-right:12px;white-space:nowrap}.legend i{display:inline-block;width:10px;height:10px;margin-right:4px}"""


def ask(prometheus, path, **arguments):
    url = f"http://{prometheus}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)["data"]["result"]


def shown(value, unit, decimals=None):
    """A number as people read it."""
    if value is None or math.isnan(value):
        return "–"
    if unit == "percentunit":
        return f"{value * 100:.{1 if decimals is None else decimals}f}%"
    if unit == "currencyUSD":
        places = decimals if decimals is not None else 0 if value == 0 or abs(value) >= 100 else 2 if abs(value) >= 0.1 else 4
        return f"{'-' if value < 0 else ''}${abs(value):,.{places}f}"
    if unit == "s":
        return f"{value:.{2 if decimals is None else decimals}f} s" if value >= 1 else f"{value * 1000:.0f} ms"
    if unit == "bytes":
        size = next(size for size in (3, 2, 1, 0) if value >= 1024**size or size == 0)
        return f"{value / 1024**size:.{1 if size else 0}f} {['B', 'KiB', 'MiB', 'GiB'][size]}"
    if unit.startswith("suffix:"):
        return shown(value, "none", decimals) + unit.removeprefix("suffix:")
    if unit not in ("short", "none"):
        raise ValueError(f"the unit {unit}")
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    if value == 0 or abs(value) >= 100 or abs(value - round(value)) < 1e-6:
        return f"{value:,.0f}"
    return f"{value:,.3g}"


def color_of(value, panel):
    color = COLORS[0]
    for step in panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", []):
        if step["value"] is None or value >= step["value"]:
            color = step["color"]
    return color


def override(panel, name):
    """What the board says of one field."""
    found = [o for o in panel["fieldConfig"].get("overrides", []) if o["matcher"] == {"id": "byName", "options": name}]
    return {p["id"]: p["value"] for o in found for p in o["properties"]}


def filled(query):
    for name, text in [("$__range", f"{WEEK}s"), ("$__rate_interval", f"{2 * STEP}s"), ("$__interval", f"{STEP}s")]:
        query = query.replace(name, text)
    return re.sub(r'"\$\w+"', '".*"', query)


def legend(target, metric):
    text = target.get("legendFormat", "")
    if text == "__auto":
        return ", ".join(v for k, v in metric.items() if k != "__name__")
    return re.sub(r"\{\{(\w+)\}\}", lambda m: metric.get(m.group(1), ""), text)


def none(panel):
    return f'<div class="none">{panel["fieldConfig"]["defaults"]["noValue"]}</div>'


def style(panel, name):
    """Unit, decimals and fixed colour of a field."""
    own, defaults = override(panel, name), panel["fieldConfig"]["defaults"]
    return own.get("unit", defaults.get("unit")), own.get("decimals", defaults.get("decimals")), own.get("color", {}).get("fixedColor")


def figure(panel, answers, *_):
    said = [(legend(t, r["metric"]), float(r["value"][1])) for t, rs in answers for r in rs]
    if not said:
        return none(panel)
    if panel["options"].get("textMode") != "value_and_name":
        [(name, value)] = said
        unit, decimals, _ = style(panel, name)
        return f'<div class="figure" style="color:{color_of(value, panel)}">{shown(value, unit, decimals)}</div>'
    parts = ""
    for name, value in said:
        unit, decimals, color = style(panel, name)
        parts += f'<div><small>{name}</small><b style="color:{color}">{shown(value, unit, decimals)}</b></div>'
    return f'<div class="said">{parts}</div>'


def bars(panel, answers, _, height):
    found = [(legend(t, r["metric"]) or "unknown", float(r["value"][1])) for t, rs in answers for r in rs]
    found = [(n, v) for n, v in found if not math.isnan(v)]
    if not found:
        return none(panel)
    unit, decimals, _ = style(panel, "")
    top = max(v for _, v in found) or 1
    found = found[: (height - 40) // 20]
    high = min((height - 40) // len(found), 44) - 8
    drawn = ""
    for name, value in found:
        bar = f'<i style="width:{max(value, 0) / top * 100:.1f}%;background:{color_of(value, panel)}"></i>'
        drawn += f'<div class="bar" style="height:{high}px"><b>{html.escape(name)}</b><span>{bar}</span><em>{shown(value, unit, decimals)}</em></div>'
    return drawn


def merged(panel, answers):
    """One row per group with a value of each query."""
    table = {}
    for target, results in answers:
        value = f"Value #{target['refId']}" if len(answers) > 1 else "Value"
        for r in results:
            labels = {k: v for k, v in r["metric"].items() if k != "__name__"}
            table.setdefault(tuple(sorted(labels.items())), dict(labels))[value] = float(r["value"][1])
    return list(table.values())


def organized(rows, options):
    order, names = options["indexByName"], options["renameByName"]
    columns = sorted(order, key=order.get)
    return [names.get(c, c) for c in columns], [[row.get(c) for c in columns] for row in rows]


def crossed(rows, options):
    side, top = options["rowField"], options["columnField"]
    columns = sorted({row[top] for row in rows})
    value = {(row[side], row[top]): row[options["valueField"]] for row in rows}
    return [f"{side}\\{top}", *columns], [[name, *(value.get((name, c)) for c in columns)] for name in sorted({row[side] for row in rows})]


def table(panel, answers, _, height):
    rows = merged(panel, answers)
    if not rows:
        return none(panel)
    last = panel["transformations"][-1]
    head, body = {"organize": organized, "groupingToMatrix": crossed}[last["id"]](rows, last["options"])
    for by in panel.get("options", {}).get("sortBy") or []:
        place = head.index(by["displayName"])
        text = any(isinstance(row[place], str) for row in body)
        body.sort(key=lambda row: (row[place] or "") if text else (-math.inf if row[place] is None else row[place]), reverse=by["desc"])
    kind = lambda c: ' class="n"' if any(isinstance(row[c], float) for row in body) else ""
    made = "".join(f"<th{kind(c)}>{html.escape(name)}</th>" for c, name in enumerate(head))
    for row in body[: (height - 60) // 22]:
        cells = ""
        for c, (name, cell) in enumerate(zip(head, row)):
            unit, decimals, _ = style(panel, name)
            text = cell if isinstance(cell, str) else shown(cell, unit, decimals)
            cells += f"<td{kind(c)}>{html.escape(text)}</td>"
        made += f"</tr><tr>{cells}"
    return f"<table><tr>{made}</tr></table>"


def nice(top):
    """The least round number above."""
    size = 10 ** math.floor(math.log10(top)) if top > 0 else 1
    return next(size * m for m in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10) if size * m >= top * 0.999)


def lines(panel, answers, width, height, end, marks):
    series = []
    for target, results in answers:
        for r in results:
            points = [(float(t), float(v)) for t, v in r["values"] if not math.isnan(float(v))]
            if points:
                series.append((legend(target, r["metric"]) or "value", points))
    if not series:
        return none(panel)
    unit, decimals, _ = style(panel, "")
    start = end - WEEK
    top = nice(max(v for _, p in series for _, v in p) or 1)
    w, h, left = width - 36, height - 84 - 16 * (sum(len(n) + 5 for n, _ in series) * 7 // width), 62
    drawn = ""
    for step in range(5):
        y = h - (h - 8) * step / 4
        drawn += f'<line x1="{left}" x2="{w}" y1="{y}" y2="{y}" stroke="#e2e2e2"/><text x="{left - 6}" y="{y + 4}">{shown(top * step / 4, unit, decimals)}</text>'
    x = lambda t: left + (t - start) / WEEK * (w - left)
    for color, t in marks:
        drawn += f'<rect x="{x(t - STEP):.1f}" y="8" width="{x(t) - x(t - STEP):.1f}" height="{h - 8}" fill="{color}" opacity="0.2"/>'
    for day in range(int(start // 86400) + 1, int(end // 86400) + 1):
        name = datetime.datetime.fromtimestamp(day * 86400, datetime.UTC).strftime("%a")
        drawn += f'<text class="day" x="{x(day * 86400):.0f}" y="{h + 14}">{name}</text>'
    names = ""
    for place, (name, points) in enumerate(series[:8]):
        own = override(panel, name)
        color = own.get("color", {}).get("fixedColor", COLORS[place % len(COLORS)])
        dash = ' stroke-dasharray="6 6"' if own.get("custom.lineStyle", {}).get("fill") == "dash" else ""
        path = " ".join(f"{x(t):.1f},{h - v / top * (h - 8):.1f}" for t, v in points)
        drawn += f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"{dash}/>'
        names += f'<span><i style="background:{color}"></i>{html.escape(name)}</span>'
    return f'<svg width="{w + 12}" height="{h + 18}" overflow="visible">{drawn}</svg><div class="legend">{names}</div>'


def drawn(panel, prometheus, end, width, height, marks):
    answers = []
    for target in panel["targets"]:
        query = filled(target["expr"])
        if panel["type"] == "timeseries":
            answers.append((target, ask(prometheus, "query_range", query=query, start=end - WEEK + STEP, end=end, step=STEP)))
        else:
            answers.append((target, ask(prometheus, "query", query=query, time=end)))
    if panel["type"] == "timeseries":
        return lines(panel, answers, width, height, end, marks)
    return {"stat": figure, "bargauge": bars, "table": table}[panel["type"]](panel, answers, width, height)


def marked(board, prometheus, end):
    """What the board's annotations mark, as colours and times."""
    notes = [note for note in board["annotations"]["list"] if "expr" in note]
    found = [(note["iconColor"], ask(prometheus, "query_range", query=filled(note["expr"]), start=end - WEEK + STEP, end=end, step=STEP)) for note in notes]
    return [(color, float(t)) for color, results in found for r in results for t, _ in r["values"]]


def page(board, prometheus, end):
    made, bottom, marks = "", 0, marked(board, prometheus, end)
    for panel in board["panels"]:
        at = panel["gridPos"]
        width, height = at["w"] * CELL - GAP, at["h"] * ROW - GAP
        place = f'left:{at["x"] * CELL}px;top:{at["y"] * ROW}px;width:{width}px;height:{height}px'
        bottom = max(bottom, (at["y"] + at["h"]) * ROW)
        if panel["type"] == "row":
            made += f'<h2 style="{place}">{html.escape(panel["title"])}</h2>'
            continue
        inside = drawn(panel, prometheus, end, width, height, marks)
        made += f'<section style="{place}" title="{html.escape(panel["description"])}"><h3>{html.escape(panel["title"])}</h3>{inside}</section>'
    head = f"<h1>{html.escape(board['title'])}</h1><p>{html.escape(board['description'])}</p>"
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style>{head}<main style="width:{24 * CELL}px;height:{bottom}px">{made}</main>', bottom + 100


def main():
    prometheus, end, folder = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]).resolve()
    with tempfile.TemporaryDirectory() as work:
        for name in ("executive", "product", "engineering", "sre"):
            board = json.loads((ROOT / f"deploy/grafana/dashboards/{name}.json").read_text())
            text, height = page(board, prometheus, end)
            file = pathlib.Path(work) / f"{name}.html"
            file.write_text(text)
            picture = folder / f"{name}.png"
            subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={picture}", f"--window-size={24 * CELL + 32},{height}", file.as_uri()], check=True, stderr=subprocess.DEVNULL)
            print(picture)


if __name__ == "__main__":
    main()
