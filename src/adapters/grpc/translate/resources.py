"""Translates domain objects into messages, with texts for people in one chosen language."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from operator import attrgetter
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from adapters.grpc.messages.catalogue import Catalogue
from adapters.grpc.translate import enums
from adapters.grpc.translate.order_details import order_details
from application.payments.verify_payment import VerifiedPayment
from application.ports.store import PaymentOperation
from application.ports.velocity import VelocityBlock
from application.recovery.reconcile import Progress
from application.recovery.reconciliation_findings import Finding
from bayar.payments.v1 import (
    access_pb2,
    address_pb2,
    admin_service_pb2,
    card_pb2,
    customer_pb2,
    decline_pb2,
    merchant_account_pb2,
    money_pb2,
    order_details_pb2,
    payment_method_pb2,
    payment_pb2,
    payment_service_pb2,
    three_d_secure_pb2,
    warning_pb2,
)
from bayar.payments.v1.payment_initiator_pb2 import SeriesPosition
from bayar.payments.v1.three_d_secure_pb2 import ScaExemption
from domain.address import Address, StatementDescriptor
from domain.customer import NO_CONTACT, Customer, GuestContact
from domain.decline import Decline
from domain.events import OnBehalf
from domain.instrument import Instrument
from domain.merchant_account import MerchantAccount
from domain.money import Money
from domain.operation import Operation
from domain.payment import Payment
from domain.payment_method import PaymentMethod, Verification
from domain.three_d_secure import ThreeDSecureResult
from domain.transaction import GatewayDetails, RiskCheck
from domain.warning import MerchantWarning, WarningReason


@dataclass(frozen=True, slots=True)
class ResourceMapper:
    """Maps domain objects to messages in one language."""

    catalogue: Catalogue
    locale: str

    def payment(self, payment: Payment, *, with_line_items: bool = True) -> payment_pb2.Payment:
        terms = payment.terms
        message = payment_pb2.Payment(
            payment_id=terms.payment_id,
            reference=terms.reference,
            customer_id=terms.customer_id or "",
            caller_id=terms.caller_id,
            amount=money(terms.amount),
            state=enums.PAYMENT_STATE[payment.state],
            funds=enums.FUNDS[payment.funds],
            capture_mode=enums.CAPTURE_MODE[terms.capture_mode],
            authorized_amount=money(payment.authorized_amount),
            captured_amount=money(payment.captured_amount),
            capturable_amount=money(payment.capturable_amount),
            refunded_amount=money(payment.refunded_amount),
            refund_pending_amount=money(payment.refund_pending_amount),
            disputed_amount=money(payment.disputed_amount),
            refundable_amount=money(payment.refundable_amount),
            payment_method_id=terms.payment_method_id or "",
            operations=[self.operation(operation, with_line_items=with_line_items) for operation in payment.operations],
            create_time=moment(payment.create_time),
            update_time=moment(payment.update_time),
            next_check_time=moment(payment.next_check_time),
            metadata=terms.metadata,
            gateway_details=details(payment.authorization.details),
            settle_time=moment(payment.settle_time),
            disburse_time=day(payment.disburse_date),
            warnings=[warning(one) for operation in payment.operations for one in operation.warnings],
            three_d_secure_policy=enums.THREE_D_SECURE_POLICY[terms.three_d_secure_policy],
            initiator=enums.INITIATOR[terms.initiator],
            skipped_checks=map(enums.PAYMENT_CHECK.__getitem__, terms.skipped_checks),
            merchant_account_id=terms.merchant_account_id,
        )
        if terms.series_position is not None:
            message.series_position = enums.SERIES_POSITION[terms.series_position]
        result = payment.authorization.details.three_d_secure
        if result is not None:
            message.three_d_secure.CopyFrom(three_d_secure(result))
        if terms.sca_exemption is not None:
            message.sca_exemption = enums.SCA_EXEMPTION[terms.sca_exemption]
        if payment.instrument is not None:
            message.instrument.CopyFrom(instrument(payment.instrument))
        if payment.final_decline is not None:
            message.decline.CopyFrom(self.decline(payment.final_decline))
        failure = payment.authorization.failure_reason
        if failure is not None:
            message.failure_reason = enums.FAILURE_REASON[failure]
        standing = payment.authorization_standing
        if payment.capturable_amount and standing is not None and standing.authorization_expire_time is not None:
            message.authorization_expire_time.CopyFrom(known_moment(standing.authorization_expire_time))
        if terms.billing_address != _NO_ADDRESS:
            message.billing_address.CopyFrom(address(terms.billing_address))
        if terms.guest != NO_CONTACT:
            message.guest.CopyFrom(guest(terms.guest))
        if terms.shipping_address != _NO_ADDRESS:
            message.shipping_address.CopyFrom(address(terms.shipping_address))
        if terms.shipping_method is not None:
            message.shipping_method = enums.SHIPPING_METHOD[terms.shipping_method]
        if terms.order_details is not None:
            message.order_details.CopyFrom(order_details(terms.order_details, with_line_items=with_line_items))
        if terms.descriptor != _NO_DESCRIPTOR:
            message.statement_descriptor.CopyFrom(descriptor(terms.descriptor))
        if payment.settlement_amount is not None:
            message.settlement_amount.CopyFrom(money(payment.settlement_amount))
        return message

    def operation(self, operation: Operation, *, with_line_items: bool = True) -> payment_pb2.Operation:
        message = payment_pb2.Operation(
            operation_id=operation.operation_id,
            kind=enums.OPERATION_KIND[operation.kind],
            state=enums.OPERATION_STATE[operation.state],
            amount=money(operation.amount),
            request_id=operation.request_id,
            create_time=moment(operation.create_time),
            finish_time=moment(operation.finish_time),
            next_check_time=moment(operation.next_check_time) if operation.state.is_open else None,
            settle_time=moment(operation.standing.settle_time) if operation.standing else None,
            failure_detail=operation.failure_detail,
            gateway_details=details(operation.details),
            note=operation.note,
            origin=enums.OPERATION_ORIGIN[operation.origin],
            gateway_transaction_id=operation.transaction_id,
        )
        if operation.order_details is not None:
            message.order_details.CopyFrom(order_details(operation.order_details, with_line_items=with_line_items))
        if operation.decline is not None:
            message.decline.CopyFrom(self.decline(operation.decline))
        if operation.failure_reason is not None:
            message.failure_reason = enums.FAILURE_REASON[operation.failure_reason]
        return message

    def decline(self, decline: Decline) -> decline_pb2.Decline:
        name = decline.reason.value
        everywhere = [self._text(locale, "decline", name, "customer") for locale in self.catalogue.locales]
        return decline_pb2.Decline(
            reason=enums.DECLINE_REASON[decline.reason],
            fixer=enums.FIXER[decline.fixer],
            retry_advice=enums.RETRY_ADVICE[decline.retry_advice],
            retry_after=_duration(decline),
            customer_message=self._text(self.locale, "decline", name, "customer"),
            customer_messages=everywhere,
            merchant_message=self._text(self.locale, "decline", name, "merchant"),
        )

    def unresolved(self, one: PaymentOperation) -> admin_service_pb2.UnresolvedOperation:
        operation = one.operation
        why = "The call to the gateway is under way, or its answer was lost and is being looked for."
        if operation.check_count:
            why = f"The gateway did not know of it at {operation.check_count} looks so far."
        return admin_service_pb2.UnresolvedOperation(
            payment_id=one.payment.terms.payment_id,
            operation=self.operation(operation),
            check_count=operation.check_count,
            why=why,
            caller_id=one.payment.terms.caller_id,
        )

    def verified(self, verified: VerifiedPayment) -> payment_service_pb2.VerifyPaymentResponse:
        return payment_service_pb2.VerifyPaymentResponse(
            payment=self.payment(verified.payment),
            outcome=enums.VERIFICATION_OUTCOME[verified.outcome],
            differences=[
                payment_service_pb2.Difference(
                    operation_id=difference.operation_id,
                    field=difference.field,
                    recorded=difference.recorded,
                    at_gateway=difference.at_gateway,
                )
                for difference in verified.differences
            ],
            verify_time=moment(verified.verify_time),
        )

    def payment_method(self, method: PaymentMethod, today: date) -> payment_method_pb2.PaymentMethod:
        message = payment_method_pb2.PaymentMethod(
            payment_method_id=method.payment_method_id,
            customer_id=method.customer_id,
            caller_id=method.caller_id,
            state=enums.METHOD_STATE[method.state],
            default=method.is_default,
            duplicate_of_payment_method_id=method.duplicate_of or "",
            create_time=moment(method.create_time),
            update_time=moment(method.update_time),
            next_check_time=moment(method.next_check_time),
            failure_detail=method.failure_detail,
            warnings=[warning(one) for one in method.warnings],
            consents=[enums.INITIATOR[one] for one in method.consents],
            consents_withdrawn=method.has_withdrawn_consents,
            network_transaction_id=method.network_transaction_id,
            mastercard_transaction_link_id=method.mastercard_transaction_link_id,
        )
        status = method.expiry_status(today)
        if status is not None:
            message.expiry_status = enums.EXPIRY_STATUS[status]
        if method.instrument is not None:
            message.instrument.CopyFrom(instrument(method.instrument))
        if method.verification is not None:
            message.verification.CopyFrom(self._verification(method.verification))
        if method.billing_address != Address():
            message.billing_address.CopyFrom(address(method.billing_address))
        return message

    def _verification(self, verification: Verification) -> payment_method_pb2.Verification:
        message = payment_method_pb2.Verification(
            approved=verification.approved,
            processor_response_code=verification.processor_response_code,
            merchant_account_id=verification.merchant_account_id,
        )
        for name in ("cvv", "postal_code", "street_address"):
            result = getattr(verification, name)
            if result is not None:
                setattr(message, name, enums.CHECK_RESULT[result])
        if verification.three_d_secure is not None:
            message.three_d_secure.CopyFrom(three_d_secure(verification.three_d_secure))
        if verification.amount is not None:
            message.amount.CopyFrom(money(verification.amount))
        if verification.decline is not None:
            message.decline.CopyFrom(self.decline(verification.decline))
        return message

    def _text(self, locale: str, kind: str, name: str, audience: str) -> decline_pb2.LocalizedText:
        return decline_pb2.LocalizedText(locale=locale, text=self.catalogue.text(locale, kind, name, audience))


def customer(one: Customer, default_payment_method_id: str) -> customer_pb2.Customer:
    return customer_pb2.Customer(
        customer_id=one.customer_id,
        caller_id=one.caller_id,
        external_id=one.external_id,
        given_name=one.given_name,
        family_name=one.family_name,
        email=one.email,
        phone=one.phone,
        language_code=one.language_code,
        default_payment_method_id=default_payment_method_id,
        create_time=moment(one.create_time),
        update_time=moment(one.update_time),
        delete_time=moment(one.delete_time),
    )


def merchant_account(account: MerchantAccount) -> merchant_account_pb2.MerchantAccount:
    return merchant_account_pb2.MerchantAccount(
        merchant_account_id=account.merchant_account_id,
        currency_code=account.currency_code,
        default=account.is_default,
        status=account.status,
        problem=account.problem,
        three_d_secure=account.has_three_d_secure,
        instruments=[enums.INSTRUMENT_KIND[kind] for kind in account.instruments],
        card_brands=account.card_brands,
    )


def export_rows(payment: Payment) -> list[admin_service_pb2.ExportRow]:
    """One row for each requested movement of money."""
    instrument, position = payment.instrument, payment.terms.series_position
    result, check = payment.authorization.details.three_d_secure, payment.authorization.details.risk_check
    exemption = payment.terms.sca_exemption
    return [
        admin_service_pb2.ExportRow(
            payment_id=payment.terms.payment_id,
            reference=payment.terms.reference,
            customer_id=payment.terms.customer_id or "",
            operation_id=operation.operation_id,
            kind=enums.OPERATION_KIND[operation.kind],
            operation_state=enums.OPERATION_STATE[operation.state],
            amount=money(operation.amount),
            create_time=moment(operation.create_time),
            settle_time=moment(operation.standing.settle_time) if operation.standing else None,
            payment_state=enums.PAYMENT_STATE[payment.state],
            brand=instrument.brand if instrument else "",
            last_four=instrument.last_four if instrument else "",
            gateway_transaction_id=operation.transaction_id,
            caller_id=payment.terms.caller_id,
            initiator=enums.INITIATOR[payment.terms.initiator],
            series_position=enums.SERIES_POSITION[position] if position else SeriesPosition.SERIES_POSITION_UNSPECIFIED,
            three_d_secure=three_d_secure(result) if result else None,
            merchant_account_id=payment.terms.merchant_account_id,
            three_d_secure_policy=enums.THREE_D_SECURE_POLICY[payment.terms.three_d_secure_policy],
            sca_exemption=enums.SCA_EXEMPTION[exemption] if exemption else ScaExemption.SCA_EXEMPTION_UNSPECIFIED,
            order_details=_exported_order(payment, operation),
            skipped_checks=map(enums.PAYMENT_CHECK.__getitem__, payment.terms.skipped_checks),
            risk_check=risk_check(check) if check else None,
            network_transaction_id=operation.details.network_transaction_id,
        )
        for operation in payment.operations
    ]


def _exported_order(payment: Payment, operation: Operation) -> order_details_pb2.OrderDetails | None:
    order = operation.order_details or payment.terms.order_details
    return order_details(order, with_line_items=False) if order is not None else None


def reconcile_message(found: Finding | Progress) -> admin_service_pb2.ReconcileResponse:
    if isinstance(found, Progress):
        return admin_service_pb2.ReconcileResponse(
            progress=admin_service_pb2.ReconcileProgress(
                gateway_transaction_count=found.transaction_count,
                operation_count=found.operation_count,
                finding_count=found.finding_count,
                orphan_count=found.orphan_count,
                reversed_count=found.reversed_count,
                done=found.is_done,
            )
        )
    return admin_service_pb2.ReconcileResponse(
        finding=admin_service_pb2.Finding(
            kind=enums.FINDING_KIND[found.kind],
            payment_id=found.payment_id or "",
            operation_id=found.operation_id or "",
            gateway_transaction_id=found.transaction_id,
            recorded_amount=money(found.recorded_amount) if found.recorded_amount else None,
            gateway_amount=money(found.gateway_amount) if found.gateway_amount else None,
            summary=found.summary,
            remedy=enums.FINDING_REMEDY[found.remedy] if found.remedy else admin_service_pb2.FINDING_REMEDY_UNSPECIFIED,
        )
    )


def abuse_block(block: VelocityBlock) -> admin_service_pb2.AbuseBlock:
    return admin_service_pb2.AbuseBlock(
        block_id=block.block_id,
        caller_id=block.caller_id,
        scope=enums.ABUSE_SCOPE[block.scope],
        subject=block.subject,
        counts_cards=block.counts_cards,
        limit=block.limit,
        create_time=moment(block.create_time),
        end_time=moment(block.end_time),
    )


def on_behalf(act: OnBehalf | None) -> access_pb2.OnBehalf | None:
    if act is None:
        return None
    return access_pb2.OnBehalf(
        operator_id=act.operator_id, operator_name=act.operator_name, caller_id=act.caller_id, reason=act.reason
    )


def money(amount: Money) -> money_pb2.Money:
    return money_pb2.Money(minor_units=amount.minor_units, currency_code=amount.currency_code)


def moment(when: datetime | None) -> Timestamp | None:
    return known_moment(when) if when is not None else None


def known_moment(when: datetime) -> Timestamp:
    since = when - _EPOCH
    return Timestamp(seconds=since.days * _SECONDS_OF_DAY + since.seconds, nanos=since.microseconds * 1000)


def day(when: date | None) -> Timestamp | None:
    """Midnight of the day in UTC."""
    return known_moment(datetime.combine(when, time.min, UTC)) if when is not None else None


def instrument(one: Instrument) -> card_pb2.Instrument:
    return card_pb2.Instrument(
        kind=enums.INSTRUMENT_KIND[one.kind],
        brand=one.brand,
        last_four=one.last_four,
        expiration_month=one.expiry.month if one.expiry else 0,
        expiration_year=one.expiry.year if one.expiry else 0,
        cardholder_name=one.cardholder_name,
        issuer_country=one.issuer_country,
        issuer=one.issuer,
        account=one.account,
    )


def address(one: Address) -> address_pb2.Address:
    return address_pb2.Address(**{name: getattr(one, name) for name in Address.__slots__})


def guest(one: GuestContact) -> customer_pb2.GuestContact:
    return customer_pb2.GuestContact(**{name: getattr(one, name) for name in GuestContact.__slots__})


def descriptor(one: StatementDescriptor) -> payment_pb2.StatementDescriptor:
    return payment_pb2.StatementDescriptor(name=one.name, phone=one.phone, url=one.url)


def risk_check(one: RiskCheck) -> payment_pb2.RiskCheck:
    return payment_pb2.RiskCheck(**{name: getattr(one, name) for name in RiskCheck.__slots__})


def details(one: GatewayDetails) -> payment_pb2.GatewayDetails | None:
    if one == _NO_DETAILS:
        return None
    message = payment_pb2.GatewayDetails(**dict(zip(_DETAIL_TEXTS, _detail_texts(one), strict=True)))
    if one.three_d_secure is not None:
        message.three_d_secure.CopyFrom(three_d_secure(one.three_d_secure))
    if one.risk_check is not None:
        message.risk_check.CopyFrom(risk_check(one.risk_check))
    return message


_DETAIL_TEXTS: Final = tuple(name for name in GatewayDetails.__slots__ if name not in ("three_d_secure", "risk_check"))
_detail_texts: Final = attrgetter(*_DETAIL_TEXTS)
_NO_ADDRESS: Final = Address()
_NO_DESCRIPTOR: Final = StatementDescriptor()
_NO_DETAILS: Final = GatewayDetails()
_SECONDS_OF_DAY: Final = 86_400
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def three_d_secure(result: ThreeDSecureResult) -> three_d_secure_pb2.ThreeDSecureResult:
    plain = {name: getattr(result, name) for name in ThreeDSecureResult.__slots__ if name != "status"}
    return three_d_secure_pb2.ThreeDSecureResult(status=enums.THREE_D_SECURE_STATUS[result.status], **plain)


_LEFT_OUT: Final = {
    WarningReason.CUSTOMER_DETAILS_LEFT_OUT: "The gateway refuses the customer's details ({code}); they were left out. "
    "Correct them with UpdateCustomer.",
    WarningReason.GUEST_DETAILS_LEFT_OUT: "The gateway refuses the guest's details ({code}); they were left out.",
    WarningReason.BILLING_ADDRESS_LEFT_OUT: "The gateway refuses the billing address ({code}); it was left out. "
    "Correct it before the next payment.",
    WarningReason.SHIPPING_ADDRESS_LEFT_OUT: "The gateway refuses the shipping address ({code}); it was left out. "
    "Correct it before the next payment.",
    WarningReason.ORDER_DETAILS_LEFT_OUT: "The gateway refuses the order details, level 2 and level 3 data ({code}); "
    "they were left out. Correct them before the next payment.",
}


def warning(one: MerchantWarning) -> warning_pb2.MerchantWarning:
    return warning_pb2.MerchantWarning(
        reason=enums.WARNING_REASON[one.reason], gateway_code=one.gateway_code, message=warning_sentence(one)
    )


def warning_sentence(one: MerchantWarning) -> str:
    return _LEFT_OUT[one.reason].format(code=one.gateway_code)


def _duration(decline: Decline) -> Duration | None:
    if decline.retry_after is None:
        return None
    message = Duration()
    message.FromTimedelta(decline.retry_after)
    return message
