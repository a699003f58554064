package types

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/metal3-io/baremetal-operator/pkg/hardwareutils/bmc"
	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/report"
)

func (o Options) validateHosts(c *InstallConfig, p *BareMetalPlatform, at report.Path, r *report.Report) {
	ours := !o.Agent && c.enabled(configv1.ClusterVersionCapabilityMachineAPI)
	if ours && len(p.Hosts) == 0 {
		r.Required(at, "the hosts that become the cluster's machines")
		return
	}
	if ours {
		validateHostCount(c, p, at, r)
	}
	names, macs, addresses := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := range p.Hosts {
		h, at := &p.Hosts[i], at.Index(i)
		unique(r, at.Child("name"), h.Name, h.Name, names, "the name of the host")
		if h.Name != "" && !isSubdomain(h.Name) {
			r.Invalid(at.Child("name"), h.Name, "must be a DNS name of lower-case letters, digits, '-' and '.'")
		}
		if h.BootMACAddress == "" || checkMAC(r, at.Child("bootMACAddress"), h.BootMACAddress) {
			unique(r, at.Child("bootMACAddress"), h.BootMACAddress, plainMAC(h.BootMACAddress), macs,
				"the MAC address of the interface that the host boots from")
		}
		if !o.Agent || h.BMC != (BMC{}) {
			validateBMC(p, h, at, addresses, r)
		}
		if hints := h.RootDeviceHints; hints != nil {
			validateHints(r, at.Child("rootDeviceHints"), hints)
		}
		validateMTUs(r, at.Child("networkConfig"), h.NetworkConfig)
	}
}

// validateHostCount compares the hosts with the replicas. Hosts without a role
// fill up what is missing.
func validateHostCount(c *InstallConfig, p *BareMetalPlatform, at report.Path, r *report.Report) {
	for _, name := range []string{"controlPlane", "compute", "arbiter"} {
		if r.Broken(report.NewPath(name)) {
			return
		}
	}
	have := map[string]int{}
	for i := range p.Hosts {
		if r.Broken(at.Index(i).Child("role")) {
			return
		}
		have[p.Hosts[i].Role]++
	}
	spare := have[""]
	for _, need := range []struct {
		role, field string
		n           int
	}{{MasterPool, "controlPlane.replicas", c.Masters()}, {ArbiterPool, "arbiter.replicas", c.Arbiters()}, {WorkerPool, "compute[].replicas", c.Workers()}} {
		if missing := need.n - have[need.role]; missing > spare {
			r.Required(at, "%s is %d, but only %d hosts are left for role %s", need.field, need.n, have[need.role]+spare, need.role)
			return
		} else if missing > 0 {
			spare -= missing
		}
	}
}

func validateBMC(p *BareMetalPlatform, h *BareMetalHost, at report.Path, seen map[string]bool, r *report.Report) {
	if h.BMC.Username == "" {
		r.Required(at.Child("bmc", "username"), "the user to log in to the management controller as")
	}
	if h.BMC.Password.IsZero() {
		r.Required(at.Child("bmc", "password"), "the user's password")
	}
	controller := checkBMCAddress(r, at.Child("bmc"), at.Child("bmc", "address"), h.BMC.Address, seen)
	if controller == nil {
		return
	}
	if p.ProvisioningNetwork == ProvisioningDisabled && controller.RequiresProvisioningNetwork() {
		r.Add(finding{Path: at.Child("bmc"), Type: report.Invalid, Value: fmt.Sprintf("%q", h.BMC.Address), At: r.Where(at.Child("bmc", "address")),
			Detail: "boots hosts from a provisioning network, and provisioningNetwork is Disabled; use virtual media, like redfish-virtualmedia://..."})
	}
	if h.BootMode == BootModeSecureBoot && !controller.SupportsSecureBoot() {
		r.Invalid(at.Child("bootMode"), h.BootMode, "driver %s cannot switch secure boot on", controller.Driver())
	}
}

// checkBMCAddress returns how a management controller is driven, nil if the
// address is wrong. A missing or repeated address is a finding about field, an
// address that cannot be used one about the path that the reference gives it.
func checkBMCAddress(r *report.Report, path, field report.Path, address string, seen map[string]bool) bmc.AccessDetails {
	if strings.Contains(address, "@") { // what is before it may be a password
		r.Add(finding{Path: path, Type: report.Invalid, Value: fmt.Sprintf("%q", hidden), At: r.Where(field),
			Detail: "must not have a login in it; write username and password into their own fields"})
		return nil
	}
	unique(r, field, address, strings.TrimSuffix(strings.ToLower(address), "/"), seen, "the URL of the management controller, like redfish-virtualmedia+https://192.168.1.10/redfish/v1/Systems/1")
	if address == "" {
		return nil
	}
	details, err := bmc.NewAccessDetails(address, false)
	if u, parseErr := url.Parse(address); err == nil && parseErr == nil && u.Scheme != "" && u.Host == "" && u.Opaque == "" {
		err = errors.New("no host")
	}
	if err != nil {
		r.Add(finding{Path: path, Type: report.Invalid, Value: fmt.Sprintf("%q", address), At: r.Where(field),
			Detail: "is no address of a management controller (" + err.Error() + "); write one like redfish-virtualmedia+https://192.168.1.10/redfish/v1/Systems/1"})
		return nil
	}
	return details
}

func validateHints(r *report.Report, at report.Path, h *RootDeviceHints) {
	if name := h.DeviceName; name != "" {
		rest, ok := strings.CutPrefix(name, "/dev/")
		switch {
		case !ok:
			r.Invalid(at.Child("deviceName"), name, "must be a path below /dev")
		case strings.Contains(strings.TrimPrefix(rest, "disk/by-path/"), "/"):
			r.Invalid(at.Child("deviceName"), name, "must be directly in /dev/ or in /dev/disk/by-path/")
		}
	}
	if h.MinSizeGigabytes < 0 {
		r.Invalid(at.Child("minSizeGigabytes"), h.MinSizeGigabytes, "must not be negative")
	}
}

// validateMTUs looks for MTUs that are not numbers: nmstate refuses those only
// on the host, when it is too late.
func validateMTUs(r *report.Report, at report.Path, config map[string]any) {
	interfaces, _ := config["interfaces"].([]any)
	for i, item := range interfaces {
		settings, _ := item.(map[string]any)
		mtu, there := settings["mtu"]
		switch mtu.(type) {
		case int64, uint64:
		default:
			if there {
				r.Invalid(at.Child("interfaces").Index(i).Child("mtu"), fmt.Sprint(mtu), "must be a whole number without quotes")
			}
		}
	}
}
