package ovirt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	sdk "github.com/ovirt/go-ovirt"
)

// Kind says what went wrong, in terms of what can be done about it.
type Kind string

// The kinds of errors.
const (
	BadLogin    Kind = "login refused"
	Expired     Kind = "session expired"
	UntrustedCA Kind = "certificate not trusted"
	Unreachable Kind = "engine not reachable" // nothing was sent
	NotEngine   Kind = "not an oVirt engine"
	NotFound    Kind = "not found"
	Conflict    Kind = "conflict"
	Locked      Kind = "locked" // a conflict that passes
	Forbidden   Kind = "no permission"
	Refused     Kind = "refused"
	Unavailable Kind = "engine failed" // 5xx or a broken connection: it may have been done
	Broken      Kind = "answer not understood"
)

// Error is a failed request.
type Error struct {
	Op     string // verb first
	Kind   Kind
	Status int    // HTTP status, 0 if unknown
	Detail string // the engine's own words
	Advice string // what to do
	Err    error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s", e.Op, e.Kind)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Next is what to do, empty if nothing is known.
func (e *Error) Next() string { return e.Advice }

// Is reports whether err is a failed request of one of the given kinds.
func Is(err error, kinds ...Kind) bool {
	var e *Error
	return errors.As(err, &e) && slices.Contains(kinds, e.Kind)
}

var (
	statusText = regexp.MustCompile(`HTTP response code is "(\d+)"`)
	faultText  = regexp.MustCompile(`Fault detail is "((?s).*?)"\.( HTTP response|$)`)
	// A conflict of these words ends by itself when the engine is done.
	lockedText = regexp.MustCompile(`(?i)\block|related operation|in progress|` +
		`being (created|copied|moved|transferred|removed)`)
)

// classify turns what the SDK returns into an Error. The SDK keeps the HTTP
// status of most failures only in its text.
func classify(op string, err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	e := &Error{Op: op, Err: err, Detail: detail(err)}
	e.Kind, e.Status = kindOf(err)
	e.Advice = advice(e.Kind)
	return e
}

func kindOf(err error) (Kind, int) {
	text := err.Error()
	if k, ok := connectionKind(err, text); ok {
		return k, 0
	}
	var parse *sdk.ResponseParseError
	var auth *sdk.AuthError
	var missing *sdk.NotFoundError
	switch {
	case errors.As(err, &parse):
		return parseKind(parse.Code), parse.Code
	case errors.As(err, &missing):
		return NotFound, 404
	case errors.As(err, &auth) && auth.Code == 403:
		return Forbidden, 403
	case errors.As(err, &auth) && auth.Code == 401, strings.Contains(text, "invalid_grant"):
		return Expired, 401
	case errors.As(err, &auth):
		return BadLogin, 0
	case strings.Contains(text, "sso with response"):
		return NotEngine, 0
	}
	if m := statusText.FindStringSubmatch(text); m != nil {
		status, _ := strconv.Atoi(m[1])
		return statusKind(status, text), status
	}
	return Broken, 0
}

func connectionKind(err error, text string) (Kind, bool) {
	var op *net.OpError
	broken := errors.As(err, &op)
	switch {
	case is[x509.UnknownAuthorityError](err), is[x509.HostnameError](err), is[x509.CertificateInvalidError](err),
		is[*tls.CertificateVerificationError](err):
		return UntrustedCA, true
	case strings.Contains(text, "server gave HTTP response to HTTPS client"),
		strings.Contains(text, "stopped after") && strings.Contains(text, "redirects"):
		return NotEngine, true
	case is[*net.DNSError](err), broken && op.Op == "dial":
		return Unreachable, true
	case broken, isTimeout(err), is[*url.Error](err): // of any other sort: the connection broke
		return Unavailable, true
	}
	return "", false
}

// is reports whether an error of that type is in the chain.
func is[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// unanswered is the failure of a request to imageio that has no answer.
func unanswered(op string, err error, otherwise Kind) *Error {
	e := &Error{Op: op, Kind: otherwise, Detail: detail(err), Err: err}
	if kind, ok := connectionKind(err, err.Error()); ok {
		e.Kind = kind
	}
	var broken *net.OpError
	if errors.As(err, &broken) && broken.Err != nil {
		e.Detail = broken.Err.Error() // without the address, which op has
	}
	return e
}

func parseKind(status int) Kind {
	switch {
	case status == 401:
		return Expired
	case status == 403:
		return Forbidden
	case status == 404:
		return NotEngine
	case status >= 500:
		return Unavailable
	}
	return Broken
}

func statusKind(status int, text string) Kind {
	switch {
	case status == 409 && lockedText.MatchString(text):
		return Locked
	case status == 409:
		return Conflict
	case status >= 500:
		return Unavailable
	case status >= 400:
		return Refused
	}
	return Broken
}

// detail picks the engine's own sentence out of the SDK's text.
func detail(err error) string {
	text := err.Error()
	if m := faultText.FindStringSubmatch(text); m != nil {
		return strings.Trim(m[1], "[]")
	}
	if _, after, ok := strings.Cut(text, "SSO authentication access_denied : "); ok {
		return after
	}
	if m := statusText.FindStringSubmatch(text); m != nil {
		return "HTTP status " + m[1]
	}
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err.Error()
	}
	var parse *sdk.ResponseParseError
	if errors.As(err, &parse) { // an HTML page; nobody wants to read it
		return fmt.Sprintf("HTTP status %d", parse.Code)
	}
	return text
}

func advice(k Kind) string {
	switch k {
	case BadLogin:
		return "check ovirt_username and ovirt_password in ovirt-config.yaml"
	case UntrustedCA:
		return "put the engine's CA " +
			"(https://ENGINE/ovirt-engine/services/pki-resource?resource=ca-certificate&format=X509-PEM-CA) into " +
			"ovirt_ca_bundle or ovirt_cafile in ovirt-config.yaml"
	case Unreachable:
		return "check ovirt_url in ovirt-config.yaml, DNS and firewalls"
	case NotEngine:
		return "check ovirt_url in ovirt-config.yaml; it usually is https://ENGINE/ovirt-engine/api"
	}
	return ""
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
