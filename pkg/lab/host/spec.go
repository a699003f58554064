// Package host makes a machine of the lab look like hardware to the system that
// runs in it: disks with model and serial number, network cards on a bus, the
// system's identity, processors and memory, where Linux shows them.
package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Spec is the hardware of a host, apart from what every machine has.
type Spec struct {
	// UUID is the one that the firmware reports. Two hosts may have the same, as
	// with boards of careless vendors.
	UUID    string `json:"uuid"`
	Vendor  string `json:"vendor"`
	Product string `json:"product"`
	Serial  string `json:"serial"`
	// UEFI or, if false, BIOS.
	UEFI bool `json:"uefi"`
	// Disks in the order of the machine's.
	Disks []Disk `json:"disks"`
	// Order is where the firmware looks for a system, and Once where it looks at
	// first, at the next start only.
	Order []Source `json:"order"`
	Once  Source   `json:"once,omitempty"`
	// Faults of the host.
	Faults Faults `json:"faults"`
	// BMC is its management controller; nil: it has none.
	BMC *BMC `json:"bmc,omitempty"`
}

// Source is what a host can start from.
type Source string

// The sources.
const (
	FromDisk    Source = "disk"
	FromMedia   Source = "media"
	FromNetwork Source = "pxe"
)

// DefaultOrder starts from the medium while no disk has a system.
func DefaultOrder() []Source { return []Source{FromDisk, FromMedia} }

// Check reports what is wrong with a source.
func (s Source) Check() error {
	if s != FromDisk && s != FromMedia && s != FromNetwork {
		return fmt.Errorf("unknown boot source %q; use disk, media or pxe", s)
	}
	return nil
}

// Complete fills in what a host of that name has by default, the same every time,
// and refuses what no host can be.
func (s *Spec) Complete(name string) error {
	if s.UUID == "" {
		s.UUID = ID("uuid of " + name)
	}
	id, err := uuid.Parse(s.UUID)
	if err != nil {
		return fmt.Errorf("UUID %q: %w", s.UUID, err)
	}
	s.UUID = id.String()
	fill(&s.Vendor, "Lab Systems")
	fill(&s.Product, "Rack Server R1")
	fill(&s.Serial, strings.ToUpper(digits("serial of "+name, 7)))
	for _, text := range []string{s.Vendor, s.Product, s.Serial} {
		if err := checkText(text, 64); err != nil {
			return err
		}
	}
	if len(s.Order) == 0 {
		s.Order = DefaultOrder()
	}
	for i, o := range s.Order {
		if err := o.Check(); err != nil {
			return err
		}
		if slices.Contains(s.Order[:i], o) {
			return fmt.Errorf("boot source %s is named twice", o)
		}
	}
	if len(s.Disks) > maxDisks {
		return fmt.Errorf("a host has at most %d disks", maxDisks)
	}
	for i := range s.Disks {
		if err := s.Disks[i].complete(name, i); err != nil {
			return fmt.Errorf("disk %d: %w", i+1, err)
		}
		for _, other := range s.Disks[:i] {
			if other.HCTL == s.Disks[i].HCTL {
				return fmt.Errorf("two disks are at %s", other.HCTL)
			}
		}
	}
	return nil
}

// ID is a UUID that is always the same for a text.
func ID(text string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("okd-lab "+text)).String()
}

// MAC is the address of a host's network card, the first of which is 0.
func MAC(name string, index int) string {
	if index > 0 {
		name = fmt.Sprintf("%s %d", name, index)
	}
	sum := sha256.Sum256([]byte(name))
	return net.HardwareAddr(append([]byte{0x52, 0x54, 0x00}, sum[:3]...)).String()
}

// CheckMAC returns an address of a network card in the usual form.
func CheckMAC(text string) (string, error) {
	mac, err := net.ParseMAC(text)
	if err != nil || len(mac) != 6 || mac[0]&1 != 0 {
		return "", fmt.Errorf("MAC address %q is not one of a network card", text)
	}
	return mac.String(), nil
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// digits are hexadecimal digits that are always the same for a text.
func digits(text string, n int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:n]
}

var plainText = regexp.MustCompile(`^[ -~]+$`)

// checkText refuses what a vendor cannot put into a field of that size.
func checkText(text string, size int) error {
	switch {
	case !plainText.MatchString(text):
		return fmt.Errorf("%q is empty or has characters that hardware cannot report", text)
	case len(text) > size:
		return fmt.Errorf("%q has more than %d characters", text, size)
	case strings.TrimSpace(text) != text:
		return errors.New("blanks at the beginning or end of a text would not be seen")
	}
	return nil
}
