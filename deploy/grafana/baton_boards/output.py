"""All generated files: boards as JSON, rules and data source as YAML, and the alerts with their currency and links."""

import json
import pathlib
import re

import yaml
from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh

from . import engineering, executive, objectives, product, sre, words
from .panels import SOURCE
from .queries import Queries

TITLES = {executive: "Baton: the business", product: "Baton: product", engineering: "Baton: engineering", sre: "Baton: handoffs"}
BOARDS = {"executive": executive, "product": product, "engineering": engineering, "sre": sre}
# What Grafana 11.6 writes; the SDK of that version still says 36.
SCHEMA = 41
# The board that shows more about an alert.
SHOWN_ON = {"BatonEscalationSurge": "executive", "BatonCostPerResolutionJump": "executive", "BatonCostUnknown": "engineering", "BatonWorkflowsAbandoned": "product", "BatonFirstTokenRegression": "engineering", "BatonAgentSilent": "engineering"}
GENERATED = "# Written by deploy/grafana/build.py from deploy/values.yaml: change that file, not this one.\n"


def files(deploy: pathlib.Path, values):
    """Each file with its text."""
    made = {deploy / f"grafana/dashboards/{name}.json": board(name, values) for name in BOARDS}
    made[deploy / "rules/values.yaml"] = rules(values)
    made[deploy / "rules/objectives.yaml"] = GENERATED + objectives.rules(values)
    made[deploy / "grafana/provisioning/datasources/prometheus.yaml"] = source(values)
    made[deploy / "prometheus.yaml"] = addressed((deploy / "prometheus.yaml").read_text(), values)
    made[deploy / "alertmanager/alertmanager.yaml"] = received((deploy / "alertmanager/alertmanager.yaml").read_text(), values)
    for name in ("recording", "alerts"):
        file = deploy / f"rules/{name}.yaml"
        made[file] = adapted(file.read_text(), values)
    return made


def board(name, values):
    module = BOARDS[name]
    made = dashboard.Dashboard(TITLES[module]).uid(f"baton-{name}").description(module.ABOUT).tags(["baton"])
    made = made.refresh(module.REFRESH).time(f"now-{module.SINCE}", "now").timezone("utc" if values.zone == "UTC" else values.zone).editable()
    made = made.with_variable(dashboard.DatasourceVariable("source").label("Data source").type("prometheus"))
    everything = VariableOption(selected=True, text="All", value="$__all")
    for label in module.variables(values):
        variable = dashboard.QueryVariable(label).label(words.heading(label)).datasource(SOURCE)
        variable = variable.query(f"label_values(baton_workflows_total, {label})").refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        made = made.with_variable(variable.multi(True).include_all(True).all_value(".*").current(everything))
    for panel in module.build(values):
        made = made.with_row(dashboard.Row(panel)) if isinstance(panel, str) else made.with_panel(panel)
    return written(name, made, values)


def known(tree):
    """Without keys that say nothing; the `null` of a threshold or of a range says without end."""
    if isinstance(tree, dict):
        keep = ("value",) if "color" in tree else ("from", "to")
        return {k: known(v) for k, v in tree.items() if v is not None or k in keep}
    return [known(item) for item in tree] if isinstance(tree, list) else tree


def written(name, made, values):
    """With what the builders have no words for: ids, the current schema, links between the boards, marks of releases and incidents."""
    tree = known(json.loads(JSONEncoder(sort_keys=True).encode(made.build())))
    tree["schemaVersion"] = SCHEMA
    for place, panel in enumerate(tree["panels"]):
        panel["id"] = place + 1
        if panel["type"] == "row":
            panel["panels"] = []
    tree["links"] = [
        {"type": "link", "title": TITLES[module], "url": f"/d/baton-{other}", "keepTime": True, "includeVars": True, "icon": "dashboard", "tags": [], "asDropdown": False, "targetBlank": False, "tooltip": ""}
        for other, module in BOARDS.items()
        if other != name
    ]
    usual = Queries(values, BOARDS[name].variables(values)).beyond_usual()
    prometheus = {"type": "prometheus", "uid": "${source}"}
    tree["annotations"] = {
        "list": [
            {"name": "Incidents", "datasource": prometheus, "enable": True, "iconColor": words.INCIDENT, "expr": usual, "titleFormat": "Many workflows fail"},
            {"name": "Releases", "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": True, "iconColor": words.LINE, "target": {"type": "tags", "tags": ["release"], "matchAny": False, "limit": 100}},
        ]
    }
    if not BOARDS[name].variables(values):
        # An alert is about everything, so it is no mark where a part can be chosen.
        tree["annotations"]["list"].append({"name": "Pages", "datasource": prometheus, "enable": True, "iconColor": words.WORSE, "expr": 'ALERTS{alertname=~"Baton.+", alertstate="firing", severity="page"}', "titleFormat": "{{alertname}}"})
    return json.dumps(tree, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def rules(values):
    """Thresholds of alerts, targets, baseline and budget as series."""
    groups = [
        ("baton-thresholds", [("baton:threshold", number, {"name": name}) for name, number in values.thresholds.items()]),
        ("baton-targets", [("baton:target", number, {"figure": name}) for name, number in (values.targets or {}).items()]),
        ("baton-money", [("baton:baseline", values.baseline["cost_of_workflow"], {})] * bool(values.baseline) + [("baton:budget", values.budget, {})] * bool(values.budget)),
    ]
    text = GENERATED + "groups:\n"
    for group, series in groups:
        if not series:
            continue
        text += f"  - name: {group}\n    rules:\n"
        for name, number, labels in series:
            text += f"      - record: {name}\n        expr: vector({number})\n"
            for label, value in labels.items():
                text += f"        labels: {{{label}: {value}}}\n"
    return text


def source(values):
    """The dots on charts are links only where there is a place for traces."""
    text = GENERATED + """apiVersion: 1
datasources:
  - name: Prometheus
    uid: prometheus
    type: prometheus
    access: proxy
    url: ${PROMETHEUS_URL}
    isDefault: true
    jsonData:
      httpMethod: POST
      prometheusType: Prometheus
      timeInterval: 15s
"""
    if values.links["traces"]:
        text += f"""      exemplarTraceIdDestinations:
        - name: trace_id
          datasourceUid: {values.links["traces"]}
          urlDisplayLabel: Open the trace
"""
    return text


def addressed(text, values):
    """The configuration of Prometheus, with the addresses of this installation."""
    part, lines = "", []
    for line in text.splitlines():
        part = "alertmanagers" if line.startswith("alerting:") else "baton" if line.startswith("scrape_configs:") else part
        lines.append(re.sub(r"targets: .*", lambda _: f"targets: {json.dumps(values.addresses[part])}", line))
    return "\n".join(lines) + "\n"


def received(text, values):
    """The configuration of Alertmanager: its routes are written by hand, its receivers come from the values."""
    receivers = [{"name": name, **values.receivers[name]} for name in ("pages", "tickets")]
    block = yaml.safe_dump({"receivers": receivers}, sort_keys=False, default_flow_style=False, allow_unicode=True, width=1000)
    return re.sub(r"(?ms)^receivers:\n.*", lambda _: block, text)


def adapted(text, values):
    """Rules that are written by hand, in the currency and with the links of this installation; adapting twice changes nothing."""
    code = values.currency
    text = re.sub(r"(baton_(?:\w+_)?cost_per_resolution|baton_\w*?(?:cost|spend|value))_[a-z]{3}(?=_(?:total|sum|count|bucket)\b|\b)", rf"\1_{code.lower()}", text)
    text = re.sub(r'("%\.4f" \}\}) [A-Z]{3}', rf"\1 {code}", text)
    text = re.sub(r"runbook_url: \S+/(\S+\.md)", rf"runbook_url: {values.links['runbooks'].rstrip('/')}/\1", text)
    alert, lines = "", []
    for line in text.splitlines():
        alert = line.split("alert:")[1].strip() if "- alert:" in line else alert
        if line.lstrip().startswith("dashboard_url:"):
            line = f"          dashboard_url: {values.links['boards'].rstrip('/')}/d/baton-{SHOWN_ON.get(alert, 'sre')}"
        lines.append(line)
    return "\n".join(lines) + "\n"
