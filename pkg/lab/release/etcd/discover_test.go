package etcd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/certs"
)

func TestInitialCluster(t *testing.T) {
	d := Discovery{Name: "m1", IP: m1.IP}
	got := d.initialCluster([]member{boot, {ID: 0xab, IP: m0.IP}, {IP: m1.IP, Learner: true}})
	want := "etcd-bootstrap=https://198.18.0.100:2380,member-ab=https://198.18.0.101:2380,m1=https://198.18.0.102:2380"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestStartsWithoutPeers: after a power cut of the whole cluster nobody
// answers, and a member with data must start all the same.
func TestStartsWithoutPeers(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	ca, err := certs.NewAuthority("etcd-signer", now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	client, err := issueClient(ca, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"ca.crt": ca.CertPEM, "c.crt": client.CertPEM, "c.key": client.KeyPEM,
		"endpoints": []byte("https://127.0.0.1:1"), // nobody listens on port 1
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "data/member/wal"), 0o700); err != nil {
		t.Fatal(err)
	}
	d := Discovery{
		Name: "m0", IP: m0.IP, DataDir: filepath.Join(dir, "data"), ConfigFile: filepath.Join(dir, "etcd.yaml"),
		EndpointsFile: filepath.Join(dir, "endpoints"), CACert: filepath.Join(dir, "ca.crt"),
		Cert: filepath.Join(dir, "c.crt"), Key: filepath.Join(dir, "c.key"), Clock: clock.Real(), Log: staticpod.Logger(),
	}
	begin := time.Now()
	if err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	data, err := os.ReadFile(d.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.UnmarshalStrict(data, &doc); err != nil {
		t.Fatal(err)
	}
	tls, ok := doc["client-transport-security"].(map[string]any)
	if doc["initial-cluster-state"] != "existing" || !ok || tls["client-cert-auth"] != true || !strings.Contains(tls["cert-file"].(string), "etcd-serving-m0") {
		t.Errorf("configuration:\n%s", data)
	}
}
