#!/usr/bin/env python3
"""Draws the boards as a person would see them and photographs them: LOOK=docs/images cargo test --test it peers::boards

A renderer of our own, not Grafana: it asks the Prometheus of that test every query of the boards' JSON for the week that ends at END, lays the answers out by the positions, units,
thresholds, mappings, overrides and transformations of that JSON in the colours of Grafana's themes, and lets Chromium take the pictures. It shows
what Grafana would be given, and fails on a panel, unit, colour or transformation that it does not know. Arguments: PROMETHEUS END FOLDER.
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

import themes

ROOT = pathlib.Path(__file__).resolve().parents[2]
CELL, ROW, GAP = 68, 38, 8
WEEK, STEP = 7 * 24 * 3600, 12 * 3600
# Boards that are photographed in both themes; the others in Grafana's default.
BOTH = ("executive",)
STYLE = """body{font:14px/1.35 'DejaVu Sans',sans-serif;margin:16px;background:var(--canvas);color:var(--text)}h1{font-size:20px;margin:0 0 2px}
p{margin:0 0 8px;color:var(--muted)}main{position:relative}section,h2{position:absolute;box-sizing:border-box}h2{font-size:15px;margin:0;padding-top:8px}
section{background:var(--panel);border:1px solid var(--line);border-radius:3px;padding:6px 10px;overflow:hidden}h3{font-size:13px;margin:0 0 4px;font-weight:600;white-space:nowrap}
.said{display:flex;flex-wrap:wrap}.said div{flex:1;text-align:center}.said small{display:block;font-size:13px}.said b{font-weight:500;white-space:nowrap}
.figure{font-weight:500;position:absolute;inset:26px 0 0;display:flex;align-items:center;justify-content:center}.none{text-align:center;margin-top:12px;padding:0 8px}
.bar{display:flex;align-items:center;margin:4px 0;font-size:12px}.bar b{width:42%;font-weight:400;overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
.bar span{flex:1;height:100%}.bar i{display:block;height:100%}.bar em{width:76px;text-align:right;font-style:normal}
table{border-collapse:collapse;font-size:12px;width:100%}td,th{text-align:left;padding:4px 6px;border-bottom:1px solid var(--line);white-space:nowrap;overflow:hidden}td.n,th.n{text-align:right}
table.fixed{table-layout:fixed}td,th{box-sizing:border-box}th{font-weight:600}
svg text{font-size:11px;text-anchor:end;fill:var(--muted)}svg .day{text-anchor:middle}.legend{font-size:12px;line-height:1.5;margin-top:2px}.legend span{margin-right:12px;white-space:nowrap}.legend i{display:inline-block;width:10px;height:10px;margin-right:4px}"""
THEME = "dark"


def tint(name):
    return themes.color(name, THEME)


def ask(prometheus, path, **arguments):
    url = f"http://{prometheus}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)["data"]["result"]


SIGNS = {"currencyUSD": "$", "currencyEUR": "€", "currencyGBP": "£"}


def shown(value, unit, decimals=None):
    """A number as people read it."""
    if value is None or math.isnan(value):
        return "–"
    if unit == "percentunit":
        return f"{value * 100:.{1 if decimals is None else decimals}f}%"
    if unit.startswith("time:"):
        return datetime.datetime.fromtimestamp(value / 1000, datetime.UTC).strftime("%a %-d %b %Y, %H:%M")
    if unit.startswith("currency"):
        places = decimals if decimals is not None else 0 if value == 0 or abs(value) >= 100 else 2 if abs(value) >= 0.1 else 4
        sign = SIGNS.get(unit, unit.removeprefix("currency") + " ")
        return f"{'-' if value < 0 else ''}{sign}{abs(value):,.{places}f}"
    if unit == "s":
        size, name = next(((size, name) for size, name in ((86400, "days"), (3600, "hours"), (60, "mins")) if abs(value) >= size), (1, "s"))
        if size == 1 and abs(value) < 1:
            return f"{value * 1000:.0f} ms"
        name = name.removesuffix("s") if name != "s" and round(value / size, 2) == 1 else name
        return f"{value / size:.{2 if decimals is None else decimals}f} {name}"
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
    color = "text"
    for step in panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", []):
        if step["value"] is None or value >= step["value"]:
            color = step["color"]
    return tint(color)


def mapped(value, panel, name):
    """Words and colour in place of a value, as its mappings say."""
    missing = value is None or math.isnan(value)
    for mapping in override(panel, name).get("mappings", panel["fieldConfig"]["defaults"].get("mappings", [])):
        options = mapping["options"]
        if mapping["type"] == "value" and not missing and f"{value:g}" in options:
            return options[f"{value:g}"]
        if mapping["type"] == "range" and not missing and options["from"] <= value <= options["to"]:
            return options["result"]
        if mapping["type"] == "special" and options["match"] == "null+nan" and missing:
            return options["result"]
    return None


def override(panel, name):
    """What the board says of one field."""
    found = [o for o in panel["fieldConfig"].get("overrides", []) if o["matcher"] == {"id": "byName", "options": name}]
    return {p["id"]: p["value"] for o in found for p in o["properties"]}


def filled(query):
    replaced = [("$__range_s", str(WEEK)), ("$__range", f"{WEEK}s"), ("$__rate_interval", f"{2 * STEP}s"), ("$__interval_ms", str(STEP * 1000)), ("$__interval", f"{STEP}s")]
    for name, text in replaced:
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
    size = panel["options"]["text"]["valueSize"]
    drawn = []
    for name, value in said:
        unit, decimals, _ = style(panel, name)
        words = mapped(value, panel, name) or {"text": shown(value, unit, decimals)}
        color = tint(words["color"]) if "color" in words else color_of(value, panel)
        drawn.append((name, color, html.escape(words["text"])))
    if panel["options"].get("textMode") != "value_and_name":
        [(_, color, text)] = drawn
        return f'<div class="figure" style="color:{color};font-size:{size}px">{text}</div>'
    parts = "".join(f'<div><small>{name}</small><b style="color:{color};font-size:{size}px">{text}</b></div>' for name, color, text in drawn)
    return f'<div class="said">{parts}</div>'


def bars(panel, answers, _, height):
    found = [(legend(t, r["metric"]) or "unknown", float(r["value"][1])) for t, rs in answers for r in rs]
    found = [(n, v) for n, v in found if not math.isnan(v)]
    if not found:
        return none(panel)
    if panel["options"]["valueMode"] != "text":
        raise ValueError("the value of a bar is text")
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
    columns = [c for c in columns if any(c in row for row in rows)]
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
    widths = [override(panel, name).get("custom.width") for name in head]
    kind = lambda c: ' class="n"' if any(isinstance(row[c], float) for row in body) and override(panel, head[c]).get("custom.align") != "left" else ""
    made = "".join(f"<th{kind(c)}{f' style=width:{widths[c]}px' if widths[c] else ''}>{html.escape(name)}</th>" for c, name in enumerate(head))
    for row in body[: (height - 60) // 26 or 1]:
        cells = ""
        for c, (name, cell) in enumerate(zip(head, row)):
            unit, decimals, _ = style(panel, name)
            words = {"text": cell} if isinstance(cell, str) else mapped(cell, panel, name) or {"text": shown(cell, unit, decimals)}
            colored = override(panel, name).get("custom.cellOptions", {}).get("type") == "color-text" and "color" in words
            color = f' style="color:{tint(words["color"])}"' if colored else ""
            cells += f"<td{kind(c)}{color}>{html.escape(words['text'])}</td>"
        made += f"</tr><tr>{cells}"
    fixed = ' class="fixed"' if any(widths) else ""
    return f"<table{fixed}><tr>{made}</tr></table>"


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
    # A logarithmic axis: four decades under the top.
    log = panel["fieldConfig"]["defaults"]["custom"].get("scaleDistribution", {}).get("type") == "log"
    w, h, left = width - 36, height - 84 - 16 * (sum(len(n) + 5 for n, _ in series) * 7 // width), 88
    drawn = ""
    for step in range(5):
        y = h - (h - 8) * step / 4
        drawn += f'<line x1="{left}" x2="{w}" y1="{y}" y2="{y}" stroke="{themes.GROUNDS[THEME]["line"]}"/><text x="{left - 6}" y="{y + 4}">{shown(top * 10 ** (step - 4) if log else top * step / 4, unit, decimals)}</text>'
    drawn += f'<text class="day" transform="translate(12 {h / 2}) rotate(-90)">{panel["fieldConfig"]["defaults"]["custom"]["axisLabel"]}</text>'
    y = lambda v: h - (max(1 + math.log10(max(v, 1e-9) / top) / 4, 0) if log else v / top) * (h - 8)
    x = lambda t: left + (t - start) / WEEK * (w - left)
    for color, t in marks:
        drawn += f'<rect x="{x(t - STEP):.1f}" y="8" width="{x(t) - x(t - STEP):.1f}" height="{h - 8}" fill="{tint(color)}" opacity="0.2"/>'
    for day in range(int(start // 86400) + 1, int(end // 86400) + 1):
        name = datetime.datetime.fromtimestamp(day * 86400, datetime.UTC).strftime("%a")
        drawn += f'<text class="day" x="{x(day * 86400):.0f}" y="{h + 14}">{name}</text>'
    names, by_name = "", dict(series)
    for place, (name, points) in enumerate(series[:9]):
        own = override(panel, name)
        color = tint(own.get("color", {}).get("fixedColor", themes.CLASSIC[place % len(themes.CLASSIC)]))
        dash = ' stroke-dasharray="6 6"' if own.get("custom.lineStyle", {}).get("fill") == "dash" else ""
        path = [f"{x(t):.1f},{y(v):.1f}" for t, v in points]
        below = by_name.get(own.get("custom.fillBelowTo"))
        if below:
            around = " ".join(path + [f"{x(t):.1f},{y(v):.1f}" for t, v in reversed(below)])
            drawn += f'<polygon points="{around}" fill="{color}" opacity="{own["custom.fillOpacity"] / 100}"/>'
        drawn += f'<polyline points="{" ".join(path)}" fill="none" stroke="{color}" stroke-width="{own.get("custom.lineWidth", 2)}"{dash}/>'
        names += f'<span><i style="background:{color}"></i>{html.escape(name)}</span>' if not own.get("custom.hideFrom", {}).get("legend") else ""
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
    """In the theme of the moment."""
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
        title = f"<h3>{html.escape(panel['title'])}</h3>" if panel.get("title") else ""
        made += f'<section style="{place}" title="{html.escape(panel["description"])}">{title}{inside}</section>'
    grounds = ";".join(f"--{name}:{color}" for name, color in themes.GROUNDS[THEME].items())
    head = f"<h1>{html.escape(board['title'])}</h1><p>{html.escape(board['description'])}</p>"
    return f'<!doctype html><meta charset="utf-8"><style>:root{{{grounds}}}{STYLE}</style>{head}<main style="width:{24 * CELL}px;height:{bottom}px">{made}</main>', bottom + 100


def photograph(name, prometheus, end, picture, work):
    board = json.loads((ROOT / f"deploy/grafana/dashboards/{name}.json").read_text())
    text, height = page(board, prometheus, end)
    file = pathlib.Path(work) / f"{name}.html"
    file.write_text(text)
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={picture}", f"--window-size={24 * CELL + 32},{height}", file.as_uri()], check=True, stderr=subprocess.DEVNULL)
    print(picture)


def main():
    global THEME
    prometheus, end, folder = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]).resolve()
    with tempfile.TemporaryDirectory() as work:
        for name in ("executive", "product", "engineering", "sre"):
            for THEME in ("dark", "light") if name in BOTH else ("dark",):
                suffix = "-light" if THEME == "light" else ""
                photograph(name, prometheus, end, folder / f"{name}{suffix}.png", work)


if __name__ == "__main__":
    main()
