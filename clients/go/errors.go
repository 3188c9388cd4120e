package bayar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Violation is one fault of a request.
type Violation struct {
	// Field is the field's path in the contract, for example "card.expiration_year".
	Field string
	// Description is one English sentence: the rule that the field breaks, and the remedy.
	Description string
}

// Error is a call that did not succeed. Find it with errors.As, and switch on Reason:
//
//	var failure *bayar.Error
//	if errors.As(err, &failure) && failure.Reason == bayar.ReasonPaymentNotCapturable {
//		...
//	}
//
// Where OutcomeUnknown is true, the call may have taken effect: it is no failure. Repeat it with the same RequestId.
// errors.Is(err, context.DeadlineExceeded) and context.Canceled hold where the context ended the call, and status.Code(err)
// is Code. No text of an Error contains card data.
type Error struct {
	// Code is the gRPC status.
	Code codes.Code
	// Reason is the service's stable reason, for example ReasonPaymentNotCapturable, which is "PAYMENT_NOT_CAPTURABLE". A
	// newer service may send one that has no constant here. Empty where the network speaks.
	Reason string
	// Message is one English sentence.
	Message string
	// LocalizedMessage is the same in the client's language. Empty where the service sent none.
	LocalizedMessage string
	// Violations are the faults of the request.
	Violations []Violation
	// RetryAfter is how long the service asks to wait. 0 where it does not.
	RetryAfter time.Duration
	// Metadata is what the reason is about, for example payment_id.
	Metadata map[string]string
	// RequestID is the call's. Empty for calls that change nothing.
	RequestID string
	// OutcomeUnknown says that the call may or may not have taken effect. Repeat it with the same RequestId to find out. With
	// a new one it could take effect twice.
	OutcomeUnknown bool

	cause error
	ended bool // by the caller
}

// Error says all of it, in English, for people. It holds no card data.
func (err *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s (%s", err.Message, codeName(err.Code))
	if err.Reason != "" {
		text.WriteString(", " + err.Reason)
	}
	text.WriteString(")")
	for _, violation := range err.Violations {
		fmt.Fprintf(&text, "\n  %s: %s", violation.Field, violation.Description)
	}
	if err.OutcomeUnknown {
		text.WriteString("\nIt is not known whether the call took effect. Repeat it with the same RequestId to find out: " +
			"that is safe, and a new RequestId could do it twice.")
	} else if err.RequestID != "" && err.Code == codes.Unavailable {
		text.WriteString("\nNothing took effect. The same call again is safe.")
	}
	if err.RetryAfter > 0 {
		fmt.Fprintf(&text, "\nTry again after %g s.", err.RetryAfter.Seconds())
	}
	if err.RequestID != "" {
		text.WriteString("\nRequestId: " + err.RequestID)
	}
	return text.String()
}

// Unwrap is context.Canceled or context.DeadlineExceeded where the context ended the call.
func (err *Error) Unwrap() error {
	return err.cause
}

// GRPCStatus makes status.Code and status.Convert work.
func (err *Error) GRPCStatus() *status.Status {
	return status.New(err.Code, err.Message)
}

// Retryable says whether repeating the same request later can help. The client has done so already, as often as it may.
func (err *Error) Retryable() bool {
	switch err.Code {
	case codes.Unavailable:
		return true
	case codes.Aborted:
		return err.Reason == "OPERATION_IN_PROGRESS"
	case codes.Canceled:
		return !err.ended
	}
	return false
}

// Remedy is one English sentence: by the reason, or by the code where the reason is empty or of a newer service.
func (err *Error) Remedy() string {
	if err.OutcomeUnknown {
		return "Repeat the call with the same RequestId to learn the outcome. A new RequestId could act twice."
	}
	if remedy, isKnown := remedies[err.Reason]; isKnown {
		return remedy
	}
	switch err.Code {
	case codes.InvalidArgument:
		return "Correct the request as the message says."
	case codes.NotFound:
		return "Check the id."
	case codes.Unauthenticated:
		return "Use a valid credential."
	case codes.PermissionDenied:
		return "Use a credential that may do this."
	case codes.ResourceExhausted:
		return "Send fewer calls at a time, and repeat later."
	case codes.Aborted, codes.Canceled, codes.DeadlineExceeded, codes.Unavailable, codes.Internal, codes.Unknown:
		return "Repeat the call, with the same RequestId where it has one."
	}
	return "Do as the message says."
}

// How gRPC begins where there was no connection to send anything over. Whatever else it says, the outcome is unknown.
var notConnected = []string{
	`connection error: desc = "transport: Error while dialing`,
	`connection error: desc = "transport: authentication handshake failed`,
	"name resolver error",
	"dns: ",
}

const closedHere = "grpc: the client connection is closing"

func (call *call) errorOf(raised error, earlier *Error) *Error {
	var known *Error
	if errors.As(raised, &known) {
		return known
	}
	answer := status.Convert(raised)
	if contextual := status.FromContextError(raised); contextual.Code() != codes.Unknown {
		answer = contextual
	}
	err := &Error{Code: answer.Code(), RequestID: call.requestID}
	err.readDetails(answer, call.hide)
	err.ended = errors.Is(call.ctx.Err(), context.Canceled) || answer.Message() == closedHere
	err.cause = cause(err.Code, call.ctx)
	err.Message = call.hide(sentence(err, answer.Message(), call.address))
	err.OutcomeUnknown = call.changes && (isUnsure(err, answer.Message()) || (earlier != nil && earlier.OutcomeUnknown && !settles(err)))
	return err
}

func cause(code codes.Code, ctx context.Context) error {
	switch code {
	case codes.DeadlineExceeded:
		return context.DeadlineExceeded
	case codes.Canceled:
		return ctx.Err()
	}
	return nil
}

func (err *Error) readDetails(answer *status.Status, hide func(string) string) {
	for _, detail := range answer.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			err.Reason, err.Metadata = detail.Reason, map[string]string{}
			for key, value := range detail.Metadata {
				err.Metadata[key] = hide(value)
			}
		case *errdetails.BadRequest:
			for _, fault := range detail.FieldViolations {
				err.Violations = append(err.Violations, Violation{fault.Field, hide(fault.Description)})
			}
		case *errdetails.PreconditionFailure:
			for _, unmet := range detail.Violations {
				field := unmet.Subject
				if field == "" {
					field = unmet.Type
				}
				err.Violations = append(err.Violations, Violation{field, hide(unmet.Description)})
			}
		case *errdetails.RetryInfo:
			err.RetryAfter = detail.RetryDelay.AsDuration()
		case *errdetails.LocalizedMessage:
			err.LocalizedMessage = hide(detail.Message)
		}
	}
}

func sentence(err *Error, message, address string) string {
	switch {
	case err.Code == codes.DeadlineExceeded && err.Reason == "":
		return fmt.Sprintf("No answer came from Bayar at %s in time.", address)
	case err.Code == codes.Unavailable && err.Reason == "" && isNotConnected(message):
		return fmt.Sprintf("Bayar at %s cannot be reached: %s", address, message)
	case err.Code == codes.Unavailable && err.Reason == "":
		return fmt.Sprintf("The connection to Bayar at %s broke: %s", address, message)
	case message == "":
		return "Bayar gave no explanation."
	}
	return message
}

// isUnsure says whether the code leaves open if the call took effect.
func isUnsure(err *Error, message string) bool {
	switch err.Code {
	case codes.Canceled, codes.DataLoss, codes.DeadlineExceeded, codes.Internal, codes.Unknown:
		return true
	case codes.Unavailable:
		return err.Reason != "GATEWAY_UNREACHABLE" && !isNotConnected(message)
	case codes.Aborted, codes.ResourceExhausted: // the network says these, too; the service's own ones carry a reason
		return err.Reason == ""
	}
	return false
}

// settles says whether the service looked the RequestId up before it said this: so it says what became of earlier attempts.
func settles(err *Error) bool {
	switch err.Code {
	case codes.AlreadyExists, codes.FailedPrecondition, codes.InvalidArgument, codes.NotFound:
		return err.Reason != ""
	}
	return err.Reason == "GATEWAY_UNREACHABLE"
}

func isNotConnected(message string) bool {
	message = strings.TrimPrefix(strings.TrimPrefix(message, "last connection error: "), "latest connection error: ")
	for _, beginning := range notConnected {
		if strings.HasPrefix(message, beginning) {
			return true
		}
	}
	return false
}

func isEnd(err error) bool {
	return errors.Is(err, io.EOF)
}

// codeName is the code as gRPC and the documents write it, for example INVALID_ARGUMENT.
func codeName(code codes.Code) string {
	name := code.String()
	if code == codes.Canceled {
		return "CANCELLED"
	}
	var text strings.Builder
	for index, letter := range name {
		if index > 0 && letter >= 'A' && letter <= 'Z' && !(name[index-1] >= 'A' && name[index-1] <= 'Z') {
			text.WriteByte('_')
		}
		text.WriteRune(letter)
	}
	return strings.ToUpper(text.String())
}
