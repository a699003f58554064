//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
)

// TestMetal installs a cluster of three masters through their BMCs.
func TestMetal(t *testing.T) {
	installMetal(t, "metal", "idrac9", center.ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3})
}

// TestMetalWorkers installs a cluster of three masters and two workers.
func TestMetalWorkers(t *testing.T) {
	size := center.ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3, Workers: 2}
	installMetal(t, "metal-workers", "ilo6", size)
}

// installMetal installs a cluster on hosts of one vendor in a lab of its own, checks it, and destroys it.
func installMetal(t *testing.T, work, profile string, size center.ClusterSize) {
	l := newLab(t, work)
	a := newAgents(t, l, size)
	if *have == "" {
		l.up(t)
		t.Cleanup(func() {
			if t.Failed() {
				l.consoles(t)
			}
		})
		step(t, "Hosts", func(t *testing.T) { a.withBMCs(t, profile, size) })
		step(t, "Installation", func(t *testing.T) {
			a.began = time.Now()
			create := a.start(t, a.dir, nil, "create", "cluster")
			a.runs = append(a.runs, create)
			if code := create.end(t, installBudget); code != 0 {
				t.Fatalf("%s: exit code %d, want 0\n%s", create, code, last(create.stderr.String(), 20))
			}
			measured(t, "metal, %s, %d masters + %d workers: install complete after %.0f s", profile, size.Masters,
				size.Workers, time.Since(a.began).Seconds())
		})
	}
	step(t, "Media", func(t *testing.T) { a.noMedia(t) })
	step(t, "Passwords", func(t *testing.T) { a.bmcPasswords(t) })
	a.check(t)
	if *have != "" {
		return
	}
	step(t, "Again", func(t *testing.T) { // a complete cluster is left alone
		a.finish(t, 10*time.Minute, 0, a.dir, "create", "cluster")
		a.nodesReady(t)
		a.noMedia(t)
	})
	step(t, "Destroy", func(t *testing.T) {
		a.finish(t, 10*time.Minute, 0, a.dir, "destroy", "cluster")
		a.noMedia(t)
		for _, h := range a.inRack(t) {
			if h.State != "down" {
				t.Errorf("host %s is %s", h.Name, h.State)
			}
		}
	})
}

// withBMCs makes the hosts of the cluster, all of one vendor, and the install-config.yaml that names them.
func (a *agents) withBMCs(t *testing.T, profile string, s center.ClusterSize) {
	t.Helper()
	for _, h := range a.hosts {
		args := append([]string{"hosts", "create", h.Name, "--mac", h.MAC, "--bmc", profile}, a.disks(h)...)
		a.okdLab(t, args...)
	}
	a.config(t, a.dir, "--name", s.Name, "--masters", fmt.Sprint(s.Masters), "--workers", fmt.Sprint(s.Workers),
		"--platform", s.Platform)
	a.hint(t)
}

// hint chooses the second disk of the last host.
func (a *agents) hint(t *testing.T) {
	t.Helper()
	path := filepath.Join(a.dir, "install-config.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	platform, _ := config["platform"].(map[string]any)
	metal, _ := platform["baremetal"].(map[string]any)
	hosts, _ := metal["hosts"].([]any)
	if len(hosts) != len(a.hosts) {
		t.Fatalf("install-config.yaml of the lab names %d hosts, not %d:\n%s", len(hosts), len(a.hosts), data)
	}
	host, _ := hosts[len(hosts)-1].(map[string]any)
	host["rootDeviceHints"] = map[string]any{"serialNumber": hintedSerial}
	if data, err = yaml.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// inRack are the hosts of the cluster as the lab sees them.
func (a *agents) inRack(t *testing.T) []daemon.Host {
	t.Helper()
	var list []daemon.Host
	if err := json.Unmarshal([]byte(a.okdLab(t, "hosts", "list", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < len(a.hosts) {
		t.Fatalf("%d hosts are in the rack, want %d", len(list), len(a.hosts))
	}
	return list
}

// noMedia checks that nothing of the boots is left in the hosts.
func (a *agents) noMedia(t *testing.T) {
	t.Helper()
	for _, h := range a.inRack(t) {
		if h.Media != "" || h.Once != "" {
			t.Errorf("host %s has medium %q and boots %q once", h.Name, h.Media, h.Once)
		}
	}
}

// bmcPasswords checks that no file of the installation has the password of a BMC, but those that the user wrote and
// the state, which has the install-config.
func (a *agents) bmcPasswords(t *testing.T) {
	t.Helper()
	var passwords []string
	for _, h := range a.inRack(t) {
		if h.BMC != nil {
			passwords = append(passwords, h.BMC.Password)
		}
	}
	if len(passwords) == 0 {
		t.Fatal("no host has a BMC")
	}
	err := filepath.WalkDir(a.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) == ".iso" {
			return err
		}
		switch filepath.Base(path) {
		case "install-config.yaml", ".openshift_install_state.json":
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, p := range passwords {
			if strings.Contains(string(data), p) {
				t.Errorf("%s has the password of a BMC", path)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for _, r := range a.runs {
		for _, p := range passwords {
			if strings.Contains(r.stdout.String()+r.stderr.String(), p) {
				t.Errorf("%s prints the password of a BMC", r)
			}
		}
	}
}
