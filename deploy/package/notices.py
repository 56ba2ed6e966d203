#!/usr/bin/env python3
"""Prints the licenses of the libraries in the binary: each text once, with the crates that come under it."""

import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXTS = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|COPYRIGHT|UNLICENSE)", re.I)


def cargo(*words):
    return subprocess.run(["cargo", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def main():
    # Without what only builds and tests need.
    linked = set(cargo("tree", "--locked", "--edges", "no-dev,no-build,no-proc-macro", "--prefix", "none", "--format", "{p}").splitlines())
    linked = {" ".join(line.split()[:2]) for line in linked if line}
    by_text, without = {}, []
    for package in json.loads(cargo("metadata", "--locked", "--format-version", "1"))["packages"]:
        name = f"{package['name']} v{package['version']}"
        if name not in linked or package["source"] is None:
            continue
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
