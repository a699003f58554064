package bmc

import (
	"fmt"
	"path"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/bmc/wire"
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

func systemPath(p vendor.Profile) string  { return root + "/Systems/" + p.System }
func managerPath(p vendor.Profile) string { return root + "/Managers/" + p.Manager }
func chassisPath(p vendor.Profile) string { return root + "/Chassis/" + p.Chassis }

// shown is a resource that can only be read.
func shown(body func() wire.Object) resource {
	return resource{get: func(*call) (answer, error) { return done(body()), nil }}
}

// tree has all resources that are always there.
func (b *BMC) tree() map[string]resource {
	p := b.p
	t := map[string]resource{}
	list := func(where, kind, name string, members ...string) {
		t[where] = shown(func() wire.Object { return wire.Collection(where, kind, name, members...) })
	}
	open := func(body func() wire.Object) resource { r := shown(body); r.open = true; return r }
	t["/redfish"] = open(func() wire.Object { return wire.Object{"v1": root + "/"} })
	t[root] = open(b.serviceRoot)
	t[root+"/odata"] = open(func() wire.Object {
		return wire.Object{"@odata.context": root + "/$metadata", "value": []wire.Object{
			{"name": "Service", "kind": "Singleton", "url": root + "/"},
			{"name": "Systems", "kind": "Singleton", "url": root + "/Systems"},
		}}
	})
	list(root+"/Systems", "ComputerSystemCollection", "Systems", systemPath(p))
	list(root+"/Managers", "ManagerCollection", "Managers", managerPath(p))
	list(root+"/Chassis", "ChassisCollection", "Chassis", chassisPath(p))
	t[chassisPath(p)] = shown(b.chassis)
	t[managerPath(p)] = shown(b.manager)
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
		t[importPath(p)] = resource{post: b.importConfiguration}
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

func (b *BMC) serviceRoot() wire.Object {
	o := wire.Head(root+"/", "ServiceRoot.v1_11_0.ServiceRoot", "RootService", "Root Service")
	o["RedfishVersion"], o["UUID"] = b.p.Redfish, b.cfg.Host.Facts().UUID
	o["Vendor"], o["Product"] = b.p.Vendor, b.p.Product
	for name, where := range map[string]string{
		"Systems": root + "/Systems", "Managers": root + "/Managers", "Chassis": root + "/Chassis",
		"SessionService": sessionService, "Tasks": taskService, "EventService": eventService,
	} {
		o[name] = wire.Link(where)
	}
	o["Links"] = wire.Object{"Sessions": wire.Link(sessionsPath)}
	return o
}

func (b *BMC) chassis() wire.Object {
	f := b.cfg.Host.Facts()
	o := wire.Head(chassisPath(b.p), "Chassis.v1_14_0.Chassis", b.p.Chassis, "Chassis")
	o["ChassisType"], o["Manufacturer"], o["Model"], o["SerialNumber"] = "RackMount", f.Vendor, f.Product, f.Serial
	o["PowerState"], o["Status"] = b.powerState(), wire.Healthy
	o["Links"] = wire.Object{
		"ComputerSystems": []wire.Object{wire.Link(systemPath(b.p))}, "ManagedBy": []wire.Object{wire.Link(managerPath(b.p))},
	}
	return o
}

func (b *BMC) manager() wire.Object {
	o := wire.Head(managerPath(b.p), "Manager.v1_12_0.Manager", b.p.Manager, "Manager")
	o["ManagerType"], o["FirmwareVersion"], o["Model"] = "BMC", b.p.Firmware, b.p.ManagerModel
	o["Status"], o["PowerState"] = wire.Healthy, "On"
	o["Links"] = wire.Object{
		"ManagerForServers": []wire.Object{wire.Link(systemPath(b.p))},
		"ManagerForChassis": []wire.Object{wire.Link(chassisPath(b.p))},
	}
	if b.p.Media.Manager != "" {
		o["VirtualMedia"] = wire.Link(managerPath(b.p) + "/" + b.p.Media.Manager)
	}
	if b.p.Boot.Import {
		target := wire.Object{"target": importPath(b.p)}
		o["Actions"] = wire.Object{"Oem": wire.Object{"#OemManager.ImportSystemConfiguration": target}}
	}
	return o
}

// interfaces are the network cards of the system.
func (b *BMC) interfaces() []wire.Object {
	var list []wire.Object
	for i, mac := range b.cfg.Host.Facts().MACs {
		id := fmt.Sprintf("NIC.%d", i+1)
		o := wire.Head(systemPath(b.p)+"/EthernetInterfaces/"+id, "EthernetInterface.v1_8_0.EthernetInterface", id,
			fmt.Sprintf("Ethernet Interface %d", i+1))
		o["MACAddress"], o["PermanentMACAddress"] = mac, mac
		o["InterfaceEnabled"], o["LinkStatus"], o["SpeedMbps"], o["Status"] = true, "LinkUp", 10000, wire.Healthy
		list = append(list, o)
	}
	return list
}
