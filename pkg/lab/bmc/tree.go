package bmc

import (
	"fmt"
	"path"
	"strings"
)

const root = "/redfish/v1"

const (
	sessionService   = root + "/SessionService"
	sessionsPath     = sessionService + "/Sessions"
	taskService      = root + "/TaskService"
	tasksPath        = taskService + "/Tasks"
	monitorsPath     = taskService + "/TaskMonitors"
	eventService     = root + "/EventService"
	subscriptionPath = eventService + "/Subscriptions"
)

func (p Profile) systemPath() string  { return root + "/Systems/" + p.System }
func (p Profile) managerPath() string { return root + "/Managers/" + p.Manager }
func (p Profile) chassisPath() string { return root + "/Chassis/" + p.Chassis }

// link refers to another resource.
func link(path string) object { return object{"@odata.id": path} }

// head are the fields that every resource has.
func head(path, kind, id, name string) object {
	return object{"@odata.id": path, "@odata.type": "#" + kind, "Id": id, "Name": name}
}

var healthy = object{"State": "Enabled", "Health": "OK"}

func collection(where, kind, name string, members ...string) object {
	list := []object{}
	for _, m := range members {
		list = append(list, link(m))
	}
	return object{
		"@odata.id": where, "@odata.type": "#" + kind + "." + kind, "Name": name,
		"Members": list, "Members@odata.count": len(list),
	}
}

// shown is a resource that can only be read.
func shown(body func() object) resource {
	return resource{get: func(*call) (answer, error) { return done(body()), nil }}
}

// tree has all resources that are always there.
func (b *BMC) tree() map[string]resource {
	p := b.p
	t := map[string]resource{}
	list := func(where, kind, name string, members ...string) {
		t[where] = shown(func() object { return collection(where, kind, name, members...) })
	}
	open := func(body func() object) resource { r := shown(body); r.open = true; return r }
	t["/redfish"] = open(func() object { return object{"v1": root + "/"} })
	t[root] = open(b.serviceRoot)
	t[root+"/odata"] = open(func() object {
		return object{"@odata.context": root + "/$metadata", "value": []object{
			{"name": "Service", "kind": "Singleton", "url": root + "/"},
			{"name": "Systems", "kind": "Singleton", "url": root + "/Systems"},
		}}
	})
	list(root+"/Systems", "ComputerSystemCollection", "Systems", p.systemPath())
	list(root+"/Managers", "ManagerCollection", "Managers", p.managerPath())
	list(root+"/Chassis", "ChassisCollection", "Chassis", p.chassisPath())
	t[p.chassisPath()] = shown(b.chassis)
	t[p.managerPath()] = shown(b.manager)
	t[sessionService] = shown(b.sessionService)
	t[sessionsPath] = b.sessionCollection()
	t[taskService] = shown(b.taskService)
	t[tasksPath] = shown(b.taskCollection)
	t[eventService] = shown(b.eventService)
	t[subscriptionPath] = b.subscriptions()
	t[eventService+"/Actions/EventService.SubmitTestEvent"] = resource{post: b.testEvent}
	b.systemTree(t)
	b.mediaTree(t)
	if p.Boot.Import {
		t[p.importPath()] = resource{post: b.importConfiguration}
	}
	return t
}

// find returns what is at a path.
func (b *BMC) find(where string) (resource, bool) {
	if r, ok := b.static[where]; ok {
		return r, true
	}
	dir, id := path.Split(where)
	switch strings.TrimSuffix(dir, "/") {
	case sessionsPath:
		return b.session(id)
	case tasksPath:
		return b.task(id)
	case monitorsPath:
		return b.monitor(id)
	case subscriptionPath:
		return b.subscription(id)
	}
	return resource{}, false
}

func (b *BMC) serviceRoot() object {
	o := head(root+"/", "ServiceRoot.v1_11_0.ServiceRoot", "RootService", "Root Service")
	o["RedfishVersion"], o["UUID"] = b.p.Redfish, b.cfg.Host.Facts().UUID
	o["Vendor"], o["Product"] = b.p.Vendor, b.p.Product
	for name, where := range map[string]string{
		"Systems": root + "/Systems", "Managers": root + "/Managers", "Chassis": root + "/Chassis",
		"SessionService": sessionService, "Tasks": taskService, "EventService": eventService,
	} {
		o[name] = link(where)
	}
	o["Links"] = object{"Sessions": link(sessionsPath)}
	return o
}

func (b *BMC) chassis() object {
	f := b.cfg.Host.Facts()
	o := head(b.p.chassisPath(), "Chassis.v1_14_0.Chassis", b.p.Chassis, "Chassis")
	o["ChassisType"], o["Manufacturer"], o["Model"], o["SerialNumber"] = "RackMount", f.Vendor, f.Product, f.Serial
	o["PowerState"], o["Status"] = b.powerState(), healthy
	o["Links"] = object{
		"ComputerSystems": []object{link(b.p.systemPath())}, "ManagedBy": []object{link(b.p.managerPath())},
	}
	return o
}

func (b *BMC) manager() object {
	o := head(b.p.managerPath(), "Manager.v1_12_0.Manager", b.p.Manager, "Manager")
	o["ManagerType"], o["FirmwareVersion"], o["Model"] = "BMC", b.p.Firmware, b.p.ManagerModel
	o["Status"], o["PowerState"] = healthy, "On"
	o["Links"] = object{
		"ManagerForServers": []object{link(b.p.systemPath())}, "ManagerForChassis": []object{link(b.p.chassisPath())},
	}
	if b.p.Media.Manager != "" {
		o["VirtualMedia"] = link(b.p.managerPath() + "/" + b.p.Media.Manager)
	}
	if b.p.Boot.Import {
		o["Actions"] = object{"Oem": object{"#OemManager.ImportSystemConfiguration": object{"target": b.p.importPath()}}}
	}
	return o
}

// interfaces are the network cards of the system.
func (b *BMC) interfaces() []object {
	var list []object
	for i, mac := range b.cfg.Host.Facts().MACs {
		id := fmt.Sprintf("NIC.%d", i+1)
		o := head(b.p.systemPath()+"/EthernetInterfaces/"+id, "EthernetInterface.v1_8_0.EthernetInterface", id,
			fmt.Sprintf("Ethernet Interface %d", i+1))
		o["MACAddress"], o["PermanentMACAddress"] = mac, mac
		o["InterfaceEnabled"], o["LinkStatus"], o["SpeedMbps"], o["Status"] = true, "LinkUp", 10000, healthy
		list = append(list, o)
	}
	return list
}
