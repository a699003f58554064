package types

// Sizes of the control plane of a cluster whose hosts register themselves, and their processors.
var (
	agentSizes         = []string{"1", "3", "4", "5", "2 (with arbiter or fencing)"}
	agentArchitectures = []string{"amd64", "arm64"}
)

const maxAgentMasters = 5

// checkAgent adds what a cluster cannot be if its hosts register themselves.
func (c *InstallConfig) checkAgent(k Check) {
	replicas := k.Child("controlPlane", "replicas")
	masters := c.Masters()
	if masters > maxAgentMasters {
		replicas.Unsupported(masters, agentSizes...)
	}
	if arch := c.ControlPlane.Architecture; arch != agentArchitectures[0] && arch != agentArchitectures[1] {
		k.Child("controlPlane", "architecture").Unsupported(arch, agentArchitectures...)
	}
	if masters == 2 && c.Arbiters() > 1 {
		k.Child("arbiter", "replicas").Invalid(c.Arbiters(), "must be 1 with 2 control-plane machines")
	}
	if b := c.BootstrapInPlace; b != nil && (masters != 1 || b.InstallationDisk != "") {
		k.Child("bootstrapInPlace").Warn(nil, "means nothing here: the host that bootstraps is chosen by its address")
	}
	kind := c.Platform.Kind()
	if kind.Name == "" {
		return
	}
	if !kind.Agent {
		k.Child("platform").Unsupported(kind.Name, k.Options.supported()...)
		return
	}
	if masters != 1 || replicas.Broken() {
		return
	}
	if !kind.InPlace {
		able := Names(k.Options.Platforms, func(kind PlatformKind) bool { return kind.Agent && kind.InPlace })
		k.Child("platform").Invalid(kind.Name, "a single node can only be on platforms %s", JoinAnd(able))
	}
	if n := c.Workers(); n > 0 {
		at := k.Child("compute").Index(0).Child("replicas")
		if k.Child("compute").Where().Line == 0 {
			at = at.At(replicas)
		}
		at.Forbidden("must be 0 with one control-plane machine, but is %d", n)
	}
}
