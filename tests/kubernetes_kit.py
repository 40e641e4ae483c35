"""What deploy/k8s makes, read as a cluster would: objects, the containers in them, and who may reach whom."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).parents[1]
K8S = ROOT / "deploy" / "k8s"
OVERLAYS = ("dev", "prod")
SCHEMAS = Path(__file__).parent / "vendor" / "kubernetes" / "schemas.json"
Object = dict[str, Any]
Labels = Mapping[str, str]


@cache
def rendered(overlay: str) -> tuple[Object, ...]:
    """Return all objects of an overlay."""
    return tuple(yaml.safe_load_all((K8S / "rendered" / f"{overlay}.yaml").read_text()))


def of_kind(overlay: str, *kinds: str) -> dict[str, Object]:
    """Return the objects of some kinds by their names."""
    return {one["metadata"]["name"]: one for one in rendered(overlay) if one["kind"] in kinds}


def mistakes(one: Object) -> list[str]:
    """Return what an API server would refuse of an object: unknown fields, wrong types, what is missing."""
    schemas = json.loads(SCHEMAS.read_text())
    kind = f"{one['apiVersion']}/{one['kind']}"
    if kind not in schemas["kinds"]:
        return [f"there is no schema of {kind}"]
    checker = Draft7Validator({**schemas["kinds"][kind], "definitions": schemas["definitions"]})
    name = one["metadata"]["name"]
    return [f"{kind} {name}: {list(wrong.path)}: {wrong.message[:200]}" for wrong in checker.iter_errors(one)]


@dataclass(frozen=True)
class Pod:
    """What a workload starts.

    Attributes:
        workload: the Deployment, StatefulSet, Job or CronJob.
        spec: of its pods.
        labels: of its pods.
    """

    workload: Object
    spec: Object
    labels: Labels

    @property
    def name(self) -> str:
        name: str = self.workload["metadata"]["name"]
        return name

    @property
    def container(self) -> Object:
        (only,) = self.spec["containers"]
        assert isinstance(only, dict)
        return only

    @property
    def is_ours(self) -> bool:
        return self.labels["app.kubernetes.io/name"] in {"gatehouse", "gatehouse-job"}

    @property
    def service(self) -> str:
        """The service that it runs, empty for what is none."""
        args = self.container.get("args", [])
        return args[1] if args[:1] == ["run"] else ""


def pods(overlay: str) -> dict[str, Pod]:
    """Return what each workload of an overlay starts."""
    found: dict[str, Pod] = {}
    for name, one in of_kind(overlay, "Deployment", "StatefulSet", "Job", "CronJob").items():
        made = one["spec"]["jobTemplate"] if one["kind"] == "CronJob" else one
        template = made["spec"]["template"]
        found[name] = Pod(one, template["spec"], template["metadata"]["labels"])
    return found


def processes(overlay: str) -> dict[str, Pod]:
    """Return those that run a service, by the service."""
    return {pod.service: pod for pod in pods(overlay).values() if pod.service}


def environment(overlay: str, pod: Pod) -> dict[str, str]:
    """Return the variables of a pod's container: those of ConfigMaps too, names of the pod filled in."""
    found: dict[str, str] = {}
    for source in pod.container.get("envFrom", []):
        found |= of_kind(overlay, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    for one in pod.container.get("env", []):
        found[one["name"]] = one.get("value", f"{pod.name}-0")  # what is not said is the pod's name
        for name, value in found.items():
            found[one["name"]] = found[one["name"]].replace(f"$({name})", value)
    return found


def selects(selector: Object, labels: Labels) -> bool:
    """Return whether a label selector selects."""
    for name, value in selector.get("matchLabels", {}).items():
        if labels.get(name) != value:
            return False
    for one in selector.get("matchExpressions", []):
        assert one["operator"] == "In"
        if labels.get(one["key"]) not in one["values"]:
            return False
    return True


def may_connect(overlay: str, source: Pod | str, target: Pod | str, port: int) -> bool:
    """Return whether NetworkPolicies let one reach the other by TCP.

    Args:
        overlay: whose policies.
        source: a pod, or the namespace that something else is in.
        target: a pod, or an address outside the cluster.
        port: of the target.
    """
    policies = list(of_kind(overlay, "NetworkPolicy").values())
    leaves = isinstance(source, str) or _passes(policies, "Egress", source, target, port, target)
    enters = isinstance(target, str) or _passes(policies, "Ingress", target, source, port, target)
    return leaves and enters


def _passes(policies: Sequence[Object], way: str, whose: Pod, other: Pod | str, port: int, serving: Pod | str) -> bool:
    concerned = [p["spec"] for p in policies if selects(p["spec"]["podSelector"], whose.labels)]
    concerned = [spec for spec in concerned if way in spec["policyTypes"]]
    if not concerned:
        return True
    peers = "to" if way == "Egress" else "from"
    return any(
        any(_is_peer(peer, other) for peer in rule[peers]) and _has_port(rule["ports"], port, serving)
        for spec in concerned
        for rule in spec.get(way.lower(), [])
    )


def _is_peer(peer: Object, other: Pod | str) -> bool:
    if "ipBlock" in peer:
        if isinstance(other, Pod):  # pods have addresses, too: a rule for all of them must not count as one for a pod
            return False
        try:
            address = ipaddress.ip_address(other)
        except ValueError:
            return False
        spared = [ipaddress.ip_network(n) for n in peer["ipBlock"].get("except", [])]
        return address in ipaddress.ip_network(peer["ipBlock"]["cidr"]) and not any(address in n for n in spared)
    if "namespaceSelector" in peer:
        space = {"kubernetes.io/metadata.name": other} if isinstance(other, str) else {}
        return bool(space) and selects(peer["namespaceSelector"], space)
    return isinstance(other, Pod) and selects(peer["podSelector"], other.labels)


def _has_port(rules: Sequence[Object], port: int, serving: Pod | str) -> bool:
    named = {} if isinstance(serving, str) else dict(_ports(serving))
    for rule in rules:
        first = named.get(rule["port"]) if isinstance(rule["port"], str) else rule["port"]
        if rule["protocol"] == "TCP" and first is not None and first <= port <= rule.get("endPort", first):
            return True
    return False


def _ports(pod: Pod) -> Iterator[tuple[str, int]]:
    for one in pod.container.get("ports", []):
        yield one["name"], one["containerPort"]
