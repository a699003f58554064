package baremetal

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	labelset "k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/plan"
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
		{"as they say", cluster(2, 0, 1, w, m, m), "b master 0, c master 1, a worker 0"},
		{"open ones fill the masters first", cluster(3, 0, 2, open, w, m, open, open),
			"c master 0, b worker 0, a master 1, d master 2, e worker 1"},
		{"open ones fill the arbiters next", cluster(2, 1, 1, open, open, open, open),
			"a master 0, b master 1, c arbiter 0, d worker 0"},
		{"named arbiter between open ones", cluster(2, 1, 0, open, a, open), "b arbiter 0, a master 0, c master 1"},
		{"more masters than machines", cluster(1, 0, 0, m, m), "a master 0, b worker"},
		{"arbiter without such machines", cluster(1, 0, 0, a, m), "b master 0, a worker"},
		{"spare hosts", cluster(1, 0, 1, open, w, open, w, open), "b worker 0, d worker, a master 0, c worker, e worker"},
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

// One place decides what hosts become: the manifests, the plan and the image agree.
func TestInstalled(t *testing.T) {
	const m, w, a, open = types.MasterPool, types.WorkerPool, types.ArbiterPool, ""
	for _, tt := range []struct {
		name  string
		c     *types.InstallConfig
		hosts string
	}{
		{"open ones", cluster(3, 0, 1, open, w, m, open, open), "a master, b worker, c master, d master"},
		{"arbiters", cluster(2, 1, 1, open, a, open, open), "a master, b arbiter, c master, d worker"},
		{"open arbiters", cluster(2, 1, 1, open, open, open, open, open), "a master, b master, c arbiter, d worker"},
		{"spare masters and workers", cluster(1, 0, 1, m, m, w, open, w), "a master, c worker"},
	} {
		roles := Roles(tt.c)
		var got []string
		for _, h := range config.Of(installed(tt.c)).Hosts {
			got = append(got, h.Name+" "+h.Role)
		}
		p, err := Machines().Plan(assets.Cluster{Config: tt.c, InfraID: "demo-x7k2p"}, plan.Image{})
		if err != nil {
			t.Fatal(err)
		}
		var planned []string
		for _, o := range p.Of(plan.KindHost) {
			planned = append(planned, o.Name+" "+o.Spec.(plan.Server).Role)
			if roles[o.Name] != o.Spec.(plan.Server).Role {
				t.Errorf("%s: host %s is planned as %s, and is %s", tt.name, o.Name, o.Spec.(plan.Server).Role, roles[o.Name])
			}
		}
		if s := strings.Join(got, ", "); s != tt.hosts || strings.Join(planned, ", ") != s {
			t.Errorf("%s: got %s, planned %q, want %s", tt.name, s, planned, tt.hosts)
		}
		if len(roles) != len(got) || len(config.Of(tt.c).Hosts) == len(got) && strings.Contains(tt.name, "spare") {
			t.Errorf("%s: roles %v", tt.name, roles)
		}
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
			has("openshift-cluster-api_worker-machines-0.yaml") != tt.rest ||
			has("openshift-cluster-api_worker-machineset-0.yaml") != tt.rest {
			t.Errorf("%v: %q", tt.enabled, paths)
		}
		if got := userData(c, types.WorkerPool); got != tt.workerData {
			t.Errorf("%v: user data %s", tt.enabled, got)
		}
	}
}

// The machine API must find every host that is installed taken, and have no machine to
// make: whatever it starts itself, it writes anew.
func TestNothingIsProvisionedTwice(t *testing.T) {
	c := cluster(2, 1, 2, "", "", "", "", "", "")
	c.ControlPlane.Fencing = &types.Fencing{}
	set := objects.In("openshift")
	if err := addObjects(set, assets.PlatformObjects{Config: c, InfraID: "demo-x7k2p"}); err != nil {
		t.Fatal(err)
	}
	files, err := set.Files()
	if err != nil {
		t.Fatal(err)
	}
	var hosts []host
	machines, sets := map[string]machinev1beta1.Machine{}, []machinev1beta1.MachineSet{}
	for _, path := range files.Paths() {
		var err error
		switch {
		case strings.Contains(path, "hosts-"):
			hosts = append(hosts, host{})
			err = yaml.Unmarshal(files.Data(path), &hosts[len(hosts)-1])
		case strings.Contains(path, "-machines-"):
			var m machinev1beta1.Machine
			err = yaml.Unmarshal(files.Data(path), &m)
			machines[m.Name] = m
		case strings.Contains(path, "-machineset-"):
			sets = append(sets, machinev1beta1.MachineSet{})
			err = yaml.Unmarshal(files.Data(path), &sets[len(sets)-1])
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	if len(hosts) != 6 || len(machines) != 5 || len(sets) != 1 {
		t.Fatalf("%d hosts, %d machines, %d sets", len(hosts), len(machines), len(sets))
	}
	roles, adopted := Roles(c), int32(0)
	for _, h := range hosts {
		m, has := machines[nameOf(h.Spec.ConsumerRef)]
		_, paused := h.Annotations[metal3.PausedAnnotation]
		_, detached := h.Annotations[metal3.DetachedAnnotation]
		role, installed := roles[h.Name]
		if has != installed || h.Spec.ExternallyProvisioned != installed || paused == installed ||
			detached != (role == types.MasterPool) || installed && m.Labels[roleLabel] != role {
			t.Errorf("%s, role %q, machine %q: %+v", h.Name, role, m.Name, h)
		}
		delete(machines, m.Name)
	}
	if len(machines) > 0 {
		t.Errorf("machines without hosts: %v", machines)
	}
	workers := workerMachines(c, "demo-x7k2p", assign(c))
	for _, m := range workers {
		selector, err := metav1.LabelSelectorAsSelector(&sets[0].Spec.Selector)
		if err != nil {
			t.Fatal(err)
		}
		if selector.Matches(labelset.Set(m.Labels)) {
			adopted++
		}
	}
	if adopted != 2 || *sets[0].Spec.Replicas != adopted {
		t.Errorf("%d of the machines are the set's, which wants %d", adopted, *sets[0].Spec.Replicas)
	}
}

func nameOf(ref *corev1.ObjectReference) string {
	if ref == nil {
		return ""
	}
	return ref.Name
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
