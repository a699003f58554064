package plan

import (
	"fmt"
	"strconv"
	"strings"
)

// The kinds of things that the user provides.
const (
	KindMachine      Kind = "machine"
	KindRecord       Kind = "dns-record"
	KindLoadBalancer Kind = "load-balancer"
)

// Requirement is what the user has to provide, and the installer leaves alone.
type Requirement struct {
	Kind  Kind   `json:"kind"`
	Name  string `json:"name"`
	Needs []Key  `json:"needs,omitempty"` // requirements that this one leads to
	Spec  Spec   `json:"spec"`
	// Seen is what can be seen of it from here, empty if nothing was looked for.
	Seen string `json:"seen,omitempty"`
}

// Key names a requirement as objects are named.
func (r Requirement) Key() Key { return KeyOf(r.Kind, r.Name) }

// Host is a machine, with the least that it needs.
type Host struct {
	Role      string `json:"role"` // bootstrap, master, worker
	CPUs      int    `json:"cpus"`
	MemoryGiB int    `json:"memoryGiB"`
	DiskGiB   int    `json:"diskGiB"`
	// Ignition is the file that the machine starts with, as it would be now.
	Ignition string  `json:"ignition,omitempty"`
	Config   Payload `json:"config,omitzero"`
	// MAC is the address of the interface that the machine boots from.
	MAC string `json:"mac,omitempty"`
	Use string `json:"use,omitempty"`
}

// Record is a name in DNS.
type Record struct {
	// Addresses are known where the cluster has virtual addresses.
	Addresses []string `json:"addresses,omitempty"`
	Target    string   `json:"target"` // what the name leads to, in words
	Use       string   `json:"use"`
}

// Frontend is a port of a load balancer, which passes TCP through.
type Frontend struct {
	Port     int      `json:"port"`
	Backends []string `json:"backends"` // roles of machines
	Health   string   `json:"health"`   // what says that a backend is well
	Use      string   `json:"use"`
}

// Fields lists the settings.
func (h Host) Fields() []Field {
	f := []Field{
		{"role", h.Role},
		{"at least", fmt.Sprintf("%d CPUs, %d GiB memory, %d GiB disk", h.CPUs, h.MemoryGiB, h.DiskGiB)},
		{"boots from", h.MAC},
		{"ignition", h.Ignition},
	}
	if h.Ignition != "" && !h.Config.IsZero() {
		f[3].Value += " (" + h.Config.String() + ")"
	}
	return nonEmpty(append(f, Field{"for", h.Use})...)
}

// Fields lists the settings.
func (r Record) Fields() []Field {
	return nonEmpty(Field{"address", strings.Join(r.Addresses, ", ")}, Field{"leads to", r.Target}, Field{"for", r.Use})
}

// Fields lists the settings.
func (f Frontend) Fields() []Field {
	return nonEmpty(
		Field{"port", strconv.Itoa(f.Port) + "/TCP, passed through"},
		Field{"to", strings.Join(f.Backends, ", ")},
		Field{"health", f.Health},
		Field{"for", f.Use},
	)
}

// provideText lists what the user provides, and in which order to go on.
func provideText(b *strings.Builder, list []Requirement, steps []string) {
	section(b, "You provide", len(list))
	for _, r := range list {
		fmt.Fprintf(b, "  * %s %s\n", r.Kind, r.Name)
		for _, f := range r.Spec.Fields() {
			fmt.Fprintf(b, "      %s: %s\n", f.Name, f.Value)
		}
		if r.Seen != "" {
			fmt.Fprintf(b, "      now: %s\n", r.Seen)
		}
	}
	section(b, "Steps", len(steps))
	for i, s := range steps {
		fmt.Fprintf(b, "  %d. %s\n", i+1, s)
	}
}

// provided makes objects of requirements, for the graph.
func provided(list []Requirement) []Object {
	out := make([]Object, len(list))
	for i, r := range list {
		out[i] = Object{Key: r.Key(), Kind: r.Kind, Name: r.Name, Needs: r.Needs, Spec: r.Spec}
	}
	return out
}
