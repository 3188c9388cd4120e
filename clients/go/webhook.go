package bayar

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	pb "bayar.internal/bayar/paymentsv1"
	"google.golang.org/protobuf/encoding/protojson"
)

// ErrNotGenuine is a webhook that somebody else sent, or changed, or sent again much later. Answer 400 and do nothing.
var ErrNotGenuine = errors.New("the webhook is not genuine")

const webhookTolerance = 5 * time.Minute

// Webhook is a pushed event.
type Webhook struct {
	// ID is unique. The same one can come more than once: apply it once.
	ID string
	// Type is, for example, "bayar.payments.v1.payment_changed".
	Type string
	// Subject is the id of the payment, customer, payment method or dispute.
	Subject string
	// Event is the change, as StreamEvents gives it.
	Event *pb.Event
}

// ReadWebhook checks the signature of a pushed event (Standard Webhooks), and reads it.
//
// body is as it came, before any parser. secrets are the endpoint's, as text or as whsec_ and base64: while it changes, both.
// The error wraps ErrNotGenuine where no signature is that of a secret, or it was signed more than five minutes ago.
func ReadWebhook(header http.Header, body []byte, secrets ...string) (*Webhook, error) {
	return readWebhook(header, body, secrets, time.Now())
}

func readWebhook(header http.Header, body []byte, secrets []string, now time.Time) (*Webhook, error) {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || id == "" {
		return nil, fmt.Errorf("%w: its headers are incomplete", ErrNotGenuine)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > webhookTolerance || age < -webhookTolerance {
		return nil, fmt.Errorf("%w: it was signed more than %s ago, or in the future", ErrNotGenuine, webhookTolerance)
	}
	words := strings.Fields(strings.Join(secrets, " "))
	if len(words) == 0 {
		return nil, errors.New("the secret of the endpoint is empty")
	}
	isGenuine := false
	for _, secret := range words {
		wanted, err := signature(secret, id+"."+timestamp+".", body)
		if err != nil {
			return nil, err
		}
		for _, given := range strings.Fields(header.Get("webhook-signature")) {
			isGenuine = isGenuine || hmac.Equal([]byte(given), []byte(wanted))
		}
	}
	if !isGenuine {
		return nil, fmt.Errorf("%w: no signature is that of the secret", ErrNotGenuine)
	}
	return parse(body)
}

func signature(secret, head string, body []byte) (string, error) {
	key := []byte(secret)
	if encoded := strings.TrimPrefix(secret, "whsec_"); encoded != secret {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return "", errors.New("behind whsec_ the secret is no base64")
		}
		if len(decoded) == 0 {
			return "", errors.New("behind whsec_ the secret has no key")
		}
		key = decoded
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(head))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

func parse(body []byte) (*Webhook, error) {
	var envelope struct {
		ID, Type, Subject string
		Data              json.RawMessage
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil, fmt.Errorf("the webhook is no JSON: %w", err)
	}
	event := &pb.Event{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(envelope.Data, event); err != nil {
		return nil, fmt.Errorf("the webhook holds no event: %w", err)
	}
	return &Webhook{ID: envelope.ID, Type: envelope.Type, Subject: envelope.Subject, Event: event}, nil
}
