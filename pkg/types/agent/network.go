package agent

import (
	"fmt"
	"iter"
	"net/netip"
	"reflect"

	"github.com/okd-install/okd-install/pkg/nmstate"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// networks is what agent-config.yaml says of the hosts' networks. Config itself keeps
// network configurations as they are, because the cluster gets them, too.
type networks struct {
	Hosts []hostNetwork `json:"hosts,omitempty"`
}

type hostNetwork struct {
	Interfaces    []Interface     `json:"interfaces,omitempty"`
	NetworkConfig *nmstate.Config `json:"networkConfig,omitempty"`
}

// translateNetworks translates the network configurations to profiles of NetworkManager, each to
// a directory of its own, and adds what cannot be translated.
func translateNetworks(data []byte, r *report.Report) []keyfile.File {
	var n networks
	otherKeys := func(in reflect.Type, _ string, _ report.Path, _ report.Position) bool {
		return in == reflect.TypeFor[networks]() || in == reflect.TypeFor[hostNetwork]()
	}
	if !decode.Into(&n, data, decode.Options{Elsewhere: otherKeys}, r) {
		return nil
	}
	var out []keyfile.File
	for i, h := range n.Hosts {
		var nics []keyfile.NIC
		for _, nic := range h.Interfaces {
			nics = append(nics, keyfile.NIC{Name: nic.Name, MAC: nic.MACAddress})
		}
		if h.NetworkConfig == nil {
			continue
		}
		files := nmstate.Translate(h.NetworkConfig, nics, r, report.NewPath("hosts").Index(i).Child("networkConfig"))
		out = append(out, keyfile.Directory(i, nics, files)...)
	}
	return out
}

// Address is a static address in a network configuration.
type Address struct {
	Path report.Path // in the configuration
	Text string
	IP   netip.Addr // the zero value if the text is no address
}

// Addresses yields the static addresses in a network configuration in the format of
// nmstate, in their order. An interface that is down and a family that is disabled have none.
func Addresses(config map[string]any) iter.Seq[Address] {
	return func(yield func(Address) bool) {
		for i, nic := range interfacesOf(config) {
			if state := nic["state"]; state == "down" || state == "absent" {
				continue
			}
			for _, family := range []string{"ipv4", "ipv6"} {
				settings, _ := nic[family].(map[string]any)
				if settings["enabled"] == false {
					continue
				}
				list, _ := settings["address"].([]any)
				for j, item := range list {
					entry, _ := item.(map[string]any)
					text, there := entry["ip"]
					if !there {
						continue
					}
					path := report.NewPath("interfaces").Index(i).Child(family, "address").Index(j).Child("ip")
					if !yield(parse(path, text)) {
						return
					}
				}
			}
		}
	}
}

func parse(path report.Path, value any) Address {
	a := Address{Path: path, Text: fmt.Sprint(value)}
	if ip, err := netip.ParseAddr(a.Text); err == nil && ip.Zone() == "" {
		a.IP = ip.Unmap()
	}
	return a
}

// interfacesOf are the interfaces of a network configuration.
func interfacesOf(config map[string]any) []map[string]any {
	list, _ := config["interfaces"].([]any)
	out := make([]map[string]any, len(list))
	for i, item := range list {
		out[i], _ = item.(map[string]any)
	}
	return out
}

// FirstAddress is the first static address in a network configuration, the zero value if
// there is none.
func FirstAddress(config map[string]any) netip.Addr {
	for a := range Addresses(config) {
		if a.IP.IsValid() {
			return a.IP
		}
	}
	return netip.Addr{}
}

// has reports whether a host has a static address.
func (h *Host) has(ip netip.Addr) bool {
	for a := range Addresses(h.NetworkConfig) {
		if a.IP == ip {
			return true
		}
	}
	return false
}

// named are the interfaces of a network configuration that have a hardware address.
func named(config map[string]any) []Interface {
	var out []Interface
	for _, nic := range interfacesOf(config) {
		name, _ := nic["name"].(string)
		mac, _ := nic["mac-address"].(string)
		if name != "" && mac != "" {
			out = append(out, Interface{Name: name, MACAddress: mac})
		}
	}
	return out
}

// CheckAddresses adds the static addresses of a network configuration that are none.
func CheckAddresses(at report.Field, config map[string]any) {
	for a := range Addresses(config) {
		if !a.IP.IsValid() {
			at.Child(a.Path.String()).Invalid(a.Text, "must be an IP address without prefix length")
		}
	}
}
