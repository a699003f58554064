package baremetal

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/types"
)

// cluster is an install-config with hosts of the given roles, called a, b, c
// and so on.
func cluster(masters, arbiters, workers int64, roles ...string) *types.InstallConfig {
	c := &types.InstallConfig{
		ControlPlane: &types.MachinePool{Name: types.MasterPool, Replicas: &masters},
		Compute:      []types.MachinePool{{Name: types.WorkerPool, Replicas: &workers}},
	}
	if arbiters > 0 {
		c.Arbiter = &types.MachinePool{Name: types.ArbiterPool, Replicas: &arbiters}
	}
	p := &config.Platform{}
	for i, role := range roles {
		p.Hosts = append(p.Hosts, config.Host{Name: string(rune('a' + i)), Role: role})
	}
	c.Platform.Settings = p
	return c
}

func TestAssign(t *testing.T) {
	const m, w, a, open = types.MasterPool, types.WorkerPool, types.ArbiterPool, ""
	tests := []struct {
		name  string
		c     *types.InstallConfig
		hosts string // name, role, machine
	}{
		{"as they say", cluster(2, 0, 1, w, m, m), "b master 0, c master 1, a worker"},
		{"open ones fill the masters first", cluster(3, 0, 2, open, w, m, open, open),
			"c master 0, b worker, a master 1, d master 2, e worker"},
		{"open ones fill the arbiters next", cluster(2, 1, 1, open, open, open, open),
			"a master 0, b master 1, c arbiter 0, d worker"},
		{"named arbiter between open ones", cluster(2, 1, 0, open, a, open), "b arbiter 0, a master 0, c master 1"},
		{"more masters than machines", cluster(1, 0, 0, m, m), "a master 0, b worker"},
		{"arbiter without such machines", cluster(1, 0, 0, a, m), "b master 0, a worker"},
		{"order of the file within a role", cluster(3, 0, 0, m, m, m), "a master 0, b master 1, c master 2"},
		{"no hosts", cluster(3, 0, 0), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, h := range assign(tt.c) {
				text := h.Name + " " + h.role
				if h.machine != noMachine {
					text += fmt.Sprintf(" %d", h.machine)
				}
				got = append(got, text)
			}
			if s := strings.Join(got, ", "); s != tt.hosts {
				t.Errorf("got %s, want %s", s, tt.hosts)
			}
		})
	}
}

// Without the machine API nothing would manage machines and hosts.
func TestCapabilities(t *testing.T) {
	for _, tt := range []struct {
		enabled            []string
		provisioning, rest bool
		workerData         string
	}{
		{[]string{"baremetal", "MachineAPI"}, true, true, "worker-user-data-managed"},
		{[]string{"baremetal"}, true, false, "worker-user-data"},
		{[]string{"MachineAPI"}, false, true, "worker-user-data-managed"},
		{nil, false, false, "worker-user-data"},
	} {
		c := cluster(1, 0, 1, types.MasterPool, types.WorkerPool)
		c.Capabilities = &types.Capabilities{BaselineCapabilitySet: "None", AdditionalEnabledCapabilities: tt.enabled}
		set := objects.In("openshift")
		if err := addObjects(set, assets.PlatformObjects{Config: c, InfraID: "demo-x7k2p"}); err != nil {
			t.Fatal(err)
		}
		files, err := set.Files()
		if err != nil {
			t.Fatal(err)
		}
		paths := files.Paths()
		has := func(name string) bool { return slices.Contains(paths, "openshift/99_"+name) }
		if has("baremetal-provisioning-config.yaml") != tt.provisioning ||
			has("openshift-cluster-api_hosts-0.yaml") != tt.rest ||
			has("openshift-cluster-api_master-machines-0.yaml") != tt.rest ||
			has("openshift-cluster-api_worker-machineset-0.yaml") != tt.rest {
			t.Errorf("%v: %q", tt.enabled, paths)
		}
		if got := userData(c, types.WorkerPool); got != tt.workerData {
			t.Errorf("%v: user data %s", tt.enabled, got)
		}
	}
}

// A host without a login for its BMC is described, but not controlled.
func TestHostWithoutLogin(t *testing.T) {
	set := objects.In("openshift")
	in := assets.PlatformObjects{Config: cluster(1, 0, 0, types.MasterPool), InfraID: "demo-x7k2p"}
	if err := addObjects(set, in); err != nil {
		t.Fatal(err)
	}
	files, _ := set.Files()
	host := string(files.Data("openshift/99_openshift-cluster-api_hosts-0.yaml"))
	if host == "" || strings.Contains(host, "bmc:") ||
		files.Data("openshift/99_openshift-cluster-api_host-bmc-secrets-0.yaml") != nil {
		t.Errorf("host %s\nfiles %q", host, files.Paths())
	}
}

func TestArchitectureAndStream(t *testing.T) {
	for _, tt := range []struct {
		version, chosen, arch string
		want, not             string
	}{
		{"4.20.0-okd-scos.17", "", "amd64", "architecture: x86_64", streamLabel},
		{"4.22.0-okd-scos.10", "", "arm64", "architecture: aarch64", streamLabel},
		{"4.22.0-okd-scos.10", "centos-10", "amd64", streamLabel + ": centos-10", ""},
		{"5.0.0-okd-scos.1", "", "ppc64le", streamLabel + ": centos-10", ""},
		{"5.0.0-okd-scos.1", "", "ppc64le", "architecture: ppc64le", ""},
		{"", "", "amd64", "architecture: x86_64", streamLabel},
	} {
		c := cluster(1, 1, 1, types.MasterPool, types.WorkerPool, types.ArbiterPool)
		c.OSImageStream = tt.chosen
		c.ControlPlane.Architecture, c.Arbiter.Architecture, c.Compute[0].Architecture = tt.arch, tt.arch, tt.arch
		set := objects.In("openshift")
		in := assets.PlatformObjects{Config: c, InfraID: "demo-x7k2p", ReleaseVersion: tt.version}
		if err := addObjects(set, in); err != nil {
			t.Fatal(err)
		}
		files, err := set.Files()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"hosts-0", "hosts-1", "arbiter_hosts-0"} {
			host := string(files.Data("openshift/99_openshift-cluster-api_" + name + ".yaml"))
			if !strings.Contains(host, tt.want) || tt.not != "" && strings.Contains(host, tt.not) {
				t.Errorf("%s with %q: %s lacks %s, or has %q:\n%s", tt.version, tt.chosen, name, tt.want, tt.not, host)
			}
		}
	}
}
