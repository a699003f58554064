package etcd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/pki"
)

func TestInitialCluster(t *testing.T) {
	d := discovery{name: "m1", ip: m1.IP}
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
	ca, err := certs.NewAuthority(now, pki.Name{Common: "etcd-signer"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	client, err := issueClient(ca, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"ca.crt": ca.Cert, "c.crt": client.Cert, "c.key": client.Key,
		"endpoints": []byte("https://127.0.0.1:1"), // nobody listens on port 1
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "data/member/wal"), 0o700); err != nil {
		t.Fatal(err)
	}
	d := discovery{
		name: "m0", ip: m0.IP, dataDir: filepath.Join(dir, "data"), configFile: filepath.Join(dir, "etcd.yaml"),
		endpointsFile: filepath.Join(dir, "endpoints"), caCert: filepath.Join(dir, "ca.crt"),
		cert: filepath.Join(dir, "c.crt"), key: filepath.Join(dir, "c.key"), clock: clock.Real(), log: program.Logger(),
	}
	begin := time.Now()
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	data, err := os.ReadFile(d.configFile)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.UnmarshalStrict(data, &doc); err != nil {
		t.Fatal(err)
	}
	tls, ok := doc["client-transport-security"].(map[string]any)
	if doc["initial-cluster-state"] != "existing" || !ok || tls["client-cert-auth"] != true ||
		!strings.Contains(tls["cert-file"].(string), "etcd-serving-m0") {
		t.Errorf("configuration:\n%s", data)
	}
}
