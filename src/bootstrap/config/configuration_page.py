"""Generates docs/operate/configuration.md from the settings: python -m bootstrap.config.configuration_page > FILE."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from pydantic import SecretStr

from bootstrap.config.settings import Settings

# A path in a description is a link on the page, which stands in docs/operate.
_PATH: Final = re.compile(r"docs/(\w+)/([\w-]+\.md)")

_HEAD: Final = """# Configuration

Bayar is configured by environment variables. A wrong, missing or misspelled one stops the start with a sentence that
names it, says what it means, and gives an example. `make run` and `make demo` set what they need themselves.

A secret can stand in a file instead: `BAYAR_SECRET_KEY_FILE=/run/secrets/bayar` in place of `BAYAR_SECRET_KEY`, and so
for `BAYAR_ENCRYPTION_KEYS`, `BAYAR_BRAINTREE_PRIVATE_KEY` and `BAYAR_DATABASE_URL`.

| Variable | Default | Meaning | Example |
|---|---|---|---|
"""

_TAIL: Final = """
## Talking to Braintree

With `BAYAR_BRAINTREE_ENVIRONMENT=sandbox` or `production` the same service talks to Braintree with your own keys, and
nothing else changes:

```sh
export BAYAR_BRAINTREE_ENVIRONMENT=sandbox
export BAYAR_BRAINTREE_MERCHANT_ID=your_merchant_id
export BAYAR_BRAINTREE_PUBLIC_KEY=your_public_key
export BAYAR_BRAINTREE_PRIVATE_KEY=your_private_key
export BAYAR_DATABASE_URL=sqlite:///bayar.db
export BAYAR_ENCRYPTION_KEYS="first:$(python3 -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())')"
bayar serve
```

Keep the encryption key: what it encrypted cannot be read without it. [security.md](security.md) tells how to rotate it.

With SQLite the schema is migrated at start. With PostgreSQL run `bayar migrate` first, with the same settings.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_row(name) for name in Settings.model_fields) + _TAIL


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    example = (field.examples or [""])[0]
    meaning = _PATH.sub(r"[\2](../\1/\2)", field.description or "")
    default = _default(field.default, field.is_required())
    return f"| `BAYAR_{name.upper()}` | {default} | {meaning} | `{example}` |\n"


def _default(value: object, required: bool) -> str:
    if required:
        return "**required**"
    if value in (None, "", {}) or isinstance(value, SecretStr):
        return "not set"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, StrEnum):
        return f"`{value.value}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
