//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/host"
)

// newMetal is a cluster on hosts with BMCs, in a lab of its own.
func newMetal(t *testing.T, work string, size center.ClusterSize, profile string, others ...string) *agents {
	t.Helper()
	l := newLab(t, work)
	l.up(t)
	a := newAgents(t, l, size)
	t.Cleanup(func() {
		if t.Failed() {
			l.consoles(t)
		}
	})
	step(t, "Hosts", func(t *testing.T) { a.withBMCs(t, profile, size, others...) })
	return a
}

// withBMCs makes the hosts of the cluster, all of one vendor or of several in turn, and the install-config.yaml that
// names them.
func (a *agents) withBMCs(t *testing.T, profile string, s center.ClusterSize, others ...string) {
	t.Helper()
	profiles := append([]string{profile}, others...)
	for i, h := range a.hosts {
		args := []string{"hosts", "create", h.Name, "--mac", h.MAC, "--bmc", profiles[i%len(profiles)]}
		a.okdLab(t, append(args, a.metalDisks(h)...)...)
	}
	a.config(t, a.dir, "--name", s.Name, "--masters", fmt.Sprint(s.Masters), "--workers", fmt.Sprint(s.Workers),
		"--platform", s.Platform)
	a.hint(t)
}

// metalDisks are the flags for the disks of a host. The last one, master-0 and master-1 have two: the first has no hint
// and takes the smaller one; the others have a hint at the second, which they would not take without.
func (a *agents) metalDisks(h center.Host) []string {
	if h.Name == "master-0" && len(a.hosts) > 1 {
		return []string{"--disk", "size=120G", "--disk", "size=130G"}
	}
	if h.Name == "master-1" {
		return a.disks(a.hosts[len(a.hosts)-1])
	}
	return a.disks(h)
}

// hint chooses the second disk of the last host and of master-1.
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
	for i, entry := range hosts {
		if h, is := entry.(map[string]any); is && (i == len(hosts)-1 || h["name"] == "master-1") {
			h["rootDeviceHints"] = map[string]any{"serialNumber": hintedSerial}
		}
	}
	if data, err = yaml.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	a.inputs = data
}

// inRack are the hosts of the cluster as the lab sees them.
func (a *agents) inRack(t *testing.T) []daemon.Host {
	t.Helper()
	var list []daemon.Host
	if err := daemon.Dial(a.Site).Do(t.Context(), http.MethodGet, "/hosts", nil, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < len(a.hosts) {
		t.Fatalf("%d hosts are in the rack, want %d", len(list), len(a.hosts))
	}
	return list
}

// host is one of them.
func (a *agents) host(t *testing.T, name string) daemon.Host {
	t.Helper()
	list := a.inRack(t)
	i := slices.IndexFunc(list, func(h daemon.Host) bool { return h.Name == name })
	if i < 0 {
		t.Fatalf("host %s is not in the rack", name)
	}
	return list[i]
}

// breaks adds faults to a host.
func (a *agents) breaks(t *testing.T, name string, faults ...string) {
	t.Helper()
	a.okdLab(t, append([]string{"hosts", "fault", name}, faults...)...)
}

// noMedia checks that nothing of the boots is left in the hosts.
func (a *agents) noMedia(t *testing.T) {
	t.Helper()
	for _, h := range a.inRack(t) {
		if h.Media != "" || h.SecondMedia != "" || h.Once != "" || !slices.Equal(h.Order, host.DefaultOrder()) {
			t.Errorf("host %s has media %q and %q, boots %q once, and its boot order is %v", h.Name, h.Media, h.SecondMedia,
				h.Once, h.Order)
		}
	}
}

// noSessions checks that nobody is logged in at the BMCs. Only a run that was killed may leave a session.
func (a *agents) noSessions(t *testing.T) {
	t.Helper()
	for _, h := range a.inRack(t) {
		if h.BMC != nil && h.BMC.Sessions > 0 {
			t.Errorf("%d sessions are open at the BMC of host %s", h.BMC.Sessions, h.Name)
		}
	}
}

// allOff checks that the hosts are off, with nothing left of their boots.
func (a *agents) allOff(t *testing.T) {
	t.Helper()
	a.noMedia(t)
	for _, h := range a.inRack(t) {
		if h.State != "down" {
			t.Errorf("host %s is %s", h.Name, h.State)
		}
	}
}

// destroyed destroys the cluster and checks that its hosts are off.
func (a *agents) destroyed(t *testing.T, flags ...string) {
	t.Helper()
	a.runs = append(a.runs, a.finish(t, installBudget, 0, a.dir, append([]string{"destroy", "cluster"}, flags...)...))
	a.allOff(t)
}

// destroyedUnproved is destroyed for a cluster that does not answer: destroy may refuse to switch hosts off, and then
// has to say with which flag it does.
func (a *agents) destroyedUnproved(t *testing.T) {
	t.Helper()
	before := a.sessions(t) // of runs that were killed
	r := a.start(t, a.dir, nil, "destroy", "cluster")
	a.runs = append(a.runs, r)
	if code := r.end(t, installBudget); code == 0 {
		a.allOff(t)
		return
	}
	a.says(t, r, "host ", "BMC ", "nothing shows that it belongs to cluster")
	a.says(t, r, "Next: ", "--take-running-hosts")
	a.noneSince(t, before)
	a.destroyed(t, "--take-running-hosts")
}

// says checks that a run has written a line with all the words.
func (a *agents) says(t *testing.T, r *run, words ...string) {
	t.Helper()
	for line := range strings.Lines(r.stderr.String()) {
		if containsAll(line, words) {
			return
		}
	}
	t.Errorf("%s does not say %s:\n%s", r, strings.Join(words, " … "), last(r.stderr.String(), 30))
}

// mended ends all faults.
func (a *agents) mended(t *testing.T) {
	t.Helper()
	for _, h := range a.hosts {
		a.breaks(t, h.Name, "none")
	}
}

// bmcAddress is how install-config.yaml names the BMC of a host.
func (a *agents) bmcAddress(t *testing.T, name string) string {
	t.Helper()
	return a.host(t, name).BMC.Address.String()
}

// switchOff cuts the power of all hosts.
func (a *agents) switchOff(t *testing.T) {
	t.Helper()
	for _, h := range a.hosts {
		a.okdLab(t, "hosts", "power", "off", h.Name)
	}
}
