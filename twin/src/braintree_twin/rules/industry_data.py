"""Industry data of lodging, cruises and flights. It is validated, and not stored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from braintree_twin.params import Params
from braintree_twin.rules.money import AmountRule
from braintree_twin.validation import Errors

TYPE_INVALID = "93401"
CHECK_OUT_TOO_EARLY = "93406"
TRAVEL_PACKAGE_INVALID = "93410"
LEGS_EXPECTED, TOO_MANY_LEGS, MAX_LEGS = "93431", "93432", 4
RESTRICTED_TICKET_REQUIRED = "93426"
CHARGE_KIND_INVALID, CHARGE_KIND_TWICE = "96601", "96602"

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_FLAG = re.compile(r"true|false|1|0")
_PHONE = re.compile(r"[0-9()+\-. ]{1,30}", re.ASCII)
_PACKAGES = re.compile(r"flight|car|car_rental|hotel|lodging|cruise|both|neither")
_CHARGE_KINDS = frozenset({"restaurant", "gift_shop", "mini_bar", "telephone", "laundry", "other"})
_CHARGE = AmountRule("96604", negative="96603", not_positive="96603", too_large="96605", required="96606")


@dataclass(frozen=True, slots=True)
class Industry:
    """The checks of one industry's fields, each with its error code."""

    empty: str
    unknown: str
    fields: frozenset[str]
    forms: dict[str, tuple[re.Pattern[str], str]]
    days: dict[str, str]
    lengths: dict[str, tuple[int, str]]
    amounts: dict[str, AmountRule]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


LODGING = Industry(
    empty="93402",
    unknown="93407",
    fields=_names(
        "folio_number check_in_date check_out_date room_rate room_tax no_show advanced_deposit fire_safe "
        "property_phone additional_charges"
    ),
    forms={
        "folio_number": (re.compile(r"[A-Za-z0-9\-]{1,25}"), "93403"),
        "no_show": (_FLAG, "93439"),
        "advanced_deposit": (_FLAG, "93440"),
        "fire_safe": (_FLAG, "93441"),
        "property_phone": (_PHONE, "93442"),
    },
    days={"check_in_date": "93404", "check_out_date": "93405"},
    lengths={},
    amounts={
        "room_rate": AmountRule("93434", negative="93433", not_positive="93433", too_large="93435"),
        "room_tax": AmountRule("93437", negative="93436", too_large="93438"),
    },
)
CRUISE = Industry(
    empty="93408",
    unknown="93409",
    fields=_names("travel_package departure_date lodging_check_in_date lodging_check_out_date lodging_name"),
    forms={"travel_package": (_PACKAGES, TRAVEL_PACKAGE_INVALID)},
    days={"departure_date": "93411", "lodging_check_in_date": "93412", "lodging_check_out_date": "93413"},
    lengths={},
    amounts={},
)
FLIGHT = Industry(
    empty="93414",
    unknown="93415",
    fields=_names(
        "passenger_first_name passenger_last_name passenger_middle_initial passenger_title issued_date "
        "travel_agency_name travel_agency_code ticket_number issuing_carrier_code customer_code fare_amount "
        "fee_amount tax_amount restricted_ticket no_show arrival_date ticket_issuer_address date_of_birth "
        "country_code legs"
    ),
    forms={},
    days={"issued_date": "93423"},
    lengths={
        "customer_code": (17, "93416"),
        "issuing_carrier_code": (4, "93424"),
        "passenger_middle_initial": (1, "93425"),
        "ticket_number": (15, "93430"),
    },
    amounts={
        "fare_amount": AmountRule("93418", negative="93417", too_large="93419"),
        "fee_amount": AmountRule("93421", negative="93420", too_large="93422"),
        "tax_amount": AmountRule("93428", negative="93427", too_large="93429"),
    },
)
LEG = Industry(
    empty="93415",
    unknown="93415",
    fields=_names(
        "conjunction_ticket exchange_ticket coupon_number service_class carrier_code fare_basis_code "
        "flight_number departure_date departure_airport_code departure_time arrival_airport_code arrival_time "
        "stopover_permitted fare_amount fee_amount tax_amount endorsement_or_restrictions ticket_number"
    ),
    forms={"arrival_time": (_TIME, "96302"), "departure_time": (_TIME, "96307")},
    days={},
    lengths={
        "arrival_airport_code": (5, "96301"),
        "carrier_code": (4, "96303"),
        "conjunction_ticket": (15, "96304"),
        "coupon_number": (1, "96305"),
        "departure_airport_code": (5, "96306"),
        "exchange_ticket": (15, "96308"),
        "fare_basis_code": (15, "96312"),
        "service_class": (2, "96316"),
        "ticket_number": (15, "96320"),
    },
    amounts={
        "fare_amount": AmountRule("96310", negative="96309", too_large="96311"),
        "fee_amount": AmountRule("96314", negative="96313", too_large="96315"),
        "tax_amount": AmountRule("96318", negative="96317", too_large="96319"),
    },
)
INDUSTRIES = {"lodging": LODGING, "travel_cruise": CRUISE, "travel_flight": FLIGHT}


def check_industry(params: Params, currency: str, errors: Errors) -> None:
    """Validate the industry data of a sale, if there is any. Adds to `errors`."""
    section, faults = params.section("industry"), errors.on("industry")
    if not section:
        return
    kind, data = section.text("industry_type"), section.section("data")
    industry = INDUSTRIES.get(kind or "")
    if industry is None:
        faults.add("industry_type", TYPE_INVALID)
        return
    _check_fields(data, industry, currency, faults)
    if industry is LODGING:
        _check_stay(data, faults)
        _check_charges(data, currency, faults)
    elif industry is CRUISE and data and not data.has("travel_package"):
        faults.add("travel_package", TRAVEL_PACKAGE_INVALID)
    elif industry is FLIGHT:
        _check_flight(data, currency, faults)


def _check_fields(data: Params, industry: Industry, currency: str, errors: Errors) -> None:
    if not data:
        errors.add("base", industry.empty)
    for name in data:
        errors.add("base", industry.unknown if name not in industry.fields else None)
    for name, (form, code) in industry.forms.items():
        text = data.text(name)
        errors.add(name, code if text is not None and not form.fullmatch(text) else None)
    for name, code in industry.days.items():
        errors.add(name, code if data.has(name) and _day(data.text(name)) is None else None)
    for name, (longest, code) in industry.lengths.items():
        errors.add(name, code if len(data.text(name) or "") > longest else None)
    for name, rule in industry.amounts.items():
        errors.add(name, rule.check(data.text(name), currency)[1])


def _day(text: str | None) -> date | None:
    # The SDKs send a date object as a datetime.
    day = (text or "").partition("T")[0]
    if not _DAY.fullmatch(day):
        return None
    try:
        return date.fromisoformat(day)
    except ValueError:
        return None


def _check_stay(data: Params, errors: Errors) -> None:
    arrival, departure = _day(data.text("check_in_date")), _day(data.text("check_out_date"))
    if arrival and departure and departure <= arrival:
        errors.add("check_out_date", CHECK_OUT_TOO_EARLY)


def _check_charges(data: Params, currency: str, errors: Errors) -> None:
    seen: set[str] = set()
    for place, charge in enumerate(data.sections("additional_charges")):
        faults = errors.on("additional_charges").on(f"index_{place}")
        kind = charge.text("kind") or ""
        faults.add("kind", CHARGE_KIND_INVALID if kind not in _CHARGE_KINDS else None)
        if kind in seen:
            errors.add("additional_charges", CHARGE_KIND_TWICE)
        seen.add(kind)
        faults.add("amount", _CHARGE.check(charge.text("amount"), currency)[1])


def _check_flight(data: Params, currency: str, errors: Errors) -> None:
    if data and not data.has("restricted_ticket"):
        errors.add("restricted_ticket", RESTRICTED_TICKET_REQUIRED)
    legs = data.sections("legs")
    if not legs:
        errors.add("legs", LEGS_EXPECTED)
    elif len(legs) > MAX_LEGS:
        errors.add("legs", TOO_MANY_LEGS)
    for place, leg in enumerate(legs):
        _check_fields(leg, LEG, currency, errors.on("legs").on(f"index_{place}"))
