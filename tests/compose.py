#!/usr/bin/env python3
"""Checks deploy/compose.yaml without a container engine: its schema, and that the files and services it refers to exist."""

import pathlib
import sys

import compose_spec
import yaml

DEPLOY = pathlib.Path(__file__).resolve().parents[1] / "deploy"


def main():
    file = DEPLOY / "compose.yaml"
    compose = compose_spec.PyCompose.from_yaml(file.read_text())
    for check in (compose.validate, compose.validate_configs, compose.validate_networks, compose.validate_secrets, compose.validate_volumes):
        check()
    services, faults = yaml.safe_load(file.read_text())["services"], []
    mounts = {}
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source, target = volume.split(":")[:2]
            mounts[target] = DEPLOY / source
            if source.startswith(".") and not (DEPLOY / source).exists():
                faults.append(f"{name} mounts {source}, which is not there")
    if not (DEPLOY / services["baton"]["build"]["context"] / services["baton"]["build"]["dockerfile"]).exists():
        faults.append("baton's Dockerfile is not there")
    [provider] = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/baton.yaml").read_text())["providers"]
    boards = mounts.get(provider["options"]["path"])
    if boards is None or not list(boards.glob("*.json")):
        faults.append(f"no boards at {provider['options']['path']}")
    [source] = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    variable = source["url"].strip("${}")
    host = services["grafana"]["environment"].get(variable, "").removeprefix("http://").split(":")[0]
    if host not in services:
        faults.append(f"{variable} leads to no service")
    home = pathlib.PurePath(services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    if not (mounts.get(str(home.parent), DEPLOY) / home.name).exists():
        faults.append(f"no board {home}")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
