package types

import "github.com/okd-install/okd-install/pkg/secret"

// Names of the pools. They are also the names of the MachineConfigPools and of
// the Ignition endpoints that the machines ask.
const (
	MasterPool  = "master"
	WorkerPool  = "worker"
	ArbiterPool = "arbiter"
)

// MachinePool is a group of machines of one kind.
type MachinePool struct {
	// Name is the name of the pool: master in controlPlane, worker in compute,
	// arbiter in arbiter.
	Name string `json:"name"`
	// Replicas is the number of machines. Default: 3, in arbiter 1. In controlPlane
	// 1, 3, 4 or 5, and 2 only with arbiter or fencing; in compute 0 makes the control
	// plane run the workload.
	Replicas *int64 `json:"replicas,omitempty" default:"3" min:"0"`
	// Hyperthreading says whether processors run several threads at a time.
	// Default: Enabled. One of Enabled, Disabled.
	Hyperthreading string `json:"hyperthreading,omitempty" enum:"Enabled,Disabled" default:"Enabled"`
	// Architecture is the processor architecture. Default: amd64. One of amd64,
	// arm64, ppc64le, s390x, on platform ovirt only amd64; the same in all pools.
	Architecture string `json:"architecture,omitempty" enum:"amd64,arm64,ppc64le,s390x" default:"amd64"`
	// Platform is what the pool's machines have of their own on the platform.
	Platform MachinePoolPlatform `json:"platform"`
	// Fencing lets two control-plane machines switch each other off, so that they
	// survive without a third. Default: none. In controlPlane only, since release
	// 4.22; before, the feature gate DualReplica must be on.
	Fencing *Fencing `json:"fencing,omitempty"`
	// DiskSetup prepares further disks. Default: none. These platforms do not have
	// it; use a MachineConfig.
	DiskSetup []DiskSetup `json:"diskSetup,omitempty" refused:"true"`
	// OSImageStream selects among several operating systems of a release. Default:
	// none. OKD has one for the whole cluster, so it must be left out.
	OSImageStream string `json:"osImageStream,omitempty" refused:"true"`
}

// Fencing is how the control-plane machines switch each other off.
type Fencing struct {
	// Credentials are the management controllers of the two machines.
	Credentials []FencingCredential `json:"credentials,omitempty"`
}

// FencingCredential is the management controller of one control-plane machine.
type FencingCredential struct {
	// HostName is the name of the machine. Default: none. It or macAddress is needed,
	// and counts if both are there.
	HostName string `json:"hostName,omitempty"`
	// MACAddress is the hardware address of an interface of the machine, like
	// 52:54:00:12:34:56. Default: none. Releases since 5.0 find the machine by it.
	MACAddress string `json:"macAddress,omitempty"`
	// Username is the user to log in as.
	Username string `json:"username" required:"true"`
	// Password is the user's password.
	Password secret.String `json:"password" required:"true"`
	// Address is the Redfish URL of the machine, like
	// redfish+https://192.168.1.10/redfish/v1/Systems/1.
	Address string `json:"address" required:"true"`
	// CertificateVerification says whether the controller must show a certificate
	// that is trusted. Default: Enabled. One of Enabled, Disabled.
	CertificateVerification string `json:"certificateVerification,omitempty" enum:"Enabled,Disabled" default:"Enabled"`
}

// DiskSetup is the purpose of a further disk.
type DiskSetup struct {
	// Type is what the disk is for. One of etcd, swap, user-defined.
	Type string `json:"type,omitempty" enum:"etcd,swap,user-defined"`
	// UserDefined is a disk of your own.
	UserDefined *UserDisk `json:"userDefined,omitempty"`
	// Etcd is a disk for etcd.
	Etcd *PlatformDisk `json:"etcd,omitempty"`
	// Swap is a disk to swap to.
	Swap *PlatformDisk `json:"swap,omitempty"`
}

// UserDisk is a disk of the user's own.
type UserDisk struct {
	// PlatformDiskID is the disk's name on the platform.
	PlatformDiskID string `json:"platformDiskID,omitempty"`
	// MountPath is where the disk is mounted.
	MountPath string `json:"mountPath,omitempty"`
}

// PlatformDisk is a disk as the platform names it.
type PlatformDisk struct {
	// PlatformDiskID is the disk's name on the platform.
	PlatformDiskID string `json:"platformDiskID,omitempty"`
}

// Count is the number of machines in the pool.
func (p *MachinePool) Count() int {
	if p.Replicas == nil {
		return 0
	}
	return int(*p.Replicas)
}
