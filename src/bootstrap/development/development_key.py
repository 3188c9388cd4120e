"""Creates API keys for development without being asked, in files that only their owner can read."""

import os
from pathlib import Path
from typing import Final

from adapters.persistence.sql.engine import create_engine
from adapters.persistence.store import SqlStore
from application.access.issue_key import IssueKey
from application.access.manage_api_keys import CreateApiKey
from application.access.manage_operators import AddOperator, CreateOperatorKey
from application.common.api_key import parse_key
from application.common.caller import EVERY_SCOPE
from application.common.errors import NotAuthenticated
from application.common.operator import OperatorRight
from application.ports.store import Store
from bootstrap.wiring.clock_and_ids import SystemClock, UlidSource
from domain.ids import OperatorId

KEY_FILE: Final = "api_key"
OPERATOR_KEY_FILE: Final = "operator_key"
# Beside it, the form that `buf curl -H @FILE` reads, so that the key is in no command's arguments.
HEADER_SUFFIX: Final = ".header"

_CALLER: Final = "default"
_OPERATOR: Final = "Developer"


def issue_development_key(database_url: str, path: Path) -> None:
    """Writes a key to the file that the service on this database accepts. Raises StoreUnavailable and OSError."""
    engine = create_engine(database_url)
    try:
        ensure_development_key(SqlStore(engine, UlidSource()), path)
    finally:
        engine.dispose()


def ensure_development_key(store: Store, path: Path) -> None:
    """Writes a new key to the file, unless it holds one that the store knows. Raises StoreUnavailable and OSError."""
    if _is_good(store, path):
        return
    create = CreateApiKey(IssueKey(store, SystemClock(), UlidSource(), os.urandom))
    _, key = create(_CALLER, EVERY_SCOPE, note="for development")
    _write(path, key)
    _write(path.with_suffix(HEADER_SUFFIX), f"authorization: Bearer {key}")


def ensure_operators_key(store: Store, path: Path) -> None:
    """Writes a new key of an operator with every right to the file, unless it holds one that the store knows.

    Raises StoreUnavailable and OSError.
    """
    if _is_good(store, path):
        return
    clock, ids = SystemClock(), UlidSource()
    operator = AddOperator(store, clock, ids)(_OPERATOR, frozenset(OperatorRight))
    _, key = CreateOperatorKey(IssueKey(store, clock, ids, os.urandom))(operator.operator_id, note="for development")
    _write(path, key)


def _is_good(store: Store, path: Path) -> bool:
    """Whether the file has a key that the store knows, with every scope, or of an operator with every right."""
    try:
        key_id, secret = parse_key(path.read_text().strip() if path.is_file() else "")
        now = SystemClock().now()
        with store.read() as work:
            kept = work.api_keys.get(key_id)
            operator = work.operators.get(OperatorId(kept.caller_id)) if kept is not None else None
        if kept is None:
            return False
        caller = kept.caller(secret, now)
    except NotAuthenticated:
        return False
    if operator is not None:
        return operator.rights == frozenset(OperatorRight) and not operator.is_revoked(now)
    return caller.scopes == EVERY_SCOPE


def _write(path: Path, text: str) -> None:
    # Only its owner may read it, from the first moment on.
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
