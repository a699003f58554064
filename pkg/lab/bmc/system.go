package bmc

import (
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/bmc/wire"
)

// systemTree adds the system and what belongs to it.
func (b *BMC) systemTree(t map[string]resource) {
	where := systemPath(b.p)
	t[where] = resource{get: b.whenReady(b.system), patch: b.patchSystem}
	if b.p.Boot.Settings != "" {
		t[where+"/"+b.p.Boot.Settings] = resource{get: b.whenReady(b.bootSettings), patch: b.patchSettings}
	}
	t[where+"/Actions/ComputerSystem.Reset"] = resource{post: b.reset}
	var cards, options []string
	for _, o := range b.interfaces() {
		id, _ := o["@odata.id"].(string)
		cards = append(cards, id)
		t[id] = shown(func() wire.Object { return o })
	}
	t[where+"/EthernetInterfaces"] = shown(func() wire.Object {
		return wire.Collection(where+"/EthernetInterfaces", "EthernetInterfaceCollection", "Ethernet Interfaces", cards...)
	})
	for _, source := range []Source{Disk, Media, Network} {
		ref := bootReferences[source]
		id := where + "/BootOptions/" + ref
		options = append(options, id)
		t[id] = shown(func() wire.Object {
			o := wire.Head(id, "BootOption.v1_0_4.BootOption", ref, "Boot Option")
			o["BootOptionReference"], o["BootOptionEnabled"] = ref, true
			o["DisplayName"] = map[Source]string{Disk: "Hard Drive", Media: "Virtual CD/DVD", Network: "PXE IPv4"}[source]
			o["Alias"] = map[Source]string{Disk: "Hdd", Media: "Cd", Network: "Pxe"}[source]
			return o
		})
	}
	t[where+"/BootOptions"] = shown(func() wire.Object {
		return wire.Collection(where+"/BootOptions", "BootOptionCollection", "Boot Options", options...)
	})
}

// whenReady shows something unless the controller is busy with the system.
func (b *BMC) whenReady(body func() wire.Object) handler {
	return func(*call) (answer, error) {
		if err := b.busy(); err != nil {
			return answer{}, err
		}
		return done(body()), nil
	}
}

func (b *BMC) system() wire.Object {
	f, where := b.cfg.Host.Facts(), systemPath(b.p)
	o := wire.Head(where, "ComputerSystem.v1_14_0.ComputerSystem", b.p.System, "System")
	o["SystemType"], o["HostName"], o["UUID"] = "Physical", f.Name, f.UUID
	o["Manufacturer"], o["Model"], o["SerialNumber"], o["SKU"] = f.Vendor, f.Product, f.Serial, f.Serial
	o["BiosVersion"], o["PowerState"], o["Status"] = b.p.BIOS, b.powerState(), wire.Healthy
	o["ProcessorSummary"] = wire.Object{"Count": 1, "LogicalProcessorCount": f.CPUs, "Status": wire.Healthy}
	o["MemorySummary"] = wire.Object{"TotalSystemMemoryGiB": float64(f.MemoryMB) / 1024, "Status": wire.Healthy}
	o["EthernetInterfaces"] = wire.Link(where + "/EthernetInterfaces")
	if b.p.Media.System != "" {
		o["VirtualMedia"] = wire.Link(where + "/" + b.p.Media.System)
	}
	o["Links"] = wire.Object{
		"ManagedBy": []wire.Object{wire.Link(managerPath(b.p))}, "Chassis": []wire.Object{wire.Link(chassisPath(b.p))},
	}
	o["Actions"] = wire.Object{"#ComputerSystem.Reset": wire.Object{
		"target": where + "/Actions/ComputerSystem.Reset", "ResetType@Redfish.AllowableValues": b.p.Power.Resets,
	}}
	o["Boot"] = b.bootBody()
	if b.p.Boot.Settings != "" {
		o["@Redfish.Settings"] = wire.Object{
			"@odata.type": "#Settings.v1_3_0.Settings", "SettingsObject": wire.Link(where + "/" + b.p.Boot.Settings),
		}
	}
	return o
}

// patchSystem changes the boot settings; all else is fixed.
func (b *BMC) patchSystem(c *call) (answer, error) {
	if err := b.busy(); err != nil {
		return answer{}, err
	}
	now := b.system()
	for name := range c.fields {
		if _, known := now[name]; known && (name != "Boot" || b.p.Boot.Settings != "") {
			return answer{}, vendor.Wrong(vendor.ReadOnly, name)
		}
	}
	if err := wire.Only(c.fields, vendor.UnknownField, "Boot"); err != nil {
		return answer{}, err
	}
	return b.patchBoot(c)
}

// bootSettings are those of the future, where they have a resource of their own.
func (b *BMC) bootSettings() wire.Object {
	o := wire.Head(systemPath(b.p)+"/"+b.p.Boot.Settings, "ComputerSystem.v1_14_0.ComputerSystem", b.p.Boot.Settings,
		"Pending Settings")
	o["Boot"] = b.bootBody()
	return o
}

func (b *BMC) patchSettings(c *call) (answer, error) {
	if err := wire.Only(c.fields, vendor.UnknownField, "Boot"); err != nil {
		return answer{}, err
	}
	return b.patchBoot(c)
}
