"""deploy/k8s says what the program and the cluster understand: every overlay, as it is applied."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from gatehouse.cli.entry import root
from gatehouse.composition import NAMES
from gatehouse_common.accounts.passwords import Passwords
from gatehouse_common.settings import SettingsModel, listen_address, load
from kubernetes_kit import (
    K8S,
    OVERLAYS,
    ROOT,
    Pod,
    environment,
    mistakes,
    of_kind,
    pods,
    processes,
    rendered,
)

SECRETS = "/run/secrets/"
DEFAULTS = SettingsModel()


def ours(overlay: str) -> list[Pod]:
    return [pod for pod in pods(overlay).values() if pod.is_ours]


def settings_of(overlay: str, pod: Pod, folder: Path) -> dict[str, str]:
    """Return a pod's settings, with files of secrets that are there: those of the dev overlay."""
    found = {n: v for n, v in environment(overlay, pod).items() if n.startswith("GATEHOUSE_")}
    for name, value in found.items():
        if value.startswith(SECRETS):
            path = folder / value.removeprefix(SECRETS)
            path.parent.mkdir(exist_ok=True)
            path.write_text(known_secrets().get(path.name, "a secret") + "\n")
            found[name] = str(path)
    return found


def known_secrets() -> dict[str, str]:
    found: dict[str, str] = {}
    overlay = yaml.safe_load((K8S / "overlays" / "dev" / "kustomization.yaml").read_text())
    for secret in overlay["secretGenerator"]:
        found |= dict(literal.split("=", 1) for literal in secret["literals"])
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_is_rendered_is_what_the_sources_say(overlay: str) -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "render_manifests.py"))
    text = (K8S / "rendered" / f"{overlay}.yaml").read_text()
    assert f"# sources: {script['digest']()}\n" in text, "deploy/k8s/rendered is stale: run `make manifests`"
    if builds_overlays():
        assert list(yaml.safe_load_all(script["render"](overlay))) == list(rendered(overlay))


def test_the_cluster_warns_of_what_everybody_is_warned_of() -> None:
    (made,) = of_kind("prod", "PrometheusRule").values()
    said = runpy.run_path(str(ROOT / "scripts" / "render_manifests.py"))["rules"]()
    assert made["spec"] == said["spec"], "deploy/k8s/components/monitoring is stale: run `make manifests`"


def test_the_cluster_draws_what_is_drawn_everywhere() -> None:
    """Alerts send people to dashboards: those of deploy/grafana, to the letter."""
    made = {name: one for name, one in of_kind("prod", "ConfigMap").items() if "dashboard" in name}
    files = {path.name: path.read_text() for path in (ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")}
    drawn = {key.removeprefix("gatehouse-"): text for one in made.values() for key, text in one["data"].items()}
    assert drawn == files, "deploy/k8s/components/monitoring is stale: run `make manifests`"
    for one in made.values():
        assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert len(json.dumps(one)) < 200_000, "kubectl keeps what was applied in an annotation of 256 KiB at most"


def builds_overlays() -> bool:
    """Whether there is a kubectl that knows components; that what is rendered is not stale is known without it."""
    if shutil.which("kubectl") is None:
        return False
    said = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Kustomize Version: v(\d+)", said)
    return found is not None and int(found[1]) >= 5


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_valid(overlay: str) -> None:
    found = [mistake for one in rendered(overlay) for mistake in mistakes(one)]
    assert not found
    names = [(one["kind"], one["metadata"]["name"]) for one in rendered(overlay)]
    assert len(set(names)) == len(names)


def test_what_is_misspelt_is_not_valid() -> None:
    pod = processes("dev")["api"].workload
    assert "prots" in mistakes({**pod, "spec": {**pod["spec"], "prots": []}})[0]
    assert "'two'" in mistakes({**pod, "spec": {**pod["spec"], "replicas": "two"}})[0]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_service_has_a_workload_that_keeps_what_it_must(overlay: str) -> None:
    """W-1: all of them, each as often as wanted; recorders alone have something that must be there again."""
    found = processes(overlay)
    assert found.keys() == set(NAMES)
    assert {s for s, pod in found.items() if pod.workload["kind"] == "StatefulSet"} == {"capture"}
    (claim,) = found["capture"].workload["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    assert found["capture"].workload["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] == "Retain"
    assert found["capture"].workload["spec"]["replicas"] >= 2
    images = {pod.container["image"] for pod in ours(overlay)}
    assert len(images) == 1
    assert images != {"gatehouse"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_command_is_one(overlay: str) -> None:
    for pod in ours(overlay):
        if "command" not in pod.container:
            # With --help at the end everything before it is read, and nothing is done.
            shown = CliRunner().invoke(root, [*pod.container["args"], "--help"])
            assert shown.exit_code == 0, f"{pod.name}: {shown.output}"
    (bucket,) = {pod.container["args"][0] for pod in pods("dev").values() if pod.name == "bucket"}
    compile(bucket, "bucket", "exec")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_setting_is_one(overlay: str, tmp_path: Path) -> None:
    """One that is not known stops every process at its start, with its name."""
    for pod in ours(overlay):
        values = load({}, environ=settings_of(overlay, pod, tmp_path)).values
        assert values.broker_url.startswith("amqp://")
        assert values.database_url.startswith("mysql://")
        assert values.storage_url.startswith("s3://")
        assert values.storage.access_key
        assert values.storage.secret_key
        assert values.service.token
        assert len(values.sealing_key) >= 32


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_come_by_files_that_are_mounted(overlay: str) -> None:
    secret = re.compile(r"(PASSWORD|SECRET|TOKEN|KEY|DATABASE_URL|BROKER_URL)(_FILE)?$")
    for pod in ours(overlay):
        mounts = {m["mountPath"]: m for m in pod.container["volumeMounts"]}
        for name, value in environment(overlay, pod).items():
            if name.startswith("GATEHOUSE_") and secret.search(name):
                assert name.endswith("_FILE"), f"{pod.name}: {name} is not from a file"
                folder, _, key = value.rpartition("/")
                assert key in keys_of(pod, mounts[folder]["name"]), f"{pod.name}: {value} is in no secret"
                assert mounts[folder]["readOnly"]
    signs = {p.service for p in ours(overlay) if "GATEHOUSE_INTEGRITY__SIGNING_KEY_FILE" in environment(overlay, p)}
    assert signs == {"api", "transcoder"}


def keys_of(pod: Pod, volume: str) -> set[str]:
    """Return what is in a volume of secrets; of one that is mounted whole, what the guide puts into it."""
    (one,) = (v for v in pod.spec["volumes"] if v["name"] == volume)
    sources = [s["secret"] for s in one.get("projected", {}).get("sources", [])] or [one["secret"]]
    found: set[str] = set()
    for secret in sources:
        found |= {item["path"] for item in secret.get("items", [])}
        if "items" not in secret:
            found |= told_keys(re.sub(r"-[0-9a-z]{10}$", "", secret["secretName"]))
    return found


def told_keys(secret: str) -> set[str]:
    """Return what the guide puts into a secret."""
    guide = (ROOT / "docs" / "operations.md").read_text()
    told = re.findall(rf"create secret generic {secret} ((?:.*\\\n)*.*)\n", guide)
    return set(re.findall(r"--from-(?:file|literal)=([\w.-]+)", " ".join(told)))


def test_every_secret_that_is_used_is_made_by_the_guide_or_by_somebody_who_is_named() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text()
    told = set(re.findall(r"create secret (?:generic|tls) ([\w-]+)", guide))
    used = {host["secretName"] for one in of_kind("prod", "Ingress").values() for host in one["spec"]["tls"]}
    for pod in ours("prod"):
        for volume in pod.spec["volumes"]:
            used |= {one["secret"]["name"] for one in volume.get("projected", {}).get("sources", [])}
            used |= {volume["secret"]["secretName"]} if "secret" in volume else set()
    assert used - {"rabbitmq-default-user"} == told  # which the operator makes
    assert all(f"`{name}`" in (K8S / "overlays" / "prod" / "kustomization.yaml").read_text() for name in told)


def test_no_secret_is_in_what_is_not_for_trying() -> None:
    assert not of_kind("prod", "Secret")
    for name, value in known_secrets().items():
        assert "only-in-this-cluster" in value or (name, value) == ("storage-access-key", "gatehouse")
    Passwords().check(known_secrets()["password"], of=DEFAULTS.auth.admin)  # else there would be no first user


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_ports_are_those_that_are_listened_on(overlay: str, tmp_path: Path) -> None:
    exposed = re.findall(r"^EXPOSE (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0].split()
    for service, pod in processes(overlay).items():
        values = load({}, environ=settings_of(overlay, pod, tmp_path)).values
        ports = {p["name"]: p["containerPort"] for p in pod.container["ports"]}
        inner = listen_address(values.service.listen)
        assert inner == ("0.0.0.0", ports["inner"])
        assert ports.get("http") == (values.api.port if service == "api" else None)
        assert {str(port) for port in ports.values()} <= set(exposed)
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert pod.container[probe]["httpGet"]["port"] in ports
    for service in of_kind(overlay, "Service").values():
        served = [p for p in pods(overlay).values() if service["spec"]["selector"].items() <= p.labels.items()]
        assert served, service["metadata"]["name"]
        for port in service["spec"]["ports"]:
            for pod in served:
                assert {"name": port["targetPort"], "containerPort": port["port"], "protocol": "TCP"} in (
                    pod.container["ports"]
                )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_recorder_is_reached_under_the_name_that_it_tells(overlay: str) -> None:
    pod = processes(overlay)["capture"]
    service = of_kind(overlay, "Service")[pod.workload["spec"]["serviceName"]]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"]
    told = environment(overlay, pod)["GATEHOUSE_SERVICE__URL"]
    assert told == f"http://capture-0.{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_programs_are_the_servers_that_compose_starts(overlay: str) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    theirs = [pod for pod in pods(overlay).values() if not pod.is_ours]
    assert bool(theirs) == (overlay == "dev")
    for pod in theirs:
        assert f":-{pod.container['image']}}}" in text
    for demo in (pod for pod in ours(overlay) if pod.name == "demo"):
        assert f'command: [camera, add, demo, "{demo.container["args"][3]}", --once]' in text


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_ingress_leads_to_the_api_and_keeps_nothing_to_itself(overlay: str, tmp_path: Path) -> None:
    """W-3: uploads are not cut off by a proxy's limit, live views are not collected before they are sent."""
    for ingress in of_kind(overlay, "Ingress").values():
        said = {k.rpartition("/")[2]: v for k, v in ingress["metadata"]["annotations"].items()}
        assert said["proxy-body-size"] == "0"
        assert said["proxy-buffering"] == said["proxy-request-buffering"] == "off"
        values = load({}, environ=settings_of(overlay, processes(overlay)["api"], tmp_path)).values
        assert int(said["proxy-read-timeout"]) >= values.api.conversion_timeout_seconds
        assert int(said["proxy-send-timeout"]) >= values.api.conversion_timeout_seconds
        (rule,) = ingress["spec"]["rules"]
        backend: dict[str, Any] = rule["http"]["paths"][0]["backend"]["service"]
        service = of_kind(overlay, "Service")[backend["name"]]
        assert backend["port"]["name"] in {p["name"] for p in service["spec"]["ports"]}
        assert rule["host"] in values.api.allowed_hosts.split(",")
        assert values.api.trusted_proxies
