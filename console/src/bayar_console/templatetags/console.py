"""Filters of the templates: words, times and methods for people."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import get_language_info

from bayar import Instrument, OpenEnum, PaymentEvent, PaymentEventType
from bayar_console.words import word

register = template.Library()
register.filter("word", word)


@register.filter
def when(time: datetime | None) -> str:
    """A time in the console's zone, to the minute; empty for none."""
    if time is None:
        return ""
    return date_format(time.astimezone(ZoneInfo(settings.CONSOLE.time_zone)), "j M Y H:i")


@register.filter
def instrument_text(instrument: Instrument | None) -> str:
    """ "Visa 1111", or the wallet with its account."""
    if instrument is None:
        return ""
    kind = "" if instrument.brand else instrument.kind.name.replace("_", " ").capitalize()
    parts = (instrument.brand or kind, instrument.last_four, instrument.account)
    return " ".join(part for part in parts if part)


@register.filter
def has_more_to_say(event: PaymentEvent, language: str) -> bool:
    """Whether the service's sentence, which is English, says more in that language than the words for the event."""
    return language == "en" or event.type in _TOLD_BY_SENTENCE


@register.filter
def language_name(code: str) -> str:
    """The language's own name; the code of one that the console does not know."""
    try:
        return str(get_language_info(code)["name_local"]).capitalize()
    except KeyError:
        return code


@register.filter
def tone(state: OpenEnum) -> str:
    """The look of a state: good, bad, waiting or quiet."""
    return _TONES.get(state.name, "quiet")


@register.simple_tag
def percent(part: Any) -> str:
    """A number for SVG, with a point whatever the language."""
    return f"{float(part):.2f}"


# Differences, and what others did: nothing else on the page says it.
_TOLD_BY_SENTENCE = {
    PaymentEventType.DIFFERENCE_REPAIRED,
    PaymentEventType.DISPUTE_CHANGED,
    PaymentEventType.OUTSIDE_OPERATION_RECORDED,
    PaymentEventType.OPERATION_FAILED,
}
_TONES = {
    "PENDING": "waiting",
    "AUTHORIZED": "waiting",
    "STARTED": "waiting",
    "SCHEDULED": "waiting",
    "UNDER_REVIEW": "waiting",
    "CAPTURED": "good",
    "SETTLED": "good",
    "DISBURSED": "good",
    "SUCCEEDED": "good",
    "ACTIVE": "good",
    "WON": "good",
    "DECLINED": "bad",
    "FAILED": "bad",
    "SETTLEMENT_DECLINED": "bad",
    "DISPUTED": "bad",
    "OPEN": "bad",
    "LOST": "bad",
    "DEAD": "bad",
    "EXPIRED": "bad",
}
