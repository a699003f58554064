package types

import (
	"encoding/json"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/types/decode"
)

// PlatformKind is a platform that an install-config can name.
type PlatformKind struct {
	Name string // its key in platform, and in that of pools
	Help string // what it is, for the reference, after its name
	// New returns its settings, empty.
	New func() PlatformSettings
	// NewPool returns what a pool can say of its machines there, empty; nil if
	// pools say nothing. PoolHelp is for the reference.
	NewPool  func() any
	PoolHelp string
	// Defaults are those that a tag cannot express, by field, for the reference.
	Defaults map[string]any

	// Architectures are those of its machines, nil for all that the release has.
	Architectures []string
	// AnyFamilyFirst says that dual-stack networks may begin with IPv6.
	AnyFamilyFirst bool
	Arbiters       bool // there can be arbiters
	Fencing        bool // two control-plane machines can switch each other off
	InPlace        bool // a single machine can install itself
	Agent          bool // hosts can register themselves
	Virtual        bool // its machines are VMs
	// NoKVM says why machines of a pool cannot run VMs in hardware; empty if nothing is known against it.
	NoKVM func(pool *MachinePool) string
}

// PlatformSettings are the settings below platform.<name>. They take part in the passes
// of Load like every struct of the config, and may have virtual addresses.
type PlatformSettings interface {
	Kind() PlatformKind
}

// Platform is where the machines are.
type Platform struct {
	// Settings are those of the platform that is set, nil if none is.
	Settings PlatformSettings
	others   []PlatformSettings // those that must not be set beside it
}

// Name is the key of the platform that is set, empty if none is.
func (p Platform) Name() string { return p.Kind().Name }

// Kind is the platform that is set, the zero value if none is.
func (p Platform) Kind() PlatformKind {
	if p.Settings == nil {
		return PlatformKind{}
	}
	return p.Settings.Kind()
}

// All yields the settings of all platforms that the file names, by their keys.
func (p Platform) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if p.Settings == nil || !yield(p.Name(), p.Settings) {
			return
		}
		for _, s := range p.others {
			if !yield(s.Kind().Name, s) {
				return
			}
		}
	}
}

// MarshalJSON writes the settings below the platform's key.
func (p Platform) MarshalJSON() ([]byte, error) { return json.Marshal(maps.Collect(p.All())) }

// Validate implements Validator.
func (p *Platform) Validate(k Check) {
	switch {
	case p.Settings == nil:
		k.Required("set one of %s", strings.Join(k.Options.supported(), ", "))
		return
	case len(p.others) > 0:
		k.Invalid(p.Name(), "only one platform may be set")
		k.Break() // what each of them says does not matter yet
		return
	}
	if v := k.Config.VIPs(); v != nil {
		v.Check(k.Child(p.Name()), k.Config.Networking.MachineCIDRs())
	}
}

// MachinePoolPlatform is the platform's part of a pool. After Load it is complete for the
// cluster's platform.
type MachinePoolPlatform struct{ settings map[string]any }

// Get returns what the pool says of its machines on a platform, nil if nothing.
func (p MachinePoolPlatform) Get(platform string) any { return p.settings[platform] }

// Set replaces what the pool says of its machines on a platform.
func (p *MachinePoolPlatform) Set(platform string, settings any) {
	if p.settings == nil {
		p.settings = map[string]any{}
	}
	p.settings[platform] = settings
}

// All yields the settings for all platforms, by their keys.
func (p MachinePoolPlatform) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, name := range slices.Sorted(maps.Keys(p.settings)) {
			if !yield(name, p.settings[name]) {
				return
			}
		}
	}
}

// MarshalJSON writes the settings below the platforms' keys.
func (p MachinePoolPlatform) MarshalJSON() ([]byte, error) {
	return json.Marshal(maps.Collect(p.All()))
}

// Validate implements Validator.
func (p *MachinePoolPlatform) Validate(k Check) {
	platform := k.Config.Platform.Name()
	if platform == "" {
		return // which is the finding
	}
	for name := range p.All() {
		if name != platform {
			k.Child(name).Invalid(name, "the cluster's platform is %s; remove it", platform)
		}
	}
}

// keyed are the mappings whose keys are the names of platforms.
func (o Options) keyed() map[reflect.Type]decode.Keyed {
	platforms := decode.Keyed{Types: map[string]reflect.Type{}, Set: func(into any, _ string, value any) {
		p := into.(*Platform)
		p.others = append(p.others, value.(PlatformSettings))
	}}
	pools := decode.Keyed{Types: map[string]reflect.Type{}, Set: func(into any, key string, value any) {
		into.(*MachinePoolPlatform).Set(key, value)
	}}
	for _, kind := range o.Platforms {
		platforms.Types[kind.Name] = reflect.TypeOf(kind.New())
		if kind.NewPool != nil {
			pools.Types[kind.Name] = reflect.TypeOf(kind.NewPool())
		}
	}
	return map[reflect.Type]decode.Keyed{
		reflect.TypeFor[Platform](): platforms, reflect.TypeFor[MachinePoolPlatform](): pools,
	}
}

// choose sets the cluster's platform: of those in the file, the first in kinds.
func (p *Platform) choose(kinds []PlatformKind) {
	order := func(s PlatformSettings) int {
		return slices.IndexFunc(kinds, func(k PlatformKind) bool { return k.Name == s.Kind().Name })
	}
	slices.SortFunc(p.others, func(a, b PlatformSettings) int { return order(a) - order(b) })
	if len(p.others) > 0 {
		p.Settings, p.others = p.others[0], p.others[1:]
	}
}

// supported are the names of the platforms that the file can name, in alphabetical order.
func (o Options) supported() []string {
	names := Names(o.Platforms, func(kind PlatformKind) bool { return kind.Agent || !o.Agent })
	slices.Sort(names)
	return names
}

// Names are the names of the platforms that meet a condition.
func Names(kinds []PlatformKind, meets func(PlatformKind) bool) []string {
	var out []string
	for _, kind := range kinds {
		if meets(kind) {
			out = append(out, kind.Name)
		}
	}
	return out
}

// JoinAnd lists words for a sentence: a, b and c.
func JoinAnd(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}
