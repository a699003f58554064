package redfish

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/secret"
)

// A handshake that takes too long has sent nothing, so that a change may be sent again.
func TestHandshakeTimeout(t *testing.T) {
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client := &http.Client{Transport: &http.Transport{TLSHandshakeTimeout: 10 * time.Millisecond}}
	resp, err := client.Get("https://" + silent.Addr().String())
	if err == nil {
		_ = resp.Body.Close()
		t.Fatal("somebody has answered")
	}
	if kind := connectionKind(err); kind != Unreachable {
		t.Errorf("%v is: %s", err, kind)
	}
}

// Whatever fails, the error names host, BMC, cause and next step, and no secret.
func TestErrorsAreComplete(t *testing.T) {
	c := &conn{host: "master-0", endpoint: &url.URL{Host: "192.0.2.7:8443"}}
	c.hideAlso([]secret.String{secret.New("hunter2")})
	for _, kind := range []Kind{
		BadLogin, Forbidden, UntrustedCA, Unreachable, NotRedfish, NotFound, Refused, Busy, Unavailable, Broken, Unsupported,
		NoMedium, Stuck,
	} {
		err := c.fail(request{action: "power on"}, &Error{Kind: kind, Status: 418, Detail: "Teapot of hunter2."})
		for _, want := range []string{"host master-0", "BMC 192.0.2.7:8443", "power on", string(kind), "418", "Teapot"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %q", kind, want, err)
			}
		}
		if err.Next() == "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v; next %q", kind, err, err.Next())
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no progress for an hour"))
	for _, want := range []string{"host master-0", "BMC 192.0.2.7:8443", "power on", "no progress for an hour"} {
		if err := c.stopped(ctx, "power on"); !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
}
