"""Generates docs/operate/configuration.md from the settings: python -m bootstrap.config.configuration_page > FILE."""

import re
from typing import Final

from pydantic import SecretStr

from bootstrap.config.settings import Settings, example_of, meaning_of, text_of

# A path in a description is a link on the page, which stands in docs/operate.
_PATH: Final = re.compile(r"docs/(\w+)/([\w-]+\.md)")

_HEAD: Final = """# Configuration

Set environment variables. A missing, wrong or misspelled one stops the start: the message names it, its meaning and an
example. `make run` and `make demo` set what they need.

**Talk to Braintree:**

```sh
export BAYAR_BRAINTREE_ENVIRONMENT=sandbox    # or production
export BAYAR_BRAINTREE_MERCHANT_ID=your_merchant_id
export BAYAR_BRAINTREE_PUBLIC_KEY=your_public_key
export BAYAR_BRAINTREE_PRIVATE_KEY=your_private_key
export BAYAR_DATABASE_URL=sqlite:///bayar.db
export BAYAR_ENCRYPTION_KEYS="first:$(python3 -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())')"
bayar serve
```

Store the encryption key: without it the data cannot be read. [security.md](security.md#rotate-keys) shows how to rotate
it.

SQLite migrates its schema at the start. For PostgreSQL run `bayar migrate` first, with the same settings.

**Secrets from files:** `BAYAR_SECRET_KEY_FILE=/run/secrets/bayar` replaces `BAYAR_SECRET_KEY`. This also works for
`BAYAR_ENCRYPTION_KEYS`, `BAYAR_BRAINTREE_PRIVATE_KEY` and `BAYAR_DATABASE_URL`.

| Variable | Default | Meaning | Example |
|---|---|---|---|
"""


def page() -> str:
    return _HEAD + "".join(_row(name) for name in Settings.model_fields)


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    meaning = _PATH.sub(r"[\2](../\1/\2)", meaning_of(name))
    default = _default(field.default, field.is_required())
    example = example_of(name).replace("|", "\\|")
    return f"| `BAYAR_{name.upper()}` | {default} | {meaning} | `{example}` |\n"


def _default(value: object, required: bool) -> str:
    if required:
        return "**required**"
    if value in (None, "", {}) or isinstance(value, SecretStr):
        return "not set"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{text_of(value)}`"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
