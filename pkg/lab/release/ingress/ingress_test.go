package ingress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	routev1 "github.com/openshift/api/route/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func testRoute(host, path, service string, tls *routev1.TLSConfig) routev1.Route {
	return routev1.Route{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: service + "-route"},
		Spec: routev1.RouteSpec{
			Host: host, Path: path, To: routev1.RouteTargetReference{Kind: "Service", Name: service}, TLS: tls,
			Port: &routev1.RoutePort{TargetPort: intstr.FromString("http")},
		},
	}
}

func testService(name, ip string, port int32) corev1.Service {
	return corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name},
		Spec: corev1.ServiceSpec{
			ClusterIP: ip, Ports: []corev1.ServicePort{{Name: "other", Port: 1}, {Name: "http", Port: port}},
		},
	}
}

func services(list ...corev1.Service) map[string]corev1.Service {
	out := map[string]corev1.Service{}
	for _, s := range list {
		out[s.Namespace+"/"+s.Name] = s
	}
	return out
}

func TestBuild(t *testing.T) {
	edge := &routev1.TLSConfig{
		Termination:                   routev1.TLSTerminationEdge,
		InsecureEdgeTerminationPolicy: routev1.InsecureEdgeTerminationPolicyRedirect,
	}
	pass := &routev1.TLSConfig{Termination: routev1.TLSTerminationPassthrough}
	svc := services(testService("a", "198.19.128.20", 80), testService("b", "198.19.128.21", 8080),
		testService("headless", "None", 80))
	table, problems := build([]routev1.Route{
		testRoute("A.apps.test", "", "a", edge),
		testRoute("a.apps.test", "/b", "b", nil),
		testRoute("p.apps.test", "", "a", pass),
		testRoute("x.apps.test", "", "absent", nil),
		testRoute("h.apps.test", "", "headless", nil),
		testRoute("", "", "b", nil),
	}, svc)
	b, ok := table.lookup("a.apps.test:443", "/")
	if !ok || b.Address != "198.19.128.20:80" || !b.Edge || !b.Redirect || b.Plain {
		t.Errorf("edge route: %+v, %v", b, ok)
	}
	if b, ok := table.lookup("a.apps.test", "/b/c"); !ok || b.Address != "198.19.128.21:8080" || !b.Plain {
		t.Errorf("longest path: %+v, %v", b, ok)
	}
	if _, ok := table.lookup("nobody.apps.test", "/"); ok {
		t.Error("an unknown host has a backend")
	}
	for name, want := range map[string]string{
		"ns/absent-route":   "service absent does not exist",
		"ns/headless-route": "has no cluster address",
		"ns/a-route":        "TLS termination",
		"ns/b-route":        "spec.host is empty",
	} {
		if !strings.Contains(problems[name], want) {
			t.Errorf("%s: %q, want %q", name, problems[name], want)
		}
	}
}

// TestRouterServes runs the router with a made certificate on loopback.
func TestRouterServes(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s for %s", r.Host, r.URL.Path, r.Header.Get("X-Forwarded-Proto"))
	}))
	defer app.Close()
	ca, p, err := newPair("apps.test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if err := os.WriteFile(cert, p.Cert, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, p.Key, 0o600); err != nil {
		t.Fatal(err)
	}
	at := addresses{free(t), free(t), free(t)}
	r := newRouter(slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.serve(ctx, at, cert, key) }()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.Cert)
	dial := func(ctx context.Context, _, addr string) (net.Conn, error) {
		to := at.http
		if strings.HasSuffix(addr, ":443") {
			to = at.https
		}
		if strings.HasSuffix(addr, ":1936") {
			to = at.health
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", to)
	}
	client := &http.Client{
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DialContext: dial},
	}
	get := func(url string) (int, string, string) {
		t.Helper()
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body), resp.Header.Get("Location")
	}
	for range 100 {
		if c, err := net.Dial("tcp", at.health); err == nil {
			c.Close()
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if code, _, _ := get("http://router.test:1936/healthz/ready"); code != http.StatusServiceUnavailable {
		t.Errorf("ready without routes: %d", code)
	}
	backend1 := backend{Address: strings.TrimPrefix(app.URL, "http://"), Edge: true, Redirect: true}
	gone := backend{Address: free(t), Edge: true}
	r.table.Store(&table{"a.apps.test": {{"", backend1}}, "gone.apps.test": {{"", gone}}})
	for _, c := range []struct {
		url      string
		code     int
		contains string
		location string
	}{
		{"http://router.test:1936/healthz/ready", 200, "ok", ""},
		{"https://a.apps.test/x", 200, "a.apps.test /x for https", ""},
		{"http://a.apps.test/x?y=1", 302, "", "https://a.apps.test/x?y=1"},
		{"https://b.apps.test/", 503, "no route", ""},
		{"https://gone.apps.test/", 503, "does not answer", ""},
		{"http://gone.apps.test/", 503, "https only", ""},
	} {
		code, body, location := get(c.url)
		if code != c.code || !strings.Contains(body, c.contains) || location != c.location {
			t.Errorf("%s: %d %q %q", c.url, code, body, location)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("serve ended with %v", err)
	}
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestAdmit(t *testing.T) {
	now := time.Now()
	r := testRoute("a.apps.test", "", "a", nil)
	if !admit(&r, "router-default.apps.test", "", now) {
		t.Fatal("a new route was not admitted")
	}
	in := r.Status.Ingress[0]
	if c := in.Conditions[0]; in.Host != "a.apps.test" || in.RouterName != "default" ||
		c.Type != routev1.RouteAdmitted || c.Status != corev1.ConditionTrue {
		t.Errorf("%+v", in)
	}
	if admit(&r, "router-default.apps.test", "", now.Add(time.Hour)) {
		t.Error("an admitted route was written again")
	}
	if !admit(&r, "router-default.apps.test", "service a does not exist", now) || len(r.Status.Ingress) != 1 ||
		r.Status.Ingress[0].Conditions[0].Status != corev1.ConditionFalse {
		t.Errorf("%+v", r.Status)
	}
}
