"""The page of the issuer, which asks the cardholder for a code. It stands in for the issuer's own.

It ends in one of two ways. Opened by the script songbird.js, it sends the result to the page around it. With a
`TermUrl`, which pages of version 1 and shops with a look-up of their server post to it, it posts the result there.
"""

from __future__ import annotations

import json
from typing import Any

from braintree_twin.browser.files import page, read_form
from braintree_twin.browser.tokens import sign
from braintree_twin.calls import Call, PageAnswer, Route
from braintree_twin.errors import NotFound
from braintree_twin.state.records import Authentication
from braintree_twin.vault.authentications import CODE, MAX_WRONG_CODES, finish_challenge

PATH = "/three_d_secure/challenges/{authentication}"
# Transaction status -> the action code that the script reports.
_ACTIONS = {"Y": "SUCCESS", "N": "FAILURE", "U": "NOACTION"}
CANCELED_BY_CARDHOLDER = "01"


def show(call: Call) -> PageAnswer:
    """The page that asks for the code. A form may bring TermUrl and MD along."""
    form = read_form(call)
    if "answer" in form:
        return _answered(call, _authentication(call), form)
    return _question(_authentication(call), form)


def _authentication(call: Call) -> Authentication:
    record = call.store.authentications.get(call.merchant.id, call.path["authentication"])
    if record is None:
        raise NotFound("no 3-D Secure authentication has this id")
    return record


def _question(record: Authentication, form: dict[str, str], problem: str = "") -> PageAnswer:
    if not record.open:
        return PageAnswer(page("challenge_over.html"), 410)
    return PageAnswer(
        page(
            "challenge.html",
            amount=record.amount,
            brand=record.brand,
            code=CODE,
            problem=problem,
            term_url=form.get("TermUrl", ""),
            md=form.get("MD", ""),
        )
    )


def _answered(call: Call, record: Authentication, form: dict[str, str]) -> PageAnswer:
    canceled = form["answer"] == "cancel"
    if not canceled and form.get("code") != CODE and record.open:
        record.wrong_codes += 1
        call.store.authentications.put(call.merchant.id, record)
        if record.wrong_codes < MAX_WRONG_CODES:
            return _question(record, form, "This code is wrong.")
        canceled = True
    record = finish_challenge(call, record, answered=not canceled)
    result = _result(record, canceled=form["answer"] == "cancel")
    token = sign(call, {"iss": "braintree-twin", "ReferenceId": record.id, "Payload": result})
    if form.get("TermUrl"):
        fields = {"term_url": form["TermUrl"], "md": form.get("MD", ""), "pares": token}
        return PageAnswer(page("challenge_return.html", **fields))
    message = {"source": "braintree-twin", "transactionId": record.transaction_id, "data": result, "jwt": token}
    return PageAnswer(page("challenge_done.html", message=json.dumps(message)))


def _result(record: Authentication, *, canceled: bool) -> dict[str, Any]:
    """The result in the form that Cardinal's script gives it to the page."""
    info = record.info
    status = info.get("authentication_trans_status") or "U"
    extended: dict[str, Any] = {
        "Enrolled": info["enrolled"],
        "PAResStatus": status,
        "SignatureVerification": "Y",
        "ECIFlag": info["eci_flag"],
        "CAVV": info["cavv"],
        "DSTransactionId": info["ds_transaction_id"],
        "ThreeDSVersion": info["three_d_secure_version"],
    }
    if canceled:
        extended["ChallengeCancel"] = CANCELED_BY_CARDHOLDER
    return {
        "Validated": status == "Y",
        "ActionCode": _ACTIONS.get(status, "NOACTION"),
        "ErrorNumber": 0,
        "ErrorDescription": "",
        "Payment": {"Type": "CCA", "ProcessorTransactionId": record.transaction_id, "ExtendedData": extended},
    }


def challenge_url(host: str, call: Call, record: Authentication) -> str:
    return f"{host}/merchants/{call.merchant.id}{PATH.replace('{authentication}', record.id)}"


ROUTES = (
    Route("GET", PATH, show, needs_keys=False, takes=None),
    Route("POST", PATH, show, needs_keys=False, takes=None),
)
