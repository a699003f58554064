package baremetal

import (
	"fmt"

	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/assets/objects"
)

// Hosts are plain data, which a test decodes with metal3's own types. To link
// those would triple the memory that the installer takes to say its version:
// they come with a webhook server and its metrics.
const (
	hostAPI = "metal3.io/v1alpha1"
	// paused keeps the operator from doing anything with a host, detached from
	// having its BMC do anything.
	paused   = "baremetalhost.metal3.io/paused"
	detached = "baremetalhost.metal3.io/detached"
	// roleOfHost marks the hosts that have to be provisioned before the bootstrap
	// host may go.
	roleOfHost   = "installer.openshift.io/role"
	controlPlane = "control-plane"
	// streamLabel picks, of several operating systems of a release, the one that a
	// host is booted with.
	streamLabel = "coreos.openshift.io/stream"
	// The profile that install-config.yaml calls default has another name in the
	// cluster.
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
