#!/usr/bin/env python3
"""Writes the boards, and the rules and the data source that go with them, from deploy/values.yaml.

    python3 deploy/grafana/build.py                       # write
    python3 deploy/grafana/build.py --check               # say which files are out of date
    python3 deploy/grafana/build.py --currency EUR        # in another currency than that of the values file
    python3 deploy/grafana/build.py --values mine.yaml    # another values file
"""

import argparse
import pathlib
import sys

from baton_boards import output, values

DEPLOY = pathlib.Path(__file__).resolve().parents[1]


def main():
    asked = argparse.ArgumentParser(description="Writes boards, rules and data source from the values file.")
    asked.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    asked.add_argument("--values", type=pathlib.Path, default=DEPLOY / "values.yaml", help="values file (default: deploy/values.yaml)")
    asked.add_argument("--currency", help="ISO 4217 code, in place of the one in the values file")
    options = asked.parse_args()
    made = output.files(DEPLOY, values.read(options.values, options.currency))
    if not options.check:
        for file, text in made.items():
            file.write_text(text)
        return
    stale = [str(file.relative_to(DEPLOY.parent)) for file, text in made.items() if not file.exists() or file.read_text() != text]
    if stale:
        sys.exit(f"out of date, run deploy/grafana/build.py: {', '.join(stale)}")


if __name__ == "__main__":
    main()
