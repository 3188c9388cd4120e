package bayar

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// TestConformance runs the cases of tests/conformance at the top of the repository. BAYAR_CONFORMANCE is the line that
// `python -m tests.conformance.serve` prints; `make test-go` starts that.
func TestConformance(t *testing.T) {
	t.Parallel() // beside the test that waits for a ping
	runner := startRunner(t)
	var cases []testCase
	runner.control(t, "/cases", nil, &cases)
	if len(cases) < 40 {
		t.Fatalf("there are only %d cases", len(cases))
	}
	for _, each := range cases {
		each := each
		t.Run(each.ID, func(t *testing.T) { runner.run(t, each) })
	}
}

type testCase struct {
	ID     string `json:"id"`
	Server string `json:"server"`
	Steps  []step `json:"steps"`
}

type step struct {
	Call    string            `json:"call"`
	Request map[string]any    `json:"request"`
	Expect  map[string]any    `json:"expect"`
	Save    map[string]string `json:"save"`
	Take    *int              `json:"take"`
	Settle  bool              `json:"settle"`
	Options options           `json:"options"`
}

type options struct {
	Language       string  `json:"language"`
	Credential     string  `json:"credential"`
	Attempts       int     `json:"attempts"`
	TimeoutSeconds float64 `json:"timeout_seconds"`
	OnBehalfOf     string  `json:"on_behalf_of"`
	Reason         string  `json:"reason"`
}

type runner struct {
	settings map[string]string
	pem      []byte
}

func startRunner(t *testing.T) *runner {
	t.Helper()
	line := os.Getenv("BAYAR_CONFORMANCE")
	if line == "" {
		t.Skip("BAYAR_CONFORMANCE is not set: `make test-go` runs this with the servers that it needs")
	}
	runner := &runner{}
	if err := json.Unmarshal([]byte(line), &runner.settings); err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(runner.settings["root_certificates"])
	if err != nil {
		t.Fatal(err)
	}
	runner.pem = pem
	return runner
}

func (runner *runner) control(t *testing.T, path string, body, answer any) {
	t.Helper()
	var response *http.Response
	var err error
	if body == nil {
		response, err = http.Get(runner.settings["control"] + path)
	} else {
		content, _ := json.Marshal(body)
		response, err = http.Post(runner.settings["control"]+path, "application/json", bytes.NewReader(content))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		t.Fatal(err)
	}
}

func (runner *runner) run(t *testing.T, test testCase) {
	runner.control(t, "/begin", map[string]string{"case": test.ID}, &struct{}{})
	clients := map[options]*Client{}
	for _, problem := range runner.steps(t, test, clients) {
		t.Error(problem)
	}
	var judged struct{ Problems []string }
	runner.control(t, "/end", map[string]string{"case": test.ID}, &judged)
	for _, problem := range judged.Problems {
		t.Error(problem)
	}
	for _, client := range clients {
		client.Close()
	}
}

func (runner *runner) steps(t *testing.T, test testCase, clients map[options]*Client) []string {
	variables := variables{}
	for _, step := range test.Steps {
		if step.Settle {
			runner.control(t, "/settle", map[string]string{}, &map[string]any{})
			continue
		}
		if clients[step.Options] == nil {
			clients[step.Options] = runner.open(t, test.Server, step.Options)
		}
		seen := perform(t, clients[step.Options], step, variables)
		expected := variables.fill(step.Expect).(map[string]any)
		if problems := seen.problems(expected); problems != nil {
			return problems
		}
		for name, path := range step.Save {
			variables[name] = text(at(seen.answer, path))
		}
	}
	return nil
}

func (runner *runner) open(t *testing.T, server string, chosen options) *Client {
	t.Helper()
	key := runner.settings["api_key"]
	if chosen.Credential != "" {
		key = chosen.Credential
	}
	all := []Option{WithRootCertificates(runner.pem), WithCredential(key), WithLanguage(chosen.Language)}
	if chosen.Attempts > 0 {
		all = append(all, WithRetry(RetryPolicy{Attempts: chosen.Attempts}))
	}
	if chosen.TimeoutSeconds > 0 {
		all = append(all, WithTimeout(seconds(chosen.TimeoutSeconds)))
	}
	client, err := New(runner.settings[server], all...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func seconds(number float64) time.Duration {
	return time.Duration(number * float64(time.Second))
}

// outcome is what a call came to, in proto JSON.
type outcome struct {
	answer map[string]any
	items  []any
	err    map[string]any
}

func perform(t *testing.T, client *Client, step step, variables variables) *outcome {
	t.Helper()
	method := methodOf(client, step.Call)
	if !method.IsValid() {
		t.Fatalf("the client has no %s", step.Call)
	}
	request := reflect.New(method.Type().In(1).Elem()).Interface().(proto.Message)
	content, _ := json.Marshal(variables.fill(step.Request))
	if err := protojson.Unmarshal(content, request); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	isIterator := method.Type().NumOut() == 1
	if isIterator && step.Options.TimeoutSeconds > 0 {
		limited, cancel := context.WithTimeout(ctx, seconds(step.Options.TimeoutSeconds))
		defer cancel()
		ctx = limited
	}
	if step.Options.OnBehalfOf != "" {
		ctx = OnBehalf(ctx, step.Options.OnBehalfOf, step.Options.Reason)
	}
	results := method.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(request)})
	if isIterator {
		return iterated(t, step, results[0])
	}
	if err, _ := results[1].Interface().(error); err != nil {
		return &outcome{err: errorJSON(t, err)}
	}
	return &outcome{answer: asJSON(t, results[0].Interface().(proto.Message))}
}

// methodOf is the client's own method, which gives an Iterator, or that of one of its services.
func methodOf(client *Client, call string) reflect.Value {
	if own := reflect.ValueOf(client).MethodByName(call); own.IsValid() {
		return own
	}
	fields := reflect.ValueOf(client.Services)
	for index := 0; index < fields.NumField(); index++ {
		if fields.Field(index).Kind() == reflect.Interface {
			if method := fields.Field(index).MethodByName(call); method.IsValid() {
				return method
			}
		}
	}
	return reflect.Value{}
}

type anyIterator interface {
	Next() bool
	Err() error
	Close()
}

func iterated(t *testing.T, step step, result reflect.Value) *outcome {
	t.Helper()
	outcome, items := &outcome{}, result.Interface().(anyIterator)
	defer items.Close()
	for step.Take == nil || len(outcome.items) < *step.Take {
		if !items.Next() {
			break
		}
		item := result.MethodByName("Value").Call(nil)[0].Interface().(proto.Message)
		outcome.items = append(outcome.items, carried(step.Call, asJSON(t, item)))
	}
	if err := items.Err(); err != nil {
		outcome.err = errorJSON(t, err)
	}
	return outcome
}

// carried is an item as the message of the stream carries it.
func carried(call string, item map[string]any) any {
	switch call {
	case "WatchPayment":
		return map[string]any{"payment": item}
	case "StreamEvents":
		return map[string]any{"event": item}
	}
	return item
}

func asJSON(t *testing.T, message proto.Message) map[string]any {
	t.Helper()
	content, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(content, &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

func errorJSON(t *testing.T, raised error) map[string]any {
	t.Helper()
	var err *Error
	if !errors.As(raised, &err) {
		t.Fatalf("no *Error: %v", raised)
	}
	fields, metadata := []string{}, map[string]any{}
	for _, violation := range err.Violations {
		fields = append(fields, violation.Field)
	}
	for key, value := range err.Metadata {
		metadata[key] = value
	}
	var retryAfter any
	if err.RetryAfter > 0 {
		retryAfter = err.RetryAfter.Seconds()
	}
	return map[string]any{
		"code": codeName(err.Code), "reason": err.Reason, "message": err.Message, "localized_message": err.LocalizedMessage,
		"violations": sortedList(fields), "metadata": metadata, "retry_after_seconds": retryAfter,
		"outcome_unknown": err.OutcomeUnknown,
	}
}

func sortedList(words []string) []any {
	sort.Strings(words)
	list := []any{}
	for _, word := range words {
		list = append(list, word)
	}
	return list
}

func (outcome *outcome) problems(expected map[string]any) []string {
	var problems []string
	wanted, _ := expected["error"].(map[string]any)
	if outcome.err != nil && wanted == nil {
		problems = append(problems, fmt.Sprintf("an unexpected error came: %v", outcome.err))
	}
	if answer, has := expected["answer"]; has {
		problems = append(problems, mismatches(answer, outcome.answer, "answer")...)
	}
	if items, has := expected["items"]; has {
		problems = append(problems, mismatches(items, outcome.items, "items")...)
	}
	if wanted == nil {
		return problems
	}
	if outcome.err == nil {
		return append(problems, fmt.Sprintf("no error came, but %v %v", outcome.answer, outcome.items))
	}
	if fields, has := wanted["violations"].([]any); has {
		sort.Slice(fields, func(one, other int) bool { return fields[one].(string) < fields[other].(string) })
	}
	return append(problems, mismatches(wanted, outcome.err, "error")...)
}

func mismatches(expected, seen any, path string) []string {
	switch expected := expected.(type) {
	case map[string]any:
		return mismatchesOfObject(expected, seen, path)
	case []any:
		list, _ := seen.([]any)
		if len(list) != len(expected) {
			return []string{fmt.Sprintf("%s is %v, not %d items", path, seen, len(expected))}
		}
		var problems []string
		for index := range expected {
			problems = append(problems, mismatches(expected[index], list[index], fmt.Sprintf("%s[%d]", path, index))...)
		}
		return problems
	}
	if text(expected) != text(seen) && !(isDefault(expected) && isDefault(seen)) {
		return []string{fmt.Sprintf("%s is %v, not %v", path, seen, expected)}
	}
	return nil
}

func mismatchesOfObject(expected map[string]any, seen any, path string) []string {
	if pattern, has := expected["$matches"].(string); has {
		if !regexp.MustCompile(pattern).MatchString(text(seen)) {
			return []string{fmt.Sprintf("%s is %v, which does not match %s", path, seen, pattern)}
		}
		return nil
	}
	if expected["$present"] == true || expected["$absent"] == true {
		if isDefault(seen) == (expected["$present"] == true) {
			return []string{fmt.Sprintf("%s is %v, which should be otherwise", path, seen)}
		}
		return nil
	}
	var problems []string
	object, _ := seen.(map[string]any)
	for key, value := range expected {
		problems = append(problems, mismatches(value, object[key], path+"."+key)...)
	}
	return problems
}

// isDefault says whether proto JSON leaves it out.
func isDefault(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return text(value) == "" || text(value) == "0" || text(value) == "false"
}

func text(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

type variables map[string]string

var mention = regexp.MustCompile(`\$\{([\w.]+)\}`)

func (variables variables) fill(content any) any {
	switch content := content.(type) {
	case string:
		return mention.ReplaceAllStringFunc(content, func(found string) string {
			name := found[2 : len(found)-1]
			if _, has := variables[name]; !has && strings.HasPrefix(name, "new.") {
				variables[name] = NewRequestID()
			}
			return variables[name]
		})
	case []any:
		filled := []any{}
		for _, each := range content {
			filled = append(filled, variables.fill(each))
		}
		return filled
	case map[string]any:
		filled := map[string]any{}
		for key, value := range content {
			filled[key] = variables.fill(value)
		}
		return filled
	}
	return content
}

func at(content any, path string) any {
	for _, part := range strings.Split(path, ".") {
		if index, err := strconv.Atoi(part); err == nil {
			content = content.([]any)[index]
		} else {
			content = content.(map[string]any)[part]
		}
	}
	return content
}

func TestTheComparisonSeesWhatDiffers(t *testing.T) {
	var expected, seen, same any
	for content, target := range map[string]*any{
		`{"state": "A", "amount": {"minor_units": "2500"}, "list": [{"id": "1"}], "gone": {"$absent": true}}`: &expected,
		`{"state": "B", "amount": {"minor_units": 2501}, "list": [], "gone": "here"}`:                         &seen,
		`{"state": "A", "amount": {"minor_units": 2500}, "list": [{"id": "1"}]}`:                              &same,
	} {
		if err := json.Unmarshal([]byte(content), target); err != nil {
			t.Fatal(err)
		}
	}
	if problems := mismatches(expected, seen, "answer"); len(problems) != 4 {
		t.Error(problems)
	}
	if problems := mismatches(expected, same, "answer"); problems != nil {
		t.Error(problems)
	}
}
