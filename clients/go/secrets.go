package bayar

import (
	"regexp"
	"sort"
	"strings"

	pb "bayar.internal/bayar/paymentsv1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Redacted is the text of a message for logs. What the contract marks as secret, such as a card's number, is left out.
// Printing the message itself shows it.
func Redacted(message proto.Message) string {
	shown := proto.Clone(message)
	clear(shown.ProtoReflect())
	return prototext.MarshalOptions{}.Format(shown)
}

func clear(message protoreflect.Message) {
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case isSecret(field):
			message.Clear(field)
		case isMessage(field) && field.IsList():
			for index := 0; index < value.List().Len(); index++ {
				clear(value.List().Get(index).Message())
			}
		case isMessage(field):
			clear(value.Message())
		}
		return true
	})
}

func isSecret(field protoreflect.FieldDescriptor) bool {
	secret, _ := proto.GetExtension(field.Options(), pb.E_Secret).(bool)
	return secret
}

func isMessage(field protoreflect.FieldDescriptor) bool {
	return field.Message() != nil && !field.IsMap()
}

// hider takes whatever the contract marks as secret in the request out of a text, should one ever come back.
func hider(request proto.Message) func(string) string {
	var words []string
	for _, secret := range secretsOf(request.ProtoReflect()) {
		words = append(words, regexp.QuoteMeta(secret), regexp.QuoteMeta(strings.NewReplacer(" ", "", "-", "").Replace(secret)))
	}
	if len(words) == 0 {
		return func(text string) string { return text }
	}
	sort.Slice(words, func(one, other int) bool { return len(words[one]) > len(words[other]) })
	pattern := regexp.MustCompile(`(^|[^\pL\pN_])(?:` + strings.Join(words, "|") + `)($|[^\pL\pN_])`)
	return func(text string) string {
		// Twice: two of them may share the sign between them.
		return pattern.ReplaceAllString(pattern.ReplaceAllString(text, "${1}(hidden)${2}"), "${1}(hidden)${2}")
	}
}

func secretsOf(message protoreflect.Message) []string {
	var secrets []string
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case isSecret(field) && field.Kind() == protoreflect.StringKind:
			secrets = append(secrets, value.String())
		case isMessage(field) && !field.IsList():
			secrets = append(secrets, secretsOf(value.Message())...)
		}
		return true
	})
	return secrets
}
