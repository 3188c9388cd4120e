"""Values cannot be changed, have no stray attributes, and hide what a log must not hold."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import application
import domain

# They count, or remember where they stopped.
CHANGEABLE = {
    "application.common.not_found_horizon._Sighting",
    "application.disputes.find_new_disputes.FindNewDisputes",
    "application.audit.refused_calls._Tally",
    "application.payment_methods.retry_without_refused_record.RefusalRemedies",
}

# Card data, credentials and what says who somebody is.
HIDDEN = {
    *("number", "cvv", "expiry", "expiration_month", "expiration_year", "cardholder_name", "unique_number_identifier"),
    *("given_name", "family_name", "company", "email", "phone", "account", "client_address"),
    *("street_address", "extended_address", "locality", "region", "postal_code"),
    *("token", "gateway_token", "key", "secrets", "secret_hash", "authorization", "certificate", "content", "evidence"),
    *("card", "resource", "value", "event"),
}
# A shop's own phone, what may be shown of a card, and whether a code matched.
SHOWN = {
    *("DisputeReport.evidence", "DisputeAnswered.evidence", "StatementDescriptor.phone", "Instrument.expiry"),
    "PaymentAfter.event",
    *("Verification.cvv", "Verification.postal_code", "Verification.street_address"),
}

# Told apart by everything but the plan of looks, a fresh decline by more than the record keeps of it, and the gateway's
# times that earlier versions did not record: a snapshot that has them is no news beside one that has not.
PLAN = {"next_check_time", "check_count"}
UNCOMPARED = PLAN | {"is_cured_by_time"}
UNCOMPARED |= {"capture_time", "end_time", "settlement_batch_id", "open_time", "state_time"}


def dataclasses_of_the_core() -> Iterator[type]:
    for package in (domain, application):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == module.name:
                    yield value


CORE = {f"{one.__module__}.{one.__name__}": one for one in dataclasses_of_the_core()}


@pytest.mark.parametrize("name", sorted(CORE))
def test_a_value_is_frozen_and_has_slots(name: str) -> None:
    assert CORE[name].__dataclass_params__.frozen == (name not in CHANGEABLE)  # type: ignore[attr-defined]
    assert "__slots__" in vars(CORE[name])


@pytest.mark.parametrize("name", sorted(CORE))
def test_secrets_are_hidden_in_logs(name: str) -> None:
    for field in dataclasses.fields(CORE[name]):
        if field.name in HIDDEN and f"{CORE[name].__name__}.{field.name}" not in SHOWN:
            assert not field.repr, field.name


@pytest.mark.parametrize("name", sorted(CORE))
def test_only_the_plan_of_looks_is_left_out_of_a_comparison(name: str) -> None:
    assert {field.name for field in dataclasses.fields(CORE[name]) if not field.compare} <= UNCOMPARED
    assert {field.name for field in dataclasses.fields(CORE[name]) if field.name in PLAN and field.compare} == set()
