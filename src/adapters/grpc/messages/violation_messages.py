"""Field violation messages: a sentence with the remedy for each validation rule. No sentence repeats the input."""

from typing import Final

from application.common.errors import FieldViolation, Rule

SENTENCES: Final = {
    Rule.REQUIRED: "is required: set it.",
    Rule.UUID: "must be a UUID such as 6f1b2c5e-8d1f-4f0e-9d57-0c6a3f0f2b11: make a new one for each new request.",
    Rule.ID: 'must be an id of this service: "{limit}_" and 26 characters, as an earlier answer gave it.',
    Rule.EXACTLY_ONE: "needs exactly one of: {limit}.",
    Rule.POSITIVE: "must be at least 1, in minor units: send the amount that is to be moved.",
    Rule.AT_MOST: "must be at most {limit}.",
    Rule.NOT_NEGATIVE: "must not be negative: send 0 for the default.",
    Rule.MAX_CHARACTERS: "must have at most {limit} characters: shorten it.",
    Rule.NO_CONTROL_CHARACTERS: "must not contain control characters, line breaks or noncharacters such as U+FFFE: "
    "remove them.",
    Rule.CURRENCY: 'must be an ISO 4217 code in capital letters, such as "USD" or "IDR".',
    Rule.CURRENCY_ACCEPTED: "must be a currency with a merchant account. Accepted here: {limit}.",
    Rule.CURRENCY_OF_PAYMENT: "must be the currency of the payment, {limit}.",
    Rule.MERCHANT_ACCOUNT: "must be one of the merchant accounts that take {limit}.",
    Rule.CARD_NUMBER: "is no valid card number (its check digit is wrong): ask for it again.",
    Rule.CARD_NUMBER_LENGTH: "must be 12 to 19 digits, with spaces or hyphens at most between them.",
    Rule.NO_CARDS: "is refused: no card numbers are taken here. Let the shopper's browser exchange the card for a "
    "payment_method_nonce (CreateClientToken begins that), or name a stored payment_method_id.",
    Rule.MONTH: "must be a month, 1 to 12.",
    Rule.YEAR: "must have four digits and be at most {limit}.",
    Rule.NOT_PAST: "is in the past, together with the month: the card has expired. Ask for another one.",
    Rule.CVV: "must be {limit} digits for this card.",
    Rule.EMAIL: 'must be an email address with one "@" and a dot in its domain, such as "ann@example.com": correct it, '
    "or leave it out.",
    Rule.LANGUAGE: 'must be a language tag (BCP 47), such as "en" or "id".',
    Rule.COUNTRY: 'must be a country (ISO 3166-1 alpha-2) in capital letters, such as "ID".',
    Rule.POSTAL_CODE: "must begin with a letter or digit and have at most 9 of them, spaces and hyphens apart.",
    Rule.DESCRIPTOR_NAME: 'must be 3, 7 or 12 characters, "*", then more, at most 22 in all, such as "BYR*SHOES"; '
    "only letters, digits, spaces and . + - in them.",
    Rule.DESCRIPTOR_PHONE: "must have exactly 10 digits in 10 to 14 characters; besides only - ( ) . and space.",
    Rule.DESCRIPTOR_URL: "must be 1 to 13 characters of plain ASCII without spaces.",
    Rule.MAX_DAYS: "makes the window too long: at most {limit} days. Ask for shorter ones, one after the other.",
    Rule.MAX_ENTRIES: "must have at most {limit} entries: remove some.",
    Rule.NO_CARD_DATA: "looks like it contains a card number, and this field is kept: never put card data here. Where "
    "it is another number, break it with letters, such as 4500-A-123456, or keep it under 12 digits; begin a telephone "
    'number with "+".',
    Rule.UNAMBIGUOUS: "must read the same to people and machines: no invisible characters, no spaces at either end or "
    "two in a row, only the plain space (U+0020), and letters in their composed form (Unicode NFC).",
    Rule.KNOWN_VALUE: "must be one of the values that the contract lists.",
    Rule.NEEDS_CUSTOMER: "is required to store the payment method: name the customer.",
    Rule.NEEDS_GUEST: "names the payment of a customer: DeleteCustomer erases the customer's data.",
    Rule.NEEDS_NEW_METHOD: "needs a card or a nonce as the source: this method is stored already. Leave it out.",
    Rule.EXISTS: "names nothing that exists and is usable: check the id.",
    Rule.OF_CUSTOMER: "belongs to another customer: use one of this customer's.",
    Rule.PAGE_TOKEN: "is not a token of this list: send next_page_token of the page before with the same filter.",
    Rule.AFTER: "must be later than {limit}.",
    Rule.NOT_BELOW: "must not be below {limit}.",
    Rule.FIELD_PATH: "may only name: {limit}.",
    Rule.LAST_FOUR: "must be four digits.",
    Rule.NO_CONTROL_CHARACTERS_BUT_BREAKS: "must not contain control characters other than line breaks and tabs.",
    Rule.FILE_NAME: "must be a file's name without slashes that ends in one of: {limit}.",
    Rule.FILE_CONTENT: "is no {limit} file, or is cut off or encrypted: send the file whole and as its name says.",
    Rule.MAX_WORDS: "has more than {limit} words: search with fewer, the rarest ones. Quotation marks keep a text "
    "together.",
    Rule.CARD_IN_SEARCH: "looks like a card number, and none is stored here: search with its last four digits. A "
    "network transaction id has a field of its own.",
    Rule.NOTHING_TO_FIND: 'is empty, and so are the fields and the filter: send a text, such as "4242", "10.00", '
    '"2026-11-03" or "budi santoso".',
    Rule.MAX_BYTES: "must have at most {limit} bytes: make the file smaller.",
    Rule.NOTIFICATION_ID: "must be 64 hexadecimal digits, as an earlier answer gave them.",
    Rule.CALLER_ID: "must be 1 to 64 letters, digits and . _ - after a letter or digit, and no operator's id.",
    Rule.OPERATOR_NAME: 'must be 1 to 100 visible characters in one line, without "/".',
    Rule.LOGIN_FREE: "belongs to another operator: revoke that one first, or use another login.",
    Rule.UTF_8: "must be UTF-8.",
    Rule.NOT_FOR_CUSTOMERS: "must not hold {limit} for a credential of one customer: leave it out, or use one of the "
    "back end.",
    Rule.TIMESTAMP: "must be a time between the years 1 and 9999, with nanos from 0 to 999,999,999.",
    Rule.TIME_ZONE: 'must be a time zone of the IANA database, such as "Asia/Jakarta", or empty for UTC.',
    Rule.WHOLE_HOURS: "must be a time zone whose days begin at a whole hour of UTC, since sums are kept by the hour: "
    "leave it out for days of UTC.",
    Rule.DATE: 'must be a date from the year 2000 on, such as "2026-11-30".',
    Rule.CONTRADICTS: "contradicts {limit}: keep only what is true.",
    Rule.ECI: 'must be an electronic commerce indicator, "00" to "07", as the authentication gave it.',
    Rule.ECI_OF_BRAND: "must be an indicator of the card's brand, {limit}: send the result of this card's "
    "authentication.",
    Rule.NOT_WITH_METHOD: "does not go with a payment method of this kind, {limit}: leave it out, or pay with a card.",
    Rule.FAILED_IN_NONCE: "comes with a nonce whose own authentication failed: authenticate the customer again, and "
    "send one of the two results.",
    Rule.NEEDED_FOR_MASTERCARD: "is required for a Mastercard with version 2: send it as the authentication gave it.",
    Rule.ONLY_MASTERCARD: "is for Mastercard's cards only: leave it out.",
    Rule.THREE_D_SECURE_VERSION: 'must be a version of 3-D Secure, such as "1.0.2" or "2.2.0".',
    Rule.ONE_OF: "must be one of: {limit}.",
    Rule.PRINTABLE_ASCII: "must be plain ASCII without spaces: send it as the provider gave it.",
    Rule.NEEDS_NONCE_OR_METHOD: "goes with a payment_method_nonce or a payment_method_id, not with a card as typed.",
    Rule.ONLY_FOR_PAYMENTS: "is for payments only: leave it out here.",
    Rule.NEEDED_FOR_AUTHENTICATION: "must be true with 3-D Secure: without a verification the gateway drops the "
    "authentication.",
    Rule.NEEDED_FOR_LATER_PAYMENT: "is required for a LATER payment with a card or nonce: send the id of the first "
    "payment, pay with a stored payment_method_id, or say FIRST.",
    Rule.NO_CONSENT: "is none that the customer agreed to with this payment method, which are: {limit}. Ask the "
    "customer to pay.",
    Rule.NEEDS_STORING: "goes with store_payment_method only: set that, or leave it out.",
    Rule.NEEDS_VERIFICATION: "goes with verify only: set that, or leave it out.",
    Rule.DEVICE_DATA: "must be at most {limit} printable characters: send what the data collector gave, unchanged.",
    Rule.CONSENTS: "may only name, each once: {limit}.",
    Rule.ONLY_THESE_ONCE: "may only name, each once: {limit}.",
    Rule.NETWORK_TRANSACTION_ID: "must be 9 to 15 letters, digits and spaces, as the processor gave it.",
    Rule.TRANSACTION_LINK_ID: "must be 22 letters, digits, - and _, as the first payment's processor gave it.",
    Rule.ADDRESS_PHONE: "must have 1 to 15 digits, and besides them only + ( ) - . and spaces.",
    Rule.PLAIN_ASCII: "must be at most {limit} characters of plain ASCII: letters, digits, signs and spaces.",
    Rule.ZERO_OR_MORE: "must not be negative: send 0 or leave the amount out.",
    Rule.DECIMAL: 'must be a decimal number such as "2" or "0.75", with up to {limit}.',
    Rule.LINE_DECIMALS: "must have two decimals at most, as every amount of a line item: round it, also in {limit}.",
    Rule.LINE_TOTAL: "must be quantity x unit_amount, rounded up or down, here {limit}: correct it or leave it out.",
    Rule.ADDS_UP: "must add up: {limit}. Correct the parts, or leave them out.",
    Rule.UPC_CODE: "must be 6 to 17 letters and digits, together with upc_type.",
    Rule.WEB_ADDRESS: "must be an http or https address of at most {limit} characters of plain ASCII.",
    Rule.RETURN_ADDRESS: "must be an https address, or http to localhost, of at most {limit} characters of plain "
    "ASCII, without user name, fragment and parameters that begin with bayar_.",
    Rule.TIME_AHEAD: "must be {limit} from now.",
    Rule.EACH_ONCE: "must name each value once: leave out the repetition.",
    Rule.NEEDED_FOR_STORED_METHODS: "is required to offer stored payment methods: name the customer.",
    Rule.REFUSED_BY_GATEWAY: "is refused by the gateway ({limit}): correct it, or leave it empty.",
    Rule.IP_ADDRESS: "must be the IPv4 or IPv6 address of the shopper, such as 203.0.113.7, without a port or a zone.",
}


def sentence(violation: FieldViolation) -> str:
    """The rule that the field must meet, with the remedy. The sentence continues the field's name."""
    return SENTENCES[violation.rule].format(limit=violation.limit)
