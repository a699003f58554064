package metal

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/metal3-io/baremetal-operator/pkg/hardwareutils/bmc"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
)

var (
	nameForm = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	uuidForm = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// check is nil if the real webhook would admit the host.
func check(h *metal3.BareMetalHost) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !nameForm.MatchString(h.Name) || uuidForm.MatchString(h.Name) {
		bad("the name is a UUID, or has other characters than letters, digits, '.', '_' and '-'")
	}
	if a := h.Spec.BMC.Address; a != "" {
		errs = append(errs, checkAddress(h, a))
	}
	if mac := h.Spec.BootMACAddress; mac != "" {
		if _, err := net.ParseMAC(mac); err != nil {
			bad("bootMACAddress %q is no MAC address", mac)
		}
	}
	if r := h.Spec.RootDeviceHints; r != nil && r.DeviceName != "" {
		name, ok := strings.CutPrefix(r.DeviceName, "/dev/")
		if !ok || strings.Contains(strings.TrimPrefix(name, "disk/by-path/"), "/") {
			bad("rootDeviceHints.deviceName %q is in neither /dev nor /dev/disk/by-path", r.DeviceName)
		}
	}
	if u := h.Spec.UserData; u != nil && u.Namespace != "" && u.Namespace != h.Namespace {
		bad("userData is in another namespace, %s", u.Namespace)
	}
	if h.Spec.DisablePowerOff && !h.Spec.Online {
		bad("it is to be off, and must not be switched off")
	}
	if text := h.Annotations[metal3.StatusAnnotation]; text != "" {
		if _, err := statusOf(text); err != nil {
			bad("annotation %s: %w", metal3.StatusAnnotation, err)
		}
	}
	return errors.Join(errs...)
}

func checkAddress(h *metal3.BareMetalHost, address string) error {
	details, err := bmc.NewAccessDetails(address, h.Spec.BMC.DisableCertificateVerification)
	switch {
	case err != nil:
		return fmt.Errorf("bmc.address: %w", err)
	case h.Spec.BootMACAddress == "" && (details.NeedsMAC() || h.InspectionDisabled()):
		return fmt.Errorf("bmc.address: driver %s needs bootMACAddress", details.Type())
	case h.Spec.BootMode == metal3.UEFISecureBoot && !details.SupportsSecureBoot():
		return fmt.Errorf("bmc.address: driver %s cannot switch Secure Boot on", details.Type())
	}
	return nil
}

// maxStatus bounds an annotation; etcd takes no larger object.
const maxStatus = 1 << 20

// statusOf reads a status that a host comes with.
func statusOf(text string) (*metal3.BareMetalHostStatus, error) {
	if len(text) > maxStatus {
		return nil, fmt.Errorf("it has %d characters, more than %d", len(text), maxStatus)
	}
	var s metal3.BareMetalHostStatus
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, err
	}
	if !slices.Contains(metal3.OperationalStatusAllowed, string(s.OperationalStatus)) {
		return nil, fmt.Errorf("there is no operationalStatus %q", s.OperationalStatus)
	}
	if !slices.Contains(metal3.ErrorTypeAllowed, string(s.ErrorType)) {
		return nil, fmt.Errorf("there is no errorType %q", s.ErrorType)
	}
	return &s, nil
}

// reachable reports what keeps the cluster from booting a host: without a provisioning network
// there is virtual media only.
func reachable(h *metal3.BareMetalHost, p provisioningSpec) error {
	details, err := bmc.NewAccessDetails(h.Spec.BMC.Address, h.Spec.BMC.DisableCertificateVerification)
	if err != nil {
		return err
	}
	if p.mode() == disabled && details.RequiresProvisioningNetwork() {
		return fmt.Errorf("driver %s needs a provisioning network, and there is none", details.Type())
	}
	return nil
}

// endpoint is where a controller's Redfish service is, and which of its systems is meant; empty if it
// has only one.
type endpoint struct{ url, system string }

// redfishAt reads the address of a controller as the real operator does.
func redfishAt(address string) (endpoint, error) {
	details, err := bmc.NewAccessDetails(address, false)
	if err != nil {
		return endpoint{}, err
	}
	info := details.DriverInfo(bmc.Credentials{})
	base, _ := info["redfish_address"].(string)
	system, _ := info["redfish_system_id"].(string)
	if base == "" {
		return endpoint{}, fmt.Errorf("driver %s: the lab's operator speaks Redfish only", details.Type())
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return endpoint{}, fmt.Errorf("%q is no HTTP service", base)
	}
	return endpoint{strings.TrimSuffix(base, "/"), strings.Trim(system, "/")}, nil
}

// sameMAC is a MAC address for comparison.
func sameMAC(mac string) string {
	if hw, err := net.ParseMAC(mac); err == nil {
		return hw.String()
	}
	return strings.ToLower(mac)
}

// addressText is an address without zone and mapping, as nodes write it.
func addressText(text string) string {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return text
	}
	return ip.Unmap().WithZone("").String()
}
