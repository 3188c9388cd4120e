package bayar

import (
	"context"

	"google.golang.org/grpc/metadata"
)

// OnBehalf is for an operator, a person with a credential of their own: calls with this context act on behalf of a caller, the
// CallerId of the resource, for a reason of 1 to 255 characters in any language.
func OnBehalf(ctx context.Context, callerID, reason string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "bayar-on-behalf-of", callerID, "bayar-reason-bin", reason)
}
