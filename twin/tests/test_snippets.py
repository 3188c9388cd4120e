"""The snippets of the documents run, as far as this machine can run them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
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


@pytest.mark.parametrize(("program", "language"), [("ruby", "ruby"), ("php", "php")])
def test_snippets_of_sdks_that_are_not_installed_are_well_formed(program: str, language: str, tmp_path: Path) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} to read the snippet with")
    for text in snippets(README, language):
        (tmp_path / "snippet").write_text(text)
        option = "-c" if program == "ruby" else "-l"
        read = subprocess.run(
            [program, option, str(tmp_path / "snippet")], capture_output=True, timeout=30, check=False
        )
        assert read.returncode == 0, read.stderr


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
    (commands,) = snippets(CI, "sh")
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
