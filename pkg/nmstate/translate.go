package nmstate

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// Keyfile is a profile of NetworkManager as a file.
type Keyfile = keyfile.File

// Translate translates the configuration that was read at a path of a file. The report gets
// what cannot be translated. There are no keyfiles if the report has failed, and none for nil.
//
// With nics, the names of network cards are logical ones, which keyfile.Rename replaces on the
// host. A name that is not among them must be that of the card in Linux.
//
// The order is that of the interfaces in the file, those of ports that are not among them
// last. The same configuration always gives the same bytes.
func Translate(c *Config, nics []keyfile.NIC, r *report.Report, at report.Path) []Keyfile {
	if c == nil {
		return nil
	}
	t := &translation{
		at: r.Field(at), byName: map[string]*profile{}, vlans: map[string]string{}, cards: map[string]string{},
	}
	refuse(c, r, at)
	if t.tooMany(c) {
		return nil
	}
	t.addInterfaces(c.Interfaces)
	t.connect()
	t.checkLoops()
	for _, p := range t.profiles {
		t.setUp(p)
	}
	t.checkAddresses()
	t.checkNICs(nics)
	if c.Routes != nil {
		t.routes(c.Routes.Config)
	}
	if c.RouteRules != nil {
		t.rules(c.RouteRules.Config)
	}
	if c.DNS != nil && c.DNS.Config != nil {
		t.dns(c.DNS.Config)
	}
	if r.Failed() {
		return nil
	}
	var files []Keyfile
	for _, p := range t.profiles {
		if p.state != absent {
			files = append(files, Keyfile{Name: p.name + keyfile.Suffix, Data: p.keyfile().Format()})
		}
	}
	return files
}

// most is how many interfaces, routes or rules a host may have. It keeps checks of pairs short.
const most = 1000

// tooMany adds a finding about a list that is too long.
func (t *translation) tooMany(c *Config) bool {
	counts := map[string]int{"interfaces": len(c.Interfaces)}
	if c.Routes != nil {
		counts["routes.config"] = len(c.Routes.Config)
	}
	if c.RouteRules != nil {
		counts["route-rules.config"] = len(c.RouteRules.Config)
	}
	over := false
	for name, n := range counts {
		if n > most {
			t.at.Child(name).TooMany(n, most)
			over = true
		}
	}
	return over
}

// refuse adds findings about keys that cannot be translated.
func refuse(c *Config, r *report.Report, at report.Path) {
	decode.Walk(c, func(part any, in report.Path) {
		path := at
		if !in.IsRoot() {
			path = at.Child(in.String())
		}
		v := reflect.ValueOf(part).Elem()
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Type != reflect.TypeFor[refused]() || v.Field(i).IsNil() {
				continue
			}
			detail := "cannot be translated to a profile of NetworkManager"
			if why := f.Tag.Get("why"); why != "" {
				detail += "; " + why
			}
			r.Field(path.Child(decode.FieldFacts(f).Name)).Forbidden("%s", detail)
		}
	})
}

type translation struct {
	at       report.Field
	profiles []*profile
	byName   map[string]*profile
	vlans    map[string]string // names of VLANs by base interface and number
	cards    map[string]string // names of interfaces by the MAC address that identifies them
}

// States of an interface.
const (
	down   = "down"
	absent = "absent"
)

// profile is an interface on its way to a keyfile.
type profile struct {
	name, kind, state string
	at                report.Field
	label             report.Field // where it is named
	set               *Interface   // empty for a port that is not among the interfaces
	byMAC             bool
	controller        *profile
	lower             []*profile // ports, or what a VLAN is on
	portSettings      keyfile.Settings
	wired             keyfile.Settings
	own               keyfile.Settings // of the section that is named after the type
	ipv4, ipv6        *family
}

// interfaceName is a name that Linux and NetworkManager take, and that needs no escaping.
var interfaceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.+-]*$`)

func (t *translation) addInterfaces(interfaces []Interface) {
	for i := range interfaces {
		set := &interfaces[i]
		p := &profile{
			name: set.Name, kind: set.Type, state: set.State, set: set,
			at: t.at.Child("interfaces").Index(i), byMAC: set.Identifier == "mac-address",
		}
		if p.kind == "" {
			p.kind = "ethernet"
		}
		p.label = p.at.Child("name")
		switch {
		case p.name == "":
			p.label.Required("the name of the interface")
			continue
		case t.byName[p.name] != nil:
			p.label.Duplicate(p.name, "another interface has this name")
			continue
		}
		checkName(p.label, p.name, p.kind)
		t.add(p)
	}
}

func checkName(at report.Field, name, kind string) {
	switch {
	case !interfaceName.MatchString(name) || name == "all" || name == "default" || name == "lo":
		at.Invalid(name, "is not a name for a network interface")
	case len(name) > keyfile.MaxName && kind != "vlan": // a host cuts the names of its VLANs
		at.Invalid(name, "must have at most %d characters", keyfile.MaxName)
	}
}

func (t *translation) add(p *profile) {
	p.ipv4, p.ipv6 = &family{at: p.at.Child("ipv4")}, &family{at: p.at.Child("ipv6"), v6: true}
	t.profiles = append(t.profiles, p)
	t.byName[p.name] = p
}

// named returns the interface that a field names. One that is not among the interfaces is
// taken for a network card without addresses, as nmstate does.
func (t *translation) named(at report.Field, name string) *profile {
	if p := t.byName[name]; p != nil {
		if p.state == absent {
			at.Invalid(name, "the state of this interface is absent")
		}
		return p
	}
	checkName(at, name, "")
	p := &profile{name: name, kind: "ethernet", at: at, label: at, set: &Interface{}}
	t.add(p)
	return p
}

// types are those of NetworkManager, by those of nmstate.
var types = map[string]string{
	"ethernet": "ethernet", "bond": "bond", "vlan": "vlan", "linux-bridge": "bridge", "dummy": "dummy",
}

// id is the UUID of a profile: of version 5, in the name space of URLs, for a URL of the type
// and name, like ethernet://eth0. It is the one that nmstate gives it.
func (p *profile) id() string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(p.kind+"://"+p.name)).String()
}

func (p *profile) keyfile() keyfile.Profile {
	var k keyfile.Profile
	k.Add("connection", p.connection())
	kind := types[p.kind]
	if kind != "ethernet" {
		k.Add(kind, p.own)
	}
	k.Add("ethernet", p.wired)
	if p.controller != nil {
		k.Add(types[p.controller.kind]+"-port", p.portSettings)
	} else {
		k.Add("ipv4", p.ipv4.render())
		k.Add("ipv6", p.ipv6.render())
	}
	if d := strings.TrimSpace(p.set.Description); d != "" {
		k.Add("user", keyfile.Settings{{Key: "nmstate.interface.description", Value: d}})
	}
	return k
}

func (p *profile) connection() keyfile.Settings {
	var s keyfile.Settings
	s.Add("id", "%s", p.name)
	s.Add("uuid", "%s", p.id())
	s.Add("type", "%s", types[p.kind])
	if !p.byMAC {
		s.Add("interface-name", "%s", p.name)
	}
	if p.state == down {
		s.Add("autoconnect", "false")
	}
	if p.controller != nil {
		s.Add("master", "%s", p.controller.name)
		s.Add("slave-type", "%s", types[p.controller.kind])
	}
	if p.kind == "bond" || p.kind == "linux-bridge" {
		s.Add("autoconnect-slaves", "1") // its ports come up with it
	}
	if p.set.LLDP != nil && p.set.LLDP.Enabled != nil {
		lldp := 0
		if *p.set.LLDP.Enabled {
			lldp = 1
		}
		s.Add("lldp", "%d", lldp)
	}
	return s
}
