"""Bugs in sending: calls that are sent more often than they are started."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from adapters import cooperation
from adapters.braintree.gateway import BraintreeAdapter
from tests.crash.mutations.patching import Patch, replace_function


def send_twice(owner: Any, name: str, when: Callable[..., bool] = lambda *_: True, probability: float = 1.0) -> Patch:
    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def send(*arguments: Any) -> Any:
            first = original(*arguments)
            if when(*arguments) and random.random() < probability:  # noqa: S311
                original(*arguments)
            return first

        return send

    return replace_function(owner, name, mutate)


def by_the_resolver(*_: Any) -> bool:
    return not (cooperation.is_cooperative() or threading.current_thread().name.startswith("call"))


def by_a_caller(*_: Any) -> bool:
    return not by_the_resolver()


def pays_with(kind: type) -> Callable[..., bool]:
    return lambda _, authorization, *__: isinstance(authorization.source, kind)


def sent_again_if(kind: type) -> Patch:
    """Send a sale with this outcome once more under the same operation."""

    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def send(*arguments: Any) -> Any:
            outcome = original(*arguments)
            return original(*arguments) if isinstance(outcome, kind) else outcome

        return send

    return replace_function(BraintreeAdapter, "authorize", mutate)


def resend_lost_answers(original: Callable[..., Any]) -> Callable[..., Any]:
    def http_do(*arguments: Any) -> Any:
        try:
            return original(*arguments)
        except Exception as failure:
            if type(failure).__name__ != "AnswerLost":
                raise
            return original(*arguments)

    return http_do
