"""Connections of strangers leave descriptors for the database and the gateway, and a dead server is no live process."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from typing import Any

import pytest

from bootstrap.config.file_descriptors import (
    connections_within_descriptors,
    raise_descriptor_limit,
    warn_of_few_descriptors,
)
from bootstrap.process.roles import GrpcRole
from tests.adapters.grpc.serving import a_house


@pytest.fixture
def _few_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (600, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("_few_descriptors")
def test_few_descriptors_mean_few_connections_and_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    settings = a_house(grpc_connections=1000, database_connections=24).container.settings()
    assert 0 < connections_within_descriptors(settings) < 250
    warn_of_few_descriptors(settings)
    assert "ulimit -n" in caplog.text


@pytest.mark.usefixtures("_few_descriptors")
def test_the_limit_is_raised_as_far_as_it_goes(caplog: pytest.LogCaptureFixture) -> None:
    raise_descriptor_limit()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == (65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536))
    settings = a_house(grpc_connections=1000).container.settings()
    if soft > 4000:
        assert connections_within_descriptors(settings) == 1000
        warn_of_few_descriptors(settings)
        assert not caplog.text


def test_a_server_that_ends_by_itself_is_told_of() -> None:
    async def serve() -> tuple[bool, bool]:
        house = a_house(grpc_address="127.0.0.1:0")
        calls, told = GrpcRole(house.container, house.container.settings()), asyncio.Event()
        await calls.start()
        calls.on_unexpected_end(told.set)
        inner: Any = house.container.server()._server
        await inner.stop(None)  # as gRPC does it by itself, after a fault of its own
        await asyncio.wait_for(told.wait(), 10)
        failed = calls.has_failed
        await calls.stop()
        return told.is_set(), failed

    assert asyncio.run(serve()) == (True, True)


def test_a_server_that_is_stopped_has_not_failed() -> None:
    async def serve() -> tuple[bool, bool]:
        house = a_house(grpc_address="127.0.0.1:0")
        calls, told = GrpcRole(house.container, house.container.settings()), asyncio.Event()
        await calls.start()
        calls.on_unexpected_end(told.set)
        await calls.stop()
        return told.is_set(), calls.has_failed

    assert asyncio.run(serve()) == (False, False)
