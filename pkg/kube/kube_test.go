package kube_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"github.com/okd-install/okd-install/pkg/kube"
)

func TestPathsAndErrors(t *testing.T) {
	var asked []string
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		switch {
		case strings.HasSuffix(r.URL.Path, "/bootstrap"):
			fmt.Fprint(w, `{"kind":"ConfigMap","data":{"status":"complete"}}`)
		case strings.HasSuffix(r.URL.Path, "/busy"):
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `<html>haproxy says no</html>`)
		case strings.HasSuffix(r.URL.Path, "/moved"):
			w.WriteHeader(http.StatusMultipleChoices)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound",`+
				`"message":"nodes \"x\" not found","code":404}`)
		}
	}))
	defer srv.Close()
	c, err := kube.New(&rest.Config{Host: srv.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}})
	if err != nil {
		t.Fatal(err)
	}
	var cm corev1.ConfigMap
	err = c.Get(t.Context(), kube.ConfigMaps.Ref("kube-system", "bootstrap"), &cm)
	if err != nil || cm.Data["status"] != "complete" {
		t.Errorf("get: %v, %v", cm.Data, err)
	}
	err = c.Get(t.Context(), kube.Ref{Kind: kube.Nodes, Name: "x"}, &corev1.Node{})
	if !kube.NotFound(err) || !strings.Contains(err.Error(), `nodes "x" not found`) {
		t.Errorf("missing node: %v", err)
	}
	err = c.Get(t.Context(), kube.Ref{Kind: kube.ClusterVersions, Name: "busy"}, &corev1.Node{})
	if err == nil || kube.NotFound(err) || !strings.Contains(err.Error(), "503") {
		t.Errorf("busy: %v", err)
	}
	if _, err = c.Raw(t.Context(), "/moved", nil); err == nil || !strings.Contains(err.Error(), "300") {
		t.Errorf("moved: %v", err)
	}
	want := []string{
		"GET /api/v1/namespaces/kube-system/configmaps/bootstrap",
		"GET /api/v1/nodes/x",
		"GET /apis/config.openshift.io/v1/clusterversions/busy",
		"GET /moved",
	}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked for\n%s", strings.Join(asked, "\n"))
	}
}

func TestWrites(t *testing.T) {
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, fmt.Sprintf("%s %s %s %s", r.Method, r.URL, r.Header.Get("Content-Type"), body))
		fmt.Fprint(w, `{"metadata":{"uid":"u1"}}`)
	}))
	defer srv.Close()
	c, err := kube.New(&rest.Config{Host: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Metadata struct {
			UID string `json:"uid,omitempty"`
		} `json:"metadata"`
	}
	var o object
	ctx, ref := t.Context(), kube.Nodes.Ref("", "x")
	for _, err := range []error{
		c.Create(ctx, kube.Pods, "ns", &o),
		c.Update(ctx, ref, "status", map[string]int{"a": 1}),
		c.Patch(ctx, ref, "", map[string]int{"a": 2}),
		c.Apply(ctx, kube.Pods.Ref("ns", "p"), "me", map[string]int{"a": 3}),
		c.Delete(ctx, ref),
		c.Query(ctx, kube.Pods, "ns", url.Values{"labelSelector": {"a=b"}}, &o),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if o.Metadata.UID != "u1" {
		t.Errorf("what was created has UID %q", o.Metadata.UID)
	}
	want := []string{
		`POST /api/v1/namespaces/ns/pods application/json {"metadata":{}}`,
		`PUT /api/v1/nodes/x/status application/json {"a":1}`,
		`PATCH /api/v1/nodes/x application/merge-patch+json {"a":2}`,
		`PATCH /api/v1/namespaces/ns/pods/p?fieldManager=me&force=true application/apply-patch+yaml {"a":3}`,
		`DELETE /api/v1/nodes/x  `,
		`GET /api/v1/namespaces/ns/pods?labelSelector=a%3Db  `,
	}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked for\n%s", strings.Join(asked, "\n"))
	}
}

// A request is repeated if the server asks for that. If it does so for too long, its last
// answer is the error.
func TestAskedToComeBack(t *testing.T) {
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls > 1 && strings.HasSuffix(r.URL.Path, "/x") {
			fmt.Fprint(w, `{"kind":"Node"}`)
			return
		}
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"TooManyRequests",`+
			`"message":"storage is (re)initializing","details":{"retryAfterSeconds":1},"code":429}`)
	}))
	defer srv.Close()
	c, err := kube.New(&rest.Config{Host: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), kube.Nodes.Ref("", "x"), &corev1.Node{}); err != nil || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if err := c.Get(ctx, kube.Nodes.Ref("", "y"), &corev1.Node{}); !kube.Answered(err) {
		t.Errorf("the server's word is lost: %v", err)
	}
}
