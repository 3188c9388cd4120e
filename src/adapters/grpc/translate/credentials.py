"""Translates the caller of a call into the description of its credential."""

from application.common.caller import Caller, Scope
from application.common.operator import Operator, OperatorRight
from bayar.payments.v1 import access_pb2


def credential(caller: Caller) -> access_pb2.CredentialDescription:
    return access_pb2.CredentialDescription(
        caller_id=caller.quota_id,
        customer_id=caller.customer_id or "",
        scopes=[access_pb2.Scope.Value(f"SCOPE_{scope.name}") for scope in Scope if scope in caller.scopes],
        operator=operator(caller.operator) if caller.operator is not None else None,
        name=caller.credential,
    )


def operator(one: Operator) -> access_pb2.Operator:
    rights = [
        access_pb2.OperatorRight.Value(f"OPERATOR_RIGHT_{right.name}") for right in OperatorRight if one.has(right)
    ]
    return access_pb2.Operator(operator_id=one.operator_id, name=one.name, rights=rights)
