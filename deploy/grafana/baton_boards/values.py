"""The values of the installation, read from deploy/values.yaml and checked."""

import dataclasses
import pathlib
import re
import zoneinfo

import yaml

from . import objectives

TARGETS = {
    "resolved",
    "cost_of_resolved_workflow",
    "customer_wait",
    "net_return",
    "passed_to_people",
    "requests_answered",
    "stayed_resolved",
    "customer_rating",
    "resolved_per_day",
    "time_to_resolution",
    "handoffs_succeeded",
    "context_kept",
    "business_completed",
    "business_at_risk",
}

SECTIONS = {"addresses": {"baton", "alertmanagers"}, "receivers": {"pages", "tickets"}}


@dataclasses.dataclass(frozen=True)
class Values:
    currency: str
    zone: str
    cohorts: list
    addresses: dict
    receivers: dict
    links: dict
    targets: dict
    thresholds: dict
    objectives: dict
    minimum_workflows_to_judge: int
    baseline: dict | None = None
    budget: float | None = None

    @property
    def breakdown(self):
        """The dimension with which the product board compares the intents, if there is one."""
        return next((name for name in self.cohorts if name != "intent"), None)

    def money(self, metric):
        """The name of a metric of money in this currency; names are written with `usd` everywhere else."""
        return re.sub(r"_usd\b|_usd(?=_)", f"_{self.currency.lower()}", metric)


def read(file: pathlib.Path, currency: str | None = None) -> Values:
    """Refuses unknown keys, as Baton's own configuration does."""
    tree = yaml.safe_load(file.read_text())
    if currency:
        tree["currency"] = currency
    values = Values(**tree)
    faults = [f"targets: no figure is called {name}" for name in (values.targets or {}).keys() - TARGETS]
    if not re.fullmatch(r"[A-Z]{3}", values.currency):
        faults.append(f"currency: {values.currency} is no ISO 4217 code such as EUR")
    if values.zone != "UTC" and values.zone not in zoneinfo.available_timezones():
        faults.append(f"zone: {values.zone} is no IANA time zone such as Europe/Berlin")
    faults += [f"links.{name}: not an absolute address" for name in ("boards", "runbooks") if not values.links[name].startswith("http")]
    faults += [f"cohorts: {name} is no label name that Baton takes" for name in values.cohorts if not re.fullmatch(r"[a-z][a-z0-9_]*", name)]
    if "intent" not in values.cohorts or len(set(values.cohorts)) < len(values.cohorts):
        faults.append("cohorts: expected each dimension once, and intent among them")
    faults += [f"{section}: expected {' and '.join(names)}" for section, names in SECTIONS.items() if getattr(values, section).keys() != names]
    faults += objectives.faults(values)
    if faults:
        raise SystemExit("\n".join(f"{file}: {fault}" for fault in faults))
    return values
