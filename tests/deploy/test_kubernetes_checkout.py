"""The component for Kubernetes that serves the checkout page, upon the example."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from tests.deploy.tools import BUILD, DEPLOY, Document, known_variables, tool
from tests.languages.toolchain import run

_KUBERNETES: Final = DEPLOY / "kubernetes"


@cache
def rendered() -> Path:
    """The example's service with the component, as an overlay of one's own would name them."""
    folder = BUILD / "with-checkout"
    folder.mkdir(parents=True, exist_ok=True)
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "payments",
        "resources": [os.path.relpath(_KUBERNETES / "overlays/example/service", folder)],
        "components": [os.path.relpath(_KUBERNETES / "components/checkout-page", folder)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay), "utf-8")
    path = BUILD / "with-checkout.yaml"
    path.write_text(run([tool("kubectl"), "kustomize", folder]).stdout, "utf-8")
    return path


def resource(kind: str, name: str) -> Document:
    for one in yaml.safe_load_all(rendered().read_text("utf-8")):
        if one and one["kind"] == kind and one["metadata"]["name"] == name:
            return dict(one)
    raise AssertionError(f"no {kind} {name}")


def test_the_component_matches_the_schemas_of_kubernetes() -> None:
    run([tool("kubernetes-validate"), "--strict", "--kubernetes-version", "1.27", rendered()])


def test_shoppers_reach_the_port_of_the_page_and_no_other() -> None:
    (container,) = resource("Deployment", "bayar")["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert set(variables) <= known_variables()
    assert variables["BAYAR_CHECKOUT_ADDRESS"] == f"0.0.0.0:{ports['checkout']}"
    (port,) = resource("Service", "bayar-checkout")["spec"]["ports"]
    assert port["targetPort"] == "checkout"
    (rule,) = resource("Ingress", "bayar-checkout")["spec"]["rules"]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert (backend["name"], backend["port"]) == ("bayar-checkout", {"name": port["name"]})
    open_ports = {
        port["port"] for rule in resource("NetworkPolicy", "bayar")["spec"]["ingress"] for port in rule["ports"]
    }
    assert open_ports == set(ports.values())


def test_the_service_selects_the_pods() -> None:
    labels = resource("Deployment", "bayar")["spec"]["template"]["metadata"]["labels"]
    selector = resource("Service", "bayar-checkout")["spec"]["selector"]
    assert selector.items() <= labels.items()
