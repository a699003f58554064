package bmc

// systemTree adds the system and what belongs to it.
func (b *BMC) systemTree(t map[string]resource) {
	where := b.p.systemPath()
	t[where] = resource{get: b.whenReady(b.system), patch: b.patchSystem}
	if b.p.Boot.Settings != "" {
		t[where+"/"+b.p.Boot.Settings] = resource{get: b.whenReady(b.bootSettings), patch: b.patchSettings}
	}
	t[where+"/Actions/ComputerSystem.Reset"] = resource{post: b.reset}
	var cards, options []string
	for _, o := range b.interfaces() {
		id, _ := o["@odata.id"].(string)
		cards = append(cards, id)
		t[id] = shown(func() object { return o })
	}
	t[where+"/EthernetInterfaces"] = shown(func() object {
		return collection(where+"/EthernetInterfaces", "EthernetInterfaceCollection", "Ethernet Interfaces", cards...)
	})
	for _, source := range []Source{Disk, Media} {
		ref := bootReferences[source]
		id := where + "/BootOptions/" + ref
		options = append(options, id)
		t[id] = shown(func() object {
			o := head(id, "BootOption.v1_0_4.BootOption", ref, "Boot Option")
			o["BootOptionReference"], o["BootOptionEnabled"] = ref, true
			o["DisplayName"] = map[Source]string{Disk: "Hard Drive", Media: "Virtual CD/DVD"}[source]
			o["Alias"] = map[Source]string{Disk: "Hdd", Media: "Cd"}[source]
			return o
		})
	}
	t[where+"/BootOptions"] = shown(func() object {
		return collection(where+"/BootOptions", "BootOptionCollection", "Boot Options", options...)
	})
}

// whenReady shows something unless the controller is busy with the system.
func (b *BMC) whenReady(body func() object) handler {
	return func(*call) (answer, error) {
		if err := b.busy(); err != nil {
			return answer{}, err
		}
		return done(body()), nil
	}
}

func (b *BMC) system() object {
	f, where := b.cfg.Host.Facts(), b.p.systemPath()
	o := head(where, "ComputerSystem.v1_14_0.ComputerSystem", b.p.System, "System")
	o["SystemType"], o["HostName"], o["UUID"] = "Physical", f.Name, f.UUID
	o["Manufacturer"], o["Model"], o["SerialNumber"], o["SKU"] = f.Vendor, f.Product, f.Serial, f.Serial
	o["BiosVersion"], o["PowerState"], o["Status"] = b.p.BIOS, b.powerState(), healthy
	o["ProcessorSummary"] = object{"Count": 1, "LogicalProcessorCount": f.CPUs, "CoreCount": f.CPUs, "Status": healthy}
	o["MemorySummary"] = object{"TotalSystemMemoryGiB": float64(f.MemoryMB) / 1024, "Status": healthy}
	o["EthernetInterfaces"] = link(where + "/EthernetInterfaces")
	if b.p.Media.System != "" {
		o["VirtualMedia"] = link(where + "/" + b.p.Media.System)
	}
	o["Links"] = object{
		"ManagedBy": []object{link(b.p.managerPath())}, "Chassis": []object{link(b.p.chassisPath())},
	}
	o["Actions"] = object{"#ComputerSystem.Reset": object{
		"target": where + "/Actions/ComputerSystem.Reset", "ResetType@Redfish.AllowableValues": b.p.Power.Resets,
	}}
	o["Boot"] = b.bootBody()
	if b.p.Boot.Settings != "" {
		o["@Redfish.Settings"] = object{
			"@odata.type": "#Settings.v1_3_0.Settings", "SettingsObject": link(where + "/" + b.p.Boot.Settings),
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
			return answer{}, wrong(readOnly, name)
		}
	}
	if err := only(c.fields, unknownField, "Boot"); err != nil {
		return answer{}, err
	}
	return b.patchBoot(c)
}

// bootSettings are those of the future, where they have a resource of their own.
func (b *BMC) bootSettings() object {
	o := head(b.p.systemPath()+"/"+b.p.Boot.Settings, "ComputerSystem.v1_14_0.ComputerSystem", b.p.Boot.Settings,
		"Pending Settings")
	o["Boot"] = b.bootBody()
	return o
}

func (b *BMC) patchSettings(c *call) (answer, error) {
	if err := only(c.fields, unknownField, "Boot"); err != nil {
		return answer{}, err
	}
	return b.patchBoot(c)
}
