// Package assets is all that the installer generates, as a graph of typed
// assets, and the few calls with which the flow has them made.
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

// Deps are what the installer's assets need besides the asset directory.
type Deps struct {
	// Platforms are those that an install-config can name.
	Platforms []Platform
	Clock     clock.Clock // default: the machine's
	Events    event.Sink  // default: none
	// ReleaseImage is the pull spec of the release to install. Empty takes the
	// one of the last run.
	ReleaseImage string
	// ReleaseVersion is the version of ReleaseImage. Empty is unknown: then nothing
	// is checked against it, and what depends on it is as for the newest release.
	ReleaseVersion string
	// Version is the installer's own, for the ConfigMap that records it.
	Version string
	// Invoker is who started the installer, for the ConfigMaps that record it.
	// Empty keeps that of the last run; the first one is "user".
	Invoker string
	// Profile is the cluster profile, empty for that of the last run or the
	// default.
	Profile string
	// NodeIP is the bootstrap host's own address, where it has several; the zero
	// value is that of the last run or none.
	NodeIP netip.Addr
	// LoadCerts takes the API server's and the administrator's authorities, and
	// the administrator's certificate, from tls/. Once taken they stay.
	LoadCerts bool
	// AllowUnknown makes unknown keys of install-config.yaml warnings.
	AllowUnknown bool
	// HostFIPS says whether this host is in FIPS mode; unknown checks nothing.
	HostFIPS types.FIPSMode
	// SkipHostCrypt makes a host that is not in FIPS mode, where the cluster is to
	// be, a warning.
	SkipHostCrypt bool
	// Lookup finds virtual addresses that install-config.yaml leaves to DNS. Nil
	// looks nothing up.
	Lookup Lookup
	// KeepOSTemplate says that the OS template belongs to the user and has to
	// stay when the cluster is destroyed.
	KeepOSTemplate bool
	// Edited decides about files that were edited while what is behind them
	// changed: asset.Refuse (default), asset.Keep or asset.Overwrite.
	Edited asset.Policy
	// Command is what the user typed, for others who find the directory taken.
	Command string
	// StateKey encrypts the state; nil for none.
	StateKey *seal.Key
}

// Cluster is everything that the flow needs to create a cluster.
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
	// Kubeconfig is the administrator's, as generated: without the ingress CA
	// that the finished cluster adds to the file on disk.
	Kubeconfig        []byte
	KubeadminPassword secret.String
	SSH               pki.SSHKeys
	Metadata          Metadata
	Invoker           string // who started the installer
	Version           string // of the installer
}

// Machine is one node to be made.
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
