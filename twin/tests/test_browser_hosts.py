"""The twin stands in for the hosts that serve braintree-web: its scripts, and the frames of Hosted Fields."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import braintree
import pytest

from braintree_twin.browser.hosted_fields import hosted_fields_page
from braintree_twin.cli import main
from braintree_twin.testing import Twin, start_twin

# The lines of npm's scripts that name hosts.
HOSTS_CHECKED = """var legalHosts = {
  "braintree-api.com": 1,
};
if (!/^https:/.test(url)) { return false; }
var LOGGER = "https://www.paypal.com/xoplatform/logger/api/logger", ASSETS = "https://assets.braintreegateway.com:443/web";
var OTHER = "https://example.com/";
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as npm installs braintree-web, with one script."""
    folder = tmp_path_factory.mktemp("node_modules") / "braintree-web"
    scripts = folder / "dist" / "browser"
    scripts.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"name": "braintree-web", "version": "3.144.0"}))
    (scripts / "client.js").write_text("window.loaded = true;")
    (scripts / "hosted-fields.js").write_text(HOSTS_CHECKED)
    (folder / "dist" / "secret.js").write_text("no script of the package")
    return folder


@pytest.fixture(scope="module")
def serving(package: Path) -> Iterator[Twin]:
    with start_twin(plain=True, arguments=("--braintree-web", str(package))) as running:
        yield running


@pytest.fixture(scope="module")
def for_people(package: Path) -> Iterator[Twin]:
    arguments = ("--browser-address", "127.0.0.1:0", "--braintree-web", str(package))
    with start_twin(plain=True, arguments=arguments) as running:
        yield running


def get(twin: Twin, path: str, port: int | None = None) -> tuple[int, str, str]:
    """Status, content type and text."""
    connection = http.client.HTTPConnection("localhost", port or twin.port, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers["Content-Type"] or "", text


@pytest.mark.parametrize("name", ["client.min.js", "client.js"])
def test_a_script_of_the_package_is_served_at_the_gateways_address(serving: Twin, name: str) -> None:
    status, kind, text = get(serving, f"/web/3.144.0/js/{name}")
    assert (status, kind, text) == (200, "text/javascript; charset=utf-8", "window.loaded = true;")


@pytest.mark.parametrize(
    "path",
    [
        "/web/3.143.0/js/client.min.js",
        "/web/3.144.0/js/nothing.min.js",
        "/web/3.144.0/js/../secret.js",
        "/web/3.144.0/js/%2e%2e%2fsecret.js",
    ],
)
def test_nothing_else_is_served_as_a_script(serving: Twin, path: str) -> None:
    status, kind, _ = get(serving, path)
    assert status in (401, 404)
    assert "javascript" not in kind


@pytest.mark.parametrize("name", ["hosted-fields-frame.min.html", "hosted-fields-frame.html"])
def test_a_frame_of_hosted_fields_loads_its_script_from_its_own_host(serving: Twin, name: str) -> None:
    status, kind, text = get(serving, f"/web/3.144.0/html/{name}")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    script = text.partition('<script src="')[2].partition('"')[0]
    assert get(serving, script)[1] == "text/javascript; charset=utf-8"


def test_a_frame_runs_no_script_but_its_own() -> None:
    page = hosted_fields_page("/web/3.144.0/html/hosted-fields-frame.min.html")
    assert page is not None
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert hosted_fields_page("/web/3.144.0/html/hosted-fields-frame.min.html.bak") is None


def test_a_folder_without_the_package_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--braintree-web", str(tmp_path)])
    assert "is not npm's braintree-web" in capsys.readouterr().err


def test_a_persons_browser_gets_a_copy_that_accepts_the_twins_address(for_people: Twin) -> None:
    url = for_people.browser_url
    port = urlsplit(url).port
    path = "/web/3.144.0/js/hosted-fields.min.js"
    _, _, copy = get(for_people, path, port)
    assert url == f"http://localhost:{port}"
    assert '"localhost": 1,' in copy
    assert "/^https?:/.test(url)" in copy
    assert f'"{url}/xoplatform/logger/api/logger", ASSETS = "{url}/web"' in copy
    assert '"https://example.com/"' in copy
    assert get(for_people, path)[2] == HOSTS_CHECKED


def test_client_tokens_name_the_address_for_a_persons_browser(for_people: Twin) -> None:
    class Environment(braintree.Environment):
        protocol = "http://"

    host, port = for_people.host, str(for_people.port)
    environment = Environment("twin", host, port, for_people.url, False, None, host, port)
    configuration = braintree.Configuration(
        environment, for_people.merchant_id, public_key=for_people.public_key, private_key=for_people.private_key
    )
    token = json.loads(base64.b64decode(braintree.BraintreeGateway(configuration).client_token.generate()))
    assert token["clientApiUrl"].startswith(f"{for_people.browser_url}/merchants/")
    assert token["assetsUrl"] == for_people.browser_url
