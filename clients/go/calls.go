package bayar

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	mathrand "math/rand"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// calls is the connection that the generated stubs use: it repeats calls until they are answered, where repeating cannot do
// anything twice.
type calls struct {
	connection grpc.ClientConnInterface
	address    string
	credential Credential
	language   string
	timeout    time.Duration
	retry      RetryPolicy
}

// Invoke makes a call with one answer.
func (calls *calls) Invoke(ctx context.Context, method string, request, answer any, options ...grpc.CallOption) error {
	ctx, cancel := calls.withDeadline(ctx)
	defer cancel()
	if message, isMessage := request.(proto.Message); isMessage && !message.ProtoReflect().IsValid() {
		return fmt.Errorf("%s needs a request, not nil", method)
	}
	call := calls.prepared(ctx, request)
	attempts := attempts{retry: calls.retry}
	for {
		outgoing, err := calls.outgoing(ctx)
		if err != nil {
			return err
		}
		err = calls.connection.Invoke(outgoing, method, call.request, answer, options...)
		if err == nil {
			return nil
		}
		if err := attempts.wait(ctx, call.errorOf(err, attempts.earlier)); err != nil {
			return err
		}
	}
}

// NewStream opens a stream as gRPC does: it is not repeated. The methods of Client that return an Iterator are.
func (calls *calls) NewStream(ctx context.Context, description *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	outgoing, err := calls.outgoing(ctx)
	if err != nil {
		return nil, err
	}
	stream, err := calls.connection.NewStream(outgoing, description, method, options...)
	call := calls.prepared(ctx, nil)
	if err != nil {
		return nil, call.errorOf(err, nil)
	}
	return &clientStream{stream, call}, nil
}

// clientStream is a stream whose errors are of this package.
type clientStream struct {
	grpc.ClientStream
	call *call
}

// RecvMsg returns io.EOF at the end of the stream, and an *Error where it broke.
func (stream *clientStream) RecvMsg(message any) error {
	err := stream.ClientStream.RecvMsg(message)
	if err == nil || isEnd(err) {
		return err
	}
	return stream.call.errorOf(err, nil)
}

func (calls *calls) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, calls.timeout)
}

func (calls *calls) outgoing(ctx context.Context) (context.Context, error) {
	if calls.language != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "accept-language", calls.language)
	}
	if calls.credential == nil {
		return ctx, nil
	}
	text, err := calls.credential(ctx)
	if err != nil {
		return nil, fmt.Errorf("the credential cannot be had: %w", err)
	}
	value, err := bearer(text)
	if err != nil {
		return nil, err
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", value), nil
}

// bearer is the value of the header authorization. The error does not name the credential.
func bearer(credential string) (string, error) {
	credential = strings.TrimSpace(credential)
	if credential == "" || strings.IndexFunc(credential, func(letter rune) bool { return letter <= ' ' || letter > '~' }) >= 0 {
		return "", errNoCredential
	}
	return "Bearer " + credential, nil
}

// call is what all attempts at one call have in common.
type call struct {
	ctx       context.Context
	address   string
	request   any
	requestID string
	changes   bool
	hide      func(string) string
}

// prepared gives the request a RequestId where it needs one and has none. The caller's own message stays as it is.
func (calls *calls) prepared(ctx context.Context, request any) *call {
	call := &call{ctx: ctx, address: calls.address, request: request, hide: func(text string) string { return text }}
	message, isMessage := request.(proto.Message)
	if !isMessage {
		return call
	}
	call.hide = hider(message)
	field := message.ProtoReflect().Descriptor().Fields().ByName("request_id")
	if field == nil || field.Kind() != protoreflect.StringKind {
		return call
	}
	call.changes = true
	if message.ProtoReflect().Get(field).String() == "" {
		message = proto.Clone(message)
		message.ProtoReflect().Set(field, protoreflect.ValueOfString(NewRequestID()))
		call.request = message
	}
	call.requestID = message.ProtoReflect().Get(field).String()
	return call
}

// NewRequestID makes a UUID for a call that changes something: keep it beside the order, and the call can be repeated.
func NewRequestID() string {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		panic(err) // the machine has no randomness: nothing else is safe
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// attempts are those at one call.
type attempts struct {
	retry   RetryPolicy
	made    int
	earlier *Error
}

// beginAgain is for an answer that came: the next fault is the first again.
func (attempts *attempts) beginAgain() {
	attempts.made, attempts.earlier = 0, nil
}

// wait waits until the next attempt is due. It returns the error where none is left, or no time for it.
func (attempts *attempts) wait(ctx context.Context, err *Error) error {
	attempts.made++
	attempts.earlier = err
	delay := err.RetryAfter
	if delay == 0 {
		delay = attempts.delay()
	}
	deadline, hasDeadline := ctx.Deadline()
	isInTime := !hasDeadline || time.Now().Add(delay).Before(deadline)
	if !err.Retryable() || attempts.made >= attempts.retry.Attempts || !isInTime {
		return err
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return err // the caller ended it: this is what is known
	}
}

func (attempts *attempts) delay() time.Duration {
	longest := float64(attempts.retry.FirstDelay) * math.Pow(2, float64(attempts.made-1))
	longest = math.Min(longest, float64(attempts.retry.LongestDelay))
	return time.Duration(longest * (0.5 + mathrand.Float64()/2))
}
