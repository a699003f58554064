package agent

import (
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// maxHostname is the length of a label of Kubernetes, which every node has with its name.
const maxHostname = 63

// checkHosts applies the rules for the hosts of agent-config.yaml.
func checkHosts(at report.Field, hosts []Host) {
	names, macs := values.Unique{}, values.Unique{}
	for i := range hosts {
		h, k := &hosts[i], at.Index(i)
		h.checkName(k.Child("hostname"), names)
		if h.RootDeviceHints != nil {
			h.RootDeviceHints.Validate(types.Check{
				Field: k.Child("rootDeviceHints"), Options: types.Options{Agent: true},
			})
		}
		h.checkInterfaces(k.Child("interfaces"), macs)
		CheckAddresses(k.Child("networkConfig"), Addresses(h.NetworkConfig))
	}
}

func (h *Host) checkName(at report.Field, others values.Unique) {
	switch name := h.Hostname; {
	case name == "":
	case !values.IsSubdomain(name):
		at.Invalid(name, "must be a DNS name of lower-case letters, digits, '-' and '.'")
	case len(name) > maxHostname:
		at.Invalid(name, "must have at most %d characters", maxHostname)
	case name == "localhost" || strings.HasPrefix(name, "localhost."):
		at.Invalid(name, "is no name of its own")
	default:
		others.Add(at, name, name)
	}
}

func (h *Host) checkInterfaces(at report.Field, macs values.Unique) {
	if len(h.Interfaces) == 0 {
		at.Required("at least one interface, by whose macAddress the host is recognized")
	}
	names := values.Unique{}
	for i, nic := range h.Interfaces {
		name, mac := at.Index(i).Child("name"), at.Index(i).Child("macAddress")
		if nic.MACAddress == "" {
			mac.Required("the hardware address of the interface, like 52:54:00:12:34:56")
		} else if values.MAC(mac, nic.MACAddress) {
			macs.Add(mac, nic.MACAddress, values.PlainMAC(nic.MACAddress))
		}
		switch {
		case nic.Name != "":
			names.Add(name, nic.Name, nic.Name)
		case len(h.NetworkConfig) > 0:
			name.Required("what networkConfig calls the interface")
		}
	}
}
