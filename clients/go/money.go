package bayar

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	pb "bayar.internal/bayar/paymentsv1"
)

// Digits after the decimal point where they are not two (ISO 4217:2015).
const (
	noDigits    = " BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF "
	threeDigits = " BHD IQD JOD KWD LYD OMR TND "
)

var (
	decimal  = regexp.MustCompile(`\A([0-9]+)(?:\.([0-9]+))?\z`)
	currency = regexp.MustCompile(`\A[A-Z]{3}\z`)
)

// Money is the exact amount of a decimal such as "25.00" of an ISO 4217 currency such as "USD".
//
// An error says that the text is no plain decimal, has more digits than the currency (zeros at the end apart), is too large,
// or that the code is no currency. For minor units as they are, write &paymentsv1.Money{MinorUnits: 2500, CurrencyCode: "USD"}.
func Money(amount, currencyCode string) (*pb.Money, error) {
	digits, err := digitsOf(currencyCode)
	if err != nil {
		return nil, err
	}
	parts := decimal.FindStringSubmatch(amount)
	if parts == nil {
		return nil, fmt.Errorf(`%q is no amount: write digits and a point, for example "1000.50"`, amount)
	}
	fraction := strings.TrimRight(parts[2], "0")
	if len(fraction) > digits {
		return nil, fmt.Errorf("%s is too precise: %s has %d digits after the point", amount, currencyCode, digits)
	}
	minorUnits, err := strconv.ParseInt(parts[1]+fraction+strings.Repeat("0", digits-len(fraction)), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the amount is too large")
	}
	return &pb.Money{MinorUnits: minorUnits, CurrencyCode: currencyCode}, nil
}

// MustMoney is Money for amounts that stand in the program. It panics where Money returns an error.
func MustMoney(amount, currencyCode string) *pb.Money {
	money, err := Money(amount, currencyCode)
	if err != nil {
		panic(err)
	}
	return money
}

// FormatMoney writes "USD 25.00", with the currency's own number of digits. An absent amount is the empty text.
func FormatMoney(amount *pb.Money) string {
	if amount == nil {
		return ""
	}
	digits, err := digitsOf(amount.CurrencyCode)
	if err != nil {
		return fmt.Sprintf("%d minor units of %q", amount.MinorUnits, amount.CurrencyCode)
	}
	sign, text := "", strconv.FormatInt(amount.MinorUnits, 10)
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	if digits == 0 {
		return amount.CurrencyCode + " " + sign + text
	}
	text = strings.Repeat("0", max(0, digits+1-len(text))) + text
	cut := len(text) - digits
	return amount.CurrencyCode + " " + sign + text[:cut] + "." + text[cut:]
}

func max(one, other int) int {
	if one > other {
		return one
	}
	return other
}

func digitsOf(currencyCode string) (int, error) {
	switch {
	case !currency.MatchString(currencyCode):
		return 0, fmt.Errorf(`%q is no currency: write its ISO 4217 code in capitals, for example "USD"`, currencyCode)
	case strings.Contains(noDigits, " "+currencyCode+" "):
		return 0, nil
	case strings.Contains(threeDigits, " "+currencyCode+" "):
		return 3, nil
	}
	return 2, nil
}
