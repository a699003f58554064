// Package assets is the graph of everything that the installer generates.
package assets

import (
	"log/slog"
	"net/netip"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Deps are the dependencies of the assets besides the asset directory.
type Deps struct {
	// Platforms are those that an install-config can name.
	Platforms []Platform
	Clock     clock.Clock // default: the machine's
	Events    event.Sink  // default: none
	// ReleaseImage is the pull spec of the release to install, by default that of the
	// last run.
	ReleaseImage string
	// ReleaseVersion is the version of ReleaseImage. If it is empty nothing is checked
	// against it, and the newest release is assumed.
	ReleaseVersion string
	// Version is the installer's own, for the ConfigMap that records it.
	Version string
	// Invoker is who started the installer, for the ConfigMaps that record it. The
	// default is that of the last run, at first "user".
	Invoker string
	// Profile is the cluster profile, by default that of the last run.
	Profile string
	// NodeIP is the bootstrap host's address, if it has several. The default is that of
	// the last run, if any.
	NodeIP netip.Addr
	// LoadCerts reads the authorities of the API server and the administrator, and the
	// administrator's certificate, from tls/. Later runs keep them.
	LoadCerts bool
	// AllowUnknown makes unknown keys of install-config.yaml warnings.
	AllowUnknown bool
	// HostFIPS is the FIPS mode of this host; if it is unknown nothing is checked.
	HostFIPS types.FIPSMode
	// SkipHostCrypt allows, with a warning, a host without FIPS mode for a cluster with it.
	SkipHostCrypt bool
	// Lookup finds virtual addresses that install-config.yaml leaves to DNS; nil for none.
	Lookup Lookup
	// KeepOSTemplate says that the OS template is the user's; destroying keeps it.
	KeepOSTemplate bool
	// AgentBased says that hosts register themselves.
	AgentBased bool
	// Password knows the passwords of controllers that are neither in the state nor in
	// install-config.yaml; nil knows none.
	Password PasswordOf
	// Edited says what to do about edited files whose inputs changed: asset.Refuse
	// (default), asset.Keep or asset.Overwrite.
	Edited asset.Policy
	// Command is what the user typed, for processes that find the directory locked.
	Command string
	// StateKey encrypts the state; nil for none.
	StateKey *seal.Key
}

// Cluster is everything that is needed to create a cluster.
type Cluster struct {
	Config       *types.InstallConfig
	InfraID      string
	ClusterID    string // UUID
	ReleaseImage string
	// ReleaseVersion is the version of that image, empty if it is not known.
	ReleaseVersion string
	Bootstrap      []byte    // bootstrap.ign
	Machines       []Machine // masters, then workers
	Master         []byte    // master.ign, the pointer that all masters share
	Worker         []byte    // worker.ign
	// Kubeconfig is the administrator's as generated, without the ingress CA that the
	// finished cluster adds to the file on disk.
	Kubeconfig        []byte
	KubeadminPassword secret.String
	SSH               pki.SSHKeys
	Metadata          Metadata
	Invoker           string // who started the installer
	Version           string // of the installer
}

// Machine is one machine to create.
type Machine struct {
	Name     string // VM name, hostname and node name
	Role     string // types.MasterPool or types.WorkerPool
	Pool     int    // index into Config.Compute; 0 for masters
	Ignition []byte // pointer with /etc/hostname
}

// LogValue keeps keys and passwords out of logs.
func (c Cluster) LogValue() slog.Value {
	return slog.GroupValue(slog.String("infraID", c.InfraID), slog.String("clusterID", c.ClusterID))
}
