package bayar

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

// As the service signed it: the same in the tests of each client.
const signedResult = "bayar_checkout_id=chk_1&bayar_reference=order+1001%2F%C3%BC&bayar_payment_id=pay_1&bayar_result=paid&bayar_time=1767225600&bayar_signature=4d55f4ec54c9381015918aed91fcac5a677eca5cc659fa23beb268d6296266b4"

var resultKey = "rk_" + strings.Repeat("0", 64)

func verify(t *testing.T, text, key string) (*CheckoutResult, error) {
	t.Helper()
	query, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	return VerifyCheckoutResult(query, key)
}

func TestASignedResultOfACheckoutIsRead(t *testing.T) {
	result, err := verify(t, "page=2&"+signedResult, resultKey)
	if err != nil {
		t.Fatal(err)
	}
	expected := CheckoutResult{"chk_1", "order 1001/ü", "pay_1", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	if *result != expected {
		t.Errorf("%v, not %v", *result, expected)
	}
}

func TestAForgedOrChangedResultIsRefused(t *testing.T) {
	unsigned, _, _ := strings.Cut(signedResult, "&bayar_signature=")
	for _, text := range []string{
		"",
		unsigned,
		strings.Replace(signedResult, "pay_1", "pay_2", 1),
		strings.Replace(signedResult, "chk_1", "chk_2", 1),
		strings.Replace(signedResult, "=paid", "=open", 1),
		signedResult + "&bayar_payment_id=pay_2",
		signedResult + "&bayar_more=1",
	} {
		if _, err := verify(t, text, resultKey); !errors.Is(err, ErrCheckoutResult) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, key := range []string{"", "rk_" + strings.Repeat("1", 64)} {
		if _, err := verify(t, signedResult, key); !errors.Is(err, ErrCheckoutResult) {
			t.Errorf("with the key %q: %v", key, err)
		}
	}
}
