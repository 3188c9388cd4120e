"""CustomerService: customers over gRPC."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.grpc.middleware.call_context import CurrentCaller, mapper_for
from adapters.grpc.translate import requests
from adapters.grpc.translate.resources import customer as customer_message
from application.customers.create_customer import CreateCustomer
from application.customers.delete_customer import DeleteCustomer
from application.customers.get_customer import GetCustomer
from application.customers.list_customers import ListCustomers
from application.customers.update_customer import UpdateCustomer
from application.payments.erase_guest import EraseGuest
from bayar.payments.v1 import customer_pb2
from bayar.payments.v1 import customer_service_pb2 as wire
from bayar.payments.v1.customer_service_pb2_grpc import CustomerServiceServicer
from domain.customer import Customer
from domain.ids import CustomerId


@dataclass(frozen=True, slots=True)
class CustomerServicer(CustomerServiceServicer):
    current_caller: CurrentCaller
    create_customer: CreateCustomer
    get_customer: GetCustomer
    update_customer: UpdateCustomer
    delete_customer: DeleteCustomer
    list_customers: ListCustomers
    erase_guest: EraseGuest
    find_default_method: Callable[[CustomerId], str]

    def CreateCustomer(self, request: wire.CreateCustomerRequest, context: Any) -> wire.CreateCustomerResponse:
        created = self.create_customer(requests.create_customer_command(request), self.current_caller())
        return wire.CreateCustomerResponse(customer=self._message(created))

    def GetCustomer(self, request: wire.GetCustomerRequest, context: Any) -> wire.GetCustomerResponse:
        found = self.get_customer(
            self.current_caller(), customer_id=request.customer_id, external_id=request.external_id
        )
        return wire.GetCustomerResponse(customer=self._message(found))

    def UpdateCustomer(self, request: wire.UpdateCustomerRequest, context: Any) -> wire.UpdateCustomerResponse:
        updated = self.update_customer(
            request.customer.customer_id,
            requests.update_customer_command(request),
            list(request.update_mask.paths),
            self.current_caller(),
        )
        return wire.UpdateCustomerResponse(customer=self._message(updated))

    def DeleteCustomer(self, request: wire.DeleteCustomerRequest, context: Any) -> wire.DeleteCustomerResponse:
        deleted = self.delete_customer(request.request_id, request.customer_id, self.current_caller())
        return wire.DeleteCustomerResponse(customer=self._message(deleted))

    def EraseGuest(self, request: wire.EraseGuestRequest, context: Any) -> wire.EraseGuestResponse:
        erased = self.erase_guest(request.request_id, request.payment_id, self.current_caller())
        return wire.EraseGuestResponse(payment=mapper_for(request, context).payment(erased))

    def ListCustomers(self, request: wire.ListCustomersRequest, context: Any) -> wire.ListCustomersResponse:
        found, token = self.list_customers(
            self.current_caller(), email=request.email, page_size=request.page_size, page_token=request.page_token
        )
        return wire.ListCustomersResponse(customers=[self._message(one) for one in found], next_page_token=token)

    def _message(self, customer: Customer) -> customer_pb2.Customer:
        return customer_message(customer, self.find_default_method(customer.customer_id))
