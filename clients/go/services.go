// Code generated from the contract. DO NOT EDIT.

package bayar

import (
	"context"

	pb "bayar.internal/bayar/paymentsv1"
	"google.golang.org/grpc"
)

// Services are the services of the contract.
type Services struct {
	Admin          pb.AdminServiceClient
	Checkouts      pb.CheckoutServiceClient
	Customers      pb.CustomerServiceClient
	Disputes       pb.DisputeServiceClient
	Events         pb.EventServiceClient
	PaymentMethods pb.PaymentMethodServiceClient
	Payments       pb.PaymentServiceClient
}

func newServices(connection grpc.ClientConnInterface) Services {
	return Services{
		Admin:          pb.NewAdminServiceClient(connection),
		Checkouts:      pb.NewCheckoutServiceClient(connection),
		Customers:      pb.NewCustomerServiceClient(connection),
		Disputes:       pb.NewDisputeServiceClient(connection),
		Events:         pb.NewEventServiceClient(connection),
		PaymentMethods: pb.NewPaymentMethodServiceClient(connection),
		Payments:       pb.NewPaymentServiceClient(connection),
	}
}

var serviceNames = []string{
	"bayar.payments.v1.AdminService",
	"bayar.payments.v1.CheckoutService",
	"bayar.payments.v1.CustomerService",
	"bayar.payments.v1.DisputeService",
	"bayar.payments.v1.EventService",
	"bayar.payments.v1.PaymentMethodService",
	"bayar.payments.v1.PaymentService",
}

// ListUnresolvedOperations lists operations on payments whose outcome is still unknown, oldest first. A payment method whose outcome is
// unknown is PENDING, and settles in the same way.
func (client *Client) ListUnresolvedOperations(ctx context.Context, request *pb.ListUnresolvedOperationsRequest) *Iterator[*pb.UnresolvedOperation] {
	return pages(ctx, client.Admin.ListUnresolvedOperations, request, (*pb.ListUnresolvedOperationsResponse).GetOperations)
}

// Reconcile compares this service's record with the gateway's over a window of time, each way. Each finding names its
// remedy. Run it first without, then with ORPHAN_POLICY_REVERSE.
//
// FAILED_PRECONDITION/TOO_MANY_ORPHANS: more orphans than max_reversals, and none was reversed.
//
// A connection that is lost on the way ends it with an error: begin again.
func (client *Client) Reconcile(ctx context.Context, request *pb.ReconcileRequest) *Iterator[*pb.ReconcileResponse] {
	return iterate(ctx, client.calls, &streamed[*pb.ReconcileResponse, *pb.ReconcileResponse]{
		method: "/bayar.payments.v1.AdminService/Reconcile",
		answer: func() *pb.ReconcileResponse { return &pb.ReconcileResponse{} },
		items:  func(answer *pb.ReconcileResponse) []*pb.ReconcileResponse { return []*pb.ReconcileResponse{answer} },
	}, request)
}

// ExportMovements streams every movement of money of a time window, of every caller, oldest first: captures, refunds, disputes,
// settlements and payouts, each at its own time. Windows that follow one another hold every movement once.
//
// FAILED_PRECONDITION/MOVEMENTS_INCOMPLETE with RetryInfo: after an upgrade, the service still records the movements
// of payments that an earlier version made.
//
// A connection that is lost on the way ends it with an error: begin again.
func (client *Client) ExportMovements(ctx context.Context, request *pb.ExportMovementsRequest) *Iterator[*pb.Movement] {
	return iterate(ctx, client.calls, &streamed[*pb.ExportMovementsResponse, *pb.Movement]{
		method: "/bayar.payments.v1.AdminService/ExportMovements",
		answer: func() *pb.ExportMovementsResponse { return &pb.ExportMovementsResponse{} },
		items:  (*pb.ExportMovementsResponse).GetMovements,
	}, request)
}

// CompareSettlements compares the movements of money here with the gateway's settlement batches and payouts, day by day: the sums of each
// merchant account and currency, then each transaction that differs, with what explains it.
//
// FAILED_PRECONDITION/MOVEMENTS_INCOMPLETE as for ExportMovements.
//
// A connection that is lost on the way ends it with an error: begin again.
func (client *Client) CompareSettlements(ctx context.Context, request *pb.CompareSettlementsRequest) *Iterator[*pb.CompareSettlementsResponse] {
	return iterate(ctx, client.calls, &streamed[*pb.CompareSettlementsResponse, *pb.CompareSettlementsResponse]{
		method: "/bayar.payments.v1.AdminService/CompareSettlements",
		answer: func() *pb.CompareSettlementsResponse { return &pb.CompareSettlementsResponse{} },
		items: func(answer *pb.CompareSettlementsResponse) []*pb.CompareSettlementsResponse {
			return []*pb.CompareSettlementsResponse{answer}
		},
	}, request)
}

// ExportPayments streams the operations of the payments that were created in a time window, oldest payment first, with the states
// that they have now. For the books, use ExportMovements: a refund is here in the window of its payment.
//
// A connection that is lost on the way ends it with an error: begin again.
func (client *Client) ExportPayments(ctx context.Context, request *pb.ExportPaymentsRequest) *Iterator[*pb.ExportRow] {
	return iterate(ctx, client.calls, &streamed[*pb.ExportPaymentsResponse, *pb.ExportRow]{
		method: "/bayar.payments.v1.AdminService/ExportPayments",
		answer: func() *pb.ExportPaymentsResponse { return &pb.ExportPaymentsResponse{} },
		items:  (*pb.ExportPaymentsResponse).GetRows,
	}, request)
}

// ListWebhookNotifications lists the gateway's webhooks, newest first, with dead letters and unknown kinds.
func (client *Client) ListWebhookNotifications(ctx context.Context, request *pb.ListWebhookNotificationsRequest) *Iterator[*pb.WebhookNotification] {
	return pages(ctx, client.Admin.ListWebhookNotifications, request, (*pb.ListWebhookNotificationsResponse).GetNotifications)
}

// ListAbuseBlocks lists the blocks of the velocity limits against card testing, newest first. Kept for 90 days.
func (client *Client) ListAbuseBlocks(ctx context.Context, request *pb.ListAbuseBlocksRequest) *Iterator[*pb.AbuseBlock] {
	return pages(ctx, client.Admin.ListAbuseBlocks, request, (*pb.ListAbuseBlocksResponse).GetBlocks)
}

// ListEventEndpoints lists the endpoints of event webhooks, with the position that each has reached.
func (client *Client) ListEventEndpoints(ctx context.Context, request *pb.ListEventEndpointsRequest) *Iterator[*pb.EventEndpoint] {
	return pages(ctx, client.Admin.ListEventEndpoints, request, (*pb.ListEventEndpointsResponse).GetEndpoints)
}

// ListEventDeliveries lists the dead letters of an endpoint (events that it did not receive in three days) and the events to be sent
// again, in the order of the feed.
func (client *Client) ListEventDeliveries(ctx context.Context, request *pb.ListEventDeliveriesRequest) *Iterator[*pb.EventDelivery] {
	return pages(ctx, client.Admin.ListEventDeliveries, request, (*pb.ListEventDeliveriesResponse).GetDeliveries)
}

// ListCheckouts lists checkouts, newest first.
func (client *Client) ListCheckouts(ctx context.Context, request *pb.ListCheckoutsRequest) *Iterator[*pb.Checkout] {
	return pages(ctx, client.Checkouts.ListCheckouts, request, (*pb.ListCheckoutsResponse).GetCheckouts)
}

// ListCustomers lists customers, newest first.
func (client *Client) ListCustomers(ctx context.Context, request *pb.ListCustomersRequest) *Iterator[*pb.Customer] {
	return pages(ctx, client.Customers.ListCustomers, request, (*pb.ListCustomersResponse).GetCustomers)
}

// ListDisputes lists disputes, newest first.
func (client *Client) ListDisputes(ctx context.Context, request *pb.ListDisputesRequest) *Iterator[*pb.Dispute] {
	return pages(ctx, client.Disputes.ListDisputes, request, (*pb.ListDisputesResponse).GetDisputes)
}

// ListPaymentMethods lists a customer's payment methods, newest first. NOT_FOUND/CUSTOMER_NOT_FOUND.
func (client *Client) ListPaymentMethods(ctx context.Context, request *pb.ListPaymentMethodsRequest) *Iterator[*pb.PaymentMethod] {
	return pages(ctx, client.PaymentMethods.ListPaymentMethods, request, (*pb.ListPaymentMethodsResponse).GetPaymentMethods)
}

// ListPayments lists payments, newest first. Pages neither skip nor repeat while payments arrive. A page looks at a bounded number
// of payments, so that it is quick however many there are: where few match, it can be short, or empty, with more to
// come. Go on until next_page_token is empty.
func (client *Client) ListPayments(ctx context.Context, request *pb.ListPaymentsRequest) *Iterator[*pb.Payment] {
	return pages(ctx, client.Payments.ListPayments, request, (*pb.ListPaymentsResponse).GetPayments)
}

// SearchPayments finds payments by anything that people know of them: ids, reference, the card's last four digits, names, emails,
// metadata, amounts, the day. Each hit says which field matched. An exact id, gateway transaction id or reference
// comes first; then the newest. With the scope `admin`, or by an operator, it searches the payments of every caller, and is audited.
//
// A payment is found by its ids and its reference at once, by the rest within seconds: an index follows the feed of
// events. As in ListPayments, a page can be short or empty, with more to come.
func (client *Client) SearchPayments(ctx context.Context, request *pb.SearchPaymentsRequest) *Iterator[*pb.PaymentSearchHit] {
	return pages(ctx, client.Payments.SearchPayments, request, (*pb.SearchPaymentsResponse).GetHits)
}

// ListPaymentEvents lists the history of a payment, oldest first. NOT_FOUND/PAYMENT_NOT_FOUND.
func (client *Client) ListPaymentEvents(ctx context.Context, request *pb.ListPaymentEventsRequest) *Iterator[*pb.PaymentEvent] {
	return pages(ctx, client.Payments.ListPaymentEvents, request, (*pb.ListPaymentEventsResponse).GetEvents)
}

// ListMerchantAccounts lists the merchant accounts that payments can choose, by currency, the default first: the abilities of each, as the
// gateway shows them now.
//
// PERMISSION_DENIED/NOT_FOR_CUSTOMERS with a credential of one customer; UNAVAILABLE/GATEWAY_UNAVAILABLE or
// GATEWAY_UNREACHABLE.
func (client *Client) ListMerchantAccounts(ctx context.Context, request *pb.ListMerchantAccountsRequest) *Iterator[*pb.MerchantAccount] {
	return pages(ctx, client.Payments.ListMerchantAccounts, request, (*pb.ListMerchantAccountsResponse).GetMerchantAccounts)
}

// ListDeclineReasons lists every reason a payment can be declined for, with its advice and texts.
func (client *Client) ListDeclineReasons(ctx context.Context, request *pb.ListDeclineReasonsRequest) *Iterator[*pb.DeclineReasonEntry] {
	return pages(ctx, client.Payments.ListDeclineReasons, request, (*pb.ListDeclineReasonsResponse).GetEntries)
}
