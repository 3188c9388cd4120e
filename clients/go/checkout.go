package bayar

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// ErrCheckoutResult is a result that is forged, changed, or of another checkout. Do not take the order for paid.
var ErrCheckoutResult = errors.New("the result of the checkout is not genuine")

// CheckoutResult is the result of a checkout as the page signed it. A shopper can bring it back again and again: it says that
// the payment is made, not that this is new.
type CheckoutResult struct {
	CheckoutID string
	Reference  string
	PaymentID  string
	Time       time.Time
}

// VerifyCheckoutResult checks the signature in the query of your success_url, and reads it.
//
// query is that of the address that the shopper came back to, as http.Request.URL.Query gives it; parameters of your own are
// left alone. resultKey is the checkout's, as CreateCheckout gave it: keep it beside the order. The error wraps
// ErrCheckoutResult.
func VerifyCheckoutResult(query url.Values, resultKey string) (*CheckoutResult, error) {
	if resultKey == "" {
		return nil, fmt.Errorf("%w: the resultKey is empty: give that of the checkout", ErrCheckoutResult)
	}
	var names []string
	for name, values := range query {
		if !strings.HasPrefix(name, "bayar_") {
			continue
		}
		if len(values) != 1 {
			return nil, fmt.Errorf("%w: the address names a parameter of the result twice", ErrCheckoutResult)
		}
		if name != "bayar_signature" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	lines := make([]string, len(names))
	for place, name := range names {
		lines[place] = name + "=" + query.Get(name)
	}
	mac := hmac.New(sha256.New, []byte(resultKey))
	mac.Write([]byte(strings.Join(lines, "\n")))
	expected := hex.EncodeToString(mac.Sum(nil))
	if !hmac.Equal([]byte(query.Get("bayar_signature")), []byte(expected)) {
		return nil, fmt.Errorf("%w: the signature is not that of this checkout's key", ErrCheckoutResult)
	}
	if query.Get("bayar_result") != "paid" {
		return nil, fmt.Errorf("%w: this version of the client does not know the result", ErrCheckoutResult)
	}
	seconds, err := strconv.ParseInt(query.Get("bayar_time"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: its time is no number", ErrCheckoutResult)
	}
	return &CheckoutResult{
		CheckoutID: query.Get("bayar_checkout_id"),
		Reference:  query.Get("bayar_reference"),
		PaymentID:  query.Get("bayar_payment_id"),
		Time:       time.Unix(seconds, 0).UTC(),
	}, nil
}
