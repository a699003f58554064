package baremetal

import (
	"encoding/json"
	"fmt"
	"net/netip"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/metal"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// joins is how hosts join clusters that run.
func joins() *machines.Joins {
	j := metal.Joins()
	j.Objects = joinedObjects
	return j
}

// joinedObjects are those of a host that has become a node, as those of the installation are: the cluster neither
// inspects nor writes it. Its Machine is of no MachineSet, which would have one too many. The hardware is what the
// cluster finds the node by.
func joinedObjects(infraID string, h agent.NodeHost, addresses []netip.Addr) ([]machines.ClusterObject, error) {
	machine := machinev1beta1.Machine{
		TypeMeta: objects.Type(machinev1beta1.GroupVersion.String(), "Machine"),
		ObjectMeta: metav1.ObjectMeta{
			Namespace: objects.MachineAPI, Name: fmt.Sprintf("%s-node-%s", infraID, h.Hostname), Labels: labels(infraID, h.Role),
		},
		Spec: machinev1beta1.MachineSpec{ProviderSpec: providerSpec(h.Role + "-user-data-managed")},
	}
	described := placed{role: h.Role, Host: &config.Host{
		Name: h.Hostname, Role: h.Role, BootMACAddress: h.BootMAC(), BootMode: h.BootMode, HardwareProfile: defaultProfile,
		RootDeviceHints: h.RootDeviceHints, NetworkConfig: h.NetworkConfig,
		BMC: config.BMC{
			Address: h.BMC.Address, Username: h.BMC.Username, Password: h.BMC.Password,
			DisableCertificateVerification: h.BMC.DisableCertificateVerification,
		},
	}}
	var v inventory
	if err := v.add(described, &machine, h.Role+"-user-data-managed", false); err != nil {
		return nil, err
	}
	hardware := &metal3.HardwareDetails{Hostname: h.Hostname, NIC: []metal3.NIC{}, Storage: []metal3.Storage{}}
	for _, ip := range addresses {
		hardware.NIC = append(hardware.NIC, metal3.NIC{MAC: h.BootMAC(), IP: ip.String()})
	}
	status, err := json.Marshal(metal3.BareMetalHostStatus{HardwareDetails: hardware, PoweredOn: true})
	if err != nil {
		return nil, err
	}
	host := v.hosts[0]
	host.Annotations = map[string]string{metal3.StatusAnnotation: string(status)}
	var out []machines.ClusterObject
	for _, s := range append(v.logins, v.networks...) {
		out = append(out, machines.ClusterObject{
			Version: "v1", Plural: "secrets", Namespace: s.Namespace, Name: s.Name, Object: s,
		})
	}
	// The host before its Machine: a Machine without a host would look for another one.
	return append(out,
		machines.ClusterObject{
			Group: metal3.GroupVersion.Group, Version: metal3.GroupVersion.Version, Plural: "baremetalhosts",
			Namespace: host.Namespace, Name: host.Name, Object: host,
		},
		machines.ClusterObject{
			Group: machinev1beta1.GroupName, Version: machinev1beta1.GroupVersion.Version, Plural: "machines",
			Namespace: machine.Namespace, Name: machine.Name, Object: machine,
		}), nil
}
