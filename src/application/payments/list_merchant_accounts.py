"""Lists the merchant accounts that may be used, with their abilities."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.errors import NotForCustomers
from application.ports.gateway import Gateway
from domain.merchant_account import MerchantAccount


@dataclass(frozen=True, slots=True)
class ListMerchantAccounts:
    gateway: Gateway

    def __call__(self, caller: Caller) -> list[MerchantAccount]:
        """Asks the gateway each time. Raises NotForCustomers and GatewayUnavailable."""
        if caller.customer_id is not None:
            raise NotForCustomers
        return self.gateway.describe_merchant_accounts()
