"""The compose file, as Docker Compose reads it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from functools import cache
from pathlib import Path
from shutil import copy
from typing import Any, Final

import pytest

from bootstrap.config.encryption_settings import encryption_keys_of
from bootstrap.config.settings import load_settings
from tests.deploy.tools import DEPLOY, ROOT, Document, tool
from tests.languages.toolchain import attempt, run

_FILE: Final = DEPLOY / "compose" / "compose.yaml"


@cache
def compose() -> Document:
    answer: Document = json.loads(run([tool("docker-compose"), "-f", _FILE, "config", "--format", "json"]).stdout)
    return answer


def service(name: str) -> Document:
    found: Document = compose()["services"][name]
    return found


def test_a_misspelled_key_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(_FILE.read_text("utf-8").replace("stop_grace_period", "stop_grace_perod"), "utf-8")
    assert attempt([tool("docker-compose"), "-f", wrong, "config", "--quiet"]).returncode != 0


def test_every_mounted_file_exists() -> None:
    sources = [
        one["source"]
        for name in compose()["services"]
        for one in service(name).get("volumes", [])
        if one["type"] == "bind"
    ]
    assert len(sources) >= 4
    assert [one for one in sources if not Path(one).exists()] == []


def test_every_port_is_open_on_the_loopback_address_only() -> None:
    ports = [port for name in compose()["services"] for port in service(name).get("ports", [])]
    assert len(ports) >= 5
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


@pytest.mark.parametrize("name", ["bayar", "migrate", "twin"])
def test_our_containers_have_no_rights(name: str) -> None:
    one = service(name)
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]


def test_docker_waits_until_the_service_has_stopped() -> None:
    grace = int(service("bayar")["environment"]["BAYAR_STOP_GRACE_SECONDS"])
    assert service("bayar")["stop_grace_period"] == "1m30s"
    assert grace + 10 <= 90


def test_the_stages_that_are_built_exist() -> None:
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text("utf-8")
    for name in ("bayar", "migrate", "twin"):
        build: Any = service(name)["build"]
        assert Path(build["context"]) == ROOT
        assert f" AS {build['target']}\n" in dockerfile
        assert (ROOT / build["dockerfile"]).exists()


@pytest.mark.parametrize("name", ["bayar", "migrate"])
def test_the_settings_are_accepted_with_the_secrets_that_the_script_makes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(DEPLOY / "compose" / "make-secrets.sh", tmp_path)
    run(["sh", tmp_path / "make-secrets.sh"])
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    # Set by the image.
    monkeypatch.setenv("BAYAR_GRPC_ADDRESS", "0.0.0.0:50051")
    for variable, value in service(name)["environment"].items():
        value = value.replace("/run/secrets", str(tmp_path / "secrets")).replace(
            "/var/lib/twin/tls/ca.pem", str(ca_file)
        )
        monkeypatch.setenv(variable, value)
    settings = load_settings()
    password = (tmp_path / "secrets" / "postgres-password").read_text("utf-8").strip()
    assert settings.database_url == f"postgresql://bayar:{password}@postgres/bayar"
    mounted = {secret["source"] for secret in service(name)["secrets"]}
    assert {Path(value).name for key, value in service(name)["environment"].items() if key.endswith("_FILE")} - {
        "ca.pem"
    } == mounted


def test_the_script_keeps_the_secrets_that_are_there(tmp_path: Path) -> None:
    copy(DEPLOY / "compose" / "make-secrets.sh", tmp_path)
    first, second = (_secrets(tmp_path) for _ in range(2))
    assert first == second
    assert set(first) == set(compose()["secrets"])
    ((name, key),) = encryption_keys_of(first["encryption-keys"])
    assert (name, len(key)) == ("first", 32)


def _secrets(folder: Path) -> dict[str, str]:
    subprocess.run(["sh", str(folder / "make-secrets.sh")], check=True, timeout=60)
    secrets = folder / "secrets"
    # Root of the host and its owner alone enter the folder; the container's user reads the mounted file.
    assert stat.S_IMODE(os.stat(secrets).st_mode) == 0o700
    assert {stat.S_IMODE(os.stat(file).st_mode) for file in secrets.iterdir()} == {0o444}
    return {file.name: file.read_text("utf-8") for file in secrets.iterdir()}
