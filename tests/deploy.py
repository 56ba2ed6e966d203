#!/usr/bin/env python3
"""Checks the files of deploy/ for Kubernetes, Helm, systemd and the Collector, each with the program that reads it: `tests/deploy.py BATON`.

Needs helm, kustomize, operator (tests/operator), promtool, otelcol and systemd-analyze on PATH. Uses no cluster, no network and no service manager.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
DEPLOY, CHART = ROOT / "deploy", ROOT / "deploy/helm/baton"
# The score of `systemd-analyze security`, times ten, that docs/deploy.md promises.
EXPOSURE = 11
TLS = ["tls.secretName=certificates", "tls.clientCa=true", "tls.server=true"]
SHOWN = ["serviceMonitor.enabled=true", "prometheusRule.enabled=true", "dashboards.enabled=true"]
# What operators change, each with the values it needs: `--set` or files.
VARIANTS = {
    "default": [],
    "shown": SHOWN,
    "tls": TLS + SHOWN,
    "links": ["prometheusRule.enabled=true", "prometheusRule.runbooks=https://wiki.example/runbooks/", "prometheusRule.boards=https://grafana.example/"],
    "bare": ["persistence.enabled=false", "networkPolicy.enabled=false", "podDisruptionBudget.enabled=false"],
    "closed": ["networkPolicy.otlpFrom=null", "networkPolicy.metricsFrom=null", "podLabels.team=agents", "podAnnotations.note=x", "nodeSelector.disk=ssd", "priorityClassName=high"],
    "config": ["config.stitch.max_sessions=2000000", "extraEnv[0].name=TOKEN", "extraEnv[0].value=x", "config.normalise.content_key=${TOKEN}", "config.exporters.otlp/next.endpoint=http://collector:4317"],
    "sidecar": [CHART / "values-sidecar.yaml", "prometheusRule.enabled=true"],
}
REFUSED = {
    "an unknown value": ["persistance.size=1Gi"],
    "a server with TLS and without a certificate": ["tls.server=true"],
    "an address that the chart sets": ["extraEnv[0].name=BATON_GRPC_ENDPOINT"],
    "another currency than that of the rules": ["config.money.currency=CHF", "prometheusRule.enabled=true"],
    "boards by dimensions that Baton does not have": ["config.cohorts.dimensions={intent}", "dashboards.enabled=true"],
}
faults = []


def expect(holds, fault):
    if not holds:
        faults.append(fault)


def run(*command, text=None, **environment):
    return subprocess.run(command, input=text, capture_output=True, text=True, env={**os.environ, **environment})


def succeeds(what, *command, text=None, **environment):
    done = run(*command, text=text, **environment)
    expect(done.returncode == 0, f"{what}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def template(values, folder=CHART):
    chosen = [word for value in values for word in (("-f", str(value)) if isinstance(value, pathlib.Path) else ("--set", value))]
    return "helm", "template", "baton", str(folder), *chosen


def containers(manifest):
    pod = manifest["spec"]["template"]["spec"]
    return pod.get("initContainers", []) + pod["containers"]


def validate(what, manifests, baton):
    """Each manifest by its schema, names that lead from one to another, and Baton's configuration by Baton."""
    names = {(m["kind"], m["metadata"]["name"]) for m in manifests}
    ports = {port["name"] for m in manifests if m["kind"] in ("StatefulSet", "Deployment") for one in containers(m) for port in one.get("ports", [])}
    for manifest in manifests:
        kind, where = manifest["kind"], f"{what}: {manifest['kind']} {manifest['metadata']['name']}"
        if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
            succeeds(where, "operator", text=yaml.safe_dump(manifest))
            continue
        try:
            kubernetes_validate.validate(manifest, "1.37", strict=True)
        except kubernetes_validate.ValidationError as error:
            faults.append(f"{where}: {error}")
        if kind == "ConfigMap" and "baton.yaml" in manifest["data"]:
            succeeds(where, baton, "check", "-", text=manifest["data"]["baton.yaml"], BACKEND_TOKEN="x", TOKEN="x")
        if kind == "Service":
            expect({port["targetPort"] for port in manifest["spec"]["ports"]} <= ports, f"{where}: a port leads nowhere")
        if kind in ("StatefulSet", "Deployment"):
            hardened(where, manifest, names)
            [own] = [one for one in containers(manifest) if one["name"] == "baton"]
            # Baton starts with its addresses.
            succeeds(where, baton, "check", "-", text="", **{one["name"]: one["value"] for one in own["env"] if one["name"].startswith("BATON_")})


def hardened(where, manifest, names):
    pod = manifest["spec"]["template"]["spec"]
    expect(pod["securityContext"]["runAsNonRoot"], f"{where}: may run as root")
    for volume in pod["volumes"]:
        if "configMap" in volume:
            expect(("ConfigMap", volume["configMap"]["name"]) in names, f"{where}: no ConfigMap {volume['configMap']['name']}")
    [own] = [one for one in containers(manifest) if one["name"] == "baton"]
    may = own["securityContext"]
    expect(may["readOnlyRootFilesystem"] and not may["allowPrivilegeEscalation"] and may["capabilities"] == {"drop": ["ALL"]}, f"{where}: may do too much")
    ports = {port["name"] for port in own["ports"]}
    for probe in (value for key, value in own.items() if key.endswith("Probe")):
        expect(probe["httpGet"]["port"] in ports, f"{where}: a probe leads nowhere")


def chart(baton):
    succeeds("helm lint", "helm", "lint", "--strict", str(CHART))
    made = {}
    for name, values in VARIANTS.items():
        made[name] = [m for m in yaml.safe_load_all(succeeds(f"helm template {name}", *template(values))) if m]
        validate(f"chart, {name}", made[name], baton)
    for what, values in REFUSED.items():
        expect(run(*template(values)).returncode != 0, f"the chart accepts {what}")
    # The chart's rules and boards are those of the repository.
    shown = {(m["kind"], m["metadata"]["name"]): m for m in made["shown"]}
    groups = shown["PrometheusRule", "baton"]["spec"]["groups"]
    shipped = [group for name in ("values", "recording", "objectives", "alerts") for group in yaml.safe_load((DEPLOY / f"rules/{name}.yaml").read_text())["groups"]]
    expect(groups == shipped, "the chart's rules are not those of deploy/rules")
    for file in (DEPLOY / "grafana/dashboards").glob("*.json"):
        board = shown["ConfigMap", f"baton-{file.stem}"]["data"][f"baton-{file.name}"]
        expect(board.strip() == file.read_text().strip(), f"the chart's board {file.name} is not the shipped one")
    [rules] = [m["spec"] for m in made["links"] if m["kind"] == "PrometheusRule"]
    alerts = [rule["annotations"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    for alert in alerts:
        file = alert["runbook_url"].removeprefix("https://wiki.example/runbooks/")
        expect((ROOT / "docs/runbooks" / file).exists(), f"the chart does not set {alert['runbook_url']}")
        expect(alert["dashboard_url"].startswith("https://grafana.example/d/baton-"), f"the chart does not set {alert['dashboard_url']}")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(rules, file)
        file.flush()
        succeeds("the chart's rules", "promtool", "check", "rules", file.name)


def one_values_file():
    """Other values reach the rules, the boards, Prometheus, Alertmanager and the chart by build.py alone, and the programs that read them take them."""
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "deploy"
        shutil.copytree(DEPLOY, copy, symlinks=True)
        values = yaml.safe_load((copy / "values.yaml").read_text())
        values.update(currency="EUR", cohorts=["customer_segment", "intent", "region"], addresses={"baton": ["baton.example:9464"], "alertmanagers": ["alerts.example:9093"]})
        values["thresholds"]["burn_30m"] = 11
        values["objectives"] = {"handoffs": {"good": 0.99}, "wait": {"good": 0.95, "seconds": 13}}
        values["links"]["runbooks"] = "https://wiki.example/runbooks"
        values["receivers"]["pages"] = {"pagerduty_configs": [{"routing_key_file": "/etc/alertmanager/key"}]}
        mine = pathlib.Path(folder) / "mine.yaml"
        mine.write_text(yaml.safe_dump(values))
        build = [sys.executable, str(copy / "grafana/build.py"), "--values", str(mine)]
        succeeds("build.py", *build)
        succeeds("build.py again", *build, "--check")
        expect_values(copy)
        dimensions = "config.cohorts.dimensions={customer_segment,intent,region}"
        made = succeeds("the chart in euros", *template(["config.money.currency=EUR", dimensions, *SHOWN], copy / "helm/baton"))
        expect("_cost_eur_total" in made and not re.search(r"_usd\b|_usd_", made), "the chart in euros has dollars, or no euros")
        expect("expr: vector(11)" in made, "a threshold of the values file does not reach the chart")
        for what, change in {"cohorts without intent": {"cohorts": ["tier"]}, "a receiver that no route has": {"receivers": {"x": {}}}, "an unknown value": {"colour": 1}, "an unknown objective": {"objectives": {"handoffs": {"good": 0.95}, "luck": {"good": 0.95}}}, "an objective that no alert can miss": {"objectives": {"handoffs": {"good": 0.9}}}, "an objective without failures": {"objectives": {"handoffs": {"good": 1}}}, "an objective whose bound no bucket has": {"objectives": {"handoffs": {"good": 0.95}, "wait": {"good": 0.95, "seconds": 15}}}, "an objective whose bound is a text": {"objectives": {"handoffs": {"good": 0.95}, "wait": {"good": 0.95, "seconds": "20s"}}}, "an objective without its bound": {"objectives": {"handoffs": {"good": 0.95}, "cost": {"good": 0.95}}}}.items():
            mine.write_text(yaml.safe_dump({**values, **change}))
            expect(run(*build).returncode != 0, f"build.py accepts {what}")


def bounds_of_objectives():
    """The bounds that objectives may name are those of Baton."""
    sys.path.insert(0, str(DEPLOY / "grafana"))
    from baton_boards import objectives

    documented = (DEPLOY.parent / "docs/metrics.md").read_text()
    for metric, key in {"baton_turn_duration_seconds": "seconds", "baton_workflow_cost_usd": "amount"}.items():
        found = re.search(rf"### `{metric}`.*?Buckets: ([^\n]*)\.\n", documented, re.DOTALL)
        bounds = tuple(float(bound) for bound in found[1].split(", "))
        expect(bounds == objectives.BOUNDS[key], f"objectives.py has other bounds than {metric}")


def expect_values(copy):
    """What `one_values_file` has changed, in the files that it has written."""
    succeeds("prometheus.yaml of other values", "promtool", "check", "config", str(copy / "prometheus.yaml"))
    prometheus = yaml.safe_load((copy / "prometheus.yaml").read_text())
    expect(prometheus["scrape_configs"][0]["static_configs"] == [{"targets": ["baton.example:9464"]}], "prometheus.yaml scrapes another address")
    expect(prometheus["alerting"]["alertmanagers"][0]["static_configs"] == [{"targets": ["alerts.example:9093"]}], "prometheus.yaml alerts another address")
    alertmanager = copy / "alertmanager/alertmanager.yaml"
    succeeds("alertmanager.yaml of other values", "amtool", "check-config", str(alertmanager))
    expect("routing_key_file: /etc/alertmanager/key" in alertmanager.read_text(), "alertmanager.yaml has another receiver")
    alerts = (copy / "rules/alerts.yaml").read_text()
    objectives = (copy / "rules/objectives.yaml").read_text()
    expect(set(re.findall(r"runbook_url: (\S+/)", alerts + objectives)) == {"https://wiki.example/runbooks/"}, "an alert has another runbook_url")
    expect(set(re.findall(r"alert: (\w+)", objectives)) == {f"Baton{what}{speed}" for what in ("HandoffFailures", "WaitLong") for speed in ("Fast", "Slow")}, "there are alerts on other objectives than those of the values file")
    expect("vector(0.99)" in objectives and 'le=~"13([.]0)?"' in objectives, "the rules have other objectives than the values file")
    boards = {name: json.loads((copy / f"grafana/dashboards/{name}.json").read_text()) for name in ("executive", "product")}
    variables = {name: [one["label"] for one in board["templating"]["list"] if one["type"] == "query"] for name, board in boards.items()}
    expect(variables == {"executive": ["Workflow", "Customer segment", "Intent", "Region"], "product": ["Workflow", "Intent"]}, f"the boards select by {variables}")
    queries = [target["expr"] for board in boards.values() for panel in board["panels"] for target in panel.get("targets", [])]
    expect(not [query for query in queries if re.search(r"\b(tier|channel|tenant)\b", query)], "a query has a dimension that Baton does not have")
    expect(any("by (intent, customer_segment)" in query for query in queries), "no query breaks down by customer_segment")


def versions():
    """The manifests and the chart are for this version of Baton."""
    version = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    expect(yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == version, f"the chart is not for {version}")
    for file in DEPLOY.glob("kubernetes/*/*.yaml"):
        for tag in re.findall(r"(?:image: baton:|newTag: )([\d.]+)", file.read_text()):
            expect(tag == version, f"{file} is not for {version}")


def unit():
    """`systemd-analyze verify` says what it does not know, and still succeeds. The program need not be installed."""
    if not shutil.which("systemd-analyze"):
        print("skipped: systemd-analyze is not here, so nobody reads baton.service")
        return
    text = (DEPLOY / "systemd/baton.service").read_text()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "baton.service"
        file.write_text(text.replace("ExecStart=/usr/bin/baton ", f"ExecStart={sys.executable} "))
        done = run("systemd-analyze", "verify", str(file))
        expect(done.returncode == 0 and not done.stderr.strip(), f"baton.service: {done.stderr.strip()}")
        succeeds("exposure of baton.service", "systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", str(file))


def collector():
    """By the Collector itself, without the queue on disk, which the Collector of the tests does not have."""
    for file in (DEPLOY / "collector").glob("*-collector.yaml"):
        config = yaml.safe_load(file.read_text())
        config.pop("extensions", None)
        config["service"].pop("extensions", None)
        for exporter in config["exporters"].values():
            exporter.get("sending_queue", {}).pop("storage", None)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as plain:
            yaml.safe_dump(config, plain)
            plain.flush()
            succeeds(file.name, "otelcol", "validate", f"--config={plain.name}")


def main():
    baton = sys.argv[1]
    for file in DEPLOY.rglob("*.yaml"):
        if "templates" not in file.parts:
            list(yaml.safe_load_all(file.read_text()))
    for folder in sorted((DEPLOY / "kubernetes").iterdir()):
        validate(folder.name, list(yaml.safe_load_all(succeeds(folder.name, "kustomize", "build", str(folder)))), baton)
    chart(baton)
    one_values_file()
    bounds_of_objectives()
    collector()
    versions()
    unit()
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
