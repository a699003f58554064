package baremetal

import (
	"fmt"
	"slices"

	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/release/versions"
	"github.com/okd-install/okd-install/pkg/types"
)

// Hosts are plain data, which a test decodes with metal3's own types. To link
// those would triple the memory that the installer takes to say its version:
// they come with a webhook server and its metrics.
const (
	hostAPI = "metal3.io/v1alpha1"
	// paused keeps the operator from a host, detached from its BMC.
	paused   = "baremetalhost.metal3.io/paused"
	detached = "baremetalhost.metal3.io/detached"
	// roleOfHost marks hosts that are provisioned before the bootstrap host may go.
	roleOfHost   = "installer.openshift.io/role"
	controlPlane = "control-plane"
	// streamLabel picks one of a release's operating systems for a host.
	streamLabel = "coreos.openshift.io/stream"
	// The profile called default has another name in the cluster.
	defaultProfile, unknownProfile = "default", "unknown"
)

// inventory is hosts and the Secrets that they refer to.
type inventory struct {
	stream   string // the hosts' operating system, empty for the release's only one
	logins   []corev1.Secret
	networks []corev1.Secret
	hosts    []objects.Object
}

// render adds the Secrets before the hosts, which name them.
func (v *inventory) render(set *objects.Set, prefix string) {
	objects.AddEach(set, "99_openshift-cluster-api_"+prefix+"host-bmc-secrets-%s.yaml", v.logins)
	objects.AddEach(set, "99_openshift-cluster-api_"+prefix+"host-network-config-secrets-%s.yaml", v.networks)
	objects.AddEach(set, "99_openshift-cluster-api_"+prefix+"hosts-%s.yaml", v.hosts)
}

// add describes a host that becomes the machine, nil for those that the cluster
// itself gives a machine. Nobody but their partner may switch fenced hosts off.
func (v *inventory) add(h placed, machine *machinev1beta1.Machine, userData string, fenced bool) error {
	head := objects.Object{"namespace": objects.MachineAPI, "name": h.Name}
	labels := objects.Object{}
	put(labels, streamLabel, v.stream)
	spec := objects.Object{"online": true, "bootMACAddress": h.BootMACAddress}
	put(spec, "architecture", h.architecture)
	put(spec, "bootMode", h.BootMode)
	put(spec, "hardwareProfile", h.HardwareProfile)
	if h.HardwareProfile == defaultProfile {
		spec["hardwareProfile"] = unknownProfile
	}
	if h.RootDeviceHints != nil {
		spec["rootDeviceHints"] = h.RootDeviceHints // the fields are called the same
	}
	if h.BMC.Username != "" && !h.BMC.Password.IsZero() {
		login := objects.Secret(objects.MachineAPI, h.Name+"-bmc-secret", "", map[string][]byte{
			"username": []byte(h.BMC.Username), "password": []byte(h.BMC.Password.Reveal()),
		})
		v.logins = append(v.logins, login)
		bmc := objects.Object{"address": h.BMC.Address, "credentialsName": login.Name}
		if h.BMC.DisableCertificateVerification {
			bmc["disableCertificateVerification"] = true
		}
		spec["bmc"] = bmc
	}
	if h.NetworkConfig != nil {
		nmstate, err := yaml.Marshal(h.NetworkConfig)
		if err != nil {
			return fmt.Errorf("render networkConfig of host %s: %w", h.Name, err)
		}
		network := objects.Secret(objects.MachineAPI, h.Name+"-network-config-secret", "",
			map[string][]byte{"nmstate": nmstate})
		v.networks = append(v.networks, network)
		spec["preprovisioningNetworkDataName"] = network.Name
	}
	if machine == nil {
		// These wait until the cluster provisions them: the bootstrap host's
		// operator would take them for its own.
		head["annotations"] = objects.Object{paused: ""}
	} else {
		if fenced {
			head["annotations"] = objects.Object{detached: ""}
		}
		labels[roleOfHost] = controlPlane
		spec["customDeploy"] = objects.Object{"method": customDeploy}
		spec["userData"] = objects.Object{"name": userData}
		spec["consumerRef"] = objects.Object{
			"apiVersion": machine.APIVersion, "kind": machine.Kind, "namespace": machine.Namespace, "name": machine.Name,
		}
	}
	if len(labels) > 0 {
		head["labels"] = labels
	}
	v.hosts = append(v.hosts,
		objects.Object{"apiVersion": hostAPI, "kind": "BareMetalHost", "metadata": head, "spec": spec})
	return nil
}

// placed is a host with the role that it will have.
type placed struct {
	*config.Host
	role string
	// machine is the position of its Machine among those of the role. Workers
	// have none: the MachineSet's machines pick their hosts themselves.
	machine int
	// architecture is that of the host's processors, as its operator calls it.
	architecture string
}

const noMachine = -1

// order puts hosts that say what they are for before those that do not.
var order = []string{types.MasterPool, types.ArbiterPool, types.WorkerPool, ""}

// assign gives every host its role. Those that name none fill up the masters and
// the arbiters; who is left is a worker, or a spare host.
func assign(c *types.InstallConfig) []placed {
	platform := config.Of(c)
	hosts := make([]*config.Host, len(platform.Hosts))
	for i := range hosts {
		hosts[i] = &platform.Hosts[i]
	}
	slices.SortStableFunc(hosts, func(a, b *config.Host) int {
		return slices.Index(order, a.Role) - slices.Index(order, b.Role)
	})
	free := map[string]int{types.MasterPool: c.Masters(), types.ArbiterPool: c.Arbiters()}
	taken := map[string]int{}
	out := make([]placed, 0, len(hosts))
	for _, h := range hosts {
		p := placed{Host: h, role: types.WorkerPool, machine: noMachine}
		for _, role := range []string{types.MasterPool, types.ArbiterPool} {
			if (h.Role == role || h.Role == "") && taken[role] < free[role] {
				p.role, p.machine = role, taken[role]
				taken[role]++
				break
			}
		}
		p.architecture = architecture(c, p.role)
		out = append(out, p)
	}
	return out
}

// architectures are those that the hosts' operator has other names for.
var architectures = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// architecture is that of the machines of a role. The operator boots a host with
// what fits it before it could look at the host itself.
func architecture(c *types.InstallConfig, role string) string {
	pool := c.ControlPlane
	switch {
	case role == types.ArbiterPool && c.Arbiter != nil:
		pool = c.Arbiter
	case role == types.WorkerPool && len(c.Compute) > 0:
		pool = &c.Compute[0]
	}
	if name, other := architectures[pool.Architecture]; other {
		return name
	}
	return pool.Architecture
}

// streamsSince is when hosts began to carry the name of their operating system.
var streamsSince = versions.Minor{Major: 5}

// stream is the operating system that hosts are labelled with. Without a label
// they get that of the release, which is right where its version is not known.
func stream(c *types.InstallConfig, version string) string {
	if c.OSImageStream != "" {
		return c.OSImageStream
	}
	if number, known := versions.MinorOf(version); known && number.Since(streamsSince) {
		return types.OSImageStream
	}
	return ""
}
