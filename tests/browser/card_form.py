"""A card form of Hosted Fields on the shop's page, filled as a person does it: by keyboard, in the gateway's frames."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Locator

from tests.browser.shop import Shop

INPUTS = {
    "number": "credit-card-number",
    "expirationDate": "expiration",
    "expirationMonth": "expiration-month",
    "expirationYear": "expiration-year",
    "cvv": "cvv",
    "postalCode": "postal-code",
    "cardholderName": "cardholder-name",
}
CARD: dict[str, Any] = {"number": {}, "expirationDate": {}, "cvv": {}}
NEXT_YEAR = datetime.now(UTC).year + 1
EXPIRY = f"12{NEXT_YEAR}"

_CREATE = """
document.body.insertAdjacentHTML("beforeend",
  "<form>" + Object.keys(given.fields).map((key) =>
    `<label for="of-${key}">${key}</label><div id="of-${key}" style="height: 40px"></div>`).join("") +
  "<button id=pay>Pay</button></form>");
document.forms[0].addEventListener("submit", (event) => event.preventDefault());
const fields = Object.fromEntries(Object.entries(given.fields).map(([key, options]) =>
  [key, {container: `#of-${key}`, ...options}]));
window.events = [];
const access = window.client ? {client} : {authorization: given.authorization};
window.hosted = await braintree.hostedFields.create({...access, fields, ...given.options});
["focus", "blur", "empty", "notEmpty", "validityChange", "cardTypeChange", "inputSubmitRequest"].forEach((type) =>
  hosted.on(type, (event) => events.push({type, field: event.emittedBy, cards: event.cards.map((card) => card.type),
    supported: event.cards.map((card) => card.supported), valid: event.fields[event.emittedBy].isValid,
    possible: event.fields[event.emittedBy].isPotentiallyValid})));
hosted.on("binAvailable", (event) => events.push({type: "binAvailable", bin: event.bin}));
"""


class CardForm:
    """The form, and the component that made it (`hosted` in the page).

    A page without the script of the client leaves it to the component to load one.
    """

    def __init__(self, shop: Shop, authorization: str, fields: dict[str, Any], **options: Any) -> None:
        self.shop = shop
        if shop.run("return 'client' in braintree;"):
            shop.create_client(authorization)
        failed = shop.run(_CREATE, authorization=authorization, fields=fields, options=options)
        assert not failed, failed

    def input(self, field: str) -> Locator:
        frame = self.shop.page.frame_locator(f"iframe[name=braintree-hosted-field-{field}]")
        return frame.locator(f"#{INPUTS[field]}")

    def type(self, field: str, text: str) -> None:
        """Press the keys of the text, one by one."""
        self.input(field).press_sequentially(text)

    def fill(self, number: str = "4111111111111111", expiry: str = EXPIRY, cvv: str = "123") -> None:
        for field, text in (("number", number), ("expirationDate", expiry), ("cvv", cvv)):
            self.type(field, text)

    def tokenize(self, **options: Any) -> Any:
        return self.shop.run("return hosted.tokenize(given);", **options)

    def state(self, field: str) -> tuple[bool, bool]:
        """Whether the field is valid, and whether it may become so."""
        found = self.shop.run("const {fields} = hosted.getState(); return fields[given.field];", field=field)
        return found["isValid"], found["isPotentiallyValid"]

    def events(self, *types: str) -> list[dict[str, Any]]:
        """The events of these types so far, as the shop's page received them."""
        self.tokenize(fieldsToTokenize=[])  # Its answer comes after every message that was sent before it.
        found: list[dict[str, Any]] = self.shop.run("return events;")
        return [event for event in found if event["type"] in types]
