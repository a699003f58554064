package types_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

var featureRefused = []row{
	{"published internally", none, `publish = Internal`, `publish: Invalid value @ Internal`},
	{"published in part", ovirt, `publish = Mixed`, `publish: Invalid value @ Mixed`},
	{"published somehow", none, `publish = Public`, `publish: Unsupported value @ Public`},
	{"publishing of single operators", none, `operatorPublishingStrategy = {ingress: Internal, apiserver: External}`,
		`operatorPublishingStrategy: Invalid value`},
	{"credentials mode", none, `credentialsMode = Manual`, `credentialsMode: Invalid value @ Manual`},
	{"credentials mode", ovirt, `credentialsMode = Passthrough`, `credentialsMode: Invalid value`},
	{"partitioning of some", none, `cpuPartitioningMode = Masters`, `cpuPartitioningMode: Unsupported value @ Masters`},
	{"feature set", none, `featureSet = TechPreview`, `featureSet: Unsupported value @ TechPreview`},
	{"feature set and gates", none, `
		featureSet = Custom
		featureGates = [A=true]`, `featureSet: Unsupported value`},
	{"gates without a set", none, `featureGates = [A=true]`, `featureGates: Forbidden`},
	{"gates with a fixed set", none, `
		featureSet = TechPreviewNoUpgrade
		featureGates = [A=true]`, `featureGates: Forbidden`},
	{"gates without a value", none, `
		featureSet = CustomNoUpgrade
		featureGates = [A=true, B, C=maybe]`, `
		featureGates[1]: Invalid value
		featureGates[2]: Invalid value`},
	{"gates as a mapping", none, `
		featureSet = CustomNoUpgrade
		featureGates = {A: true}`, `featureGates: Invalid value`},
	{"capability set", none, `capabilities.baselineCapabilitySet = v4.10`,
		`capabilities.baselineCapabilitySet: Unsupported value @ v4.10`},
	{"capability set that is empty", none, `capabilities.baselineCapabilitySet = ""`,
		`capabilities.baselineCapabilitySet: Unsupported value @ baselineCapabilitySet`},
	{"capability set that is null", external, `capabilities = {baselineCapabilitySet: null, ` +
		`additionalEnabledCapabilities: [Ingress]}`, `capabilities.baselineCapabilitySet: Unsupported value`},
	{"no capability set", none, `capabilities = {}`,
		`capabilities.baselineCapabilitySet: Unsupported value @ capabilities`},
	{"no capability set beside components", ovirt, `capabilities.additionalEnabledCapabilities = [Console]`,
		`capabilities.baselineCapabilitySet: Unsupported value`},
	{"Cluster API without what it needs", none, `capabilities = {baselineCapabilitySet: None, ` +
		`additionalEnabledCapabilities: [Ingress, ClusterAPI]}`,
		`capabilities.additionalEnabledCapabilities: Invalid value`},
	{"keys of the authorities", none, `pki.signerCertificates.key = {algorithm: ECDSA, ecdsa: {curve: P384}}`,
		`pki: Forbidden @ pki`},
	{"keys of the authorities of an unknown kind", none, `pki.signerCertificates.key.algorithm = Ed25519`, `
		pki: Forbidden
		pki.signerCertificates.key.algorithm: Unsupported value @ Ed25519`},
	{"keys of the authorities of nothing", external, `pki = {}`, `pki: Forbidden`},
	{"capability", none, `capabilities = {baselineCapabilitySet: vCurrent, additionalEnabledCapabilities: [Ingress, ` +
		`Coffee]}`, `capabilities.additionalEnabledCapabilities[1]: Unsupported value`},
	{"no capability at all", none, `capabilities.baselineCapabilitySet = None`, `capabilities: Invalid value`},
	{"no ingress in an old set", external, `capabilities = {baselineCapabilitySet: v4.15}`, `
		capabilities: Invalid value`},
	{"marketplace without its manager", none, `capabilities = {baselineCapabilitySet: None, ` +
		`additionalEnabledCapabilities: [Ingress, marketplace]}`,
		`capabilities.additionalEnabledCapabilities: Invalid value`},
	{"bare metal without baremetal", baremetal, `capabilities = {baselineCapabilitySet: None, ` +
		`additionalEnabledCapabilities: [Ingress, MachineAPI]}`, `capabilities.additionalEnabledCapabilities: Invalid value`},
	{"hosts without the machine API", baremetal,
		`capabilities = {baselineCapabilitySet: None, additionalEnabledCapabilities: [Ingress, baremetal]}`,
		`capabilities.additionalEnabledCapabilities: Invalid value`},
	{"oVirt without baremetal", ovirt, `capabilities = {baselineCapabilitySet: None, additionalEnabledCapabilities: ` +
		`[Ingress]}`, `capabilities.additionalEnabledCapabilities: Invalid value`},
	{"external without credentials", external, `capabilities = {baselineCapabilitySet: None, ` +
		`additionalEnabledCapabilities: [Ingress]}`, `capabilities: Invalid value`},
	{"external without the manager it asks for", external, `
		platform.external.cloudControllerManager = External
		capabilities = {baselineCapabilitySet: None, additionalEnabledCapabilities: [Ingress, CloudCredential]}`,
		`capabilities: Invalid value`},
	{"capabilities as a list", none, `capabilities = [Ingress]`, `capabilities: Invalid value`},
}

var featureAccepted = []row{
	{"published externally", none, `publish = External`, `publish = "External"`},
	{"partitioning", none, `cpuPartitioningMode = AllNodes`, `cpuPartitioningMode = "AllNodes"`},
	{"tech preview", none, `featureSet = TechPreviewNoUpgrade`, `featureSet = "TechPreviewNoUpgrade"`},
	{"dev preview", none, `featureSet = DevPreviewNoUpgrade`, ``},
	{"custom features", none, `
		featureSet = CustomNoUpgrade
		featureGates = [A=true, B=false, C=True]`, `featureGates[2] = "C=True"`},
	{"all capabilities", none, `capabilities.baselineCapabilitySet = vCurrent`, ``},
	{"few capabilities", none, `capabilities = {baselineCapabilitySet: None, additionalEnabledCapabilities: [Ingress, ` +
		`Console]}`, `capabilities.additionalEnabledCapabilities[1] = "Console"`},
	{"few capabilities", baremetal, `capabilities = {baselineCapabilitySet: None, additionalEnabledCapabilities: ` +
		`[Ingress, baremetal, MachineAPI]}`, ``},
	{"few capabilities", ovirt, `capabilities = {baselineCapabilitySet: None, additionalEnabledCapabilities: [Ingress, ` +
		`baremetal, MachineAPI]}`, ``},
	{"few capabilities", external, `capabilities = {baselineCapabilitySet: None, additionalEnabledCapabilities: ` +
		`[Ingress, CloudCredential]}`, ``},
	{"marketplace with its manager", none, `capabilities = {baselineCapabilitySet: None, ` +
		`additionalEnabledCapabilities: [Ingress, marketplace, OperatorLifecycleManager]}`, ``},
	{"Cluster API with what it needs", none, `capabilities = {baselineCapabilitySet: None, ` +
		`additionalEnabledCapabilities: [Ingress, ClusterAPI, CompatibilityRequirements]}`, ``},
	{"Cluster API on top of everything", none, `capabilities = {baselineCapabilitySet: vCurrent, ` +
		`additionalEnabledCapabilities: [ClusterAPI]}`, ``},
	{"features of OKD", none, `featureSet = OKD`, `featureSet = "OKD"`},
	{"the operating system", baremetal, `osImageStream = centos-10`, `osImageStream = "centos-10"`},
}

func TestFeatures(t *testing.T) {
	testRefused(t, types.Options{}, featureRefused)
	testAccepted(t, types.Options{}, featureAccepted)
}

func TestEnabledCapabilities(t *testing.T) {
	c := &types.InstallConfig{}
	all := len(c.EnabledCapabilities())
	c.Capabilities = &types.Capabilities{BaselineCapabilitySet: "None",
		AdditionalEnabledCapabilities: []string{"Ingress", "Ingress", "Console"}}
	if few := c.EnabledCapabilities(); all < 10 || len(few) != 2 {
		t.Errorf("%d of all, and %v", all, few)
	}
}
