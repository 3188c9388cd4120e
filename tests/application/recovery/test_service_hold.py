"""The hold after a restore, and the delay until a release takes effect."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from application.common.errors import ServiceHeld
from application.recovery.service_hold import Hold, HoldLevel, HoldWatch


@dataclass
class DetachedPayment:
    kept: Hold = field(default_factory=Hold)
    seconds: float = 0.0
    looks: list[float] = field(default_factory=list)

    def hold(self) -> Hold:
        self.looks.append(self.seconds)
        return self.kept

    def set_hold(self, hold: Hold) -> None:
        self.kept = hold

    def renew_mark(self) -> str:
        raise NotImplementedError

    def watch(self) -> HoldWatch:
        return HoldWatch(self, lambda: self.seconds)


@pytest.mark.parametrize(
    ("level", "works", "takes_changes"),
    [(HoldLevel.NONE, True, True), (HoldLevel.BACKGROUND, False, True), (HoldLevel.ALL, False, False)],
)
def test_a_level_shows_the_held_amount(level: HoldLevel, works: bool, takes_changes: bool) -> None:
    watch = DetachedPayment(Hold(level, "restored")).watch()
    assert watch.unless_held(lambda: 7)() == (7 if works else 0)
    if takes_changes:
        watch.must_take_changes()
        return
    with pytest.raises(ServiceHeld) as refusal:
        watch.must_take_changes()
    assert refusal.value.reason == "restored"


def test_the_database_is_looked_at_once_a_second_and_a_release_is_seen_then() -> None:
    kept = DetachedPayment(Hold(HoldLevel.ALL))
    watch = kept.watch()
    work = watch.unless_held(lambda: 1)
    for tenth in range(30):
        kept.seconds = tenth / 10
        if tenth == 15:
            kept.set_hold(Hold())
        assert work() == (1 if kept.seconds >= 2 else 0)
    assert kept.looks == [0, 1, 2]
