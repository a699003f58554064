package values

import (
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/metal3-io/baremetal-operator/pkg/hardwareutils/bmc"

	"github.com/okd-install/okd-install/pkg/report"
)

// Unique finds values that several items of a list have. It holds what was seen.
type Unique map[string]bool

// Add refuses a value that another item has. The key is what is compared.
func (u Unique) Add(at report.Field, value, key string) {
	if u[key] {
		at.Duplicate(value, "another one has it")
	}
	u[key] = true
}

// MAC reports whether a text is the hardware address of one Ethernet
// interface.
func MAC(at report.Field, value string) bool {
	mac, err := net.ParseMAC(value)
	switch {
	case err != nil || len(mac) != 6:
		at.Invalid(value, "must be a MAC address, like 52:54:00:12:34:56")
		return false
	case mac[0]&1 != 0:
		at.Invalid(value, "is a group address; no interface has it")
		return false
	}
	return true
}

// PlainMAC is a MAC address in lower case with colons, for comparing two.
func PlainMAC(value string) string { return strings.ToLower(strings.ReplaceAll(value, "-", ":")) }

const bmcExample = "redfish-virtualmedia+https://192.168.1.10/redfish/v1/Systems/1"

// BMCAddress returns how to access a management controller, nil if the address is wrong.
// A missing or duplicate address is a finding about its field; a wrong one is about the
// path that the reference names.
func BMCAddress(path, field report.Field, address string, others Unique) bmc.AccessDetails {
	path = path.At(field)
	if strings.Contains(address, "@") { // what is before it may be a password
		path.Invalid(Hidden, "must not have a login in it; write username and password into their own fields")
		return nil
	}
	if address == "" {
		field.Required("the URL of the management controller, like %s", bmcExample)
		return nil
	}
	others.Add(field, address, strings.TrimSuffix(strings.ToLower(address), "/"))
	details, err := bmc.NewAccessDetails(address, false)
	u, parseErr := url.Parse(address)
	if err == nil && parseErr == nil && u.Scheme != "" && u.Host == "" && u.Opaque == "" {
		err = errors.New("no host")
	}
	if err != nil {
		path.Invalid(address, "is no address of a management controller (%v); write one like %s", err, bmcExample)
		return nil
	}
	return details
}

// WithoutLogin is a URL without user, password and query, which may be secret.
func WithoutLogin(value string) string {
	u, err := url.Parse(value)
	if err != nil || u.Opaque != "" {
		return Hidden
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
