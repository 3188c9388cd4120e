"""A shop's mistakes, for type checkers: each line that ends with `# wrong` must be one."""

from bayar import AsyncBayarClient, BayarClient, PaymentState, money


def mistakes(bayar: BayarClient) -> None:
    bayar.create_payment(reference="order-1", amount=25.0)  # wrong
    bayar.create_payment(reference=17, amount=money("25.00", "USD"))  # wrong
    bayar.get_payment("pay_1")  # wrong
    bayar.pay(payment_id="pay_1")  # wrong
    payment = bayar.get_payment(payment_id="pay_1")
    print(payment.captured.minor_units)  # wrong
    print(payment.decline.reason)  # wrong
    payment.payment_id = "pay_2"  # wrong
    print(PaymentState.PAYMENT_STATE_SETTLED)  # wrong


async def asynchronous(bayar: AsyncBayarClient) -> str:
    for payment in bayar.list_payments():  # wrong
        print(payment)
    return bayar.get_payment(payment_id="pay_1").payment_id  # wrong
