// Package vendor has what the management controllers of each vendor are like, as data,
// and how each says that something is wrong.
package vendor

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed profiles/*.yaml
var profileFiles embed.FS

// defaultsFile has what all profiles have unless they say otherwise.
const defaultsFile = "defaults"

// resetTypes are all that a profile can have.
var resetTypes = []string{
	"On", "ForceOn", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart", "PowerCycle", "PushPowerButton",
	"Nmi",
}

// Profile is what the controllers of one vendor and generation are like. A profile is
// data: profiles/*.yaml, each over profiles/defaults.yaml.
type Profile struct {
	Name         string `yaml:"-"`
	Vendor       string `yaml:"vendor"`       // of the service
	Product      string `yaml:"product"`      // of the service
	Manufacturer string `yaml:"manufacturer"` // of the hosts
	Model        string `yaml:"model"`        // of the hosts
	Redfish      string `yaml:"redfish"`
	Registry     string `yaml:"registry"` // of messages, with its version
	// ErrorCode is the code of all errors; empty: that of the message.
	ErrorCode string `yaml:"errorCode"`
	Firmware  string `yaml:"firmware"`
	BIOS      string `yaml:"bios"`

	System       string `yaml:"system"` // IDs
	Manager      string `yaml:"manager"`
	Chassis      string `yaml:"chassis"`
	ManagerModel string `yaml:"managerModel"`

	Power    PowerProfile       `yaml:"power"`
	Boot     BootProfile        `yaml:"boot"`
	Media    MediaProfile       `yaml:"media"`
	ETags    ETagProfile        `yaml:"etags"`
	Sessions SessionProfile     `yaml:"sessions"`
	Tasks    TaskProfile        `yaml:"tasks"`
	Events   EventProfile       `yaml:"events"`
	Messages map[string]Message `yaml:"messages"`
}

// PowerProfile is how a controller switches.
type PowerProfile struct {
	// On and Off are how long it takes until the state has changed.
	On  time.Duration `yaml:"on"`
	Off time.Duration `yaml:"off"`
	// Transitional: it says PoweringOn and PoweringOff in the meantime.
	Transitional bool     `yaml:"transitional"`
	Resets       []string `yaml:"resets"`
	// Repeat: a reset that changes nothing succeeds.
	Repeat bool `yaml:"repeat"`
	// OnAfterOff is how long it refuses to switch on after it has switched off.
	OnAfterOff time.Duration `yaml:"onAfterOff"`
	// POST is how long the firmware's self test takes, during which the boot
	// settings cannot be changed.
	POST time.Duration `yaml:"post"`
	// Busy is how long the system cannot be read or changed after it was switched on.
	Busy time.Duration `yaml:"busy"`
}

// BootProfile is what boot settings there are.
type BootProfile struct {
	Targets []string `yaml:"targets"`
	// Media are the targets that start the virtual medium. Others of the kind are
	// accepted, and the firmware looks elsewhere.
	Media []string `yaml:"media"`
	// Together: target, mode and whether it is enabled have to be in one request.
	Together bool `yaml:"together"`
	// Settings is the ID of the resource where the settings are changed; empty: the
	// system itself.
	Settings string `yaml:"settings"`
	// Import: the firmware takes a server configuration profile (Dell).
	Import bool `yaml:"import"`
}

// MediaProfile is how media are inserted.
type MediaProfile struct {
	System  string `yaml:"system"`  // name of the collection of the system; empty: none
	Manager string `yaml:"manager"` // of the manager
	Slots   []Slot `yaml:"slots"`
	// Patch: there are no actions, the properties are changed.
	Patch bool `yaml:"patch"`
	// Refused and Required are parameters of the insertion.
	Refused  []string `yaml:"refused"`
	Required []string `yaml:"required"`
	// EjectBody: a request to eject must have a body, be it empty.
	EjectBody bool `yaml:"ejectBody"`
	// EjectEmpty: it is an error to eject what is not there.
	EjectEmpty bool `yaml:"ejectEmpty"`
	// Stale is how long an ejected medium is still reported.
	Stale time.Duration `yaml:"stale"`
	// KeepsImage: the URL of an ejected medium is still there.
	KeepsImage bool `yaml:"keepsImage"`
	// Answer is when an insertion is answered: done, task or early.
	Answer string `yaml:"answer"`
	// Verify is whether the certificate of the image's server is checked: never,
	// off (by default), on (by default) or always.
	Verify string `yaml:"verify"`
	// NeedsRanges: servers without support for ranges are refused.
	NeedsRanges bool `yaml:"needsRanges"`
	// Schemes of URLs.
	Schemes []string `yaml:"schemes"`
}

// The values of MediaProfile.Answer and MediaProfile.Verify.
const (
	AnswerDone   = "done"
	AnswerTask   = "task"
	AnswerEarly  = "early"
	VerifyNever  = "never"
	VerifyOff    = "off"
	VerifyOn     = "on"
	VerifyAlways = "always"
)

// Slot is one virtual drive.
type Slot struct {
	ID    string   `yaml:"id"`
	Types []string `yaml:"types"`
}

// Disc reports whether an ISO image fits.
func (s Slot) Disc() bool { return slices.Contains(s.Types, "CD") || slices.Contains(s.Types, "DVD") }

// ETagProfile is what is made of concurrent changes.
type ETagProfile struct {
	Weak bool `yaml:"weak"`
	// Required: changes without If-Match are refused.
	Required bool `yaml:"required"`
	// PostRefused: any request to an action with If-Match is.
	PostRefused bool `yaml:"postRefused"`
}

// SessionProfile is how many sessions there can be.
type SessionProfile struct {
	Max  int           `yaml:"max"`
	Idle time.Duration `yaml:"idle"`
	// Absolute: the location of a new session is a whole URL.
	Absolute bool `yaml:"absolute"`
}

// TaskProfile is how tasks are reported.
type TaskProfile struct {
	Prefix string `yaml:"prefix"` // of IDs
	// Monitor: a task has a monitor, whose location is what requests get.
	Monitor bool `yaml:"monitor"`
	// Took is how long a task takes besides its work.
	Took time.Duration `yaml:"took"`
}

// EventProfile is how events are delivered.
type EventProfile struct {
	Max      int           `yaml:"max"` // subscriptions
	Attempts int           `yaml:"attempts"`
	Interval time.Duration `yaml:"interval"`
}

// Message is how a vendor says something.
type Message struct {
	Status     int    `yaml:"status"`
	ID         string `yaml:"id"`   // "Base." stands for the profile's registry
	Text       string `yaml:"text"` // with %1, %2
	Resolution string `yaml:"resolution"`
}

// Names are the known profiles, in alphabetical order.
func Names() []string {
	var names []string
	entries, _ := fs.ReadDir(profileFiles, "profiles") // an embedded directory is there
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".yaml"); name != defaultsFile {
			names = append(names, name)
		}
	}
	return names
}

// Load returns a profile by its name.
func Load(name string) (Profile, error) {
	p := Profile{Name: name}
	if !slices.Contains(Names(), name) {
		return p, fmt.Errorf("unknown BMC profile %q; use %s", name, strings.Join(Names(), ", "))
	}
	for _, file := range []string{defaultsFile, name} {
		b, err := profileFiles.ReadFile("profiles/" + file + ".yaml")
		if err != nil {
			return p, fmt.Errorf("BMC profile %s: %w", name, err)
		}
		d := yaml.NewDecoder(bytes.NewReader(b))
		d.KnownFields(true)
		if err := d.Decode(&p); err != nil {
			return p, fmt.Errorf("BMC profile %s: %s.yaml: %w", name, file, err)
		}
	}
	return p, p.check()
}

// check refuses profiles that no controller can have.
func (p Profile) check() error {
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("BMC profile %s: %s", p.Name, what))
		}
	}
	for what, value := range map[string]string{
		"vendor": p.Vendor, "product": p.Product, "manufacturer": p.Manufacturer, "model": p.Model, "redfish": p.Redfish,
		"registry": p.Registry, "firmware": p.Firmware, "bios": p.BIOS, "system": p.System, "manager": p.Manager,
		"chassis": p.Chassis, "managerModel": p.ManagerModel,
	} {
		need(value != "", what+" is missing")
	}
	need(p.MediaSlot() >= 0, "no slot takes a CD")
	need(p.Media.System != "" || p.Media.Manager != "", "there is no collection of virtual media")
	need(slices.Contains([]string{AnswerDone, AnswerTask, AnswerEarly}, p.Media.Answer), "media.answer is unknown")
	need(slices.Contains([]string{VerifyNever, VerifyOff, VerifyOn, VerifyAlways}, p.Media.Verify),
		"media.verify is unknown")
	for _, t := range p.Boot.Media {
		need(slices.Contains(p.Boot.Targets, t), "boot target "+t+" is not one of the targets")
	}
	for _, r := range p.Power.Resets {
		need(slices.Contains(resetTypes, r), "unknown reset "+r)
	}
	need(p.Sessions.Max > 0 && p.Sessions.Idle > 0, "there can be no session")
	for _, kind := range messageKinds {
		m := p.Messages[kind]
		need(m.Status >= 400 && m.ID != "" && m.Text != "", "message "+kind+" is incomplete")
	}
	for kind := range p.Messages {
		need(slices.Contains(messageKinds, kind), "unknown message "+kind)
	}
	return errors.Join(errs...)
}

// MediaSlot is the index of the slot for CDs, or -1.
func (p Profile) MediaSlot() int {
	return slices.IndexFunc(p.Media.Slots, Slot.Disc)
}
