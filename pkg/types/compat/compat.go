// Package compat compares an install-config with the release to install, which is not
// known yet when pkg/types reads the file.
package compat

import (
	"fmt"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/release/versions"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

// Release is what is known about the release. What is not known is not checked.
type Release struct {
	Version string // like 4.22.0-okd-scos.10, empty if it is not known
	// Gates returns the feature gates of a feature set, and whether each is on; nil
	// if the release does not say. A nil function says nothing of any set.
	Gates func(featureSet string) map[string]bool
}

// Check returns what in a config does not fit the release: fields that it would silently
// ignore, features that are off, and features that this installer does not support.
func Check(c *types.InstallConfig, rel Release) *report.Report {
	k := check{config: c, release: rel, found: report.New(c.File())}
	k.number, k.numbered = versions.MinorOf(rel.Version)
	for _, f := range fieldsOf(c) {
		if f.Used && k.known(f) {
			k.deprecated(f)
			k.gated(f)
		}
	}
	k.tunnel()
	return k.found
}

// check is one run of Check.
type check struct {
	config   *types.InstallConfig
	release  Release
	number   versions.Minor
	numbered bool
	found    *report.Report
}

func (k *check) add(at report.Path, warning bool, format string, args ...any) {
	k.found.Add(report.Finding{Path: at, Type: report.Forbidden, Warning: warning,
		Detail: fmt.Sprintf(format, args...), At: k.config.Where(at)})
}

// since reports whether the release is known to be another one or a later one.
func (k *check) since(first versions.Minor) bool { return k.numbered && k.number.Since(first) }

// known reports whether the release may know a field.
func (k *check) known(f Field) bool {
	var none versions.Minor
	switch {
	case !k.numbered || f.Since == none || k.since(f.Since):
	case f.Partly != none && k.since(f.Partly):
		k.add(f.At, true, "not every build of %s knows it, and one that does not passes over it; release %s does",
			f.Partly, f.Since)
	default:
		k.add(f.At, false, "release %s does not know it; %s, or install %s or later", k.release.Version, f.Instead, f.Since)
		return false
	}
	return true
}

func (k *check) deprecated(f Field) {
	if f.Deprecated != (versions.Minor{}) && k.since(f.Deprecated) {
		k.add(f.At, true, "is deprecated since release %s; %s", f.Deprecated, f.Instead)
	}
}

// gated checks a field that a feature gate switches.
func (k *check) gated(f Field) {
	if f.Gate.Name == "" {
		return
	}
	if on, known := k.gate(f.Gate); on || !known {
		return
	}
	how := "set featureSet: CustomNoUpgrade and featureGates: [" + f.Gate.Name + "=true], " +
		"with which the cluster can never be upgraded"
	switch standard := f.Gate.Standard; {
	case k.config.FeatureSet == customSet:
		how = "add " + f.Gate.Name + "=true to featureGates"
	case standard != (versions.Minor{}) && k.numbered && !k.since(standard):
		how = fmt.Sprintf("install %s or later, where it is on, or %s", standard, how)
	}
	k.add(f.At, false, "needs the feature gate %s, which is off; %s", f.Gate.Name, how)
}

const customSet = "CustomNoUpgrade"

// gate reports whether a feature gate will be on, and whether that is known.
func (k *check) gate(g Gate) (on, known bool) {
	set := k.config.FeatureSet
	if set == customSet {
		for _, setting := range k.config.FeatureGates {
			if gate, on, ok := types.ParseGate(setting); ok && gate == g.Name {
				return on, true
			}
		}
		set = "" // for whether there is such a gate; those not named are off
	}
	if gates := k.gatesOf(set); gates != nil {
		if on, there := gates[g.Name]; there {
			return on && k.config.FeatureSet != customSet, true
		}
		// A gate is deleted when all have its feature.
		return k.since(g.Preview), k.numbered
	}
	var none versions.Minor
	preview := set == string(configv1.TechPreviewNoUpgrade) || set == string(configv1.DevPreviewNoUpgrade)
	switch {
	case !k.numbered:
		return false, false
	case g.Deleted != none && k.since(g.Deleted):
		return true, true
	case k.config.FeatureSet == customSet:
		return false, true
	case g.Standard != none && k.since(g.Standard):
		return true, true
	}
	return preview && k.since(g.Preview), true
}

func (k *check) gatesOf(set string) map[string]bool {
	if k.release.Gates == nil {
		return nil
	}
	return k.release.Gates(set)
}

// tunnel refuses features whose webhooks the bootstrap host's API server has to reach
// through a tunnel, which this installer does not make. Bootstrapping would never end.
func (k *check) tunnel() {
	if k.numbered && !k.since(minor(5, 0)) {
		return
	}
	var on []string
	gates := k.gatesOf(k.config.FeatureSet)
	for _, g := range []Gate{Compatibility, ClusterAPI} {
		if _, there := gates[g.Name]; gates != nil && !there {
			continue
		}
		if is, _ := k.gate(g); is {
			on = append(on, g.Name)
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
