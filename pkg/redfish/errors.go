package redfish

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Kind says what went wrong, in terms of what can be done about it.
type Kind string

// The kinds of errors.
const (
	BadLogin    Kind = "login refused"
	Forbidden   Kind = "no permission"
	UntrustedCA Kind = "certificate not trusted"
	Unreachable Kind = "BMC not reachable" // nothing was sent
	NotRedfish  Kind = "no Redfish service"
	NotFound    Kind = "not found"
	Refused     Kind = "refused"
	Busy        Kind = "busy"       // refused, and it would have been possible at another time
	Unavailable Kind = "BMC failed" // 5xx or a broken connection: it may have been done
	Broken      Kind = "answer not understood"
	Unsupported Kind = "not supported by this BMC"
	NoMedium    Kind = "medium not inserted"
	Stuck       Kind = "no effect" // accepted, but the state did not follow
)

// Error is an action that a BMC did not do.
type Error struct {
	Host   string // whose BMC it is; empty where nobody has said
	BMC    string // its address
	Action string // verb first
	Kind   Kind
	Status int      // HTTP status, 0 if there was no answer
	Detail string   // the BMC's own words
	IDs    []string // names of its messages
	Advice string   // what to do
	Err    error
}

func (e *Error) Error() string {
	where := "BMC " + e.BMC
	if e.Host != "" {
		where = fmt.Sprintf("host %s (%s)", e.Host, where)
	}
	s := fmt.Sprintf("%s: %s: %s", where, e.Action, e.Kind)
	if e.Status >= 400 {
		s += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Next is what to do, empty if nothing is known.
func (e *Error) Next() string { return e.Advice }

// Is reports whether err is an action that failed for a reason of one of the given kinds.
func Is(err error, kinds ...Kind) bool {
	var e *Error
	return errors.As(err, &e) && slices.Contains(kinds, e.Kind)
}

// status is the HTTP status of the answer that err is about, 0 if there was none.
func status(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

func statusKind(code int) Kind {
	switch {
	case code == http.StatusUnauthorized:
		return BadLogin
	case code == http.StatusForbidden:
		return Forbidden
	case code == http.StatusNotFound:
		return NotFound
	case code == http.StatusMethodNotAllowed, code == http.StatusNotImplemented:
		return Unsupported
	case code == http.StatusConflict, code == http.StatusServiceUnavailable, code == http.StatusTooManyRequests:
		return Busy
	case code >= 500:
		return Unavailable
	case code >= 400:
		return Refused
	}
	return Broken
}

// connectionKind is what the failure of a request without an answer means.
func connectionKind(err error) Kind {
	var op *net.OpError
	text := err.Error()
	switch {
	case is[x509.UnknownAuthorityError](err), is[x509.HostnameError](err), is[x509.CertificateInvalidError](err),
		is[*tls.CertificateVerificationError](err):
		return UntrustedCA
	case strings.Contains(text, "server gave HTTP response to HTTPS client"), is[tls.RecordHeaderError](err),
		strings.Contains(text, "malformed HTTP response"), errors.Is(err, errElsewhere):
		return NotRedfish
	case errors.Is(err, errTooLong):
		return Broken
	case is[*net.DNSError](err), errors.As(err, &op) && op.Op == "dial",
		strings.Contains(text, "TLS handshake timeout"): // which net/http has no type for
		return Unreachable
	}
	return Unavailable
}

// is reports whether an error of that type is in the chain.
func is[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// cause is the last error of a request without an answer. What is around it has the URL.
func cause(err error) string {
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Err != nil:
		err = op.Err
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return err.Error()
}

// advise is the next step for failures that have the same one whatever was tried.
func advise(k Kind, address string) string {
	switch k {
	case BadLogin:
		return "check username and password of the BMC; some BMCs lock an account after a few wrong ones"
	case Forbidden:
		return "give the BMC's user the role of an operator or administrator"
	case UntrustedCA:
		return "give the CA of the BMC's certificate as bmcVerifyCA, or set disableCertificateVerification of the host"
	case Unreachable:
		return "check that " + address + " answers from here: address, port, firewalls, the BMC's power"
	case NotRedfish:
		return "check the BMC's address, its port and whether it wants +http or +https; " +
			"Redfish may have to be switched on in the BMC's settings"
	case Busy:
		return "wait until the BMC is done with what it does, such as the self-test of the machine, and try again"
	case Unavailable:
		return "try again; if that does not help, reset the BMC (not the machine), and update its firmware"
	}
	return otherwise[k]
}

// otherwise is the next step where whoever failed knows no better one.
var otherwise = map[Kind]string{
	NotFound:    "check the path of the system in the BMC's address; if that is right, update the BMC's firmware",
	Refused:     "look at the BMC's event log, and update its firmware",
	Broken:      "try again; if that does not help, reset the BMC (not the machine), and update its firmware",
	Unsupported: "update the BMC's firmware, or start the machine from the image by hand",
	NoMedium:    "check that virtual media is enabled in the BMC's settings, and that the BMC reaches the image",
	Stuck:       "look at the machine's console and at the BMC's event log",
}
