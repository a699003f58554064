package baremetal

import (
	"fmt"
	"slices"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/release/versions"
	"github.com/okd-install/okd-install/pkg/types"
)

const (
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
	hosts    []host
}

// host is a BareMetalHost as one writes it, without a status.
type host struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              hostSpec `json:"spec"`
}

type hostSpec struct {
	metal3.BareMetalHostSpec `json:",inline"`
	BMC                      *metal3.BMCDetails `json:"bmc,omitempty"` // metal3's own is written even if empty
}

// render adds the Secrets before the hosts, which name them.
func (v *inventory) render(set *objects.Set, prefix string) {
	objects.AddEach(set, "99_openshift-cluster-api_"+prefix+"host-bmc-secrets-%s.yaml", v.logins)
	objects.AddEach(set, "99_openshift-cluster-api_"+prefix+"host-network-config-secrets-%s.yaml", v.networks)
	objects.AddEach(set, "99_openshift-cluster-api_"+prefix+"hosts-%s.yaml", v.hosts)
}

// add describes a host that is the machine, nil for spare ones. Nobody but their
// partner may switch fenced hosts off.
func (v *inventory) add(h placed, machine *machinev1beta1.Machine, userData string, fenced bool) error {
	b := host{
		TypeMeta:   metav1.TypeMeta{APIVersion: metal3.GroupVersion.String(), Kind: "BareMetalHost"},
		ObjectMeta: metav1.ObjectMeta{Namespace: objects.MachineAPI, Name: h.Name, Labels: map[string]string{}},
		Spec: hostSpec{BareMetalHostSpec: metal3.BareMetalHostSpec{
			Online: true, BootMACAddress: h.BootMACAddress, BootMode: metal3.BootMode(h.BootMode),
			Architecture: h.architecture, HardwareProfile: h.HardwareProfile,
		}},
	}
	if v.stream != "" {
		b.Labels[streamLabel] = v.stream
	}
	if b.Spec.HardwareProfile == defaultProfile {
		b.Spec.HardwareProfile = unknownProfile
	}
	if r := h.RootDeviceHints; r != nil {
		b.Spec.RootDeviceHints = &metal3.RootDeviceHints{
			DeviceName: r.DeviceName, HCTL: r.HCTL, Model: r.Model, Vendor: r.Vendor, SerialNumber: r.SerialNumber,
			MinSizeGigabytes: r.MinSizeGigabytes, WWN: r.WWN, WWNWithExtension: r.WWNWithExtension,
			WWNVendorExtension: r.WWNVendorExtension, Rotational: r.Rotational,
		}
	}
	if h.BMC.Username != "" && !h.BMC.Password.IsZero() {
		login := objects.Secret(objects.MachineAPI, h.Name+"-bmc-secret", "", map[string][]byte{
			"username": []byte(h.BMC.Username), "password": []byte(h.BMC.Password.Reveal()),
		})
		v.logins = append(v.logins, login)
		b.Spec.BMC = &metal3.BMCDetails{
			Address: h.BMC.Address, CredentialsName: login.Name,
			DisableCertificateVerification: h.BMC.DisableCertificateVerification,
		}
	}
	if h.NetworkConfig != nil {
		nmstate, err := yaml.Marshal(h.NetworkConfig)
		if err != nil {
			return fmt.Errorf("render networkConfig of host %s: %w", h.Name, err)
		}
		network := objects.Secret(objects.MachineAPI, h.Name+"-network-config-secret", "",
			map[string][]byte{"nmstate": nmstate})
		v.networks = append(v.networks, network)
		b.Spec.PreprovisioningNetworkDataName = network.Name
	}
	if machine == nil {
		// A spare host waits until its owner lets the cluster have it: unpaused, it is
		// started from an inspection image at once.
		b.Annotations = map[string]string{metal3.PausedAnnotation: ""}
	} else {
		if h.role != types.WorkerPool {
			b.Labels[roleOfHost] = controlPlane
		}
		if fenced {
			b.Annotations = map[string]string{metal3.DetachedAnnotation: ""}
		}
		// The host installs itself. The cluster must neither inspect it nor write it again.
		b.Spec.ExternallyProvisioned = true
		b.Spec.CustomDeploy = &metal3.CustomDeploy{Method: customDeploy}
		b.Spec.UserData = &corev1.SecretReference{Name: userData}
		b.Spec.ConsumerRef = &corev1.ObjectReference{
			APIVersion: machine.APIVersion, Kind: machine.Kind, Namespace: machine.Namespace, Name: machine.Name,
		}
	}
	v.hosts = append(v.hosts, b)
	return nil
}

// placed is a host with the role that it will have.
type placed struct {
	*config.Host
	role string
	// machine is the position of its Machine among those of the role. Hosts that the
	// cluster does not need yet have none.
	machine int
	// architecture is that of the host's processors, as its operator calls it.
	architecture string
}

const noMachine = -1

// order puts hosts that say what they are for before those that do not.
var order = []string{types.MasterPool, types.ArbiterPool, types.WorkerPool, ""}

// assign gives every host its role. Those that name none fill up the masters, the
// arbiters and the workers; who is left is a spare host.
func assign(c *types.InstallConfig) []placed {
	platform := config.Of(c)
	hosts := make([]*config.Host, len(platform.Hosts))
	for i := range hosts {
		hosts[i] = &platform.Hosts[i]
	}
	slices.SortStableFunc(hosts, func(a, b *config.Host) int {
		return slices.Index(order, a.Role) - slices.Index(order, b.Role)
	})
	free := map[string]int{
		types.MasterPool: c.Masters(), types.ArbiterPool: c.Arbiters(), types.WorkerPool: c.Workers(),
	}
	taken := map[string]int{}
	out := make([]placed, 0, len(hosts))
	for _, h := range hosts {
		p := placed{Host: h, role: types.WorkerPool, machine: noMachine}
		for _, role := range []string{types.MasterPool, types.ArbiterPool, types.WorkerPool} {
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

// Roles are those of the hosts that the installer installs, by name. Hosts that are not
// listed are spare ones, and stay off.
func Roles(c *types.InstallConfig) map[string]string {
	out := map[string]string{}
	for _, h := range assign(c) {
		if h.machine != noMachine {
			out[h.Name] = h.role
		}
	}
	return out
}

// installed is the install-config with the hosts that are installed, in their order, each with the role that it gets.
func installed(c *types.InstallConfig) *types.InstallConfig {
	out, p, roles := *c, *config.Of(c), Roles(c)
	p.Hosts = nil
	for _, h := range config.Of(c).Hosts {
		if role, is := roles[h.Name]; is {
			h.Role = role
			p.Hosts = append(p.Hosts, h)
		}
	}
	out.Platform.Settings = &p
	return &out
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
