package virtualization

// Availability is what happens when a node fails or is overloaded.
type Availability struct {
	// NodeHealthCheck restarts nodes that do not answer, so that their VMs can start elsewhere. Default: none; {} has
	// all defaults.
	NodeHealthCheck *NodeHealthCheck `json:"nodeHealthCheck,omitempty"`
	// Descheduler moves VMs from loaded nodes to others. Default: none; {} has all defaults.
	Descheduler *Descheduler `json:"descheduler,omitempty"`
}

// NodeHealthCheck watches nodes, which restart themselves (self-node-remediation) if they are cut off.
type NodeHealthCheck struct {
	// NodeSelector is labels of the nodes. Default: node-role.kubernetes.io/worker.
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// MinHealthy is how many nodes must be healthy for others to be restarted, as a number or a percentage. Default:
	// 51%, and 50% with two nodes.
	MinHealthy string `json:"minHealthy,omitempty" pattern:"amount"`
	// UnhealthyAfter is how long a node may be without sign of life. Default: 5m.
	UnhealthyAfter Duration `json:"unhealthyAfter,omitzero" default:"5m"`
}

// Descheduler moves VMs.
type Descheduler struct {
	// Profile is what it looks at. Default: LongLifecycle. One of LongLifecycle, KubeVirtRelieveAndMigrate.
	// KubeVirtRelieveAndMigrate needs nodes that were started with the kernel argument psi=1.
	Profile string `json:"profile,omitempty" enum:"LongLifecycle,KubeVirtRelieveAndMigrate" default:"LongLifecycle"`
	// Mode says whether it moves VMs or only counts those that it would move. Default: Automatic. One of Automatic,
	// Predictive.
	Mode string `json:"mode,omitempty" enum:"Automatic,Predictive" default:"Automatic"`
	// Interval is the time between two looks. Default: 1h.
	Interval Duration `json:"interval,omitzero" default:"1h"`
}
