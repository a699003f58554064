package types

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

// Release is what is known of the release that a cluster is made of. What is not
// known is not checked.
type Release struct {
	Version string // like 4.22.0-okd-scos.10, empty if it is not known
	// Gates returns the feature gates of a feature set, and whether each is on; nil
	// if the release does not say. A nil function says nothing of any set.
	Gates func(featureSet string) map[string]bool
}

// Number is the part of a version that says what a release can do.
type Number struct{ Major, Minor int }

var numberForm = regexp.MustCompile(`^v?(\d{1,4})\.(\d{1,4})(\D|$)`)

// ParseNumber reads the number of a version, like 4.22 of 4.22.0-okd-scos.10. It
// is false if the text is no version.
func ParseNumber(version string) (n Number, ok bool) {
	m := numberForm.FindStringSubmatch(version)
	if m == nil {
		return n, false
	}
	n.Major, _ = strconv.Atoi(m[1])
	n.Minor, _ = strconv.Atoi(m[2])
	return n, true
}

// Since reports whether the number is that of another release or of a later one.
func (n Number) Since(first Number) bool {
	return n.Major > first.Major || n.Major == first.Major && n.Minor >= first.Minor
}

func (n Number) String() string { return fmt.Sprintf("%d.%d", n.Major, n.Minor) }

// CheckRelease returns what in a config does not go together with the release:
// fields that it does not know and would pass over in silence, features that it
// has switched off, and those for which this installer lacks something.
func CheckRelease(c *InstallConfig, rel Release) *report.Report {
	check := releaseCheck{
		config: c, release: rel, found: report.New("install-config.yaml"), unknown: map[report.Path]bool{},
	}
	if c.source != nil {
		check.found = report.New(c.source.File)
	}
	check.number, check.numbered = ParseNumber(rel.Version)
	if check.numbered {
		for _, f := range fieldsSince {
			check.field(f)
		}
		for _, f := range deprecatedSince {
			if paths := f.used(c); len(paths) > 0 && check.number.Since(f.since) {
				check.add(paths[0], true, "is deprecated since release %s; %s", f.since, f.instead)
			}
		}
	}
	for _, g := range gatedFields {
		check.gated(g)
	}
	check.tunnel()
	return check.found
}

// releaseCheck is one run of CheckRelease.
type releaseCheck struct {
	config   *InstallConfig
	release  Release
	number   Number
	numbered bool
	found    *report.Report
	unknown  map[report.Path]bool // fields that the release does not know
}

func (k *releaseCheck) add(at report.Path, warning bool, format string, args ...any) {
	f := report.Finding{Path: at, Type: report.Forbidden, Warning: warning, Detail: fmt.Sprintf(format, args...)}
	if k.config.source != nil {
		f.At = k.config.source.Where(at)
	}
	k.found.Add(f)
}

// field checks one that came with a release.
func (k *releaseCheck) field(f sinceField) {
	for _, at := range f.used(k.config) {
		switch {
		case k.number.Since(f.since):
		case f.partly != (Number{}) && k.number.Since(f.partly):
			k.add(at, true, "not every build of %s knows it, and one that does not passes over it; release %s does",
				f.partly, f.since)
		default:
			k.add(at, false, "release %s does not know it; %s, or install %s or later",
				k.release.Version, f.instead, f.since)
			k.unknown[at] = true
		}
	}
}

// gated checks fields that a feature gate switches.
func (k *releaseCheck) gated(g gatedField) {
	paths := g.used(k.config)
	if len(paths) == 0 {
		return
	}
	on, known := k.gate(g.gate)
	if on || !known {
		return
	}
	how := "set featureSet: CustomNoUpgrade and featureGates: [" + g.gate + "=true], " +
		"with which the cluster can never be upgraded"
	standard := gateHistory[g.gate].standard
	switch {
	case k.config.FeatureSet == customSet:
		how = "add " + g.gate + "=true to featureGates"
	case standard != (Number{}) && k.numbered && !k.number.Since(standard):
		how = fmt.Sprintf("install %s or later, where it is on, or %s", standard, how)
	}
	for _, at := range paths {
		if k.unknown[at] {
			continue // the release has neither field nor gate
		}
		k.add(at, false, "needs the feature gate %s, which is off; %s", g.gate, how)
	}
}

const customSet = "CustomNoUpgrade"

// gate reports whether a feature gate is on in the cluster to be, and whether
// that is known.
func (k *releaseCheck) gate(name string) (on, known bool) {
	set := k.config.FeatureSet
	if set == customSet {
		for _, setting := range k.config.FeatureGates {
			if gate, on, ok := ParseGate(setting); ok && gate == name {
				return on, true
			}
		}
		set = "" // for whether there is such a gate; those not named are off
	}
	history := gateHistory[name]
	if gates := k.gatesOf(set); gates != nil {
		if on, there := gates[name]; there {
			return on && k.config.FeatureSet != customSet, true
		}
		// A gate is deleted when all have its feature.
		return k.numbered && k.number.Since(history.preview), k.numbered
	}
	preview := set == "TechPreviewNoUpgrade" || set == "DevPreviewNoUpgrade"
	switch {
	case !k.numbered:
		return false, false
	case history.deleted != (Number{}) && k.number.Since(history.deleted):
		return true, true
	case k.config.FeatureSet == customSet:
		return false, true
	case history.standard != (Number{}) && k.number.Since(history.standard):
		return true, true
	}
	return preview && k.number.Since(history.preview), true
}

func (k *releaseCheck) gatesOf(set string) map[string]bool {
	if k.release.Gates == nil {
		return nil
	}
	return k.release.Gates(set)
}

// tunnel refuses features for which the bootstrap host's API server has to reach
// pods, through a tunnel that this installer does not make. Its requests to their
// webhooks would fail, and bootstrapping would never end.
func (k *releaseCheck) tunnel() {
	if k.numbered && !k.number.Since(Number{5, 0}) {
		return
	}
	var on []string
	gates := k.gatesOf(k.config.FeatureSet)
	for _, name := range []string{gateCompatibility, gateClusterAPI} {
		if _, there := gates[name]; gates != nil && !there {
			continue
		}
		if is, _ := k.gate(name); is {
			on = append(on, name)
		}
	}
	if len(on) == 0 {
		return
	}
	at := report.NewPath("featureSet")
	what := "switches on " + strings.Join(on, " and ")
	if k.config.FeatureSet == customSet {
		at, what = report.NewPath("featureGates"), strings.Join(on, " and ")
	}
	k.add(at, false, "%s: from release 5.0 on the bootstrap host then needs a tunnel to the cluster's pods "+
		"(konnectivity), which this installer does not make; leave it out, or name the gates that you want without it, "+
		"with featureSet: CustomNoUpgrade", what)
}
