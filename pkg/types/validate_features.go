package types

import (
	"slices"
	"strconv"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/report"
)

// validatePublishing refuses what only clouds have.
func validatePublishing(c *InstallConfig, r *report.Report) {
	root := report.Path{}
	platform := c.Platform.Name()
	switch c.Publish {
	case publishExternal:
	case "Internal", "Mixed":
		r.Invalid(root.Child("publish"), c.Publish, "is not available on platform %s; use %s", platform, publishExternal)
	default:
		r.Unsupported(root.Child("publish"), c.Publish, publishExternal)
	}
	if c.OperatorPublishing != nil {
		r.Invalid(root.Child("operatorPublishingStrategy"), nil, "is for publish: Mixed, which platform %s does not have; remove it", platform)
	}
	if c.CredentialsMode != "" {
		r.Invalid(root.Child("credentialsMode"), c.CredentialsMode, "cannot be set on platform %s; remove it", platform)
	}
	if c.PKI != nil {
		r.Forbidden(root.Child("pki"), "this installer's authorities have RSA keys of 2048 bits, as without it; remove it")
	}
}

func validateFeatures(c *InstallConfig, r *report.Report) {
	at := report.NewPath("featureGates")
	if len(c.FeatureGates) == 0 || r.Broken(report.NewPath("featureSet")) {
		return
	}
	if c.FeatureSet != string(configv1.CustomNoUpgrade) {
		r.Forbidden(at, "needs featureSet: %s", configv1.CustomNoUpgrade)
	}
	for i, g := range c.FeatureGates {
		if _, _, ok := parseGate(g); !ok {
			r.Invalid(at.Index(i), g, "must be Name=true or Name=false")
		}
	}
}

func parseGate(s string) (name string, on, ok bool) {
	name, value, found := strings.Cut(s, "=")
	on, err := strconv.ParseBool(value)
	return name, on, found && err == nil && name != "" && !strings.ContainsAny(name, " \t,")
}

// Components since release 5.0, which the linked API does not know.
const (
	capabilityClusterAPI    = "ClusterAPI"
	capabilityCompatibility = "CompatibilityRequirements"
	// everything is the set of all components that the release has.
	everything = string(configv1.ClusterVersionCapabilitySetCurrent)
)

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

func (c *InstallConfig) enabled(name configv1.ClusterVersionCapability) bool {
	return slices.Contains(c.EnabledCapabilities(), name)
}

func (o Options) validateCapabilities(c *InstallConfig, r *report.Report) {
	at := report.NewPath("capabilities")
	if c.Capabilities == nil || r.Broken(at) {
		return
	}
	if c.Capabilities.BaselineCapabilitySet == "" {
		// As in the reference, also where the key is missing.
		r.Unsupported(at.Child("baselineCapabilitySet"), "", choices("@capability-sets")...)
		return
	}
	enabled := c.EnabledCapabilities()
	has := func(name configv1.ClusterVersionCapability) bool { return slices.Contains(enabled, name) }
	var shown []string
	for _, e := range enabled {
		shown = append(shown, string(e))
	}
	missing := func(at report.Path, name configv1.ClusterVersionCapability, why string) {
		r.Invalid(at, strings.Join(shown, " "), "%s must be enabled: %s", name, why)
	}
	additional := at.Child("additionalEnabledCapabilities")
	if has(capabilityClusterAPI) && !has(capabilityCompatibility) && c.Capabilities.BaselineCapabilitySet != everything {
		missing(additional, capabilityCompatibility, capabilityClusterAPI+" needs it")
	}
	onPrem := c.Platform.BareMetal != nil || c.Platform.Ovirt != nil
	if !has(configv1.ClusterVersionCapabilityIngress) {
		missing(at, configv1.ClusterVersionCapabilityIngress, "the cluster has no routes without it")
	}
	if has(configv1.ClusterVersionCapabilityMarketplace) && !has(configv1.ClusterVersionCapabilityOperatorLifecycleManager) {
		missing(additional, configv1.ClusterVersionCapabilityOperatorLifecycleManager, "marketplace needs it")
	}
	if onPrem && !has(configv1.ClusterVersionCapabilityBaremetal) {
		missing(additional, configv1.ClusterVersionCapabilityBaremetal, "platform "+c.Platform.Name()+" needs it")
	}
	if p := c.Platform.BareMetal; p != nil && len(p.Hosts) > 0 && !o.Agent && !has(configv1.ClusterVersionCapabilityMachineAPI) {
		missing(additional, configv1.ClusterVersionCapabilityMachineAPI, "hosts become machines with it")
	}
	// Inside, a cluster on oVirt is one on bare metal, so only this one counts as a
	// cloud.
	external := c.Platform.External
	if external != nil && !has(configv1.ClusterVersionCapabilityCloudCredential) {
		missing(at, configv1.ClusterVersionCapabilityCloudCredential, "platform external needs it")
	}
	if external != nil && external.CloudControllerManager == CloudControllerExternal && !has(configv1.ClusterVersionCapabilityCloudControllerManager) {
		missing(at, configv1.ClusterVersionCapabilityCloudControllerManager, "platform.external.cloudControllerManager is External")
	}
}
