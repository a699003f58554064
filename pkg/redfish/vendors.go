package redfish

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	gofish "github.com/stmcginnis/gofish/redfish"
	"sigs.k8s.io/yaml"
)

//go:embed vendors.yaml
var vendorsYAML []byte

// vendors is what vendors.yaml says.
type vendors struct {
	Busy        []string                  `json:"busy"`
	Unreachable []*pattern                `json:"unreachable"`
	Licence     *pattern                  `json:"licence"`
	UefiTarget  *pattern                  `json:"uefiTarget"`
	Variants    map[string]map[string]any `json:"variants"`
	Profiles    []*profile                `json:"profiles"`
}

// profile is a kind of BMC.
type profile struct {
	Name     string   `json:"name"`
	Vendor   *pattern `json:"vendor"`
	Manager  *pattern `json:"manager"`
	Firmware *pattern `json:"firmware"`
	// Slots are the names of the slots that are tried first.
	Slots []*pattern `json:"slots"`
	// Insert are the names of the variants in the order in which they are tried, and patch.
	Insert []string `json:"insert"`
	// Boot are the ways to boot the medium once: redfish and oem.
	Boot     []string                          `json:"boot"`
	Targets  []gofish.BootSourceOverrideTarget `json:"targets"`
	OEM      *oem                              `json:"oem"`
	Licence  string                            `json:"licence"`
	BootMode string                            `json:"bootMode"` // name of the firmware's setting
}

// oem is an action of the manager that has the effect of a boot override.
type oem struct {
	Action string         `json:"action"` // how its name ends
	Body   map[string]any `json:"body"`   // {manager} is the manager's name
	Clear  map[string]any `json:"clear"`  // the same for nothing special; such an override is not shown
}

// patchMedia is the way of BMCs without actions of virtual media.
const patchMedia = "patch"

// pattern is a regular expression.
type pattern struct{ *regexp.Regexp }

// UnmarshalJSON compiles it.
func (p *pattern) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	r, err := regexp.Compile(s)
	p.Regexp = r
	return err
}

// loadVendors reads what is built in, once for all BMCs. Nobody changes it.
var loadVendors = sync.OnceValues(func() (*vendors, error) { return parseVendors(vendorsYAML) })

func parseVendors(b []byte) (*vendors, error) {
	v := &vendors{}
	if err := yaml.UnmarshalStrict(b, v); err != nil {
		return nil, fmt.Errorf("vendors.yaml: %w", err)
	}
	if len(v.Profiles) == 0 || v.Licence == nil || v.UefiTarget == nil {
		return nil, errors.New("vendors.yaml: it needs profiles, licence and uefiTarget")
	}
	last := v.Profiles[len(v.Profiles)-1]
	for _, p := range v.Profiles {
		p.inherit(last)
		if err := v.check(p, p == last); err != nil {
			return nil, fmt.Errorf("vendors.yaml: profile %s: %w", p.Name, err)
		}
	}
	return v, nil
}

func (p *profile) inherit(last *profile) {
	if p.Insert == nil {
		p.Insert = last.Insert
	}
	if p.Boot == nil {
		p.Boot = last.Boot
	}
	if p.Targets == nil {
		p.Targets = last.Targets
	}
}

func (v *vendors) check(p *profile, last bool) error {
	any := p.Vendor == nil && p.Manager == nil && p.Firmware == nil
	switch {
	case p.Name == "" || len(p.Insert) == 0 || len(p.Boot) == 0 || len(p.Targets) == 0:
		return errors.New("it needs name, insert, boot and targets")
	case any != last:
		return errors.New("the last profile matches everything, and no other one does")
	case slices.Contains(p.Boot, "oem") && (p.OEM == nil || p.OEM.Action == "" || p.OEM.Clear == nil):
		return errors.New("boot: oem needs the action, and what clears it")
	}
	for _, name := range p.Insert {
		if _, known := v.Variants[name]; !known && name != patchMedia {
			return fmt.Errorf("insert: there is no variant %q", name)
		}
	}
	for _, way := range p.Boot {
		if way != "redfish" && way != "oem" {
			return fmt.Errorf("boot: there is no way %q", way)
		}
	}
	return nil
}

// match is the profile of a BMC.
func (v *vendors) match(sys *system, m *manager, service string) *profile {
	for _, p := range v.Profiles {
		byVendor := p.Vendor == nil || p.Vendor.any(sys.Manufacturer, m.Manufacturer, service)
		byManager := p.Manager == nil || p.Manager.any(m.Model, sys.Model)
		if byVendor && byManager && (p.Firmware == nil || p.Firmware.any(m.FirmwareVersion)) {
			return p
		}
	}
	return v.Profiles[len(v.Profiles)-1]
}

func (p *pattern) any(texts ...string) bool { return slices.ContainsFunc(texts, p.MatchString) }

// notFetched reports whether words of a BMC mean that it could not read the image.
func (v *vendors) notFetched(words string) bool {
	return slices.ContainsFunc(v.Unreachable, func(p *pattern) bool { return p.MatchString(words) })
}

// fill replaces placeholders in all texts of a body.
func fill(value any, r *strings.Replacer) any {
	switch v := value.(type) {
	case string:
		return r.Replace(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = fill(e, r)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			out = append(out, fill(e, r))
		}
		return out
	}
	return value
}

// unmarshal reads what is there and is of the expected type. A property of another type, which has been seen, must
// not cost all the others.
func unmarshal(b []byte, into any) error {
	err := json.Unmarshal(b, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return nil
	}
	return err
}
