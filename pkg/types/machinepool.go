package types

// Names of the pools. They are also the names of the MachineConfigPools and of
// the Ignition endpoints that the machines ask.
const (
	MasterPool  = "master"
	WorkerPool  = "worker"
	ArbiterPool = "arbiter"
)

// MachinePool is a group of machines of one kind.
type MachinePool struct {
	Name           string              `json:"name"`
	Replicas       *int64              `json:"replicas,omitempty"`
	Hyperthreading string              `json:"hyperthreading,omitempty"`
	Architecture   string              `json:"architecture,omitempty"`
	Platform       MachinePoolPlatform `json:"platform"`
}

// MachinePoolPlatform is the platform's part of a pool. After Load, the one
// that belongs to the cluster's platform is set and complete.
type MachinePoolPlatform struct {
	Ovirt     *OvirtMachinePool     `json:"ovirt,omitempty"`
	BareMetal *BareMetalMachinePool `json:"baremetal,omitempty"`
}

// BareMetalMachinePool has no settings; hosts carry them.
type BareMetalMachinePool struct{}

// Count is the number of machines in the pool.
func (p *MachinePool) Count() int {
	if p.Replicas == nil {
		return 0
	}
	return int(*p.Replicas)
}
