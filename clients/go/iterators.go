package bayar

import (
	"context"

	pb "bayar.internal/bayar/paymentsv1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Iterator gives the elements of a list, or the messages of a stream, one by one:
//
//	payments := client.ListPayments(ctx, &paymentsv1.ListPaymentsRequest{})
//	defer payments.Close()
//	for payments.Next() {
//		use(payments.Value())
//	}
//	if err := payments.Err(); err != nil { ... }
//
// With Go 1.23: for payment, err := range client.ListPayments(...).All().
// One goroutine uses it at a time.
type Iterator[T any] struct {
	next   func() (T, bool, error)
	cancel context.CancelFunc
	value  T
	err    error
	ended  bool
}

// Next goes to the next element. It returns false at the end, and where an error came: then Err is not nil.
func (iterator *Iterator[T]) Next() bool {
	if iterator.ended {
		return false
	}
	value, has, err := iterator.next()
	if err != nil || !has {
		iterator.err = err
		iterator.Close()
		return false
	}
	iterator.value = value
	return true
}

// Value is the element that Next went to.
func (iterator *Iterator[T]) Value() T { return iterator.value }

// Err is why Next returned false, or nil at the end. It is an *Error, or the credential's own.
func (iterator *Iterator[T]) Err() error { return iterator.err }

// Close ends the call. It may be called more than once.
func (iterator *Iterator[T]) Close() {
	iterator.ended = true
	iterator.cancel()
}

// All is for the range statement of Go 1.23: each element, or at last an error. Leaving the loop ends the call.
func (iterator *Iterator[T]) All() func(yield func(T, error) bool) {
	return func(yield func(T, error) bool) {
		defer iterator.Close()
		for iterator.Next() {
			if !yield(iterator.Value(), nil) {
				return
			}
		}
		if iterator.Err() != nil {
			var none T
			yield(none, iterator.Err())
		}
	}
}

// pages reads page after page, as it is asked for.
func pages[Q, A proto.Message, T any](
	ctx context.Context, fetch func(context.Context, Q, ...grpc.CallOption) (A, error), request Q, items func(A) []T,
) *Iterator[T] {
	ctx, cancel := context.WithCancel(ctx)
	request = proto.Clone(request).(Q)
	var page []T
	isLast := false
	return &Iterator[T]{cancel: cancel, next: func() (value T, has bool, err error) {
		for len(page) == 0 && !isLast {
			answer, err := fetch(ctx, request)
			if err != nil {
				return value, false, err
			}
			page = items(answer)
			isLast = !turnPage(request.ProtoReflect(), answer.ProtoReflect())
		}
		if len(page) == 0 {
			return value, false, nil
		}
		value, page = page[0], page[1:]
		return value, true, nil
	}}
}

// turnPage makes the request ask for the page after the answer. It returns false after the last one.
func turnPage(request, answer protoreflect.Message) bool {
	if token := answer.Descriptor().Fields().ByName("next_page_token"); token != nil {
		next := answer.Get(token)
		request.Set(request.Descriptor().Fields().ByName("page_token"), next)
		return next.String() != ""
	}
	after := request.Descriptor().Fields().ByName("after_position")
	if after == nil {
		return false
	}
	return turnPosition(request, answer, after)
}

// turnPosition is for lists whose next page begins behind the position of the last element.
func turnPosition(request, answer protoreflect.Message, after protoreflect.FieldDescriptor) bool {
	isFull := false
	answer.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.IsList() && value.List().Len() > 0 {
			last := value.List().Get(value.List().Len() - 1).Message()
			request.Set(after, last.Get(last.Descriptor().Fields().ByName("position")))
			isFull = true
		}
		return true
	})
	return isFull
}

// streamed reads a stream. resume, if there is one, gets each message and makes the next attempt continue behind it;
// without it, the stream is repeated before its first message only. items extracts the values for the caller.
type streamed[A proto.Message, T any] struct {
	calls    *calls
	call     *call
	method   string
	answer   func() A
	items    func(A) []T
	resume   func(A)
	canGoOn  bool
	attempts attempts
	stream   grpc.ClientStream
	left     []T
	hasBegun bool
}

func iterate[A proto.Message, T any](ctx context.Context, calls *calls, streamed *streamed[A, T], request proto.Message) *Iterator[T] {
	ctx, cancel := context.WithCancel(ctx)
	streamed.calls = calls
	streamed.call = calls.prepared(ctx, proto.Clone(request))
	streamed.attempts = attempts{retry: calls.retry}
	return &Iterator[T]{cancel: cancel, next: streamed.next}
}

func (streamed *streamed[A, T]) next() (value T, has bool, err error) {
	for len(streamed.left) == 0 {
		answer := streamed.answer()
		err := streamed.receive(answer)
		switch {
		case err == nil:
			streamed.hasBegun = true
			if streamed.canGoOn {
				streamed.attempts.beginAgain()
			}
			streamed.left = streamed.items(answer)
			if streamed.resume != nil {
				streamed.resume(answer)
			}
		case isEnd(err):
			return value, false, nil
		default:
			if err := streamed.beginAgain(err); err != nil {
				return value, false, err
			}
		}
	}
	value, streamed.left = streamed.left[0], streamed.left[1:]
	return value, true, nil
}

func (streamed *streamed[A, T]) receive(answer A) error {
	if streamed.stream == nil {
		stream, err := streamed.open()
		if err != nil {
			return err
		}
		streamed.stream = stream
	}
	return streamed.stream.RecvMsg(answer)
}

func (streamed *streamed[A, T]) open() (grpc.ClientStream, error) {
	stream, err := streamed.calls.NewStream(streamed.call.ctx, &grpc.StreamDesc{ServerStreams: true}, streamed.method)
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(streamed.call.request); err != nil && !isEnd(err) {
		return nil, streamed.call.errorOf(err, nil)
	}
	// Where the server has ended the stream already, RecvMsg says why.
	return stream, stream.CloseSend()
}

func (streamed *streamed[A, T]) beginAgain(raised error) error {
	err, isCalls := raised.(*Error)
	if !isCalls || (streamed.hasBegun && !streamed.canGoOn) {
		return raised
	}
	streamed.stream = nil
	return streamed.attempts.wait(streamed.call.ctx, err)
}

// WatchPayment gives the payment as it is, and again at each change, until it rests. A lost connection is made again.
func (client *Client) WatchPayment(ctx context.Context, request *pb.WatchPaymentRequest) *Iterator[*pb.Payment] {
	var last *pb.Payment
	return iterate(ctx, client.calls, &streamed[*pb.WatchPaymentResponse, *pb.Payment]{
		method:  "/bayar.payments.v1.PaymentService/WatchPayment",
		canGoOn: true,
		answer:  func() *pb.WatchPaymentResponse { return &pb.WatchPaymentResponse{} },
		items: func(answer *pb.WatchPaymentResponse) []*pb.Payment {
			if proto.Equal(answer.Payment, last) {
				return nil
			}
			last = answer.Payment
			return []*pb.Payment{answer.Payment}
		},
	}, request)
}

// StreamEvents gives what changed after a position, then what changes from now on. Keep the position of the last event that
// you have dealt with, with what you did about it, and go on from there the next time. A lost connection is made again where
// it left off.
func (client *Client) StreamEvents(ctx context.Context, request *pb.StreamEventsRequest) *Iterator[*pb.Event] {
	request = proto.Clone(request).(*pb.StreamEventsRequest)
	streamed := &streamed[*pb.StreamEventsResponse, *pb.Event]{
		method:  "/bayar.payments.v1.EventService/StreamEvents",
		canGoOn: true,
		answer:  func() *pb.StreamEventsResponse { return &pb.StreamEventsResponse{} },
		items: func(answer *pb.StreamEventsResponse) []*pb.Event {
			if answer.GetEvent() == nil {
				return nil
			}
			return []*pb.Event{answer.GetEvent()}
		},
	}
	streamed.resume = func(answer *pb.StreamEventsResponse) {
		if position := answer.GetEvent().GetPosition() + answer.GetHeartbeat().GetPosition(); position > 0 {
			streamed.call.request.(*pb.StreamEventsRequest).AfterPosition = position
		}
	}
	return iterate(ctx, client.calls, streamed, request)
}
