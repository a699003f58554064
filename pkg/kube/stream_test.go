package kube_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"k8s.io/client-go/rest"

	"github.com/okd-install/okd-install/pkg/kube"
)

const consolePath = "/apis/subresources.kubevirt.io/v1/namespaces/n/virtualmachineinstances/x/console"

// streaming serves a console over TLS to those who have a token.
func streaming(t *testing.T, serve func(*websocket.Conn)) *rest.Config {
	t.Helper()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,`+
				`"message":"user may not open the console"}`)
			return
		}
		if r.URL.Path != consolePath {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		up := websocket.Upgrader{Subprotocols: []string{"plain.kubevirt.io"}}
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		serve(conn)
	}))
	t.Cleanup(srv.Close)
	return &rest.Config{Host: srv.URL, BearerToken: "secret", TLSClientConfig: rest.TLSClientConfig{
		CAData: pemOf(srv.Certificate())}}
}

func TestStream(t *testing.T) {
	cfg := streaming(t, func(conn *websocket.Conn) {
		_, in, err := conn.ReadMessage()
		if err != nil {
			return
		}
		for _, part := range []string{"", "echo ", string(in)} {
			_ = conn.WriteMessage(websocket.BinaryMessage, []byte(part))
		}
		closing := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		_ = conn.WriteControl(websocket.CloseMessage, closing, time.Now().Add(time.Second))
		_, _, _ = conn.ReadMessage() // until the client has seen it
	})
	api, err := kube.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := api.Stream(t.Context(), consolePath, "plain.kubevirt.io")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(s)
	if err != nil || string(got) != "echo hello" {
		t.Errorf("%q, %v", got, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestStreamIsRefused(t *testing.T) {
	cfg := streaming(t, func(*websocket.Conn) {})
	open := func(change func(*rest.Config), path, protocol string) error {
		cfg := rest.CopyConfig(cfg)
		change(cfg)
		api, err := kube.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		s, err := api.Stream(t.Context(), path, protocol)
		if err == nil {
			_ = s.Close()
		}
		return err
	}
	same := func(*rest.Config) {}
	for name, tt := range map[string]struct {
		change         func(*rest.Config)
		path, protocol string
		want           string
	}{
		"the user": {
			func(c *rest.Config) { c.BearerToken = "" }, consolePath, "plain.kubevirt.io", "may not open the console",
		},
		"the path":      {same, "/nothing", "plain.kubevirt.io", "404"},
		"the protocol":  {same, consolePath, "other", "invalid protocol"},
		"the authority": {func(c *rest.Config) { c.CAData = nil }, consolePath, "plain.kubevirt.io", "not made by this"},
	} {
		if err := open(tt.change, tt.path, tt.protocol); err == nil || !strings.Contains(kube.Cause(err), tt.want) {
			t.Errorf("%s: %v, want %q", name, kube.Cause(err), tt.want)
		}
	}
}

// A connection that breaks is an error and not the end.
func TestStreamBreaks(t *testing.T) {
	api, err := kube.New(streaming(t, func(conn *websocket.Conn) {
		_ = conn.WriteMessage(websocket.BinaryMessage, []byte("x"))
	}))
	if err != nil {
		t.Fatal(err)
	}
	s, err := api.Stream(t.Context(), consolePath, "plain.kubevirt.io")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := io.ReadAll(s)
	if string(got) != "x" || err == nil || errors.Is(err, io.EOF) {
		t.Errorf("%q, %v", got, err)
	}
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
