"""Runs the example of pandas in docs/ledger.md over a ledger: frames.py DIRECTORY."""

import pathlib
import re
import sys

docs = (pathlib.Path(__file__).parents[3] / "docs/ledger.md").read_text()
[example] = re.findall(r"```python\n(import pandas.*?)```", docs, re.S)
exec(example.replace('"ledger/', f'"{sys.argv[1]}/'))
