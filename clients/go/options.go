package bayar

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// Option is an option of New.
type Option func(*settings) error

type settings struct {
	credential  Credential
	tlsConfig   *tls.Config
	insecure    bool
	language    string
	timeout     time.Duration
	retry       RetryPolicy
	dialOptions []grpc.DialOption
}

// WithCredential shows this API key or token. Default: the key in BAYAR_API_KEY, else the file in BAYAR_TOKEN_FILE, of the
// environment. It is never sent in plain text to another machine: New refuses that.
func WithCredential(key string) Option {
	return func(settings *settings) error {
		settings.credential = func(context.Context) (string, error) { return key, nil }
		_, err := bearer(key)
		return err
	}
}

// WithCredentialFunc shows what the function gives, which is asked for each attempt.
func WithCredentialFunc(credential Credential) Option {
	return func(settings *settings) error {
		if credential == nil {
			return errors.New("WithCredentialFunc takes a function, not nil")
		}
		settings.credential = credential
		return nil
	}
}

// WithRootCertificates trusts these authorities, PEM, instead of the public ones.
func WithRootCertificates(pem []byte) Option {
	return func(settings *settings) error {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return errors.New("the root certificates hold no certificate in PEM")
		}
		settings.tls().RootCAs = roots
		return nil
	}
}

// WithClientCertificate shows this certificate, for a service that knows callers by their certificates.
func WithClientCertificate(certificate tls.Certificate) Option {
	return func(settings *settings) error {
		settings.tls().Certificates = []tls.Certificate{certificate}
		return nil
	}
}

// WithInsecure sends plain text to wherever the address leads.
func WithInsecure() Option {
	return func(settings *settings) error {
		settings.insecure = true
		return nil
	}
}

// WithLanguage asks for messages in a language, BCP 47. Default: the customer's own, else English.
func WithLanguage(language string) Option {
	return func(settings *settings) error {
		settings.language = language
		return nil
	}
}

// WithTimeout is for calls whose context has no deadline, all attempts together. Default: 90 seconds.
func WithTimeout(timeout time.Duration) Option {
	return func(settings *settings) error {
		if timeout <= 0 {
			return fmt.Errorf("a timeout is greater than 0, not %s", timeout)
		}
		settings.timeout = timeout
		return nil
	}
}

// WithRetry says how often and how soon calls are repeated.
func WithRetry(policy RetryPolicy) Option {
	return func(settings *settings) error {
		if policy.Attempts < 0 || policy.FirstDelay < 0 || policy.LongestDelay < 0 {
			return errors.New("a retry policy has no negative numbers: 1 attempt never repeats, and 0 means the default")
		}
		settings.retry = policy
		return nil
	}
}

// WithDialOptions goes to grpc.Dial, for interceptors, statistics and traces. Interceptors see every attempt.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(settings *settings) error {
		settings.dialOptions = append(settings.dialOptions, options...)
		return nil
	}
}

func (settings *settings) tls() *tls.Config {
	if settings.tlsConfig == nil {
		settings.tlsConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return settings.tlsConfig
}

func (settings *settings) transport(address string) (credentials.TransportCredentials, error) {
	if err := checkAddress(address); err != nil {
		return nil, err
	}
	switch {
	case settings.insecure && settings.tlsConfig != nil:
		return nil, errors.New("WithInsecure means plain text, and so takes no certificates")
	case settings.insecure && settings.credential != nil && !isLoopback(address):
		return nil, errors.New("a credential is not sent in plain text to another machine: use TLS")
	case settings.insecure || (settings.tlsConfig == nil && isLoopback(address)):
		return plainText{}, nil
	}
	return credentials.NewTLS(settings.tls()), nil
}

var (
	hostAndPort = regexp.MustCompile(`^(?:\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[^\s/:@?#,\[\]]+):([0-9]{1,5})$`)
	// gRPC's own names for addresses: its resolvers judge the rest.
	resolved = regexp.MustCompile(`^(?:dns|passthrough|unix|unix-abstract|xds):\S+$`)
)

func checkAddress(address string) error {
	plain := hostAndPort.FindStringSubmatch(address)
	if plain == nil && !resolved.MatchString(address) {
		return fmt.Errorf(`an address is host:port without a scheme, for example "127.0.0.1:50051", not %q`, address)
	}
	if plain == nil {
		return nil
	}
	if port, err := strconv.Atoi(plain[1]); err != nil || port < 1 || port > 65535 {
		return fmt.Errorf("a port is 1 to 65535, not %s as in %q", plain[1], address)
	}
	return nil
}

// isLoopback says whether the address (host:port, unix:path, or with gRPC's dns: or passthrough: before) stays on this machine.
func isLoopback(address string) bool {
	scheme, rest, hasScheme := strings.Cut(address, ":")
	switch {
	case hasScheme && (scheme == "unix" || scheme == "unix-abstract"):
		return true
	case hasScheme && (scheme == "dns" || scheme == "passthrough"):
		if strings.HasPrefix(rest, "//") && !strings.HasPrefix(rest, "///") {
			return false // somebody else's name server decides
		}
		address = strings.TrimPrefix(rest, "///")
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func credentialFromEnvironment() Credential {
	if key := os.Getenv("BAYAR_API_KEY"); key != "" {
		return func(context.Context) (string, error) { return key, nil }
	}
	file := os.Getenv("BAYAR_TOKEN_FILE")
	if file == "" {
		return nil
	}
	return func(context.Context) (string, error) {
		text, err := os.ReadFile(file)
		return string(text), err
	}
}

// plainText are the transport credentials of a connection without any, which older versions of grpc-go do not have.
type plainText struct{}

type plainTextInfo struct{ credentials.CommonAuthInfo }

func (plainTextInfo) AuthType() string { return "insecure" }

func (plainText) ClientHandshake(_ context.Context, _ string, connection net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return connection, plainTextInfo{credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}}, nil
}

func (plainText) ServerHandshake(connection net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return connection, plainTextInfo{credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}}, nil
}

func (plainText) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "insecure"}
}

func (plainText) Clone() credentials.TransportCredentials { return plainText{} }

func (plainText) OverrideServerName(string) error { return nil }
