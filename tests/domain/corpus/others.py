"""Numbers that are no cards, as shops meet them: made in the formats of the real world, the same ones each time."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

_CHANCE: Final = random.Random(7)  # noqa: S311 (the same each time)

# Seen in the documentation of carriers, banks, standards and telephone companies.
WELL_KNOWN: Final = (
    "+4915112345678",
    "+49 151 1234 5678",
    "+62 812-3456-7890",
    "+44 7911 123456",
    "+1 (415) 555-2671",
    "+1 415 555 2671 ext. 8899",
    "0812 3456 7890 / 0813 9876 5432",
    "4006381333931",
    "4902778915929",
    "4607034171234",
    "978-3-16-148410-0",
    "9783161484100",
    "(01)04012345678901(21)12345678",
    "1Z999AA10123456784",
    "1Z 999 AA1 01 2345 6784",
    "9400 1000 0000 0000 0000 00",
    "9205 5000 0000 0000 0000 00",
    "EA 000 000 000 US",
    "7777 7777 7770",
    "961207712345670",
    "JD014600003456789012",
    "00340434161094042557",
    "RR123456785ID",
    "DE89 3704 0044 0532 0130 00",
    "GB29 NWBK 6016 1331 9268 19",
    "FR14 2004 1010 0505 0001 3M02 606",
    "NL91ABNA0417164300",
    "2026-11-28T10:15:30.123456789Z",
    "20261128101530123456",
    "1795860930123",
    "1795860930123456",
    "1795860930123456789",
    "INV/2026/11/000123",
    "ORD-20261128-000045",
    "SO-4521-20261128-0001",
    "#1001",
    "PO 4500123456",
    "192.168.100.200:50051",
    "-6.2087634, 106.845599",
    "0.4111111111111111",
    "IDR 4.111.111.111,00",
    "411111******1111",
    "4111 11** **** 1111",
    "**** **** **** 1111",
    "ISBN 0-306-40615-2",
    "6f1b2c5e-8d1f-4f0e-9d57-0c6a3f0f2b11",
    "pay_01m8akqvg6yy9nk1f1p7gm8fmk",
)


def digits(count: int) -> str:
    return "".join(_CHANCE.choice("0123456789") for _ in range(count))


def gs1(body: str) -> str:
    total = sum(int(digit) * (1 if at % 2 else 3) for at, digit in enumerate(reversed(body)))
    return body + str(-total % 10)


def a_time() -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=_CHANCE.randrange(4 * 365 * 86_400))


# Country, the beginning of a subscriber's number, and its further digits: the longest plans are among them.
_PLANS: Final = (
    ("49", "151", 8),
    ("49", "1523", 7),
    ("43", "664", 8),
    ("44", "7", 9),
    ("62", "812", 8),
    ("62", "8", 10),
    ("86", "138", 8),
    ("55", "119", 8),
    ("57", "3", 9),
    ("52", "155", 8),
    ("1", "415", 7),
    ("39", "3", 9),
    ("33", "6", 8),
    ("34", "6", 8),
    ("371", "2", 7),
    ("58", "412", 7),
    ("41", "79", 7),
    ("46", "70", 7),
    ("63", "917", 7),
)


def phone() -> str:
    country, area, length = _CHANCE.choice(_PLANS)
    rest = digits(length)
    half = length // 2
    return _CHANCE.choice(
        (
            f"+{country}{area}{rest}",
            f"+{country} {area} {rest}",
            f"+{country} {area} {rest[:half]} {rest[half:]}",
            f"+{country}-{area}-{rest[:half]}-{rest[half:]}",
            f"+{country} ({area}) {rest[:half]}-{rest[half:]}",
            f"0{area} {rest}",
        )
    )


def bare_phone() -> str:
    """For a field that holds nothing else: also without a plus."""
    country, area, length = _CHANCE.choice(_PLANS)
    return _CHANCE.choice(("", "00")) + f"{country}{_CHANCE.choice(('', ' '))}{area}{digits(length)}"


def article() -> str:
    return _CHANCE.choice(
        (
            lambda: gs1(_CHANCE.choice(("400", "426", "490", "460", "471", "500", "570", "899", "978")) + digits(9)),
            lambda: gs1(_CHANCE.choice("0678") + digits(10)),
            lambda: gs1(digits(7)),
            lambda: f"EAN {gs1('40' + digits(10))}",
            lambda: gs1("1" + digits(12)),
        )
    )()


def parcel() -> str:
    return _CHANCE.choice(
        (
            lambda: f"1Z{digits(3)}AA{digits(11)}",
            lambda: f"JD01460000{digits(10)}",
            lambda: gs1("003404341610" + digits(7)),
            lambda: gs1("9" + digits(20)),
            lambda: gs1("94001" + digits(16)),
            lambda: digits(10),
            lambda: digits(12),
            lambda: "9612" + digits(11),
            lambda: f"RR{digits(9)}ID",
            lambda: f"JP{digits(10)}",
            lambda: f"00{digits(10)}",
            lambda: gs1("3" + "4043416" + digits(9)),
        )
    )()


def order_number() -> str:
    time = a_time()
    return _CHANCE.choice(
        (
            lambda: f"ORD-{time:%Y%m%d}-{digits(6)}",
            lambda: f"{time:%Y%m%d}{digits(6)}",
            lambda: f"{time:%Y%m%d%H%M%S}{digits(3)}",
            lambda: f"{time:%y%m%d%H%M%S}{digits(4)}",
            lambda: f"{time:%y%m%d}{digits(7).zfill(10)}",
            lambda: f"INV/{time:%Y/%m}/{digits(5)}",
            lambda: f"{digits(3)}-{digits(7)}-{digits(7)}",
            lambda: f"{time:%y%m%d}{''.join(_CHANCE.choice('ABCDEFGHJKLMNPQRSTUVWXYZ23456789') for _ in range(8))}",
            lambda: f"SO-{digits(4)}-{time:%Y%m%d}-{digits(4)}",
            lambda: digits(_CHANCE.randint(4, 11)),
            lambda: f"45{digits(8)}",
        )
    )()


def moment() -> str:
    seconds = a_time().timestamp()
    return _CHANCE.choice(
        (
            lambda: f"{seconds * 1e3:.0f}",
            lambda: f"{seconds * 1e6:.0f}",
            lambda: f"{int(seconds)}{digits(9)}",
            lambda: a_time().isoformat(),
            lambda: f"{a_time():%Y-%m-%d %H:%M:%S},{digits(3)}",
        )
    )()


def identifier() -> str:
    noise = _CHANCE.getrandbits(128)
    return _CHANCE.choice(
        (
            lambda: str(uuid.UUID(int=noise, version=4)),
            lambda: uuid.UUID(int=noise, version=4).hex,
            lambda: hashlib.sha256(str(noise).encode()).hexdigest(),
            lambda: "pay_" + "".join(_CHANCE.choice("0123456789abcdefghjkmnpqrstvwxyz") for _ in range(26)),
            lambda: str((1 << 60) + (noise % (1 << 58))),
        )
    )()


def iban() -> str:
    bank = _CHANCE.choice("12345678") + digits(17)
    check = 98 - int(bank + "131400") % 97
    text = f"DE{check:02}{bank}"
    return _CHANCE.choice((text, " ".join(text[at : at + 4] for at in range(0, 22, 4))))


def measure() -> str:
    return _CHANCE.choice(
        (
            lambda: repr(_CHANCE.random()),
            lambda: f"{_CHANCE.uniform(-90, 90):.7f}, {_CHANCE.uniform(-180, 180):.6f}",
            lambda: ".".join(str(_CHANCE.randint(1, 255)) for _ in range(4)),
            lambda: f"{_CHANCE.randrange(10**9):,}.{digits(2)}",
        )
    )()


KINDS: Final[dict[str, Callable[[], str]]] = {
    "telephone numbers": phone,
    "EAN, UPC, ISBN, GTIN": article,
    "parcel numbers": parcel,
    "order numbers, with dates and without": order_number,
    "times": moment,
    "UUID, ULID, digests, snowflakes": identifier,
    "IBAN": iban,
    "amounts, coordinates, addresses": measure,
}


def some(make: Callable[[], str], count: int) -> Iterator[str]:
    """The same ones at each call."""
    _CHANCE.seed(make.__name__)
    return iter([make() for _ in range(count)])
