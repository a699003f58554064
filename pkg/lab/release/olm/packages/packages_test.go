package packages_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/packages"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/registry"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/source"
	"github.com/okd-install/okd-install/pkg/pki"
)

func catalog(namespace, name string, global bool) packages.Catalog {
	c := packages.Catalog{Global: global, Content: &source.Catalog{
		Packages: []registry.Package{{Name: "app", DefaultChannel: "stable",
			Channels: []registry.Channel{{Name: "stable", CSV: "app.v1"}}}},
		Bundles: []registry.Bundle{{Package: "app", Channel: "stable", CSV: "app.v1", Version: "1.0.0"}},
		Heads: map[string]map[string]v1alpha1.ClusterServiceVersion{"app": {"stable": {
			Spec: v1alpha1.ClusterServiceVersionSpec{DisplayName: "App", Provider: v1alpha1.AppLink{Name: "Us"}},
		}}},
	}}
	c.Source.Namespace, c.Source.Name = namespace, name
	c.Source.Spec.DisplayName = "Catalog"
	c.Source.CreationTimestamp = metav1.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return c
}

func get(t *testing.T, s http.Handler, path, accept string, into any) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if err := json.NewDecoder(w.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
	return w.Code
}

func TestManifests(t *testing.T) {
	born := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := packages.Server{Clock: clock.NewFake(born.Add(5 * time.Minute))}
	s.Set([]packages.Catalog{
		catalog("openshift-marketplace", "community", true), catalog("own", "private", false),
	})
	const api = "/apis/packages.operators.coreos.com/v1"
	count := func(path string) int {
		var l struct{ Items []packages.Manifest }
		if code := get(t, &s, api+path, "application/json", &l); code != http.StatusOK {
			t.Errorf("%s: %d", path, code)
		}
		for _, m := range l.Items {
			if path == "/namespaces/app/packagemanifests" && m.Namespace != "app" {
				t.Errorf("manifest of %s in the list of app", m.Namespace)
			}
		}
		return len(l.Items)
	}
	for path, want := range map[string]int{
		"/packagemanifests":                                            2,
		"/namespaces/app/packagemanifests":                             1, // the global one
		"/namespaces/own/packagemanifests":                             2,
		"/namespaces/own/packagemanifests?labelSelector=catalog%3Dnot": 0,
		"/packagemanifests?labelSelector=catalog%3Dprivate":            1,
		"/packagemanifests?fieldSelector=metadata.name%3Dother":        0,
	} {
		if n := count(path); n != want {
			t.Errorf("%s has %d, want %d", path, n, want)
		}
	}
	var m packages.Manifest
	get(t, &s, api+"/namespaces/app/packagemanifests/app", "application/json", &m)
	if m.Status.DefaultChannel != "stable" || m.Status.Channels[0].CurrentCSV != "app.v1" ||
		m.Status.Channels[0].CurrentCSVDesc.DisplayName != "App" || m.Status.CatalogSource != "community" {
		t.Errorf("manifest %+v", m)
	}
	var status metav1.Status
	if code := get(t, &s, api+"/namespaces/app/packagemanifests/none", "", &status); code != http.StatusNotFound ||
		status.Reason != metav1.StatusReasonNotFound {
		t.Errorf("a package that there is not: %d %+v", code, status)
	}
	var table metav1.Table
	get(t, &s, api+"/packagemanifests", "application/json;as=Table;v=v1;g=meta.k8s.io", &table)
	if table.Kind != "Table" || len(table.Rows) != 2 || table.Rows[0].Cells[1] != "Catalog" ||
		table.Rows[0].Cells[2] != "5m" {
		t.Errorf("table %+v", table)
	}
}

func TestDiscovery(t *testing.T) {
	var s packages.Server
	var l metav1.APIResourceList
	get(t, &s, "/apis/packages.operators.coreos.com/v1", "", &l)
	if len(l.APIResources) != 1 || l.APIResources[0].Kind != "PackageManifest" || !l.APIResources[0].Namespaced {
		t.Errorf("resources %+v", l)
	}
	var g metav1.APIGroup
	get(t, &s, "/apis/packages.operators.coreos.com", "", &g)
	if g.PreferredVersion.Version != "v1" {
		t.Errorf("group %+v", g)
	}
}

// TestCallers: only the API server may ask.
func TestCallers(t *testing.T) {
	now := time.Now()
	front, err := certs.NewAuthority(now, pki.Name{Common: "front"}, pki.Day)
	if err != nil {
		t.Fatal(err)
	}
	own, err := certs.Issue(front, now, pki.Leaf{Usage: pki.Server, Life: pki.Day}, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(own.Cert, own.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(&packages.Server{})
	server.TLS = packages.TLS(pair, front.Cert, []string{"proxy"})
	server.StartTLS()
	defer server.Close()
	for name, want := range map[string]bool{"": false, "somebody": false, "proxy": true} {
		config := &tls.Config{InsecureSkipVerify: true} // who asks is what is tested
		if name != "" {
			p, err := certs.Issue(front, now, pki.Leaf{Name: pki.Name{Common: name}, Usage: pki.Client, Life: pki.Day})
			if err != nil {
				t.Fatal(err)
			}
			cert, err := tls.X509KeyPair(p.Cert, p.Key)
			if err != nil {
				t.Fatal(err)
			}
			config.Certificates = []tls.Certificate{cert}
		}
		client := http.Client{Transport: &http.Transport{TLSClientConfig: config}}
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/apis", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(q)
		if err == nil {
			resp.Body.Close()
		}
		if (err == nil) != want {
			t.Errorf("caller %q: %v", name, err)
		}
	}
}
