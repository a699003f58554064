package redfish

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/metal3-io/baremetal-operator/pkg/hardwareutils/bmc"
)

// Address is where a BMC is, and which of its systems is meant.
type Address struct {
	Scheme   string // as in install-config, such as redfish-virtualmedia+https
	Endpoint string // scheme, host and port of its HTTP service
	System   string // path of the system; empty if it has only one
}

// String is the address as in install-config.
func (a Address) String() string {
	_, host, _ := strings.Cut(a.Endpoint, "://")
	return a.Scheme + "://" + host + a.System
}

// Host is the BMC's name or IP address, with its port if that is not the usual one.
func (a Address) Host() string {
	_, host, _ := strings.Cut(a.Endpoint, "://")
	return host
}

// maxAddress bounds what is parsed.
const maxAddress = 2048

// media are the schemes of BMCs that boot from virtual media by Redfish.
var media = []string{"redfish-virtualmedia", "idrac-virtualmedia", "ilo5-virtualmedia"}

// refusal is why the hosts of a scheme cannot be installed, and the scheme that may work for the same machine.
type refusal struct{ why, instead string }

const (
	pxe       = "boots from the network with PXE, and this installer boots hosts from virtual media"
	ownAPI    = "uses the vendor's own interface, and this installer speaks Redfish only"
	noMedia   = "uses IPMI, which has no virtual media"
	noVersion = "is no scheme of a BMC"
)

var refusals = map[string]refusal{
	"ipmi":              {noMedia, media[0]},
	"libvirt":           {noMedia, media[0]},
	"redfish":           {pxe, media[0]},
	"redfish-uefihttp":  {"boots from the network with HTTP, and this installer boots hosts from virtual media", media[0]},
	"ilo5-redfish":      {pxe, media[2]},
	"idrac-redfish":     {pxe, media[1]},
	"ilo4":              {ownAPI, media[0]},
	"ilo4-virtualmedia": {ownAPI, media[0]},
	"ilo5":              {ownAPI, media[2]},
	"idrac":             {ownAPI, media[1]},
	"irmc":              {ownAPI, media[0]},
	"ibmc":              {ownAPI, media[0]},
	"http":              {noVersion, media[0] + "+http"},
	"https":             {noVersion, media[0] + "+https"},
}

// Parse reads the address of a BMC as metal3 does, and refuses those that this installer cannot use. The error says
// what to write instead. It never holds a login that the address had.
func Parse(address string) (Address, error) {
	switch {
	case address == "":
		return Address{}, errors.New("no BMC address; write one like " + example(media[0], "192.168.1.10", ""))
	case len(address) > maxAddress:
		return Address{}, fmt.Errorf("BMC address of %d characters; it may have %d", len(address), maxAddress)
	case strings.ContainsAny(address, "@"):
		return Address{}, errors.New(
			"BMC address with a login; write username and password into fields of their own")
	}
	u, err := bmc.GetParsedURL(address)
	if err != nil {
		return Address{}, fmt.Errorf("BMC address %q: %w", address, plain(err))
	}
	if err := checkURL(u); err != nil {
		return Address{}, fmt.Errorf("BMC address %q: %w", address, err)
	}
	base, transport, _ := strings.Cut(u.Scheme, "+")
	if !slices.Contains(media, base) || !supported(u.Scheme) {
		return Address{}, fmt.Errorf("BMC address %q: %w", address, refuse(u, base))
	}
	if transport == "" {
		transport = "https"
	}
	return Address{Scheme: u.Scheme, Endpoint: transport + "://" + u.Host, System: systemPath(u)}, nil
}

// supported reports whether metal3 knows the scheme, with http or https after the plus sign if there is one.
func supported(scheme string) bool {
	_, err := bmc.NewAccessDetails(scheme+"://bmc", false)
	return err == nil
}

func checkURL(u *url.URL) error {
	port := u.Port()
	n, err := strconv.Atoi(port)
	switch {
	case u.Hostname() == "":
		return errors.New("it has no host")
	case strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "["):
		return fmt.Errorf("an IPv6 address needs brackets: [%s]", u.Host)
	case strings.HasSuffix(u.Host, ":"), port != "" && (err != nil || n < 1 || n > 65535):
		return errors.New("the port must be from 1 to 65535")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("it must end with the path of the system, without ? and #")
	case u.Path != "" && path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") && u.Path != "/":
		return errors.New("the path of the system must not have empty parts or dots")
	case strings.TrimSuffix(u.Path, "/") == "/redfish/v1/Systems":
		return errors.New("the path is that of all systems; add the name of the one that is meant, " +
			"or leave the path out if there is only one")
	}
	return nil
}

// systemPath is empty where the address names the service as a whole.
func systemPath(u *url.URL) string {
	p := strings.TrimSuffix(u.EscapedPath(), "/")
	if p == "/redfish/v1" || p == "/redfish" {
		return ""
	}
	return p
}

func refuse(u *url.URL, base string) error {
	host := u.Host
	if base == "ipmi" || base == "libvirt" { // the port is that of IPMI
		host = u.Hostname()
		if net.ParseIP(host) != nil && strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
	}
	if slices.Contains(media, base) {
		return fmt.Errorf("after the + of %s there must be http or https", u.Scheme)
	}
	r, known := refusals[base]
	if !known {
		return fmt.Errorf("unknown scheme %s; this installer supports %s", u.Scheme, strings.Join(media, ", "))
	}
	return fmt.Errorf("%s %s; if its BMC has Redfish with virtual media, write %s",
		base, r.why, example(r.instead, host, systemPath(u)))
}

// example is an address that could be right. Vendors have different names of the system.
func example(scheme, host, system string) string {
	switch {
	case system != "":
	case strings.HasPrefix(scheme, "idrac"):
		system = "/redfish/v1/Systems/System.Embedded.1"
	default:
		system = "/redfish/v1/Systems/1"
	}
	return scheme + "://" + host + system
}

// plain drops the text of the address, which the caller has, from an error of metal3's parser.
func plain(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
