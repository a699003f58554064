package manifests

import (
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

const cniVersion = "0.3.1"

func (r *renderer) networks(c *virtualization.Config) {
	for _, n := range c.Networks {
		namespace := n.Namespace
		r.userNamespace(StepNetworks, namespace)
		switch {
		case n.Bridge != nil:
			r.attachment(namespace, n.Name, bridgeNetwork(n.Name, *n.Bridge),
				"bridge.network.kubevirt.io/"+n.Bridge.Name)
		case n.Localnet != nil:
			r.attachment(namespace, n.Name, localnetNetwork(namespace, n.Name, *n.Localnet), "")
		case n.Macvlan != nil:
			r.attachment(namespace, n.Name, macvlanNetwork(n.Name, *n.Macvlan), "")
		case n.SRIOV != nil:
			r.sriov(c, namespace, n)
		}
	}
}

// attachment adds a NetworkAttachmentDefinition. VMs with it run on nodes with the resource only.
func (r *renderer) attachment(namespace, name string, config object, resource string) {
	text, err := json.Marshal(config)
	if err != nil {
		r.fail("networks: %s: %w", name, err)
		return
	}
	o := newObject("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", namespace, name)
	if resource != "" {
		o["metadata"].(object)["annotations"] = object{"k8s.v1.cni.cncf.io/resourceName": resource}
	}
	o["spec"] = object{"config": string(text)}
	r.add(StepNetworks, rankSecond, o)
}

func bridgeNetwork(name string, b virtualization.BridgeNetwork) object {
	config := object{
		"cniVersion": cniVersion, "name": name, "type": "cnv-bridge", "bridge": b.Name, "ipam": object{},
		"macspoofchk": is(b.MACSpoofCheck, true), "preserveDefaultVlan": b.PreserveDefaultVLAN,
	}
	if b.VLAN > 0 {
		config["vlan"] = b.VLAN
	}
	if b.MTU > 0 {
		config["mtu"] = b.MTU
	}
	return config
}

// localnetNetwork is attached by OVN. Its name in OVN is for the whole cluster.
func localnetNetwork(namespace, name string, l virtualization.LocalnetNetwork) object {
	config := object{
		"cniVersion": cniVersion, "name": namespace + "." + name, "type": "ovn-k8s-cni-overlay",
		"topology": "localnet", "physicalNetworkName": l.Name,
		"netAttachDefName": namespace + "/" + name,
	}
	if l.VLAN > 0 {
		config["vlanID"] = l.VLAN
	}
	if l.MTU > 0 {
		config["mtu"] = l.MTU
	}
	if len(l.Subnets) > 0 {
		config["subnets"] = prefixes(l.Subnets)
	}
	if len(l.ExcludeSubnets) > 0 {
		config["excludeSubnets"] = prefixes(l.ExcludeSubnets)
	}
	return config
}

func prefixes(list []netip.Prefix) string {
	var out []string
	for _, p := range list {
		out = append(out, p.String())
	}
	return strings.Join(out, ",")
}

func macvlanNetwork(name string, m virtualization.MacvlanNetwork) object {
	ipam := object{"type": "whereabouts", "range": m.Subnet.String()}
	if len(m.Exclude) > 0 {
		var list []any
		for _, p := range m.Exclude {
			list = append(list, p.String())
		}
		ipam["exclude"] = list
	}
	config := object{
		"cniVersion": cniVersion, "name": name, "type": "macvlan", "master": m.Interface, "mode": "bridge", "ipam": ipam,
	}
	if m.MTU > 0 {
		config["mtu"] = m.MTU
	}
	return config
}

// sriov adds the operator, the virtual functions and the network, of which the operator makes a
// NetworkAttachmentDefinition.
func (r *renderer) sriov(c *virtualization.Config, namespace string, n virtualization.Network) {
	s := *n.SRIOV
	own := r.Pairing.namespace(pairings().Operators[sriov])
	if r.once("operator", "", sriov) {
		r.operator(StepNetworks, sriov, c.Operator.AddOns, "")
		o := newObject("sriovnetwork.openshift.io/v1", "SriovOperatorConfig", own, "default")
		o["spec"] = object{"enableInjector": true, "enableOperatorWebhook": true, "logLevel": int64(2)}
		r.add(StepNetworks, rankFirst, o)
	}
	if r.once("pool", own, s.ResourceName) {
		nic := tree{object{}}
		if len(s.Interfaces) > 0 {
			nic.set(texts(s.Interfaces), "pfNames")
		}
		if len(s.RootDevices) > 0 {
			nic.set(texts(s.RootDevices), "rootDevices")
		}
		nic.text(s.Vendor, "vendor")
		nic.text(s.DeviceID, "deviceID")
		spec := tree{object{
			"resourceName": s.ResourceName, "nodeSelector": labels(s.NodeSelector), "numVfs": int64(s.VFs),
			"nicSelector": nic.root, "deviceType": "vfio-pci",
		}}
		if s.MTU > 0 {
			spec.set(int64(s.MTU), "mtu")
		}
		o := newObject("sriovnetwork.openshift.io/v1", "SriovNetworkNodePolicy", own, strings.ToLower(s.ResourceName))
		o["spec"] = spec.root
		r.add(StepNetworks, rankMain, o)
	}
	spec := object{
		"resourceName": s.ResourceName, "networkNamespace": namespace,
		"spoofChk": onOff(is(s.SpoofCheck, true)), "trust": onOff(s.Trust),
	}
	if s.VLAN > 0 {
		spec["vlan"] = int64(s.VLAN)
	}
	name := n.Name
	if !r.once("SriovNetwork", own, name) {
		r.fail("networks: two networks with sriov are called %s; the operator has one namespace for all", n.Name)
	}
	o := newObject("sriovnetwork.openshift.io/v1", "SriovNetwork", own, name)
	o["spec"] = spec
	r.add(StepNetworks, rankSecond, o)
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
