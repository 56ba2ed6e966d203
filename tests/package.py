#!/usr/bin/env python3
"""Checks the Debian package, the wheel and the Dockerfile without a release build: `tests/package.py BATON`.

The package is built from the given binary, the wheel from the debug binary of this folder. Needs dpkg-deb, maturin and hadolint on PATH. Installs the
wheel in a virtual environment of its own and nothing else.
"""

import email
import gzip
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import zipfile

import yaml
from deploy import DEPLOY, ROOT, expect, faults, run, succeeds

CARGO = (ROOT / "Cargo.toml").read_text()
VERSION = re.search(r'^version = "(.+)"', CARGO, re.M)[1]
COMMANDS = ("run", "check", "replay", "doctor", "demo", "config", "prices", "spool", "ledger", "report", "completions", "man")
SHARE = "usr/share"
CONTENT = {
    "usr/bin/baton": 0o755,
    "etc/baton/baton.yaml": 0o644,
    "usr/lib/systemd/system/baton.service": 0o644,
    f"{SHARE}/bash-completion/completions/baton": 0o644,
    f"{SHARE}/zsh/vendor-completions/_baton": 0o644,
    f"{SHARE}/fish/vendor_completions.d/baton.fish": 0o644,
    f"{SHARE}/lintian/overrides/baton": 0o644,
    **{f"{SHARE}/doc/baton/{name}": 0o644 for name in ("copyright", "changelog.gz", "changelog.Debian.gz", "notices.txt.gz")},
    **{f"{SHARE}/man/man1/{name}.1.gz": 0o644 for name in ("baton", *(f"baton-{command}" for command in COMMANDS))},
}


def debian(baton):
    if not shutil.which("dpkg-deb"):
        print("skipped: dpkg-deb is not here, so the Debian package is not built")
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        # The binary is most of it, and compressing it takes most of the time.
        succeeds("deploy/package/build deb", str(DEPLOY / "package/build"), "deb", "--binary", baton, "--out", str(folder), DPKG_DEB_COMPRESSOR_TYPE="none")
        made = list(folder.glob("baton_*.deb"))
        expect(len(made) == 1, f"deploy/package/build deb makes {made}")
        for package in made:
            fields(package)
            unpacked(package, folder / "root", baton)


def fields(package):
    asked = ("Package", "Version", "Architecture", "Description")
    said = email.message_from_string(succeeds("fields of the package", "dpkg-deb", "--field", str(package), *asked))
    architecture = run("dpkg", "--print-architecture").stdout.strip()
    expect((said["Package"], said["Version"], said["Architecture"]) == ("baton", f"{VERSION}-1", architecture), f"the package says {said.items()}")
    contents = succeeds("contents of the package", "dpkg-deb", "--contents", str(package))
    owners = {line.split()[1] for line in contents.splitlines()}
    expect(owners == {"root/root"}, f"files of the package belong to {owners}")


def unpacked(package, root, baton):
    """Each file is there with its mode, and the program that it is for reads it."""
    succeeds("unpack the package", "dpkg-deb", "--raw-extract", str(package), str(root))
    files = {str(file.relative_to(root)): file.stat().st_mode & 0o7777 for file in root.rglob("*") if file.is_file() and root / "DEBIAN" not in file.parents}
    expect(files == CONTENT, f"the package differs from what is expected in {set(files.items()) ^ set(CONTENT.items())}")
    conffiles = (root / "DEBIAN/conffiles").read_text().split()
    expect(conffiles == ["/etc/baton/baton.yaml"], f"conffiles are {conffiles}")
    summed = {line.split(maxsplit=1)[1] for line in (root / "DEBIAN/md5sums").read_text().splitlines()}
    expect(summed == CONTENT.keys() - {"etc/baton/baton.yaml"}, f"the sums differ from the files in {summed ^ CONTENT.keys()}")
    succeeds("sums of the package", "sh", "-c", f"cd {root} && md5sum --quiet -c DEBIAN/md5sums")
    # The unit starts the binary of the package with its configuration.
    unit = (root / "usr/lib/systemd/system/baton.service").read_text()
    started = re.search(r"^ExecStart=(\S+) run --config (\S+)$", unit, re.M)
    expect(started and all((root / path.lstrip("/")).is_file() for path in started.groups()), "the unit starts what is not in the package")
    succeeds("the configuration of the package", baton, "check", str(root / "etc/baton/baton.yaml"))
    for command in ("baton", *(f"baton-{command}" for command in COMMANDS)):
        page = gzip.decompress((root / f"{SHARE}/man/man1/{command}.1.gz").read_bytes()).decode()
        expect(f".TH {command} 1" in page, f"{command}.1 is another page")
    listed = set(re.findall(r"^baton\\-([a-z]+)\(1\)", gzip.decompress((root / f"{SHARE}/man/man1/baton.1.gz").read_bytes()).decode(), re.M))
    expect(listed == {*COMMANDS, "help"}, f"baton.1 lists {listed}, and the package has the pages of {COMMANDS}")
    notices = gzip.decompress((root / f"{SHARE}/doc/baton/notices.txt.gz").read_bytes()).decode()
    expect(re.search(r"^tokio v", notices, re.M) and not re.search(r"^proptest v", notices, re.M), "the notices are not those of the libraries in the binary")
    for script in ("postinst", "prerm", "postrm"):
        succeeds(script, "sh", "-n", str(root / "DEBIAN" / script))
        expect((root / "DEBIAN" / script).stat().st_mode & 0o111, f"{script} is not executable")


def wheel():
    """maturin reads pyproject.toml and Cargo.toml as it does for the wheel."""
    with tempfile.TemporaryDirectory() as folder:
        succeeds("metadata of the wheel", "maturin", "pep517", "write-dist-info", "--metadata-directory", folder, "--interpreter", sys.executable, "--manifest-path", str(ROOT / "Cargo.toml"))
        said = email.message_from_string((pathlib.Path(folder) / f"baton-{VERSION}.dist-info/METADATA").read_text())
    [license] = re.findall(r'^license = "(.+)"', CARGO, re.M)
    expect((said["Name"], said["Version"], said["License-Expression"]) == ("baton", VERSION, license), f"the wheel says {said.items()}")
    carried(license)
    expect("baton demo" in said.get_payload() and "](docs/" not in said.get_payload(), "the wheel's text is another one, or links to files that are not in it")


def carried(license):
    """What is in the wheel, and that it runs where it is installed. The real one has the static binary, by the same steps of deploy/package/build."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        sbom = folder / "baton.cyclonedx.json"
        sbom.write_text(succeeds("bill of materials", sys.executable, str(DEPLOY / "package/sbom.py")))
        build = ("maturin", "build", "--locked", "--profile", "dev", "--sbom-include", str(sbom), "--manifest-path", str(ROOT / "Cargo.toml"))
        succeeds("wheel", *build, "--out", str(folder))
        made = next(folder.glob("baton-*.whl"), None)
        if not made:
            return
        with zipfile.ZipFile(made) as wheel:
            names = {name.partition("/")[2]: name for name in wheel.namelist()}
            expect(set(names) == {"scripts/baton", "METADATA", "WHEEL", "RECORD", "licenses/LICENSE", f"sboms/{sbom.name}"}, f"the wheel has {set(names)}")
            texts = [wheel.read(name).decode() for inner, name in names.items() if inner != "scripts/baton"]
        for place in ("file:", str(ROOT), str(pathlib.Path.home())):
            expect(not any(place in text for text in texts), f"the wheel names a place of this machine: {place}")
        materials(json.loads(sbom.read_text()), license)
        venv = folder / "venv"
        succeeds("virtual environment", sys.executable, "-m", "venv", str(venv))
        succeeds("installation of the wheel", str(venv / "bin/pip"), "install", "--quiet", "--no-index", "--disable-pip-version-check", str(made))
        if (venv / "bin/baton").exists():
            said = succeeds("the installed command", str(venv / "bin/baton"), "--version")
            expect(said.strip() == f"baton {VERSION}", f"the installed command is {said}")


def materials(bom, license):
    own, libraries = bom["metadata"]["component"], bom["components"]
    expect((own["version"], own["licenses"]) == (VERSION, [{"expression": license}]), f"the bill of materials is of {own}")
    expect(all(library.get("licenses") and library.get("hashes") for library in libraries), "a library of the bill of materials has no license or no checksum")
    names = {library["name"] for library in libraries}
    # proptest is for tests, windows-sys for another system, protox for the build.
    expect({"tokio", "ring"} <= names and not names & {"proptest", "windows-sys", "protox"}, "the bill of materials has other libraries than the binary")


def image(baton):
    """The container engine is not here: its file by hadolint, and what Baton makes of the environment."""
    file = DEPLOY / "Dockerfile"
    succeeds("Dockerfile", "hadolint", str(file))
    last = file.read_text().split("\nFROM ")[-1]
    user = re.search(r"^USER (.+)$", last, re.M)
    # Kubernetes sees that it is not root only by a number.
    expect(user and re.fullmatch(r"[1-9]\d*:[1-9]\d*", user[1]), "the image runs as another user than a number")
    variables = dict(re.findall(r"(BATON_[A-Z_]+)=(\S+)", last))
    succeeds("environment of the image", baton, "check", "-", text="", **variables)
    ports = {value.rsplit(":", 1)[1] for name, value in variables.items() if name.endswith("_ENDPOINT")}
    expect(set(re.search(r"^EXPOSE (.+)$", last, re.M)[1].split()) == ports, "the image exposes other ports than those of its addresses")
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["baton"]["ports"]
    expect({port.rsplit(":", 1)[1] for port in compose} == ports, "compose.yaml publishes other ports than those of the image")


def main():
    baton = os.path.abspath(sys.argv[1])
    os.environ["PATH"] = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    debian(baton)
    wheel()
    image(baton)
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
