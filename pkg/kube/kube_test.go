package kube_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"nodes \"x\" not found","code":404}`)
		}
	}))
	defer srv.Close()
	c, err := kube.New(&rest.Config{Host: srv.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}})
	if err != nil {
		t.Fatal(err)
	}
	var cm corev1.ConfigMap
	if err := c.Get(t.Context(), kube.Ref{Kind: kube.ConfigMaps, Namespace: "kube-system", Name: "bootstrap"}, &cm); err != nil || cm.Data["status"] != "complete" {
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
	want := []string{
		"GET /api/v1/namespaces/kube-system/configmaps/bootstrap",
		"GET /api/v1/nodes/x",
		"GET /apis/config.openshift.io/v1/clusterversions/busy",
	}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked for\n%s", strings.Join(asked, "\n"))
	}
}
