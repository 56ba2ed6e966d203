#!/usr/bin/env python3
"""Prints the bill of materials of the binary in CycloneDX: itself, and the libraries in it, each with the checksum of its source.

That of maturin names the folder of the build, and libraries of tests and of other systems. This one is the same for the same Cargo.lock.
"""

import json
import re

from libraries import ROOT, packages


def component(package, kind, checksums):
    name, version = package["name"], package["version"]
    said = {"type": kind, "bom-ref": f"pkg:cargo/{name}@{version}", "name": name, "version": version, "purl": f"pkg:cargo/{name}@{version}"}
    if package["license"]:
        # Old manifests have a slash where the standard has OR.
        said["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if checksum := checksums.get((name, version)):
        said["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return said


def main():
    locked = re.findall(r'^name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"$', (ROOT / "Cargo.lock").read_text(), re.M)
    checksums = {(name, version): checksum for name, version, checksum in locked}
    own, libraries = packages()
    libraries = sorted(libraries, key=lambda package: (package["name"], package["version"]))
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(own, "application", checksums)},
        "components": [component(package, "library", checksums) for package in libraries],
    }
    print(json.dumps(bom, indent=1))


if __name__ == "__main__":
    main()
