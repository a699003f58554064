package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Cause explains in one line why a call to the API failed and what to check. The text is the same for the same cause,
// without the current time or a local port, because waits count every new text as progress.
func Cause(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled): // the wait ended during the call
		return "no answer so far"
	}
	if text := certificateCause(err); text != "" {
		return text
	}
	if text := statusCause(err); text != "" {
		return text
	}
	return networkCause(err)
}

// certificateCause is empty unless the certificate of the server or of the kubeconfig is the cause.
func certificateCause(err error) string {
	var (
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		alert     tls.AlertError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		if strings.Contains(invalid.Detail, " before ") {
			return "its certificate is valid only from " + invalid.Cert.NotBefore.UTC().Format(time.RFC3339) +
				", which is in the future: check the clocks of this machine and of the hosts"
		}
		return "its certificate expired on " + invalid.Cert.NotAfter.UTC().Format(time.RFC3339) +
			": check the clock of this machine; the certificates of a bootstrap host are valid for 24 hours, " +
			"after which the installation must be started again"
	case errors.As(err, &invalid):
		return "its certificate is not valid: " + invalid.Error()
	case errors.As(err, &authority):
		return "its certificate was not made by this installation: another cluster or a proxy answers there, " +
			"or the kubeconfig is from an earlier installation"
	case errors.As(err, &hostname):
		return "its certificate is not for " + hostname.Host + ": another server answers there"
	case errors.As(err, &alert):
		return "it rejects the certificate of the kubeconfig (" + alert.Error() +
			"): the kubeconfig is from an earlier installation, or the clocks differ"
	}
	return ""
}

// statusCause is empty unless an API server answered.
func statusCause(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return ""
	}
	switch s := status.Status(); {
	case s.Code == http.StatusUnauthorized:
		return "the API rejects the user of the kubeconfig (401): it is from an earlier installation, " +
			"its certificate has expired, or the clocks differ"
	case s.Code >= http.StatusInternalServerError:
		return fmt.Sprintf("the API answers, but is not ready (%d): %s", s.Code, OneLine(s.Message))
	default:
		return OneLine(s.Message)
	}
}

// networkCause distinguishes DNS, routing, the host and the proxy.
func networkCause(err error) string {
	var (
		dns     *net.DNSError
		op      *net.OpError
		request *url.Error
		network net.Error
	)
	at := ""
	if errors.As(err, &op) {
		if op.Op == "proxyconnect" {
			return "the proxy set in the environment cannot be reached: " + networkCause(op.Err)
		}
		if op.Addr != nil {
			at = op.Addr.String()
		}
	}
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "DNS has no address for " + dns.Name + ": add the record, or check the resolver of this machine"
	case errors.As(err, &dns) && dns.IsTimeout:
		return "the DNS server does not answer for " + dns.Name
	case errors.As(err, &dns):
		return "DNS lookup of " + dns.Name + " fails: " + dns.Err
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused by " + at + ": nothing listens there yet"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to " + at + ": the host is down, or the address is wrong"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed: no server behind the load balancer yet, or the server is restarting"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		if at != "" {
			at = " from " + at
		}
		return "no answer" + at + ": the host is down, or a firewall blocks the connection"
	case op != nil && op.Err != nil:
		return OneLine(op.Op + " " + at + ": " + op.Err.Error())
	case errors.As(err, &request):
		return OneLine(request.Err.Error())
	}
	return OneLine(err.Error())
}

// OneLine keeps a message of several lines in one.
func OneLine(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", "; ") }
