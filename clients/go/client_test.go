package bayar

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	pb "bayar.internal/bayar/paymentsv1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

const number = "4111111111111111"

func order() *pb.CreatePaymentRequest {
	return &pb.CreatePaymentRequest{
		Reference: "order-1",
		Amount:    MustMoney("25.00", "USD"),
		Source:    &pb.CreatePaymentRequest_Card{Card: &pb.Card{Number: number, Cvv: "987"}},
	}
}

// payments answers as a test says.
type payments struct {
	pb.UnimplementedPaymentServiceServer
	answer func(*pb.CreatePaymentRequest) (*pb.CreatePaymentResponse, error)
}

func (server payments) CreatePayment(_ context.Context, request *pb.CreatePaymentRequest) (*pb.CreatePaymentResponse, error) {
	return server.answer(request)
}

func serve(t *testing.T, answer func(*pb.CreatePaymentRequest) (*pb.CreatePaymentResponse, error)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pb.RegisterPaymentServiceServer(server, payments{answer: answer})
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func open(t *testing.T, address string, options ...Option) *Client {
	t.Helper()
	client, err := New(address, append([]Option{WithCredential("key")}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func failed(t *testing.T, err error) *Error {
	t.Helper()
	var known *Error
	if !errors.As(err, &known) {
		t.Fatalf("no *Error: %v", err)
	}
	return known
}

func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestAServiceThatCannotBeReachedLeavesNothingUnknown(t *testing.T) {
	client := open(t, nobody(t), WithRetry(RetryPolicy{Attempts: 2, FirstDelay: time.Millisecond}))
	request := order()
	_, err := client.Payments.CreatePayment(context.Background(), request)
	known := failed(t, err)
	if known.Code != codes.Unavailable || known.OutcomeUnknown || !known.Retryable() || len(known.RequestID) != 36 {
		t.Errorf("%#v", known)
	}
	if !strings.Contains(err.Error(), "Nothing took effect") || status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	if request.RequestId != "" {
		t.Error("the request of the caller was changed")
	}
}

func TestAContextThatEndsIsTheCause(t *testing.T) {
	began := make(chan struct{}, 9)
	address := serve(t, func(*pb.CreatePaymentRequest) (*pb.CreatePaymentResponse, error) {
		began <- struct{}{}
		time.Sleep(200 * time.Millisecond)
		return &pb.CreatePaymentResponse{}, nil
	})
	client := open(t, address)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-began; cancel() }()
	_, err := client.Payments.CreatePayment(ctx, order())
	if known := failed(t, err); !errors.Is(err, context.Canceled) || !known.OutcomeUnknown || known.Retryable() {
		t.Errorf("%#v", known)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = client.Payments.CreatePayment(ctx, order())
	if known := failed(t, err); !errors.Is(err, context.DeadlineExceeded) || !known.OutcomeUnknown {
		t.Errorf("%#v", known)
	}
}

func TestAClosedClientSendsNothingAndRepeatsNothing(t *testing.T) {
	client := open(t, nobody(t), WithRetry(RetryPolicy{FirstDelay: time.Hour, LongestDelay: time.Hour}))
	client.Close()
	_, err := client.Payments.GetPayment(context.Background(), &pb.GetPaymentRequest{PaymentId: "pay_1"})
	if known := failed(t, err); known.Retryable() {
		t.Errorf("%#v", known)
	}
}

func TestSecretsStayOutOfErrorsAndTexts(t *testing.T) {
	address := serve(t, func(request *pb.CreatePaymentRequest) (*pb.CreatePaymentResponse, error) {
		return nil, status.Errorf(codes.InvalidArgument, "card %s, cvv %s!", request.GetCard().Number, request.GetCard().Cvv)
	})
	_, err := open(t, address).Payments.CreatePayment(context.Background(), order())
	for _, shown := range []string{err.Error(), fmt.Sprintf("%+v", err), Redacted(order())} {
		if strings.Contains(shown, number) || strings.Contains(shown, "987") {
			t.Error(shown)
		}
	}
	if text := Redacted(order()); !strings.Contains(text, "order-1") || !strings.Contains(text, "2500") {
		t.Error(text)
	}
	if order().GetCard().Number != number {
		t.Error("the message itself was changed")
	}
}

func TestTheServiceConfigRepeatsCallsOfGeneratedStubs(t *testing.T) {
	if os.Getenv("GRPC_GO_RETRY") != "on" {
		t.Skip("GRPC_GO_RETRY is not on, which grpc-go before 1.40 needs: `make test-go` sets it")
	}
	var calls int32
	address := serve(t, func(*pb.CreatePaymentRequest) (*pb.CreatePaymentResponse, error) {
		if atomic.AddInt32(&calls, 1) < 3 {
			return nil, status.Error(codes.Unavailable, "not yet")
		}
		return &pb.CreatePaymentResponse{}, nil
	})
	connection, err := grpc.Dial(address, grpc.WithTransportCredentials(plainText{}), grpc.WithDefaultServiceConfig(ServiceConfig()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := pb.NewPaymentServiceClient(connection).CreatePayment(context.Background(), order()); err != nil || calls != 3 {
		t.Error(err, calls)
	}
}

func TestEveryServiceIsAFieldAndEveryListAndStreamIsAMethod(t *testing.T) {
	client := open(t, nobody(t))
	services := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("bayar.payments.v1", func(file protoreflect.FileDescriptor) bool {
		for index := 0; index < file.Services().Len(); index++ {
			services++
			checkMethods(t, client, file.Services().Get(index).Methods())
		}
		return true
	})
	if services < 6 || services != len(serviceNames) {
		t.Error(services, serviceNames)
	}
}

func checkMethods(t *testing.T, client *Client, methods protoreflect.MethodDescriptors) {
	t.Helper()
	for index := 0; index < methods.Len(); index++ {
		name := string(methods.Get(index).Name())
		method := methodOf(client, name)
		if !method.IsValid() {
			t.Errorf("there is no %s", name)
			continue
		}
		isIterator := method.Type().NumOut() == 1
		if isIterator != (methods.Get(index).IsStreamingServer() || isList(name)) {
			t.Errorf("%s gives another kind of thing", name)
		}
	}
}

func isList(name string) bool {
	return strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Search")
}

func TestAmountsAreExact(t *testing.T) {
	for _, each := range []struct {
		amount, currency string
		minorUnits       int64
		shown            string
	}{
		{"25.00", "USD", 2500, "USD 25.00"},
		{"0.05", "USD", 5, "USD 0.05"},
		{"1.10000", "USD", 110, "USD 1.10"},
		{"1050", "JPY", 1050, "JPY 1050"},
		{"1.05", "KWD", 1050, "KWD 1.050"},
		{"92233720368547758.07", "USD", 1<<63 - 1, "USD 92233720368547758.07"},
	} {
		money, err := Money(each.amount, each.currency)
		if err != nil || money.MinorUnits != each.minorUnits || FormatMoney(money) != each.shown {
			t.Error(each, money, err)
		}
	}
	for _, wrong := range [][2]string{
		{"1.005", "USD"}, {"-1", "USD"}, {"1e3", "USD"}, {"", "USD"}, {" 1", "USD"}, {"1\n", "USD"}, {"1,5", "USD"}, {".5", "USD"},
		{"5.", "USD"}, {"1.5", "JPY"}, {"٣", "USD"}, {"92233720368547758.08", "USD"}, {"1", "usd"}, {"1", "USDX"}, {"1", "USD\n"},
	} {
		if money, err := Money(wrong[0], wrong[1]); err == nil {
			t.Error(wrong, money)
		}
	}
	if FormatMoney(&pb.Money{MinorUnits: -1 << 63, CurrencyCode: "USD"}) != "USD -92233720368547758.08" || FormatMoney(nil) != "" {
		t.Error(FormatMoney(&pb.Money{MinorUnits: -1 << 63, CurrencyCode: "USD"}))
	}
}

func TestOnlyAnAddressOfThisMachineIsOne(t *testing.T) {
	for _, near := range []string{"localhost:1", "127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "dns:///localhost:1", "passthrough:///127.0.0.1:1", "unix:/tmp/x"} {
		if !isLoopback(near) {
			t.Error(near)
		}
	}
	for _, far := range []string{"example.com:1", "127.0.0.1.example.com:1", "dns://8.8.8.8/localhost:1", "[2001:db8::1]:1", "10.0.0.1:1"} {
		if isLoopback(far) {
			t.Error(far)
		}
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	for name, each := range map[string]struct {
		address string
		options []Option
	}{
		"a scheme":                      {"https://example.com", nil},
		"no address":                    {"", nil},
		"no port":                       {"example.com", nil},
		"port 0":                        {"example.com:0", nil},
		"a port that is none":           {"example.com:https", nil},
		"a port that is too large":      {"example.com:65536", nil},
		"a path":                        {"example.com:443/pay", nil},
		"a space":                       {" example.com:443", nil},
		"an address of IPv6 in no []":   {"::1:50051", nil},
		"no key":                        {"example.com:1", []Option{WithCredential("")}},
		"no function":                   {"example.com:1", []Option{WithCredentialFunc(nil)}},
		"a negative time":               {"example.com:1", []Option{WithTimeout(-time.Second)}},
		"a negative pause":              {"example.com:1", []Option{WithRetry(RetryPolicy{FirstDelay: -1})}},
		"a credential in plain text":    {"example.com:1", []Option{WithInsecure(), WithCredential("key")}},
		"certificates that are none":    {"example.com:1", []Option{WithRootCertificates([]byte("no PEM"))}},
		"no time":                       {"example.com:1", []Option{WithTimeout(0)}},
		"a negative number of attempts": {"example.com:1", []Option{WithRetry(RetryPolicy{Attempts: -1})}},
	} {
		if _, err := New(each.address, each.options...); err == nil || err.Error() == "" {
			t.Error(name)
		}
	}
}

func TestACredentialThatIsNoneIsRefusedAndNotNamed(t *testing.T) {
	for _, none := range []string{"two words", "", " ", "clé"} {
		if _, err := New("127.0.0.1:1", WithCredential(none)); !errors.Is(err, errNoCredential) || strings.Contains(err.Error(), "two") {
			t.Error(none, err)
		}
	}
	given := func(context.Context) (string, error) { return "two words", nil }
	_, err := open(t, nobody(t), WithCredentialFunc(given)).Payments.GetPayment(context.Background(), &pb.GetPaymentRequest{})
	if !errors.Is(err, errNoCredential) || strings.Contains(err.Error(), "two") {
		t.Error(err)
	}
}

func TestNoRequestIsRefused(t *testing.T) {
	client := open(t, nobody(t))
	if _, err := client.Payments.CreatePayment(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "needs a request") {
		t.Error(err)
	}
}

func TestCodesAreNamedAsInTheDocuments(t *testing.T) {
	for code, name := range map[codes.Code]string{
		codes.InvalidArgument: "INVALID_ARGUMENT", codes.Canceled: "CANCELLED", codes.OK: "OK", codes.NotFound: "NOT_FOUND",
		codes.DeadlineExceeded: "DEADLINE_EXCEEDED", codes.Unauthenticated: "UNAUTHENTICATED",
	} {
		if codeName(code) != name {
			t.Error(codeName(code), name)
		}
	}
}

func TestEachKnownReasonHasARemedy(t *testing.T) {
	for reason, remedy := range remedies {
		if (&Error{Reason: reason}).Remedy() != remedy || !strings.HasSuffix(remedy, ".") || strings.Contains(remedy, ".md") {
			t.Error(reason, remedy)
		}
	}
}

func TestAnErrorWithoutAKnownReasonHasTheRemedyOfItsCode(t *testing.T) {
	for wanted, err := range map[string]*Error{
		"Repeat the call, with the same RequestId where it has one.":                                     {Code: codes.Unavailable},
		"Correct the request as the message says.":                                                       {Code: codes.InvalidArgument, Reason: "MOON"},
		"Repeat the call with the same RequestId to learn the outcome. A new RequestId could act twice.": {Reason: "INTERNAL", OutcomeUnknown: true},
		"Do as the message says.":                                                                        {Code: codes.Unimplemented},
	} {
		if err.Remedy() != wanted {
			t.Error(err.Remedy())
		}
	}
}

// traced answers the second attempt, and keeps the trace context of each.
type traced struct {
	pb.UnimplementedPaymentServiceServer
	seen chan string
}

func (server traced) GetPayment(ctx context.Context, _ *pb.GetPaymentRequest) (*pb.GetPaymentResponse, error) {
	if server.keep(ctx); len(server.seen) == 1 {
		return nil, status.Error(codes.Unavailable, "Socket closed")
	}
	return &pb.GetPaymentResponse{}, nil
}

func (server traced) WatchPayment(_ *pb.WatchPaymentRequest, stream pb.PaymentService_WatchPaymentServer) error {
	server.keep(stream.Context())
	return stream.Send(&pb.WatchPaymentResponse{Payment: &pb.Payment{PaymentId: "pay_1"}})
}

func (server traced) keep(ctx context.Context) {
	received, _ := metadata.FromIncomingContext(ctx)
	server.seen <- strings.Join(received.Get("traceparent"), " ")
}

// readTraced makes one call, which takes two attempts, and reads one stream. It returns the trace context of each.
func readTraced(t *testing.T, ctx context.Context, options ...Option) []string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, service := grpc.NewServer(), traced{seen: make(chan string, 9)}
	pb.RegisterPaymentServiceServer(server, service)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	client := open(t, listener.Addr().String(), append(options, WithRetry(RetryPolicy{FirstDelay: time.Millisecond}))...)
	if _, err := client.Payments.GetPayment(ctx, &pb.GetPaymentRequest{PaymentId: "pay_1"}); err != nil {
		t.Fatal(err)
	}
	payments := client.WatchPayment(ctx, &pb.WatchPaymentRequest{PaymentId: "pay_1"})
	defer payments.Close()
	for payments.Next() {
	}
	if payments.Err() != nil {
		t.Fatal(payments.Err())
	}
	close(service.seen)
	var seen []string
	for traceparent := range service.seen {
		seen = append(seen, traceparent)
	}
	return seen
}

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTheMetadataOfTheContextGoesWithEachAttempt(t *testing.T) {
	ctx := metadata.AppendToOutgoingContext(context.Background(), "traceparent", traceparent)
	if seen := readTraced(t, ctx); !reflect.DeepEqual(seen, []string{traceparent, traceparent, traceparent}) {
		t.Error(seen)
	}
}

func TestInterceptorsSeeEachAttemptAndAddMetadata(t *testing.T) {
	var methods []string
	stamped := func(ctx context.Context, method string) context.Context {
		methods = append(methods, method[strings.LastIndex(method, "/")+1:])
		return metadata.AppendToOutgoingContext(ctx, "traceparent", traceparent)
	}
	unary := func(ctx context.Context, method string, request, answer any, connection *grpc.ClientConn, next grpc.UnaryInvoker, options ...grpc.CallOption) error {
		return next(stamped(ctx, method), method, request, answer, connection, options...)
	}
	stream := func(ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn, method string, next grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
		return next(stamped(ctx, method), description, connection, method, options...)
	}
	interceptors := WithDialOptions(grpc.WithUnaryInterceptor(unary), grpc.WithStreamInterceptor(stream))
	seen := readTraced(t, context.Background(), interceptors)
	if !reflect.DeepEqual(seen, []string{traceparent, traceparent, traceparent}) {
		t.Error(seen)
	}
	if !reflect.DeepEqual(methods, []string{"GetPayment", "GetPayment", "WatchPayment"}) {
		t.Error(methods)
	}
}

func TestOnlyAGenuineWebhookIsRead(t *testing.T) {
	const secret = "a-secret-of-twenty-four-bytes"
	body := `{"id": "evt_1", "type": "bayar.payments.v1.payment_changed", "subject": "pay_1", "data": {"position": "7",
		"payment_change": {"payment": {"payment_id": "pay_1", "new_field": 1}}}}`
	now := time.Unix(1_767_225_600, 0)
	sign := func(key, id string, seconds int64) http.Header {
		mac := hmac.New(sha256.New, []byte(key))
		fmt.Fprintf(mac, "%s.%d.%s", id, seconds, body)
		header := http.Header{}
		header.Set("webhook-id", id)
		header.Set("webhook-timestamp", fmt.Sprint(seconds))
		header.Set("webhook-signature", "v1,other v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return header
	}
	encoded := "whsec_" + base64.StdEncoding.EncodeToString([]byte(secret))
	for _, known := range []string{secret, "another-one " + encoded} {
		webhook, err := readWebhook(sign(secret, "evt_1", now.Unix()), []byte(body), []string{known}, now)
		if err != nil || webhook.Event.Position != 7 || webhook.Event.GetPaymentChange().Payment.PaymentId != "pay_1" {
			t.Error(webhook, err)
		}
	}
	changed := sign(secret, "evt_1", now.Unix())
	changed.Set("webhook-id", "evt_2")
	for name, header := range map[string]http.Header{
		"another secret": sign("wrong", "evt_1", now.Unix()), "an old time": sign(secret, "evt_1", now.Unix()-301),
		"a time to come": sign(secret, "evt_1", now.Unix()+301), "another id": changed, "nothing": {},
	} {
		if _, err := readWebhook(header, []byte(body), []string{secret}, now); !errors.Is(err, ErrNotGenuine) {
			t.Error(name, err)
		}
	}
	if _, err := readWebhook(sign(secret, "evt_1", now.Unix()), []byte(body+" "), []string{secret}, now); !errors.Is(err, ErrNotGenuine) {
		t.Error("another body", err)
	}
	for _, none := range []string{"", " ", "whsec_", secret + " whsec_"} {
		webhook, err := readWebhook(sign("", "evt_1", now.Unix()), []byte(body), []string{none}, now)
		if webhook != nil || err == nil || errors.Is(err, ErrNotGenuine) {
			t.Errorf("no secret in %q: %v", none, err)
		}
	}
}

func TestAnIteratorServesRange(t *testing.T) {
	left, isCancelled := 3, false
	items := &Iterator[int]{
		next:   func() (int, bool, error) { left--; return left, left >= 0, nil },
		cancel: func() { isCancelled = true },
	}
	var seen []int
	items.All()(func(item int, err error) bool { seen = append(seen, item); return err == nil && item > 1 })
	if !reflect.DeepEqual(seen, []int{2, 1}) || !isCancelled || items.Next() {
		t.Error(seen, isCancelled)
	}
}

func TestAPolicyHasDefaults(t *testing.T) {
	wanted := RetryPolicy{Attempts: 5, FirstDelay: 200 * time.Millisecond, LongestDelay: 5 * time.Second}
	if (RetryPolicy{}).withDefaults() != wanted || !proto.Equal(MustMoney("1", "JPY"), &pb.Money{MinorUnits: 1, CurrencyCode: "JPY"}) {
		t.Error((RetryPolicy{}).withDefaults())
	}
}
