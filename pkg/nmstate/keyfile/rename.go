package keyfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxName is the length of the longest name that an interface can have in Linux.
const MaxName = 15

// Renamed are profiles that fit a host.
type Renamed struct {
	Files []File
	// Missing are the network cards that the host does not have.
	Missing []NIC
	// LeftOut are the names of the files that only make sense with one of those.
	LeftOut []string
}

// Rename replaces the names that profiles have for network cards by those that the cards have
// on this host, keyed by MAC address. A VLAN that is named after its card, as in eth0.100, is
// renamed with it, and the names of VLANs are cut to MaxName. Two profiles for one interface
// are an error.
//
// A profile of a card that is missing is left out. Its name may be that of another card.
func Rename(files []File, nics []NIC, cards map[string]string) (Renamed, error) {
	cards = byPlainMAC(cards)
	var out Renamed
	r := renamer{names: map[string]string{}, missing: map[string]bool{}}
	for _, n := range nics {
		if card := cards[plainMAC(n.MAC)]; card != "" {
			r.names[n.Name] = card
		} else {
			r.missing[n.Name] = true
			out.Missing = append(out.Missing, n)
		}
	}
	profiles := make([]Profile, len(files))
	for i, f := range files {
		p, err := Parse(f.Data)
		if err != nil {
			return Renamed{}, fmt.Errorf("read %s: %w", f.Name, err)
		}
		profiles[i] = p
		r.addVLAN(p)
	}
	taken := map[string]string{} // by interface, then by file name
	for i, p := range profiles {
		if r.leaveOut(p) {
			out.LeftOut = append(out.LeftOut, files[i].Name)
			continue
		}
		p = r.profile(p)
		name := p.Get("connection", "id")
		device := cmp.Or(p.Get("connection", "interface-name"), "the MAC address of "+name)
		for _, key := range []string{"interface " + device, "file " + name} {
			if other := taken[key]; other != "" {
				return Renamed{}, fmt.Errorf("%s and %s are both for %s", other, files[i].Name, key)
			}
			taken[key] = files[i].Name
		}
		out.Files = append(out.Files, File{Name: name + Suffix, Data: p.Format()})
	}
	return out, nil
}

type renamer struct {
	names   map[string]string // what is renamed
	missing map[string]bool   // names of cards that are not there
}

// addVLAN finds the name of a VLAN.
func (r *renamer) addVLAN(p Profile) {
	if p.Get("connection", "type") != "vlan" {
		return
	}
	name := p.Get("connection", "interface-name")
	changed := name
	if base, rest, ok := strings.Cut(name, "."); ok && r.names[base] != "" {
		changed = r.names[base] + "." + rest
	}
	if changed = shorten(changed); changed != name {
		r.names[name] = changed
	}
}

// shorten cuts the name of a VLAN to MaxName, and keeps its number.
func shorten(name string) string {
	if len(name) <= MaxName {
		return name
	}
	dot := strings.LastIndex(name, ".")
	if number := len(name) - dot; dot > 0 && number < MaxName {
		return name[:MaxName-number] + name[dot:]
	}
	return name[:MaxName]
}

// leaveOut reports whether a profile is of a card that is missing, or of a VLAN on one.
func (r *renamer) leaveOut(p Profile) bool {
	return r.missing[p.Get("connection", "interface-name")] || r.missing[p.Get("vlan", "parent")]
}

func (r *renamer) profile(p Profile) Profile {
	out := make(Profile, len(p))
	for i, s := range p {
		out[i] = Section{Name: s.Name}
		for _, v := range s.Settings {
			if value, ok := r.value(s.Name, v); ok {
				out[i].Settings = append(out[i].Settings, Setting{v.Key, value})
			}
		}
	}
	return out
}

// references are the settings whose value is the name of an interface.
var references = []string{
	"connection.id", "connection.interface-name", "connection.master", "connection.controller",
	"vlan.parent", "bond.primary",
}

// value returns the new value of a setting, and whether it makes sense without the missing
// cards.
func (r *renamer) value(section string, v Setting) (string, bool) {
	switch {
	case slices.Contains(references, section+"."+v.Key):
		return r.name(v.Value), !r.missing[v.Value]
	case strings.HasPrefix(v.Key, "routing-rule"):
		words := strings.Fields(v.Value)
		for i := 1; i < len(words); i++ {
			if words[i-1] != "iif" {
				continue
			}
			if r.missing[words[i]] {
				return "", false
			}
			words[i] = r.name(words[i])
		}
		return strings.Join(words, " "), true
	}
	return v.Value, true
}

func (r *renamer) name(name string) string { return cmp.Or(r.names[name], name) }
