package types

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
)

func (c *InstallConfig) checkFeatures(k Check) {
	at := k.Child("featureGates")
	if len(c.FeatureGates) == 0 || k.Child("featureSet").Broken() {
		return
	}
	if c.FeatureSet != string(configv1.CustomNoUpgrade) {
		at.Forbidden("needs featureSet: %s", configv1.CustomNoUpgrade)
	}
	for i, g := range c.FeatureGates {
		if _, _, ok := ParseGate(g); !ok {
			at.Index(i).Invalid(g, "must be Name=true or Name=false")
		}
	}
}

// ParseGate reads an item of featureGates, Name=true or Name=false.
func ParseGate(s string) (name string, on, ok bool) {
	name, value, found := strings.Cut(s, "=")
	on, err := strconv.ParseBool(value)
	return name, on, found && err == nil && name != "" && !strings.ContainsAny(name, " \t,")
}

// Components since release 5.0, which the linked API does not know.
const (
	CapabilityClusterAPI    = "ClusterAPI"
	CapabilityCompatibility = "CompatibilityRequirements"
)

// everything is the set of all components that the release has.
const everything = string(configv1.ClusterVersionCapabilitySetCurrent)

// EnabledCapabilities are the optional components that the cluster will have.
func (c *InstallConfig) EnabledCapabilities() []configv1.ClusterVersionCapability {
	set := configv1.ClusterVersionCapabilitySetCurrent
	var extra []string
	if c.Capabilities != nil {
		extra = c.Capabilities.AdditionalEnabledCapabilities
		if s := c.Capabilities.BaselineCapabilitySet; s != "" {
			set = configv1.ClusterVersionCapabilitySet(s)
		}
	}
	out := slices.Clone(configv1.ClusterVersionCapabilitySets[set])
	for _, e := range extra {
		if !slices.Contains(out, configv1.ClusterVersionCapability(e)) {
			out = append(out, configv1.ClusterVersionCapability(e))
		}
	}
	return out
}

// Enables reports whether the cluster will have an optional component.
func (c *InstallConfig) Enables(name configv1.ClusterVersionCapability) bool {
	return slices.Contains(c.EnabledCapabilities(), name)
}

// Validate implements Validator.
func (s *Capabilities) Validate(k Check) {
	if k.Broken() {
		return
	}
	if s.BaselineCapabilitySet == "" {
		// As in the reference, also where the key is missing.
		k.Child("baselineCapabilitySet").Unsupported("", capabilitySets()...)
		return
	}
	c := k.Config
	if c.Enables(CapabilityClusterAPI) && s.BaselineCapabilitySet != everything {
		k.RequireCapability(CapabilityCompatibility, CapabilityClusterAPI+" needs it", AdditionalCapabilities)
	}
	k.RequireCapability(configv1.ClusterVersionCapabilityIngress, "the cluster has no routes without it")
	if c.Enables(configv1.ClusterVersionCapabilityMarketplace) {
		k.RequireCapability(configv1.ClusterVersionCapabilityOperatorLifecycleManager, "marketplace needs it",
			AdditionalCapabilities)
	}
	if c.OnPrem() {
		k.RequireCapability(configv1.ClusterVersionCapabilityBaremetal, "platform "+c.Platform.Name()+" needs it",
			AdditionalCapabilities)
	}
}

// AdditionalCapabilities is the field of capabilities with single components.
const AdditionalCapabilities = "additionalEnabledCapabilities"

// RequireCapability adds a finding if the cluster will lack a component. The
// finding is about capabilities, or about a field in it.
func (k Check) RequireCapability(name configv1.ClusterVersionCapability, why string, field ...string) {
	selected, at := k.Config.Capabilities, k.Root("capabilities")
	if selected == nil || selected.BaselineCapabilitySet == "" || at.Broken() || k.Config.Enables(name) {
		return
	}
	shown := strings.Trim(fmt.Sprint(k.Config.EnabledCapabilities()), "[]")
	at.Child(field...).Invalid(shown, "%s must be enabled: %s", name, why)
}
