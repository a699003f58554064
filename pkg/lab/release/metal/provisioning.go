package metal

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// provisioningName is the only one that counts.
const provisioningName = "provisioning-configuration"

// provisioning has the fields of the object that are read here.
type provisioning struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec provisioningSpec `json:"spec"`
}

type provisioningSpec struct {
	Network            string   `json:"provisioningNetwork"`
	DHCPExternal       bool     `json:"provisioningDHCPExternal"`
	Interface          string   `json:"provisioningInterface"`
	IP                 string   `json:"provisioningIP"`
	CIDR               string   `json:"provisioningNetworkCIDR"`
	Gateway            string   `json:"provisioningNetworkGateway"`
	DHCPRange          string   `json:"provisioningDHCPRange"`
	OSDownloadURL      string   `json:"provisioningOSDownloadURL"`
	NTPServers         []string `json:"additionalNTPServers"`
	WatchAllNamespaces bool     `json:"watchAllNamespaces"`
}

const (
	managed   = "Managed"
	unmanaged = "Unmanaged"
	disabled  = "Disabled"
)

func (s provisioningSpec) mode() string {
	switch {
	case s.Network != "":
		return s.Network
	case s.DHCPExternal:
		return unmanaged
	}
	return managed
}

// check is nil if the real operator would accept the settings.
func (s provisioningSpec) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	mode := s.mode()
	if mode != managed && mode != unmanaged && mode != disabled {
		return fmt.Errorf("provisioningNetwork %q is none of %s, %s and %s", mode, managed, unmanaged, disabled)
	}
	if s.OSDownloadURL != "" {
		if err := checkImage(s.OSDownloadURL); err != nil {
			bad("provisioningOSDownloadURL: %w", err)
		}
	}
	if mode != managed && s.Gateway != "" && (mode != disabled || s.IP != "" || s.CIDR != "") {
		bad("provisioningNetworkGateway is for mode %s only", managed)
	}
	if mode == managed && s.DHCPRange == "" {
		bad("provisioningDHCPRange is required in mode %s", managed)
	}
	if mode != disabled || s.IP != "" || s.CIDR != "" {
		errs = append(errs, s.checkNetwork(mode)...)
	}
	return errors.Join(errs...)
}

func (s provisioningSpec) checkNetwork(mode string) (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	ip, err := netip.ParseAddr(s.IP)
	if err != nil {
		return append(errs, fmt.Errorf("provisioningIP %q is no address", s.IP))
	}
	if mode == disabled {
		return nil
	}
	cidr, err := netip.ParsePrefix(s.CIDR)
	if err != nil {
		return append(errs, fmt.Errorf("provisioningNetworkCIDR %q is no network", s.CIDR))
	}
	if mode == managed && cidr.Addr().Is6() && cidr.Bits() < 64 {
		bad("provisioningNetworkCIDR %s is larger than /64", cidr)
	}
	if !cidr.Contains(ip) {
		bad("provisioningIP %s is not in provisioningNetworkCIDR %s", ip, cidr)
	}
	if mode != managed {
		return errs
	}
	gateway, err := netip.ParseAddr(s.Gateway)
	switch {
	case s.Gateway == "":
	case err != nil:
		bad("provisioningNetworkGateway %q is no address", s.Gateway)
	case !cidr.Contains(gateway) || gateway == ip:
		bad("provisioningNetworkGateway %s is not another address in provisioningNetworkCIDR %s", gateway, cidr)
	}
	if s.DHCPRange == "" {
		return errs
	}
	low, high, _ := strings.Cut(s.DHCPRange, ",")
	first, err1 := netip.ParseAddr(strings.TrimSpace(low))
	last, err2 := netip.ParseAddr(strings.TrimSpace(high))
	if err1 != nil || err2 != nil {
		return append(errs, fmt.Errorf("provisioningDHCPRange %q is not two addresses with a comma", s.DHCPRange))
	}
	if !cidr.Contains(first) || !cidr.Contains(last) {
		bad("provisioningDHCPRange %s is not in provisioningNetworkCIDR %s", s.DHCPRange, cidr)
	}
	for name, a := range map[string]netip.Addr{"provisioningIP": ip, "provisioningNetworkGateway": gateway} {
		if a.IsValid() && !a.Less(first) && !last.Less(a) {
			bad("%s %s is in provisioningDHCPRange %s", name, a, s.DHCPRange)
		}
	}
	return errs
}

func checkImage(value string) error {
	u, err := url.ParseRequestURI(value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("not an http or https URL")
	case len(u.Query().Get("sha256")) != 64:
		return errors.New("no sha256 of 64 digits in the query")
	case !strings.HasSuffix(u.Path, ".qcow2.gz") && !strings.HasSuffix(u.Path, ".qcow2.xz"):
		return errors.New("its path ends neither in .qcow2.gz nor in .qcow2.xz")
	}
	return nil
}
