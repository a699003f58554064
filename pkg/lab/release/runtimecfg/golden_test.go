package runtimecfg

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

// templates writes the templates as the nodes have them.
func templates(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"keepalived.conf.tmpl", "haproxy.cfg.tmpl", "Corefile.tmpl"} {
		raw, err := fs.ReadFile(render.OnPremTemplates(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func labFacts(t *testing.T, role, address string) Facts {
	t.Helper()
	c, err := NewCluster("lab", "lab.okd.test", "198.18.0.10", "198.18.0.11")
	if err != nil {
		t.Fatal(err)
	}
	return Facts{
		Cluster: c, Role: role, Serving: true, TrackDir: "/var/run/keepalived/track",
		Local:     Local{Interface: "host0", Address: address},
		Upstreams: []string{"198.18.0.1"},
		Hosts: []Host{
			{Name: "lab-x-worker-0", Address: "198.18.0.104"},
			{Name: "lab-x-master-1", Address: "198.18.0.102", Master: true},
			{Name: "lab-x-master-0", Address: "198.18.0.101", Master: true},
			{Name: "lab-x-master-2", Address: "198.18.0.103", Master: true},
		},
	}
}

func TestGolden(t *testing.T) {
	dir := templates(t)
	for _, c := range []struct{ golden, template, role, address string }{
		{"keepalived-master.conf", "keepalived.conf.tmpl", "master", "198.18.0.101"},
		{"keepalived-worker.conf", "keepalived.conf.tmpl", "worker", "198.18.0.104"},
		{"keepalived-bootstrap.conf", "keepalived.conf.tmpl", "bootstrap", "198.18.0.100"},
		{"haproxy.cfg", "haproxy.cfg.tmpl", "master", "198.18.0.101"},
		{"Corefile", "Corefile.tmpl", "worker", "198.18.0.104"},
	} {
		t.Run(c.golden, func(t *testing.T) {
			got, err := Output{Template: filepath.Join(dir, c.template)}.Text(Compute(labFacts(t, c.role, c.address)))
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, filepath.Join("testdata", c.golden), got)
		})
	}
}
