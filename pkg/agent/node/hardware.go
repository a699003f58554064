package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/service"
	"github.com/okd-install/okd-install/pkg/atomicfile"
)

// hostManifests are the cluster's objects about its hosts.
const hostManifests = assetsDir + "/openshift/99_openshift-cluster-api_*hosts-*.yaml"

// describe writes down in the manifests of hosts what hardware they have. The cluster does
// not inspect hosts that it has not installed, and finds the node of a machine by the
// addresses of its host.
func (a *Agent) describe() error {
	a.mu.Lock()
	svc := a.svc
	a.mu.Unlock()
	paths, err := filepath.Glob(filepath.Join(a.Root, hostManifests))
	if err != nil || len(paths) == 0 {
		return err
	}
	if svc == nil {
		return errors.New("describe the hosts: the service of the rendezvous host does not run yet")
	}
	known := svc.Known()
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("describe the hosts: %w", err)
		}
		out, err := describeHost(raw, known, a.Config.MachineNetworks)
		if err != nil {
			return fmt.Errorf("describe the host of %s: %w", filepath.Base(path), err)
		}
		if out == nil {
			a.Log.Info("a host of the manifests is not one of those that registered", "manifest", filepath.Base(path))
			continue
		}
		if err := atomicfile.Write(path, out, 0o600); err != nil {
			return fmt.Errorf("describe the hosts: %w", err)
		}
	}
	return nil
}

// describeHost is the manifest of a host with its hardware, nil if nothing is known of it, or
// if it is not one that installs itself. What the manifest says already stays.
func describeHost(manifest []byte, known []service.Known, machines []netip.Prefix) ([]byte, error) {
	var host metal3.BareMetalHost
	if err := yaml.Unmarshal(manifest, &host); err != nil {
		return nil, err
	}
	if host.Kind != "BareMetalHost" || !host.Spec.ExternallyProvisioned || host.Spec.BootMACAddress == "" {
		return nil, nil
	}
	if _, has := host.Annotations[metal3.StatusAnnotation]; has {
		return manifest, nil
	}
	mac := strings.ToLower(host.Spec.BootMACAddress)
	i := slices.IndexFunc(known, func(k service.Known) bool {
		return slices.ContainsFunc(k.Inventory.NICs, func(n agent.NIC) bool { return strings.EqualFold(n.MAC, mac) })
	})
	if i < 0 {
		return nil, nil
	}
	status, err := json.Marshal(metal3.BareMetalHostStatus{
		HardwareDetails: hardware(known[i], mac, machines), PoweredOn: true,
	})
	if err != nil {
		return nil, err
	}
	// As a map, so that fields that the type does not know stay.
	var object map[string]any
	if err := yaml.Unmarshal(manifest, &object); err != nil {
		return nil, err
	}
	meta, ok := object["metadata"].(map[string]any)
	if !ok {
		return nil, errors.New("it has no metadata")
	}
	notes, _ := meta["annotations"].(map[string]any)
	if notes == nil {
		notes = map[string]any{}
	}
	notes[metal3.StatusAnnotation] = string(status)
	meta["annotations"] = notes
	return yaml.Marshal(object)
}

// hardware is what a host has, in the words of the cluster.
func hardware(k service.Known, bootMAC string, machines []netip.Prefix) *metal3.HardwareDetails {
	inv := k.Inventory
	out := &metal3.HardwareDetails{
		Hostname:     k.Hostname,
		RAMMebibytes: inv.MemoryMiB,
		CPU:          metal3.CPU{Arch: inv.Architecture, Count: inv.CPUs},
		SystemVendor: metal3.HardwareSystemVendor{
			Manufacturer: inv.Vendor, ProductName: inv.Product, SerialNumber: inv.Serial,
		},
		NIC: nics(inv.NICs, bootMAC, machines), Storage: []metal3.Storage{},
	}
	for _, d := range inv.Disks {
		if d.Removable {
			continue
		}
		s := metal3.Storage{
			Name: d.Path, SizeBytes: metal3.Capacity(d.SizeBytes), Rotational: d.Rotational, Vendor: d.Vendor,
			Model: d.Model, SerialNumber: d.Serial, WWN: d.WWN, HCTL: d.HCTL, Type: metal3.SSD,
		}
		switch {
		case d.Rotational:
			s.Type = metal3.HDD
		case strings.HasPrefix(d.Name, "nvme"):
			s.Type = metal3.NVME
		}
		if d.ByPath != "" {
			s.Name, s.AlternateNames = d.ByPath, []string{d.Path}
		}
		out.Storage = append(out.Storage, s)
	}
	return out
}

// nics are those with addresses, one for each family of an interface. Interfaces without one
// would become machine addresses that are empty. Those in the machine networks come first:
// only the first address of a machine is compared with its node's.
func nics(all []agent.NIC, bootMAC string, machines []netip.Prefix) []metal3.NIC {
	type entry struct {
		nic  metal3.NIC
		rank int
	}
	rank := func(ip netip.Addr) int {
		if i := slices.IndexFunc(machines, func(n netip.Prefix) bool { return n.Contains(ip) }); i >= 0 {
			return i
		}
		return len(machines)
	}
	var list []entry
	for _, n := range all {
		best := map[bool]netip.Addr{} // by whether it is of IPv6
		for _, p := range n.Addresses {
			ip := p.Addr().Unmap()
			if !ip.IsGlobalUnicast() {
				continue
			}
			if have, ok := best[ip.Is6()]; !ok || rank(ip) < rank(have) {
				best[ip.Is6()] = ip
			}
		}
		for _, six := range []bool{false, true} {
			ip, ok := best[six]
			if !ok {
				continue
			}
			list = append(list, entry{rank: rank(ip), nic: metal3.NIC{
				Name: n.Name, MAC: strings.ToLower(n.MAC), IP: ip.String(), SpeedGbps: n.SpeedMbps / 1000,
				PXE: strings.EqualFold(n.MAC, bootMAC),
			}})
		}
	}
	slices.SortStableFunc(list, func(a, b entry) int { return a.rank - b.rank })
	out := make([]metal3.NIC, len(list))
	for i, e := range list {
		out[i] = e.nic
	}
	return out
}
