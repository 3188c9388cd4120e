"""The same job on a common web stack: FastAPI, the stock SDK, SQLAlchemy. It has no idempotency and no recovery."""

from __future__ import annotations

import os
import uuid
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.peers.stock_loop import gateway_of_environment


class Base(DeclarativeBase):
    pass


class Payment(Base):
    __tablename__ = "payments"

    id: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str]
    amount: Mapped[str]
    status: Mapped[str]
    transaction_id: Mapped[str | None]


class Card(BaseModel):
    number: str
    expiration_date: str
    cvv: str


class Order(BaseModel):
    reference: str
    amount: str
    card: Card


engine = create_engine(os.environ["SHOP_DATABASE_URL"], pool_size=40)
Base.metadata.create_all(engine)
gateway = gateway_of_environment()
app = FastAPI()


@app.post("/payments")
def create_payment(order: Order) -> dict[str, Any]:
    payment = Payment(id=str(uuid.uuid4()), reference=order.reference, amount=order.amount, status="pending")
    with Session(engine, expire_on_commit=False) as session:
        session.add(payment)
        session.commit()
        result: Any = gateway.transaction.sale(
            {
                "amount": order.amount,
                "order_id": payment.id,
                "merchant_account_id": "twin_usd",
                "credit_card": order.card.model_dump(),
                "options": {"submit_for_settlement": True},
            }
        )
        if not result.is_success:
            payment.status = "failed"
            session.commit()
            raise HTTPException(402, result.message)
        payment.status, payment.transaction_id = result.transaction.status, result.transaction.id
        session.commit()
        return {"id": payment.id, "status": payment.status, "transaction_id": payment.transaction_id}
