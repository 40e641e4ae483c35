"""deploy/k8s lets nothing happen that need not: privileges, connections, ends, and how many there are."""

from __future__ import annotations

import inspect
import ipaddress
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client import REGISTRY
from werkzeug.test import Client

from gatehouse.cli.entry import root
from gatehouse.composition import SERVICES, STOP_S
from gatehouse_common.bus.rabbitmq import bus, consuming
from gatehouse_common.bus.rabbitmq.link import Link
from gatehouse_common.db.job_queue import OPEN
from gatehouse_common.observability import metrics
from gatehouse_common.observability.exporting import everything
from gatehouse_common.runtime import supervisor
from gatehouse_common.runtime.inner_address import InnerAddress
from gatehouse_common.settings import SettingsModel, load
from kubernetes_kit import OVERLAYS, ROOT, Object, Pod, environment, may_connect, of_kind, pods, processes, selects

PRIVATE = ("10.99.0.1", "100.64.0.1", "172.16.0.1", "192.168.77.1")
READERS_OF_SPOOLS = {"api", "segmenter", "transcoder", "janitor"}
"""ARCHITECTURE.md: a spool is read over its worker's inner address."""
CAMERA = {"dev": "192.168.1.20", "prod": "10.20.3.4"}
DATABASE, STORE, CLOUD, STRANGER = "10.30.0.7", "203.0.113.9", "169.254.169.254", "198.51.100.7"


def inner_address() -> Client:
    address = InnerAddress(load({"service.listen": "127.0.0.1:0"}, environ={}))
    address.close()
    return Client(address._app)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_ask_for_what_is_answered(overlay: str) -> None:
    inner, routes = inner_address(), CliRunner().invoke(root, ["openapi"]).output
    for service, pod in processes(overlay).items():
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = pod.container[probe]["httpGet"]
            if asked["port"] == "inner":
                assert inner.get(asked["path"]).status_code == 200
            else:
                assert f'"{asked["path"]}"' in routes
        assert pod.container["readinessProbe"]["httpGet"]["port"] == ("http" if service == "api" else "inner")
        assert {pod.container[p]["httpGet"]["path"] for p in ("startupProbe", "livenessProbe")} == {"/livez"}
    for monitor in of_kind(overlay, "ServiceMonitor").values():
        assert inner.get(monitor["spec"]["endpoints"][0]["path"]).status_code == 200


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_restricted(overlay: str) -> None:
    """As the Pod Security Standards have it, and the root file system cannot be written to."""
    (space,) = of_kind(overlay, "Namespace").values()
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in pods(overlay).values():
        whole, own = pod.spec["securityContext"], pod.container["securityContext"]
        assert whole["runAsNonRoot"] is True
        assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert pod.spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.spec.keys()
        assert not [v for v in pod.spec.get("volumes", []) if "hostPath" in v]
        if pod.is_ours:
            assert own["readOnlyRootFilesystem"] is True
            (user,) = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
            assert (whole["runAsUser"], whole["runAsGroup"]) == (int(user[0]), int(user[1])) != (0, 0)
            assert whole["fsGroup"] == whole["runAsGroup"]


def test_the_broker_of_the_operator_is_restricted() -> None:
    """The operator's own pods are not: the namespace would not let them in."""
    (broker,) = of_kind("prod", "RabbitmqCluster").values()
    spec = broker["spec"]["override"]["statefulSet"]["spec"]["template"]["spec"]
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    every = [*spec["initContainers"], *spec["containers"]]
    assert [one["name"] for one in every] == ["setup-container", "rabbitmq"]
    for one in every:
        assert one["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_every_queue_has_as_many_members_as_there_are_brokers() -> None:
    """A queue that was made while one broker was alone had that one only, and nobody told."""
    (broker,) = of_kind("prod", "RabbitmqCluster").values()
    said = dict(
        line.split(" = ", 1)
        for line in broker["spec"]["rabbitmq"]["additionalConfig"].splitlines()
        if not line.startswith("#")
    )
    members = "quorum_queue.continuous_membership_reconciliation"
    assert said[f"{members}.enabled"] == "true"
    assert int(said[f"{members}.target_group_size"]) == broker["spec"]["replicas"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_is_written_to_can_be(overlay: str) -> None:
    for pod in (pod for pod in pods(overlay).values() if pod.is_ours):
        writable = {m["mountPath"] for m in pod.container["volumeMounts"] if not m.get("readOnly")}
        assert writable == {"/data", "/tmp"}
        there = {v["name"] for v in pod.spec.get("volumes", [])}
        there |= {c["metadata"]["name"] for c in pod.workload["spec"].get("volumeClaimTemplates", [])}
        assert {m["name"] for m in pod.container["volumeMounts"]} == there
        for volume in pod.spec["volumes"]:
            if "emptyDir" in volume:
                assert volume["emptyDir"]["sizeLimit"], "a node's disk is not this pod's alone"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_container_says_what_it_needs_and_may_have(overlay: str) -> None:
    for pod in pods(overlay).values():
        asked, most = (pod.container["resources"][k] for k in ("requests", "limits"))
        assert asked["cpu"]
        assert mebibytes(asked["memory"]) <= mebibytes(most["memory"])
        # A recorder that is held back for a moment loses pictures: it may have what is there.
        assert pod.service != "capture" or "cpu" not in most


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_much_room_on_a_disk_of_a_node_is_asked_for(overlay: str) -> None:
    """Else a pod is put where there is none, and is thrown out in the midst of what it does."""
    for pod in (pod for pod in pods(overlay).values() if pod.is_ours):
        room = sum(mebibytes(v["emptyDir"]["sizeLimit"]) for v in pod.spec["volumes"] if "emptyDir" in v)
        asked, most = (pod.container["resources"][k].get("ephemeral-storage") for k in ("requests", "limits"))
        if room > 2048 or most is not None:
            assert mebibytes(most) > room, pod.name
            assert mebibytes(asked) == mebibytes(most) or overlay == "dev", pod.name


def mebibytes(quantity: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()  # type: ignore[union-attr]
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nobody_reaches_anybody_unless_it_is_said(overlay: str) -> None:
    nothing = of_kind(overlay, "NetworkPolicy")["nothing"]["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    there = pods(overlay)
    found = processes(overlay)
    for name, source in there.items():
        for other, target in found.items():
            reads = source.service in READERS_OF_SPOOLS and other == "capture"
            assert may_connect(overlay, source, target, 5010) == reads, f"{name} to {other}"
            assert not may_connect(overlay, source, target, 5000), f"{name} to {other}"
    for target in found.values():
        assert not may_connect(overlay, "default", target, 5010)
        assert not may_connect(overlay, "default", target, 5000)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_cameras_are_reached_by_recorders_alone_and_secrets_of_the_cloud_by_nobody(overlay: str) -> None:
    for service, pod in processes(overlay).items():
        for port in (554, 8554, 80, 443):
            assert may_connect(overlay, pod, CAMERA[overlay], port) == (service == "capture")
        assert not may_connect(overlay, pod, CLOUD, 80)
    for pod in pods(overlay).values():
        assert not may_connect(overlay, pod, CLOUD, 443)
        assert pod.service == "capture" or not may_connect(overlay, pod, STRANGER, 25)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_webhooks_are_kept_out_of_private_networks_by_the_cluster_too(overlay: str) -> None:
    """Policies add up: what any other of them lets the api reach, a webhook reaches."""
    found = processes(overlay)
    assert may_connect(overlay, found["api"], STRANGER, 443)
    for service in found.keys() - {"capture"}:
        for address in PRIVATE:
            assert not may_connect(overlay, found[service], address, 443), f"{service} to {address}"
        assert service == "api" or not may_connect(overlay, found[service], STRANGER, 443), service


def test_a_way_to_a_store_that_nobody_named_leads_into_no_private_network() -> None:
    component = ROOT / "deploy" / "k8s" / "components" / "external-servers" / "network-policies.yaml"
    (store,) = (p for p in yaml.safe_load_all(component.read_text()) if p["metadata"]["name"] == "store")
    (rule,) = store["spec"]["egress"]
    spared = [ipaddress.ip_network(one) for one in rule["to"][0]["ipBlock"]["except"]]
    for address in (*PRIVATE, CLOUD):
        assert any(ipaddress.ip_address(address) in one for one in spared), address


def test_broker_database_and_store_are_reached_by_all_of_ours() -> None:
    there = pods("dev")
    for pod in there.values():
        for server, port in (("rabbitmq", 5672), ("mysql", 3306), ("s3", 9000)):
            assert may_connect("dev", pod, there[server], port) == pod.is_ours
    broker = Pod({}, {"containers": [{}]}, {"app.kubernetes.io/name": "rabbitmq"})  # as the operator labels it
    for pod in pods("prod").values():
        assert may_connect("prod", pod, broker, 5672)
        assert not may_connect("prod", pod, broker, 15672)
        assert may_connect("prod", pod, DATABASE, 3306)
        assert may_connect("prod", pod, STORE, 443)
    assert may_connect("prod", broker, broker, 25672)


def test_people_come_by_the_ingress_and_prometheus_to_all() -> None:
    for service, pod in processes("prod").items():
        assert may_connect("prod", "ingress-nginx", pod, 5000) == (service == "api")
        assert not may_connect("prod", "ingress-nginx", pod, 5010)
        assert may_connect("prod", "monitoring", pod, 5010)
    (monitor,) = of_kind("prod", "ServiceMonitor").values()
    service = of_kind("prod", "Service")["inner"]
    assert selects(monitor["spec"]["selector"], service["metadata"]["labels"])
    scraped = {p.name for p in pods("prod").values() if service["spec"]["selector"].items() <= p.labels.items()}
    assert scraped == set(processes("prod"))


def test_prometheus_hides_no_label_of_a_metric_behind_what_it_calls_a_target() -> None:
    """Where both have a label, that of the target is kept, and the metric's is renamed: no rule would ask for it."""
    (monitor,) = of_kind("prod", "ServiceMonitor").values()
    (endpoint,) = monitor["spec"]["endpoints"]
    given = {"namespace", "service", "pod", "container", "endpoint", "job", "instance"}  # by the operator, of itself
    given |= {one["targetLabel"] for one in endpoint["relabelings"] if "targetLabel" in one}
    given -= {one["regex"] for one in endpoint["relabelings"] if one.get("action") == "labeldrop"}
    for metric in everything():
        assert not given & set(metric._labelnames), metric


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_is_told_to_end_has_the_time(overlay: str) -> None:
    """W-1: killed before it has finished is what a crash is; so long takes the worst that ends by itself."""
    for service, pod in processes(overlay).items():
        threads = 2 + sum(name == service for name, _ in SERVICES)  # the inner address, and who follows the settings
        links = 2 * inspect.signature(Link.stop).parameters["timeout_s"].default
        longest = STOP_S + supervisor._LEAST_TO_END_S * (threads - 1) + consuming._CLOSE_S + bus._FLUSH_S + links
        waits = pod.container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["", "0"])[1]
        assert int(waits) > 0 or service != "api", "who balances goes on sending for a moment"
        assert pod.spec["terminationGracePeriodSeconds"] >= longest + int(waits)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_one_at_a_time_goes_of_its_own_accord(overlay: str) -> None:
    for service, pod in processes(overlay).items():
        budget = of_kind(overlay, "PodDisruptionBudget")[service]["spec"]
        assert budget["maxUnavailable"] == 1
        assert selects(budget["selector"], pod.labels)
        assert selects(pod.workload["spec"]["selector"], pod.labels)
        spread = {c["topologyKey"]: c for c in pod.spec["topologySpreadConstraints"]}
        assert spread.keys() == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
        assert all(selects(c["labelSelector"], pod.labels) for c in spread.values())
        other = [p for s, p in processes(overlay).items() if s != service]
        assert not [p.name for p in other if selects(budget["selector"], p.labels)]
    assert processes("prod")["capture"].spec["topologySpreadConstraints"][0]["whenUnsatisfiable"] == "DoNotSchedule"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nobody_is_scaled_by_two_or_beyond_what_can_share(overlay: str) -> None:
    scalers = of_kind(overlay, "HorizontalPodAutoscaler") | of_kind(overlay, "ScaledObject")
    targets = [one["spec"]["scaleTargetRef"]["name"] for one in rendered_scalers(overlay)]
    assert len(set(targets)) == len(targets) == len(scalers)
    for one in rendered_scalers(overlay):
        spec = one["spec"]
        workload = processes(overlay)[spec["scaleTargetRef"]["name"]]
        assert "replicas" not in workload.workload["spec"], "what is applied sets back what the autoscaler has found"
        most = spec.get("maxReplicas") or spec["maxReplicaCount"]
        if workload.service in {"segmenter", "indexer", "detector"}:
            assert most <= SettingsModel().bus.partitions
        for trigger in (one for one in spec.get("triggers", []) if one["type"] != "cpu"):
            known = {name for family in REGISTRY.collect() for name in (family.name, f"{family.name}_total")}
            assert metrics.INDEX_LAG is not None
            asked = set(re.findall(r"gatehouse_\w+", trigger["metadata"]["query"]))
            assert asked
            assert asked <= known


def test_there_are_more_apis_before_those_that_are_there_bear_no_viewer_more() -> None:
    """Whoever watches stays where it is: half of those who come go to a pod that is full when another is just there."""
    spec = of_kind("prod", "ScaledObject")["api"]["spec"]
    (watching,) = [one["metadata"] for one in spec["triggers"] if one["type"] == "prometheus"]
    assert watching["query"] == "sum(gatehouse_live_places_taken)"
    assert int(watching["threshold"]) <= SettingsModel().api.max_live_viewers / 2
    processor = [one for one in spec["triggers"] if one["type"] == "cpu"]
    assert [(one["metricType"], one["metadata"]) for one in processor] == [("Utilization", {"value": "70"})]
    assert processing_target("api.yaml") == 70


def processing_target(name: str) -> int:
    """Return at which use of the processor the component without KEDA has more."""
    scaler = yaml.safe_load((ROOT / "deploy" / "k8s" / "components" / "autoscaling" / name).read_text())
    target: int = scaler["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"]
    return target


def test_who_is_in_the_midst_of_a_job_is_not_taken_away_for_want_of_others() -> None:
    """Jobs that go on hold their transcoders as those that wait call them; each transcoder tells of all of them."""
    spec = of_kind("prod", "ScaledObject")["transcoder"]["spec"]
    (trigger,) = spec["triggers"]
    query = trigger["metadata"]["query"]
    assert query.startswith("sum(max by (kind, state) (gatehouse_jobs_open{")
    counted = set(re.findall(r'state=~"([^"]*)"', query)[0].split("|"))
    assert counted == set(OPEN) - {"later"}, "nobody is of use to a job that waits for the store"
    assert trigger.get("metricType", "AverageValue") == "AverageValue"
    assert int(trigger["metadata"]["threshold"]) == SettingsModel().transcoder.workers
    fewer = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert 1800 <= fewer["stabilizationWindowSeconds"] <= 3600, "an API server takes no more than an hour"
    assert [(one["type"], one["value"]) for one in fewer["policies"]] == [("Pods", 1)]


def rendered_scalers(overlay: str) -> list[Object]:
    return [*of_kind(overlay, "HorizontalPodAutoscaler").values(), *of_kind(overlay, "ScaledObject").values()]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_schema_is_brought_up_to_date_before(overlay: str) -> None:
    job = pods(overlay)["migrate"]
    assert job.workload["kind"] == "Job"
    assert job.container["args"] == ["db", "upgrade"]
    assert job.spec["restartPolicy"] == "OnFailure"


def test_what_is_done_with_everything_stopped_has_a_pod_that_nobody_else_starts() -> None:
    """As the others are, image, settings and secrets; the guide says by which command."""
    guide = (ROOT / "docs" / "operations.md").read_text()
    kept = {name: pod for name, pod in pods("prod").items() if pod.workload["kind"] == "CronJob"}
    assert {name: pod.container["args"] for name, pod in kept.items()} == {
        "index-rebuild": ["index", "rebuild"],
        "check-repair": ["check", "--repair", "--force"],
    }
    other = pods("prod")["migrate"]
    for name, pod in kept.items():
        assert pod.workload["spec"]["suspend"] is True
        made = pod.workload["spec"]["jobTemplate"]["spec"]
        assert made["backoffLimit"] == 0
        assert pod.spec["restartPolicy"] == "Never", "the index is not empty any more at a second try"
        assert pod.container["image"] == other.container["image"]
        assert environment("prod", pod) == environment("prod", other)
        assert {v["name"]: v for v in pod.spec["volumes"]}["secrets"] in other.spec["volumes"]
        assert f"kubectl -n gatehouse create job {name} --from=cronjob/{name}\n" in guide
        assert f"kubectl -n gatehouse logs --follow --pod-running-timeout=5m job/{name}\n" in guide


def test_what_the_guide_names_is_there() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text()
    for named in re.findall(r"`(deploy/[\w./-]+)`", guide):
        assert (ROOT / named).exists(), named
    for path in re.findall(r"kubectl (?:apply|kustomize)[^\n]*?(deploy/k8s/[\w./-]+)", guide):
        assert Path(ROOT / path).exists(), path
