"""The snippets of the documents run, as far as this machine can run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

import pytest

from braintree_twin.sdk_twin import run_sdk_twin
from braintree_twin.testing import Twin

ROOT = Path(__file__).parents[2]
README, CI = ROOT / "twin" / "README.md", ROOT / "twin" / "docs" / "ci.md"


def snippets(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def _python(text: str, folder: Path) -> str:
    (folder / "snippet.py").write_text(text)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "snippet.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_python_snippets_of_the_readme_run(twin: Twin, tmp_path: Path) -> None:
    sells, starts = snippets(README, "python")
    sells = sells.replace("8443", str(twin.port)).replace("tls/ca.pem", str(twin.ca_file))
    assert _python(sells, tmp_path).startswith("True ")
    sale = "gateway.transaction.sale({'amount': '1', 'payment_method_nonce': 'fake-valid-nonce'})"
    told = _python(
        starts.replace("    ...", "    lost(twin)").replace(
            "with start_twin()",
            "import braintree\nfrom braintree_twin.sdk_twin import Keys, SdkTwin\n\n\n"
            "def lost(twin):\n"
            "    keys = Keys(twin.merchant_id, twin.public_key, twin.private_key)\n"
            "    gateway = SdkTwin(twin, {keys.merchant_id: keys}).gateway()\n"
            f"    try:\n        {sale}\n    except Exception:\n        print('lost')\n\n\n"
            "with start_twin()",
        ),
        tmp_path,
    )
    assert told == "lost\n"


def test_the_readme_has_a_snippet_for_each_sdk() -> None:
    languages = set(re.findall(r"```(\w+)\n", README.read_text()))
    assert languages >= {"python", "js", "ruby", "php", "java", "csharp"}


def test_the_fault_of_the_readme_is_accepted(twin: Twin) -> None:
    (text,) = snippets(README, "json")
    twin.control.add_fault(**json.loads(text))
    assert [fault.fault for fault in twin.control.faults()] == ["reset_after"]
    twin.control.clear_faults()


def _shell(commands: str, folder: Path, **variables: str) -> str:
    """Runs commands of a page in a shell that ends at the first failure. Returns their output."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-euc", commands],
        cwd=folder,
        env={**os.environ, "PATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the distribution: a build writes into its folder."""
    there = tmp_path / "checkout"
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "tests")
    shutil.copytree(ROOT / "twin", there / "twin", ignore=unwanted)
    return there


def test_the_readme_installs_and_serves(checkout: Path, tmp_path: Path) -> None:
    install, serve = snippets(README, "sh")[0].splitlines()
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    subprocess.run([venv / "bin" / "pip", "uninstall", "--quiet", "--yes", "setuptools"], check=True)
    # The dependencies are those of this environment, its newer setuptools, too.
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    path = f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"
    _shell(f"{install.partition(' #')[0]} --no-deps --no-build-isolation --quiet", checkout, PATH=path)
    command = serve.replace("8443", "0") + " --stop-with-stdin"
    with subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdin
        line = process.stdout.readline()
        process.stdin.close()
    shown = re.search(r"`(braintree-twin ready at .*?)`", README.read_text().replace("\n", " "))
    assert shown
    assert re.sub(r":\d+", "", line.strip()).replace(str(tmp_path), "/...") == re.sub(r":\d+", "", shown[1])


def test_the_wheel_for_a_pipeline_is_built(checkout: Path, tmp_path: Path) -> None:
    (command,) = [text for text in snippets(CI, "sh") if "pip wheel" in text]
    _shell(command.strip().replace("/path/to/shop", str(tmp_path)) + " --no-build-isolation --quiet", checkout)
    workflow, _ = snippets(CI, "yaml")
    (wheel,) = tmp_path.glob("vendor/*.whl")
    assert workflow.count("vendor/braintree_twin-*.whl") == 2
    assert wheel.match("braintree_twin-*.whl")


def test_the_soak_tests_of_the_readme_run_in_small(tmp_path: Path) -> None:
    (commands,) = [text for text in snippets(README, "sh") if "soak" in text]
    small = commands.replace("10000", "100").replace("4000", "50")
    assert small.count("python -m braintree_twin.soak") == 2
    assert _shell(small, tmp_path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_step_of_the_github_action_starts_a_twin(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl, which the step waits with")
    workflow, _ = snippets(CI, "yaml")
    (step,) = re.findall(r"run: \|\n((?: {10}.*\n)+)", workflow)
    step = textwrap.dedent(step)
    assert step.count("braintree-twin serve") == 1
    command = step.replace("8443", str(_free_port())) + "\necho; echo started=$!; test -s twin-tls/ca.pem"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    log = tmp_path / "log"
    with log.open("w") as output:
        run = subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
    told = log.read_text()
    started = re.search(r"started=(\d+)", told)
    if started:
        os.kill(int(started[1]), signal.SIGTERM)
    assert run.returncode == 0, told
    assert '{"status":"ok"}' in told


def test_the_commands_of_the_container_name_what_the_dockerfile_has() -> None:
    (commands,) = [text for text in snippets(CI, "sh") if "docker" in text]
    dockerfile = ROOT / "deploy" / "docker" / "Dockerfile"
    assert f"--file {dockerfile.relative_to(ROOT)} --target twin" in commands
    assert re.search(r"^FROM .* AS twin$", dockerfile.read_text(), re.MULTILINE)
    assert "EXPOSE 8443" in dockerfile.read_text()


def test_the_certificate_authority_is_served(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl, which the document fetches with")
    with run_sdk_twin(tmp_path) as twin:
        fetched = subprocess.run(
            ["curl", "--silent", "--fail", "--insecure", f"{twin.url}/_twin/ca.pem"], capture_output=True, check=True
        ).stdout
        assert twin.ca_file
        assert fetched == twin.ca_file.read_bytes()
