// Package bayar is the Go client of Bayar, a payment service that never loses or doubles a payment.
//
// Client has the services of the contract, with deadlines, repeats, request ids and errors by reason:
//
//	client, err := bayar.New("127.0.0.1:50051")
//	...
//	defer client.Close()
//	answer, err := client.Payments.CreatePayment(ctx, &paymentsv1.CreatePaymentRequest{...})
//
// A decline and an outcome that is not known yet are answers, not errors: look at the payment's state.
package bayar

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"
)

const (
	defaultTimeout = 90 * time.Second // longer than the gateway's 60 s, so that answers arrive
	maxAnswerBytes = 64 << 20         // a page of 500 payments with long histories
	// A connection that went dead is noticed within the sum of both. The service permits a ping every 10 s.
	keepaliveTime    = 20 * time.Second
	keepaliveTimeout = 10 * time.Second
)

// Client is one connection to Bayar. Make one and keep it; goroutines may share it. Close it at the end.
//
// A context without a deadline gets one of 90 seconds, for all attempts together; streams have none. A call that changes
// something takes a RequestId, a UUID, and the client makes one where there is none. Keep your own beside the order, and a
// call can be repeated safely even after a crash. Every error is an *Error.
type Client struct {
	Services

	calls  *calls
	closer func() error
}

// RetryPolicy says how often and how soon a call is sent again, always with the same RequestId.
//
// Only what is UNAVAILABLE, cancelled by a server that stops, or refused with OPERATION_IN_PROGRESS is sent again: after the
// time that the service asks for, or else after a pause that doubles each time and is shortened by up to a half at random.
type RetryPolicy struct {
	// Attempts is how often a call is sent at most. Default (0): 5. 1 never repeats.
	Attempts int
	// FirstDelay is the longest pause after the first attempt. Default (0): 200 ms.
	FirstDelay time.Duration
	// LongestDelay is longer than any pause that the service does not ask for. Default (0): 5 s.
	LongestDelay time.Duration
}

func (policy RetryPolicy) withDefaults() RetryPolicy {
	if policy.Attempts == 0 {
		policy.Attempts = 5
	}
	if policy.FirstDelay == 0 {
		policy.FirstDelay = 200 * time.Millisecond
	}
	if policy.LongestDelay == 0 {
		policy.LongestDelay = 5 * time.Second
	}
	return policy
}

// New opens a client of the service at an address, which is host:port. It connects with the first call.
//
// The connection is encrypted, except to an address of this machine without certificates.
func New(address string, options ...Option) (*Client, error) {
	settings := settings{timeout: defaultTimeout, credential: credentialFromEnvironment()}
	for _, option := range options {
		if err := option(&settings); err != nil {
			return nil, err
		}
	}
	transport, err := settings.transport(address)
	if err != nil {
		return nil, err
	}
	connection, err := grpc.Dial(address, append([]grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDisableRetry(), // the client repeats calls itself, and knows which
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswerBytes)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
	}, settings.dialOptions...)...)
	if err != nil {
		return nil, fmt.Errorf("the connection to %s cannot be made: %w", address, err)
	}
	calls := &calls{
		connection: connection,
		address:    address,
		credential: settings.credential,
		language:   settings.language,
		timeout:    settings.timeout,
		retry:      settings.retry.withDefaults(),
	}
	return &Client{Services: newServices(calls), calls: calls, closer: connection.Close}, nil
}

// Close ends the connection. Calls under way are cancelled; the service finishes what it has begun.
func (client *Client) Close() error {
	return client.closer()
}

// Connection is for other stubs of the contract. Its calls have everything that those of Client have.
func (client *Client) Connection() grpc.ClientConnInterface {
	return client.calls
}

// ServiceConfig is a gRPC service config for whoever uses the generated stubs on a connection of their own, without Client:
//
//	grpc.Dial(address, grpc.WithDefaultServiceConfig(bayar.ServiceConfig()), ...)
//
// gRPC repeats what is UNAVAILABLE, up to five times. It does not make request ids, so set RequestId yourself, and it does
// not see reasons, so OPERATION_IN_PROGRESS comes back to you. Before grpc-go 1.40 it does so only where the environment
// variable GRPC_GO_RETRY is "on".
func ServiceConfig() string {
	var names []string
	for _, name := range serviceNames {
		names = append(names, fmt.Sprintf(`{"service": %q}`, name))
	}
	return fmt.Sprintf(`{"methodConfig": [{"name": [%s], "retryPolicy": {
		"maxAttempts": 5, "initialBackoff": "0.2s", "maxBackoff": "5s", "backoffMultiplier": 2,
		"retryableStatusCodes": ["UNAVAILABLE"]
	}}]}`, strings.Join(names, ", "))
}

var errNoCredential = errors.New("a credential is one word of ASCII: an API key (bayar_key_...) or a token")

// Credential gives an API key or token. It is asked for each attempt, so that short-lived tokens can change.
type Credential func(context.Context) (string, error)
