"""The libraries in the binary, as Cargo knows them."""

import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def cargo(*words):
    return subprocess.run(["cargo", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def packages():
    """Baton itself, and the packages of the libraries in it, without what only builds and tests need."""
    linked = set(cargo("tree", "--locked", "--edges", "no-dev,no-build,no-proc-macro", "--prefix", "none", "--format", "{p}").splitlines())
    linked = {" ".join(line.split()[:2]) for line in linked if line}
    known = json.loads(cargo("metadata", "--locked", "--format-version", "1"))["packages"]
    [own] = [package for package in known if package["source"] is None]
    return own, [package for package in known if package["source"] and f"{package['name']} v{package['version']}" in linked]
