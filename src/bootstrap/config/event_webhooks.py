"""Reads the configuration file of outgoing webhooks: BAYAR_EVENT_WEBHOOKS_FILE."""

import base64
import binascii
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from application.ports.deliveries import Endpoint
from application.ports.feed import FeedKind
from bootstrap.config.settings import BadSettings
from bootstrap.config.urls import plain_url
from domain.ids import CallerId

_FIELDS: Final = {"name", "url", "caller", "types", "secret_env", "secret_file", "start"}
_MIN_SECRET_BYTES: Final = 24


def read_endpoints(path: Path | None, *, allow_private: bool) -> list[Endpoint]:
    """An empty list without a file. Raises BadSettings, which names the entry, the field and the remedy."""
    if path is None:
        return []
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSettings(f"BAYAR_EVENT_WEBHOOKS_FILE names {path}, which cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"BAYAR_EVENT_WEBHOOKS_FILE names {path}, which is no TOML: {error}") from None
    entries = content.get("endpoint", [])
    if set(content) - {"endpoint"} or not isinstance(entries, list):
        raise BadSettings(f"{path}: only [[endpoint]] tables belong here")
    endpoints = [_endpoint(entry, f"{path}: endpoint {n}", allow_private) for n, entry in enumerate(entries, 1)]
    if len({one.name for one in endpoints}) < len(endpoints):
        raise BadSettings(f"{path}: each endpoint needs a name of its own")
    return endpoints


def _endpoint(entry: Mapping[str, Any], where: str, allow_private: bool) -> Endpoint:
    if unknown := sorted(set(entry) - _FIELDS):
        raise BadSettings(f"{where}: {unknown[0]} is no field. There are: {', '.join(sorted(_FIELDS))}")
    for name in ("name", "url", "caller"):
        if not isinstance(entry.get(name), str) or not entry[name]:
            raise BadSettings(f'{where}: {name} is missing. Example: {name} = "{_EXAMPLES[name]}"')
    if entry.get("start", "now") not in ("now", "beginning"):
        raise BadSettings(f'{where}: start must be "now" or "beginning"')
    return Endpoint(
        name=entry["name"],
        url=_url(entry["url"], where, allow_private),
        caller_id=CallerId(entry["caller"]),
        kinds=_kinds(entry.get("types", []), where),
        secrets=_secrets(entry, where),
        from_beginning=entry.get("start", "now") == "beginning",
    )


_EXAMPLES: Final = {"name": "shop", "url": "https://shop.example/bayar", "caller": "shop"}


def _url(url: str, where: str, allow_private: bool) -> str:
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise BadSettings(f"{where}: url must hold no user or password; events are signed instead")
    parts = plain_url(url)
    if parts is None or parts.scheme not in ("http", "https"):
        raise BadSettings(f"{where}: url must be an address such as {_EXAMPLES['url']}")
    if parts.scheme == "http" and not allow_private:
        raise BadSettings(
            f"{where}: url must begin with https:// (http is for tests, with BAYAR_ALLOW_PRIVATE_WEBHOOKS)"
        )
    return url


def _kinds(types: Any, where: str) -> frozenset[FeedKind]:
    known = {kind.value: kind for kind in FeedKind}
    if not isinstance(types, list) or any(name not in known for name in types):
        raise BadSettings(f"{where}: types must be a list of: {', '.join(known)}")
    return frozenset(known[name] for name in types)


def _secrets(entry: Mapping[str, Any], where: str) -> tuple[bytes, ...]:
    """One secret, or two separated by a space during a rotation."""
    variable, path = entry.get("secret_env"), entry.get("secret_file")
    if bool(variable) == bool(path):
        raise BadSettings(
            f'{where}: set one of secret_env and secret_file. Example: secret_env = "SHOP_WEBHOOK_SECRET"'
        )
    if variable:
        text = os.environ.get(str(variable), "")
    else:
        try:
            text = Path(str(path)).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise BadSettings(f"{where}: secret_file {path} cannot be read") from None
    secrets = tuple(_secret(word) for word in text.split())
    if not secrets or any(len(secret) < _MIN_SECRET_BYTES for secret in secrets):
        raise BadSettings(
            f"{where}: the secret must have at least {_MIN_SECRET_BYTES} bytes, as text or as whsec_ and base64. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return secrets


def _secret(word: str) -> bytes:
    if not word.startswith("whsec_"):
        return word.encode()
    try:
        return base64.b64decode(word.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return b""
