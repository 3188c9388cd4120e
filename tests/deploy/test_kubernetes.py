"""The manifests for Kubernetes, as kubectl renders them."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from adapters.http.server import WEBHOOKS
from bootstrap.config.settings import load_settings
from bootstrap.process.draining import ENDING_SECONDS
from tests.deploy.tools import BUILD, DEPLOY, Document, default_of, known_variables, tool
from tests.languages.toolchain import attempt, run

_OVERLAYS: Final = DEPLOY / "kubernetes" / "overlays"
_RENDERED: Final = ("service", "migrate")
# The oldest that base/kustomization.yaml promises, and the newest whose schemas are here.
_VERSIONS: Final = ("1.27", "1.37")


@cache
def rendered(name: str) -> Path:
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / f"{name}.yaml"
    path.write_text(run([tool("kubectl"), "kustomize", _OVERLAYS / "example" / name]).stdout, "utf-8")
    return path


@cache
def resources(name: str) -> dict[str, Document]:
    found = [one for one in yaml.safe_load_all(rendered(name).read_text("utf-8")) if one]
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in found}


def one_of(name: str, kind: str) -> Document:
    (found,) = [one for key, one in resources(name).items() if key.startswith(f"{kind}/")]
    return found


def deployment() -> Document:
    return one_of("service", "Deployment")


def pod_of(workload: Document) -> Document:
    pod: Document = workload["spec"]["template"]["spec"]
    return pod


def container_of(workload: Document) -> Document:
    (container,) = pod_of(workload)["containers"]
    return dict(container)


def variables_of(name: str) -> dict[str, str]:
    container = container_of(workload(name))
    maps = [one["configMapRef"]["name"] for one in container["envFrom"]]
    shared = {key: value for one in maps for key, value in resources(name)[f"ConfigMap/{one}"]["data"].items()}
    return shared | {one["name"]: one["value"] for one in container["env"]}


def workload(name: str) -> Document:
    return one_of(name, "Deployment" if name == "service" else "Job")


@pytest.mark.parametrize("version", _VERSIONS)
@pytest.mark.parametrize("name", _RENDERED)
def test_the_manifests_match_the_schemas_of_kubernetes(name: str, version: str) -> None:
    run([tool("kubernetes-validate"), "--strict", "--kubernetes-version", version, rendered(name)])


def test_a_misspelled_field_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(rendered("service").read_text("utf-8").replace("maxUnavailable: 0", "maxUnavailble: 0"), "utf-8")
    assert attempt([tool("kubernetes-validate"), "--strict", wrong]).returncode != 0


@pytest.mark.parametrize("name", _RENDERED)
def test_every_variable_is_a_setting(name: str) -> None:
    assert set(variables_of(name)) - known_variables() == set()


@pytest.mark.parametrize("name", _RENDERED)
def test_variables_that_kubernetes_makes_of_services_do_not_reach_the_process(name: str) -> None:
    """The service ignores them, BAYAR_GRPC_PORT among them: its environment holds settings alone."""
    assert pod_of(workload(name))["enableServiceLinks"] is False


@pytest.mark.parametrize("name", _RENDERED)
def test_the_settings_of_the_manifests_are_accepted(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the secrets in other files."""
    secrets = {
        "BAYAR_DATABASE_URL_FILE": "postgresql://bayar@127.0.0.1:1/bayar",
        "BAYAR_SECRET_KEY_FILE": "Xb1lM0J5v2c8QeR7tYwZkN4pS9dGfH3aUjLq6oKiTmE",
        "BAYAR_ENCRYPTION_KEYS_FILE": "first:7mJq1Yx0u3V9b2Kc8Nf4Rz6Tg5Wd0Ps3Lh7Ae1Qk4Xo=",
        "BAYAR_BRAINTREE_PRIVATE_KEY_FILE": "3f9c1e7a5b2d8046",
    }
    for variable, value in variables_of(name).items():
        if variable in secrets:
            file = tmp_path / variable
            file.write_text(secrets[variable], "utf-8")
            value = str(file)
        monkeypatch.setenv(variable, value)
    assert load_settings().database_url.startswith("postgresql://")


@pytest.mark.parametrize("name", _RENDERED)
def test_each_secret_is_read_from_a_mounted_file(name: str) -> None:
    mounts = {one["mountPath"]: one for one in container_of(workload(name))["volumeMounts"]}
    files = [value for key, value in variables_of(name).items() if key.endswith("_FILE")]
    assert len(files) >= 4
    for file in files:
        assert mounts[str(Path(file).parent)]["readOnly"] is True
    assert not any("valueFrom" in one for one in container_of(workload(name))["env"])
    assert not any(key.startswith("Secret/") for key in resources(name))


@pytest.mark.parametrize("name", _RENDERED)
def test_a_container_has_no_rights(name: str) -> None:
    assert container_of(workload(name))["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    pod = pod_of(workload(name))
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert "memory" in container_of(workload(name))["resources"]["limits"]


@pytest.mark.parametrize("name", _RENDERED)
def test_a_pod_needs_no_volume_that_the_restricted_profile_forbids(name: str) -> None:
    kinds = {kind for volume in pod_of(workload(name))["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"configMap", "downwardAPI", "emptyDir", "projected", "secret"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod_of(workload(name)))


def test_an_update_takes_no_replica_away() -> None:
    update = deployment()["spec"]["strategy"]["rollingUpdate"]
    assert (update["maxUnavailable"], update["maxSurge"]) == (0, 1)


def test_the_probes_ask_for_paths_that_the_service_has() -> None:
    container = container_of(deployment())
    paths = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert paths == {"startupProbe": "/readyz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    assert port_named(container, "http") == int(address_of("BAYAR_HTTP_ADDRESS"))
    assert port_named(container, "grpc") == int(address_of("BAYAR_GRPC_ADDRESS"))


def port_named(container: Document, name: str) -> int:
    (port,) = [one["containerPort"] for one in container["ports"] if one["name"] == name]
    return int(port)


def address_of(variable: str) -> str:
    return variables_of("service")[variable].rpartition(":")[2]


def test_kubernetes_waits_until_the_service_has_stopped() -> None:
    """Else it kills the process while calls are under way."""
    command = shlex.join(container_of(deployment())["lifecycle"]["preStop"]["exec"]["command"])
    seconds = int(command.removeprefix("sleep "))
    delay, grace = (float(variables_of("service")[f"BAYAR_STOP_{name}_SECONDS"]) for name in ("DELAY", "GRACE"))
    assert delay > 0
    assert pod_of(deployment())["terminationGracePeriodSeconds"] == 30, "the default, and that of many platforms"
    assert seconds + delay + grace + ENDING_SECONDS < 30


def test_the_defaults_of_a_stop_fit_into_kubernetes_default() -> None:
    delay, grace = (default_of(f"BAYAR_STOP_{name}_SECONDS") for name in ("DELAY", "GRACE"))
    assert isinstance(delay, float)
    assert isinstance(grace, float)
    assert delay + grace + ENDING_SECONDS < 30


def test_the_supervisor_replaces_a_hung_process_before_kubernetes_kills_the_pod() -> None:
    probe = container_of(deployment())["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] > 60 + 30


def test_services_budget_and_spread_select_the_pods() -> None:
    labels = deployment()["spec"]["template"]["metadata"]["labels"]
    selectors = [
        deployment()["spec"]["selector"]["matchLabels"],
        one_of("service", "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        *(one["spec"]["selector"] for key, one in resources("service").items() if key.startswith("Service/")),
        *(one["labelSelector"]["matchLabels"] for one in pod_of(deployment())["topologySpreadConstraints"]),
    ]
    assert len(selectors) == 6
    assert all(one == labels for one in selectors)


def test_no_service_selects_the_migration() -> None:
    migration = one_of("migrate", "Job")["spec"]["template"]["metadata"]["labels"]
    selector = one_of("service", "PodDisruptionBudget")["spec"]["selector"]["matchLabels"]
    assert any(migration.get(key) != value for key, value in selector.items())
    policy = one_of("service", "NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    assert all(migration.get(key) == value for key, value in policy.items())


def test_a_drain_of_nodes_leaves_replicas() -> None:
    scaler = one_of("service", "HorizontalPodAutoscaler")["spec"]
    assert one_of("service", "PodDisruptionBudget")["spec"]["maxUnavailable"] < scaler["minReplicas"]
    assert scaler["scaleTargetRef"]["name"] == deployment()["metadata"]["name"]
    assert "replicas" not in deployment()["spec"]


def test_the_autoscaler_counts_calls_to_the_gateway_against_their_maximum() -> None:
    variables = variables_of("service")
    (metric,) = [
        one["pods"] for one in one_of("service", "HorizontalPodAutoscaler")["spec"]["metrics"] if "pods" in one
    ]
    threads = default_of("BAYAR_GRPC_THREADS")
    assert isinstance(threads, int)
    most = int(variables["BAYAR_WORKERS"]) * threads * 3 // 4
    assert int(metric["target"]["averageValue"]) == most // 2
    rules = yaml.safe_load((DEPLOY / "kubernetes/components/gateway-calls-autoscaling/adapter-rules.yaml").read_text())
    assert rules["rules"]["custom"][0]["seriesQuery"].startswith(metric["metric"]["name"] + "{")


def test_the_database_connections_of_all_pods_are_as_the_comment_says() -> None:
    variables = variables_of("service")
    each = (int(variables["BAYAR_WORKERS"]) + 1) * int(variables["BAYAR_DATABASE_CONNECTIONS"])
    most = one_of("service", "HorizontalPodAutoscaler")["spec"]["maxReplicas"]
    text = (DEPLOY / "kubernetes/base/autoscaling.yaml").read_text("utf-8")
    assert f"{most} x {each} = {most * each}" in text


def test_the_network_policy_refuses_what_it_does_not_list() -> None:
    spec = one_of("service", "NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert all("from" in rule and "ports" in rule for rule in spec["ingress"])
    assert all("to" in rule and "ports" in rule for rule in spec["egress"])
    ports = {port["port"] for rule in spec["ingress"] for port in rule["ports"]}
    assert ports == {port["containerPort"] for port in container_of(deployment())["ports"]}
    blocks = [to["ipBlock"] for rule in spec["egress"] for to in rule["to"] if "ipBlock" in to]
    (world,) = [one for one in blocks if one["cidr"] == "0.0.0.0/0"]
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(world["except"])


def test_the_ingress_passes_on_webhooks_and_nothing_else() -> None:
    rules = one_of("service", "Ingress")["spec"]["rules"]
    paths = [(path["path"], path["pathType"]) for rule in rules for path in rule["http"]["paths"]]
    assert paths == [(WEBHOOKS, "Exact")]
    service: Any = rules[0]["http"]["paths"][0]["backend"]["service"]
    ports = resources("service")[f"Service/{service['name']}"]["spec"]["ports"]
    assert service["port"]["name"] in [port["name"] for port in ports]


def test_both_overlays_use_one_image_and_one_set_of_settings() -> None:
    assert container_of(deployment())["image"] == container_of(one_of("migrate", "Job"))["image"]
    assert one_of("service", "ConfigMap") == one_of("migrate", "ConfigMap")
    assert {one["metadata"]["namespace"] for name in _RENDERED for one in resources(name).values()} == {"payments"}
