"""Render every overlay of deploy/k8s into one file, for who has no kustomize and for the tests. Needs kubectl 1.27+.

Before that, what Prometheus is to warn of is put into the form in which the Prometheus operator takes it, and what
Grafana is to draw into ConfigMaps: kustomize reads no file outside of its own folders, and there is to be one of each.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"
K8S = DEPLOY / "k8s"
RENDERED = K8S / "rendered"
RULES = K8S / "components" / "monitoring" / "prometheus-rule.yaml"
DASHBOARDS = K8S / "components" / "monitoring" / "dashboards.yaml"
OVERLAYS = ("dev", "prod")


def digest() -> str:
    """Return what tells whether a rendering is of the files that are there: SHA-256 of them, their names included."""
    whole = hashlib.sha256()
    for path in sorted(p for p in K8S.rglob("*") if p.is_file() and RENDERED not in p.parents and p.suffix != ".md"):
        whole.update(f"{path.relative_to(K8S).as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return whole.hexdigest()


def rules() -> dict[str, Any]:
    """Return the rules of deploy/prometheus, whose files have groups and nothing else, as one PrometheusRule."""
    groups: list[Any] = []
    for path in sorted((DEPLOY / "prometheus").rglob("*.y*ml")):
        read = yaml.safe_load(path.read_text())
        if isinstance(read, dict) and read.keys() == {"groups"}:
            groups += read["groups"]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "gatehouse"},
        "spec": {"groups": groups},
    }


def dashboards() -> list[dict[str, Any]]:
    """Return the dashboards of deploy/grafana, each as a ConfigMap that Grafana's sidecar looks for."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            # One name for good: of two with the same dashboard Grafana would take either.
            "metadata": {"name": f"gatehouse-dashboard-{path.stem}", "labels": {"grafana_dashboard": "1"}},
            "data": {f"gatehouse-{path.name}": path.read_text()},
        }
        for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
    ]


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, so that a change of one line is one."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def render(overlay: str) -> str:
    """Return an overlay as one YAML stream.

    Raises:
        CalledProcessError: it cannot be built; kubectl has said why.
    """
    command = ["kubectl", "kustomize", str(K8S / "overlays" / overlay)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Write them all."""
    made = "# Made by `make manifests` of the rules in deploy/prometheus.\n"
    RULES.write_text(made + yaml.safe_dump(rules(), sort_keys=False, width=10_000))
    made = "# Made by `make manifests` of the dashboards in deploy/grafana.\n"
    drawn = yaml.dump_all(dashboards(), Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)
    DASHBOARDS.write_text(made + drawn)
    RENDERED.mkdir(exist_ok=True)
    for overlay in OVERLAYS:
        said = f"# Made by `make manifests` of overlays/{overlay}.\n# sources: {digest()}\n"
        (RENDERED / f"{overlay}.yaml").write_text(said + render(overlay))


if __name__ == "__main__":
    main()
