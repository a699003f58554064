package kube_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/okd-install/okd-install/pkg/kube"
)

func TestCause(t *testing.T) {
	get := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://api.demo.test:6443/version", Err: err}
	}
	at := func(op string, err error) error {
		local := &net.TCPAddr{IP: net.IPv4(198, 18, 0, 2), Port: 43210}
		api := &net.TCPAddr{IP: net.IPv4(198, 18, 0, 1), Port: 6443}
		return get(&net.OpError{Op: op, Net: "tcp", Source: local, Addr: api, Err: err})
	}
	proxy := &net.TCPAddr{IP: net.IPv4(198, 18, 0, 9), Port: 3128}
	midnight := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	cert := &x509.Certificate{NotBefore: midnight, NotAfter: midnight.AddDate(0, 0, 1)}
	expired := func(detail string) error {
		return get(&tls.CertificateVerificationError{
			Err: x509.CertificateInvalidError{Cert: cert, Reason: x509.Expired, Detail: detail},
		})
	}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"nothing", nil, ""},
		{
			"no name", at("dial", &net.DNSError{Err: "no such host", Name: "api.demo.test", IsNotFound: true}),
			"DNS has no address for api.demo.test",
		},
		{
			"no DNS server", at("dial", &net.DNSError{Err: "i/o timeout", Name: "api.demo.test", IsTimeout: true}),
			"the DNS server does not answer",
		},
		{
			"DNS fails", at("dial", &net.DNSError{Err: "server misbehaving", Name: "api.demo.test"}),
			"DNS lookup of api.demo.test fails: server misbehaving",
		},
		{"refused", at("dial", syscall.ECONNREFUSED), "connection refused by 198.18.0.1:6443"},
		{"no route", at("dial", syscall.EHOSTUNREACH), "no route to 198.18.0.1:6443"},
		{"reset", at("read", syscall.ECONNRESET), "connection was closed"},
		{"end", get(io.EOF), "connection was closed"},
		{"timeout", at("dial", context.DeadlineExceeded), "no answer from 198.18.0.1:6443"},
		{"timeout before dialing", get(context.DeadlineExceeded), "no answer: "},
		{"canceled", get(context.Canceled), "no answer so far"},
		{
			"proxy", get(&net.OpError{
				Op: "proxyconnect", Err: &net.OpError{Op: "dial", Addr: proxy, Err: syscall.ECONNREFUSED},
			}),
			"the proxy set in the environment cannot be reached: connection refused by 198.18.0.9:3128",
		},
		{"another network error", at("write", errors.New("broken")), "write 198.18.0.1:6443: broken"},
		{
			"expired", expired("current time 2026-03-03T00:00:00Z is after 2026-01-03T00:00:00Z"),
			"expired on 2026-01-03T00:00:00Z",
		},
		{
			"not yet valid", expired("current time 2025-03-03T00:00:00Z is before 2026-01-02T00:00:00Z"),
			"valid only from 2026-01-02T00:00:00Z",
		},
		{"unknown authority", get(x509.UnknownAuthorityError{}), "not made by this installation"},
		{"other name", get(x509.HostnameError{Certificate: cert, Host: "api.demo.test"}), "not for api.demo.test"},
		{"client certificate", at("remote error", tls.AlertError(42)), "rejects the certificate of the kubeconfig"},
		{"401", apierrors.NewUnauthorized("Unauthorized"), "rejects the user"},
		{"503", apierrors.NewServiceUnavailable("starting\nup"), "not ready (503): starting; up"},
		{"404", apierrors.NewNotFound(schema.GroupResource{Resource: "nodes"}, "x"), `nodes "x" not found`},
		{"anything else", fmt.Errorf("wrapped: %w", errors.New("odd")), "wrapped: odd"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := kube.Cause(tt.err)
			if !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("%q, want %q", got, tt.want)
			}
			for _, varying := range []string{"43210", "current time", "\n"} {
				if strings.Contains(got, varying) {
					t.Errorf("%q differs between calls", got)
				}
			}
		})
	}
}

// The same cause has the same text in every call, over real sockets.
func TestCauseOfRealServers(t *testing.T) {
	stranger := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(stranger.Close)
	resets := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	resets.Start()
	t.Cleanup(resets.Close)
	for host, want := range map[string]string{
		stranger.URL:              "not made by this installation",
		resets.URL:                "connection was closed",
		"http://127.0.0.1:1":      "connection refused by 127.0.0.1:1",
		"https://nowhere.invalid": "DNS",
	} {
		api, err := kube.New(&rest.Config{Host: host})
		if err != nil {
			t.Fatal(err)
		}
		var first string
		for range 2 {
			_, err := api.Raw(t.Context(), "/version", nil)
			got := kube.Cause(err)
			if !strings.Contains(got, want) || first != "" && got != first {
				t.Errorf("%s: %q, want %q; before %q", host, got, want, first)
			}
			first = got
		}
	}
}
