#!/usr/bin/env python3
"""In another currency no file names the old one, and adapting a file twice changes nothing."""

import pathlib
import re
import sys

DEPLOY = pathlib.Path(__file__).resolve().parents[1] / "deploy"
sys.path.insert(0, str(DEPLOY / "grafana"))

from baton_boards import output, values  # noqa: E402


def main():
    euros = values.read(DEPLOY / "values.yaml", "EUR")
    faults = []
    for file, text in output.files(DEPLOY, euros).items():
        # What a person declared in words stays as it is.
        names = re.findall(r"\w*_usd\w*|\bUSD\b|currencyUSD", text)
        faults += [f"{file.name} still has {name}" for name in names]
        by_hand = file.parent.name == "rules" and not text.startswith(output.GENERATED)
        if by_hand and output.adapted(text, euros) != text:
            faults.append(f"{file.name} changes when it is adapted again")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
