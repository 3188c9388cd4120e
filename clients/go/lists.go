package bayar

import (
	"context"

	pb "bayar.internal/bayar/paymentsv1"
)

// Lists ask for the next page when it is read. PageSize is how many at a time.

// ListPayments gives payments that match the filter, newest first.
func (client *Client) ListPayments(ctx context.Context, request *pb.ListPaymentsRequest) *Iterator[*pb.Payment] {
	return pages(ctx, client.Payments.ListPayments, request, (*pb.ListPaymentsResponse).GetPayments)
}

// ListPaymentEvents gives what happened to a payment, oldest first.
func (client *Client) ListPaymentEvents(ctx context.Context, request *pb.ListPaymentEventsRequest) *Iterator[*pb.PaymentEvent] {
	return pages(ctx, client.Payments.ListPaymentEvents, request, (*pb.ListPaymentEventsResponse).GetEvents)
}

// ListDeclineReasons gives every reason a payment can be declined for, with its advice and texts.
func (client *Client) ListDeclineReasons(ctx context.Context, request *pb.ListDeclineReasonsRequest) *Iterator[*pb.DeclineReasonEntry] {
	return pages(ctx, client.Payments.ListDeclineReasons, request, (*pb.ListDeclineReasonsResponse).GetEntries)
}

// ListCustomers gives customers, newest first.
func (client *Client) ListCustomers(ctx context.Context, request *pb.ListCustomersRequest) *Iterator[*pb.Customer] {
	return pages(ctx, client.Customers.ListCustomers, request, (*pb.ListCustomersResponse).GetCustomers)
}

// ListPaymentMethods gives a customer's payment methods, newest first.
func (client *Client) ListPaymentMethods(ctx context.Context, request *pb.ListPaymentMethodsRequest) *Iterator[*pb.PaymentMethod] {
	return pages(ctx, client.PaymentMethods.ListPaymentMethods, request, (*pb.ListPaymentMethodsResponse).GetPaymentMethods)
}

// ListDisputes gives disputes, newest first.
func (client *Client) ListDisputes(ctx context.Context, request *pb.ListDisputesRequest) *Iterator[*pb.Dispute] {
	return pages(ctx, client.Disputes.ListDisputes, request, (*pb.ListDisputesResponse).GetDisputes)
}

// ListUnresolvedOperations gives operations whose outcome is unknown, oldest first.
func (client *Client) ListUnresolvedOperations(ctx context.Context, request *pb.ListUnresolvedOperationsRequest) *Iterator[*pb.UnresolvedOperation] {
	return pages(ctx, client.Admin.ListUnresolvedOperations, request, (*pb.ListUnresolvedOperationsResponse).GetOperations)
}

// ListWebhookNotifications gives what the gateway's webhooks told, newest first.
func (client *Client) ListWebhookNotifications(ctx context.Context, request *pb.ListWebhookNotificationsRequest) *Iterator[*pb.WebhookNotification] {
	return pages(ctx, client.Admin.ListWebhookNotifications, request, (*pb.ListWebhookNotificationsResponse).GetNotifications)
}

// ListAbuseBlocks gives whom the limits of card testing stopped, newest first.
func (client *Client) ListAbuseBlocks(ctx context.Context, request *pb.ListAbuseBlocksRequest) *Iterator[*pb.AbuseBlock] {
	return pages(ctx, client.Admin.ListAbuseBlocks, request, (*pb.ListAbuseBlocksResponse).GetBlocks)
}

// ListEventEndpoints gives the addresses that events are sent to, and how far each is.
func (client *Client) ListEventEndpoints(ctx context.Context, request *pb.ListEventEndpointsRequest) *Iterator[*pb.EventEndpoint] {
	return pages(ctx, client.Admin.ListEventEndpoints, request, (*pb.ListEventEndpointsResponse).GetEndpoints)
}

// ListEventDeliveries gives events that an address did not receive, in the order of the feed.
func (client *Client) ListEventDeliveries(ctx context.Context, request *pb.ListEventDeliveriesRequest) *Iterator[*pb.EventDelivery] {
	return pages(ctx, client.Admin.ListEventDeliveries, request, (*pb.ListEventDeliveriesResponse).GetDeliveries)
}
