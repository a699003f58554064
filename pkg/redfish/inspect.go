package redfish

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	gofish "github.com/stmcginnis/gofish/redfish"
)

// Hardware is what a BMC tells of its machine. What it does not tell is empty.
type Hardware struct {
	Vendor, Model, Serial, UUID string
	BIOS                        string // version of the machine's firmware
	Manager, Firmware           string // model and version of the BMC
	Profile                     string // what the BMC is taken for
	Power                       PowerState
	BootMode                    string   // as in the firmware's settings, else that of the boot override
	MACs                        []string // lower case, in the BMC's order
	Slots                       []Slot
	Licences                    []string
	// Hints are what may stop an installation, for people.
	Hints []string
}

// Status is what changes of a machine.
type Status struct {
	UUID     string // lower case
	Power    PowerState
	Override bool // the next start is not by the order of the firmware
	Slots    []Slot
}

// Status reads what changes of the machine.
func (b *BMC) Status(ctx context.Context) (Status, error) {
	const action = "read the state"
	sys, err := b.read(ctx, action)
	if err != nil {
		return Status{}, err
	}
	out := Status{UUID: strings.ToLower(sys.UUID), Power: sys.PowerState, Override: overridden(sys)}
	holders, err := b.holders(ctx, action, sys)
	if err != nil {
		return Status{}, err
	}
	for _, h := range holders {
		out.Override = out.Override || overridden(h)
	}
	out.Slots, err = b.publicSlots(ctx, action, sys)
	return out, err
}

// Inspect reads what the BMC tells of the machine.
func (b *BMC) Inspect(ctx context.Context) (*Hardware, error) {
	const action = "inspect"
	sys, err := b.read(ctx, action)
	if err != nil {
		return nil, err
	}
	h := &Hardware{
		Vendor: sys.Manufacturer, Model: sys.Model, Serial: sys.SerialNumber, UUID: strings.ToLower(sys.UUID),
		BIOS: sys.BIOSVersion, Manager: b.manager.Model, Firmware: b.manager.FirmwareVersion,
		Profile: b.profile.Name, Power: sys.PowerState,
	}
	if h.BootMode, err = b.bootMode(ctx, action, sys); err != nil {
		return nil, err
	}
	if h.MACs, err = b.macs(ctx, action, sys); err != nil {
		return nil, err
	}
	if h.Slots, err = b.publicSlots(ctx, action, sys); err != nil {
		return nil, err
	}
	if h.Licences, err = b.licences(ctx, action); err != nil {
		return nil, err
	}
	h.Hints = b.hints(h, sys)
	return h, nil
}

func (b *BMC) hints(h *Hardware, sys *system) []string {
	var out []string
	if len(h.Slots) == 0 {
		out = append(out, "the BMC has no virtual CD or DVD for this machine: "+b.licenceAdvice())
	}
	for _, s := range h.Slots {
		if s.Inserted {
			out = append(out, fmt.Sprintf("slot %s holds a medium, which inserting another one ejects", s.ID))
		}
	}
	if overridden(sys) {
		out = append(out, fmt.Sprintf("a boot override is set: %s, %s",
			sys.Boot.BootSourceOverrideTarget, sys.Boot.BootSourceOverrideEnabled))
	}
	return out
}

// bootMode is the firmware's setting, if the vendor's name of it is known.
func (b *BMC) bootMode(ctx context.Context, action string, sys *system) (string, error) {
	if b.profile.BootMode != "" && sys.extra.Bios.ID != "" {
		var bios struct{ Attributes map[string]any }
		_, err := b.conn.get(ctx, action, sys.extra.Bios.ID, &bios)
		if err != nil && !optional(err) {
			return "", err
		}
		if mode, ok := bios.Attributes[b.profile.BootMode].(string); ok && mode != "" {
			return mode, nil
		}
	}
	return string(sys.Boot.BootSourceOverrideMode), nil
}

// optional reports whether an error means that the BMC, or its user's role, does not have a resource.
func optional(err error) bool { return Is(err, NotFound, Unsupported, Forbidden) }

// macs are the addresses of the machine's network cards.
func (b *BMC) macs(ctx context.Context, action string, sys *system) ([]string, error) {
	if sys.extra.EthernetInterfaces.ID == "" {
		return nil, nil
	}
	paths, err := b.members(ctx, action, sys.extra.EthernetInterfaces.ID)
	if err != nil {
		if optional(err) {
			return nil, nil
		}
		return nil, err
	}
	var out []string
	for _, p := range paths {
		var card gofish.EthernetInterface
		_, err := b.conn.get(ctx, action, p, &card)
		if optional(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, text := range []string{card.PermanentMACAddress, card.MACAddress} {
			mac, err := net.ParseMAC(text)
			if err == nil && len(mac) == 6 && !slices.Contains(out, mac.String()) {
				out = append(out, mac.String())
			}
		}
	}
	return out, nil
}

// licences are those that the BMC lists in the way of the specification.
func (b *BMC) licences(ctx context.Context, action string) ([]string, error) {
	if b.root.LicenseService.ID == "" {
		return nil, nil
	}
	var service struct{ Licenses link }
	if _, err := b.conn.get(ctx, action, b.root.LicenseService.ID, &service); err != nil {
		if optional(err) {
			return nil, nil
		}
		return nil, err
	}
	paths, err := b.members(ctx, action, service.Licenses.ID)
	if err != nil && !optional(err) {
		return nil, err
	}
	var out []string
	for _, p := range paths {
		var l struct{ ID, Name, LicenseType string }
		_, err := b.conn.get(ctx, action, p, &l)
		if err != nil && !optional(err) {
			return nil, err
		}
		if l.Name != "" {
			out = append(out, printable(strings.TrimSpace(l.Name+" "+l.LicenseType), false))
		}
	}
	return out, nil
}
