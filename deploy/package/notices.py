#!/usr/bin/env python3
"""Prints the licenses of the libraries in the binary: each text once, with the crates that come under it."""

import pathlib
import re

from libraries import packages

TEXTS = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|COPYRIGHT|UNLICENSE)", re.I)


def main():
    by_text, without = {}, []
    for package in packages()[1]:
        name = f"{package['name']} v{package['version']}"
        folder = pathlib.Path(package["manifest_path"]).parent
        files = sorted(file for file in folder.iterdir() if file.is_file() and TEXTS.match(file.name))
        for file in files:
            text = file.read_text(errors="replace").strip()
            by_text.setdefault(text, set()).add(f"{name} ({package['license']})")
        if not files:
            without.append(f"{name} ({package['license']})")
    print("Baton contains these libraries. Each license is followed by its text.\n")
    for text, names in sorted(by_text.items(), key=lambda pair: sorted(pair[1])):
        print("=" * 80, *sorted(names), "-" * 80, text, "", sep="\n")
    if without:
        print("=" * 80, "Without a license text of their own:", *sorted(without), sep="\n")


if __name__ == "__main__":
    main()
