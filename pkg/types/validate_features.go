package types

import (
	"regexp"
	"slices"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/report"
)

var gateForm = regexp.MustCompile(`^[A-Za-z0-9]+=(true|false)$`)

func validateFeatures(c *InstallConfig, r *report.Report) {
	root := report.Path{}
	if c.Publish != publishExternal {
		r.Unsupported(root.Child("publish"), c.Publish, publishExternal)
	}
	if c.OperatorPublishing != nil {
		r.Forbidden(root.Child("operatorPublishingStrategy"), "only cloud platforms have it")
	}
	if c.CredentialsMode != "" {
		r.Forbidden(root.Child("credentialsMode"), "must be left out on platform %s", c.Platform.Name())
	}
	if m := c.CPUPartitioningMode; m != "" && m != "None" && m != "AllNodes" {
		r.Unsupported(root.Child("cpuPartitioningMode"), m, "None", "AllNodes")
	}
	if c.BootstrapInPlace != nil && (c.Masters() != 1 || c.Platform.None == nil) {
		r.Forbidden(root.Child("bootstrapInPlace"), "is for one control-plane machine on platform %s", PlatformNone)
	}
	sets := []string{"", string(configv1.TechPreviewNoUpgrade), string(configv1.DevPreviewNoUpgrade), string(configv1.CustomNoUpgrade)}
	if !slices.Contains(sets, c.FeatureSet) {
		r.Unsupported(root.Child("featureSet"), c.FeatureSet, sets[1:]...)
	}
	if len(c.FeatureGates) > 0 && c.FeatureSet != string(configv1.CustomNoUpgrade) {
		r.Forbidden(root.Child("featureGates"), "needs featureSet: %s", configv1.CustomNoUpgrade)
	}
	for i, g := range c.FeatureGates {
		if !gateForm.MatchString(g) {
			r.Invalid(root.Child("featureGates").Index(i), g, "must be Name=true or Name=false")
		}
	}
	validateCapabilities(c, r)
}

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

func validateCapabilities(c *InstallConfig, r *report.Report) {
	if c.Capabilities == nil {
		return
	}
	at := report.NewPath("capabilities")
	if s := c.Capabilities.BaselineCapabilitySet; s != "" {
		if _, known := configv1.ClusterVersionCapabilitySets[configv1.ClusterVersionCapabilitySet(s)]; !known {
			r.Unsupported(at.Child("baselineCapabilitySet"), s, sorted(configv1.ClusterVersionCapabilitySets)...)
			return
		}
	}
	for i, e := range c.Capabilities.AdditionalEnabledCapabilities {
		if !slices.Contains(configv1.KnownClusterVersionCapabilities, configv1.ClusterVersionCapability(e)) {
			var known []string
			for _, k := range configv1.KnownClusterVersionCapabilities {
				known = append(known, string(k))
			}
			slices.Sort(known)
			r.Unsupported(at.Child("additionalEnabledCapabilities").Index(i), e, known...)
		}
	}
	enabled := c.EnabledCapabilities()
	need := func(name configv1.ClusterVersionCapability, why string) {
		if !slices.Contains(enabled, name) {
			r.Invalid(at.Child("additionalEnabledCapabilities"), "["+join(enabled)+"]", "%s must be enabled: %s", name, why)
		}
	}
	need(configv1.ClusterVersionCapabilityIngress, "the cluster has no routes without it")
	if c.Platform.Ovirt != nil || c.Platform.BareMetal != nil {
		need(configv1.ClusterVersionCapabilityBaremetal, "the nodes' virtual addresses come with it")
		need(configv1.ClusterVersionCapabilityMachineAPI, "the baremetal component needs it")
	}
}

func sorted[K ~string, V any](m map[K]V) []string {
	var out []string
	for k := range m {
		out = append(out, string(k))
	}
	slices.Sort(out)
	return out
}

func join(list []configv1.ClusterVersionCapability) string {
	out := ""
	for i, c := range list {
		if i > 0 {
			out += " "
		}
		out += string(c)
	}
	return out
}
