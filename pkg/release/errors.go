package release

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Kind is the reason why a release image cannot be used.
type Kind string

// The reasons.
const (
	Unauthorized Kind = "unauthorized" // the registry refuses the login
	UnknownCA    Kind = "unknown CA"   // the registry's certificate is not trusted
	NotFound     Kind = "not found"    // no such repository, tag or digest
	Unreachable  Kind = "unreachable"  // no address, no route, no answer
	Invalid      Kind = "invalid"      // not a release image, or not even a pull spec
	Failed       Kind = "failed"       // any other error of the registry
)

// Error says why a release image cannot be used and what to do about it.
type Error struct {
	Image  string
	Kind   Kind
	Cause  error
	Others []error // of mirrors that were tried before
}

func (e *Error) Error() string {
	var out strings.Builder
	fmt.Fprintf(&out, "read release image %s: %v", e.Image, e.Cause)
	for _, other := range e.Others {
		fmt.Fprintf(&out, "; before that: %v", other)
	}
	return out.String()
}

func (e *Error) Unwrap() error { return e.Cause }

// Next is what to do about it.
func (e *Error) Next() string {
	host, _, _ := strings.Cut(e.Image, "/")
	switch e.Kind {
	case Unauthorized:
		return fmt.Sprintf("check the login for %s in pullSecret", host)
	case UnknownCA:
		return fmt.Sprintf("add the CA that signed the certificate of %s to additionalTrustBundle "+
			"and set additionalTrustBundlePolicy: Always", host)
	case NotFound:
		return "check the release image's name, tag or digest"
	case Unreachable:
		return fmt.Sprintf("check that %s can be reached from here, or configure imageDigestSources", host)
	case Invalid:
		return "name an OKD release image"
	}
	return ""
}

// malformed is the error for an image that is not a release.
type malformed struct{ error }

func (m *malformed) Unwrap() error { return m.error }

// classify finds the reason of an error of the registry client.
func classify(image string, err error) *Error {
	e := &Error{Image: image, Kind: Failed, Cause: err}
	var (
		bad       *malformed
		status    *transport.Error
		untrusted *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		dns       *net.DNSError
		network   net.Error
	)
	switch {
	case errors.As(err, &bad):
		e.Kind, e.Cause = Invalid, bad.error
	case errors.As(err, &status):
		switch status.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			e.Kind, e.Cause = Unauthorized, fmt.Errorf("the registry refuses the login (%d)", status.StatusCode)
		case http.StatusNotFound:
			e.Kind, e.Cause = NotFound, fmt.Errorf("the registry does not have it")
		}
	case errors.As(err, &untrusted), errors.As(err, &authority), errors.As(err, &hostname):
		e.Kind = UnknownCA
		if untrusted != nil {
			e.Cause = untrusted.Err
		}
	case errors.As(err, &dns), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH),
		errors.Is(err, syscall.ENETUNREACH), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &network) && network.Timeout():
		e.Kind, e.Cause = Unreachable, rootOf(err)
	}
	return e
}

// rootOf returns the network's own error, without the layers around it that repeat the address.
func rootOf(err error) error {
	var op *net.OpError
	var idle *idleError
	switch {
	case errors.As(err, &op):
		return op
	case errors.As(err, &idle):
		return idle
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time")
	}
	return err
}
