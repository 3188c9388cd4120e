"""Acts of operators: the metadata that states the caller and the reason, and the calls that are acts."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf.descriptor import ServiceDescriptor

from application.access.act_on_behalf import ON_BEHALF_OF, REASON, StatedAct
from application.common.errors import FieldViolation, Rule
from application.common.operator import NO_ACTS, OperatorRight
from bayar.payments.v1 import access_pb2
from bayar.payments.v1.admin_service_pb2 import OrphanPolicy, ReconcileRequest

REASON_BINARY: Final = f"{REASON}-bin"
_NAMES: Final = frozenset({ON_BEHALF_OF, REASON, REASON_BINARY})


def operator_rights(services: Iterable[ServiceDescriptor]) -> Mapping[str, OperatorRight]:
    """The right that each method needs of an operator, by its path. Others are not for operators."""
    declared = {
        f"/{service.full_name}/{method.name}": method.GetOptions().Extensions[access_pb2.operator_right]
        for service in services
        for method in service.methods
    }
    return {path: right_of(number) for path, number in declared.items() if number}


def right_of(number: access_pb2.OperatorRight.ValueType) -> OperatorRight:
    """Maps a right of the contract to the application's."""
    return OperatorRight[access_pb2.OperatorRight.Name(number).removeprefix("OPERATOR_RIGHT_")]


def is_act(right: OperatorRight | None, request: Any) -> bool:
    """Whether the call changes something in the name of a caller, or of the service."""
    if right is OperatorRight.RECONCILE and isinstance(request, ReconcileRequest):
        return request.orphan_policy == OrphanPolicy.ORPHAN_POLICY_REVERSE
    return right is not None and right not in NO_ACTS


def states_act(metadata: Iterable[Any]) -> bool:
    return not _NAMES.isdisjoint([name for name, _ in metadata])


def stated_act(metadata: Iterable[Any]) -> StatedAct:
    """The act as the metadata states it."""
    stated: dict[str, str] = {}
    violations: list[FieldViolation] = []
    for name, value in metadata:
        if name not in _NAMES:
            continue
        field = ON_BEHALF_OF if name == ON_BEHALF_OF else REASON
        if field in stated:
            violations.append(FieldViolation(field, Rule.EXACTLY_ONE, name if field == ON_BEHALF_OF else _EITHER))
        try:
            stated[field] = value.decode() if isinstance(value, bytes) else value
        except UnicodeDecodeError:
            stated[field] = ""
            violations.append(FieldViolation(name, Rule.UTF_8))
    return StatedAct(stated.get(ON_BEHALF_OF, ""), stated.get(REASON, ""), violations)


_EITHER: Final = f"{REASON}, {REASON_BINARY}"
