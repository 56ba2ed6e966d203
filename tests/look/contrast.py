#!/usr/bin/env python3
"""Every colour that a board can give a text has a contrast of at least 4.5 : 1 (WCAG 2.2 AA) on the panel and on the canvas of both themes."""

import json
import pathlib
import sys

import themes

BOARDS = pathlib.Path(__file__).resolve().parents[2] / "deploy/grafana/dashboards"
LEAST = 4.5


def colored(tree, inside=""):
    """Each colour in a board, with where it stands."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            where = inside + "/" + (str(tree.get("title") or key) if key == "fieldConfig" else key)
            if key in ("color", "fixedColor", "iconColor") and isinstance(value, str):
                yield where, value
            else:
                yield from colored(value, where)
    elif isinstance(tree, list):
        for item in tree:
            yield from colored(item, inside)


def is_text(where):
    """Lines, bars and marks are no text; thresholds colour the text of a figure but the bars of a bar gauge."""
    return "iconColor" not in where


def faults_of(board):
    for panel in board["panels"]:
        for where, name in colored(panel):
            is_bar = panel["type"] == "bargauge" and "steps" in where and panel["options"]["valueMode"] == "text"
            if not is_text(where) or is_bar or panel["type"] == "timeseries":
                continue
            for theme, grounds in themes.GROUNDS.items():
                for ground in ("panel", "canvas") if panel.get("transparent") else ("panel",):
                    ratio = themes.contrast(themes.color(name, theme), grounds[ground])
                    if ratio < LEAST:
                        yield f"{board['title']}: {panel['title']}: {name} has {ratio:.2f} : 1 on the {ground} of the {theme} theme"


def main():
    # What this test is for: black was the text of the figures once, and one blue cannot serve both themes.
    for name in ("#222222", "#0072B2"):
        if all(themes.contrast(name, grounds["panel"]) >= LEAST for grounds in themes.GROUNDS.values()):
            sys.exit(f"{name} must not pass")
    faults = [fault for file in sorted(BOARDS.glob("*.json")) for fault in faults_of(json.loads(file.read_text()))]
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
