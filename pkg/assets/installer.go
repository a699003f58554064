package assets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"time"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// ErrNoReleaseImage is returned if a release image is needed and none is known.
var ErrNoReleaseImage = errors.New("no release image is known; " +
	"name one in OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE, by digest as in quay.io/okd/scos-release@sha256:0123abcd")

// Installer is an open asset directory. It must be closed.
type Installer struct {
	store  *asset.Store
	events event.Sink
	clock  clock.Clock
	lookup Lookup
	kinds  []types.PlatformKind
	given  bool // the cluster is defined by manifests that the user wrote
	dir    string
}

// Open locks the directory. It fails with *workdir.LockedError if another process has it.
func Open(dir string, deps Deps) (*Installer, error) {
	store, err := asset.Open(dir, asset.Options{
		Clock: deps.Clock, Events: deps.Events, Edited: deps.Edited,
		Command: deps.Command, Version: deps.Version, Key: deps.StateKey,
	})
	if err != nil {
		return nil, err
	}
	tree, err := digestTree(data.Bootstrap())
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	ask := deps.Password
	if ask == nil {
		ask = errPassword
	}
	withhold(store, dir, deps.Platforms, ask)
	withholdVirtualization(store)
	asset.Set(store, platforms, deps.Platforms)
	asset.Set(store, HostData, tree)
	asset.Set(store, Version, deps.Version)
	asset.Set(store, KeepTemplate, deps.KeepOSTemplate)
	asset.Set(store, AllowUnknown, deps.AllowUnknown)
	asset.Set(store, HostFIPS, deps.HostFIPS)
	asset.Set(store, SkipHostCrypt, deps.SkipHostCrypt)
	asset.Set(store, AgentBased, deps.AgentBased)
	asset.Set(store, startedRoles, nil)
	asset.Set(store, Redefined, nil)
	if !asset.Remembers(store, fromManifests) {
		asset.Set(store, fromManifests, false)
	}
	if !asset.Remembers(store, MachineIDs) {
		asset.Set(store, MachineIDs, nil)
	}
	if !asset.Remembers(store, NamesInDNS) {
		asset.Set(store, NamesInDNS, nil)
	}
	setOrKeep(store, Invoker, deps.Invoker, defaultInvoker)
	setOrKeep(store, Profile, deps.Profile, "")
	setOrKeep(store, NodeIP, deps.NodeIP, netip.Addr{})
	setOrKeep(store, LoadCerts, deps.LoadCerts, false)
	setOrKeep(store, AgentGeneration, 0, 1)
	setOrKeep(store, RendezvousIP, netip.Addr{}, netip.Addr{})
	if err := setRelease(store, deps); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	events := deps.Events
	if events == nil {
		events = event.Discard
	}
	clk := deps.Clock
	if clk == nil {
		clk = clock.Real()
	}
	return &Installer{
		store: store, events: events, clock: clk, lookup: deps.Lookup, kinds: kinds(deps.Platforms), dir: dir,
	}, nil
}

// defaultInvoker is that of openshift-install.
const defaultInvoker = "user"

// setOrKeep sets a parameter, which keeps its value if later commands omit it.
func setOrKeep[T comparable](store *asset.Store, param asset.Asset[T], value, otherwise T) {
	var none T
	switch {
	case value != none:
		asset.Set(store, param, value)
	case !asset.Remembers(store, param):
		asset.Set(store, param, otherwise)
	}
}

// Close saves the state and unlocks the directory.
func (i *Installer) Close() error { return i.store.Close() }

// MarkStarted must be called before the first machine is started. From then on no asset
// changes, because a running cluster has it.
func (i *Installer) MarkStarted() error { return i.store.MarkStarted() }

// MarkBegun records that hosts which install themselves have begun to.
func (i *Installer) MarkBegun() error { return i.store.Mark(markBegun) }

// MarkHandedOver records that the masters have taken over from the bootstrap host.
func (i *Installer) MarkHandedOver() error { return i.store.Mark(markHandedOver) }

// Past is what the state records about the cluster.
func (i *Installer) Past() Past { return pastOf(i.store.Past()) }

// DrawnInfraID is the infrastructure ID in the state, empty if there is none.
func (i *Installer) DrawnInfraID() (string, error) {
	id, _, err := asset.Recall(i.store, InfraID)
	return id, err
}

// Config reads, completes and checks install-config.yaml. It fails with *report.Error
// if anything is wrong, and with *asset.MissingError if there is no such file.
func (i *Installer) Config(ctx context.Context) (*types.InstallConfig, error) {
	r, err := i.run(ctx, nil, Config)
	if err != nil {
		return nil, err
	}
	return asset.Of(r, Config).InstallConfig, nil
}

// Manifests writes manifests/ and openshift/.
func (i *Installer) Manifests(ctx context.Context) error {
	_, err := i.run(ctx, []asset.Ref{Manifests, OpenShift})
	return err
}

// IgnitionConfigs writes bootstrap.ign, an .ign file per role, auth/ and metadata.json.
func (i *Installer) IgnitionConfigs(ctx context.Context) error {
	_, err := i.run(ctx, []asset.Ref{
		BootstrapIgnition, MasterIgnition, WorkerIgnition, ArbiterIgnition, AdminKubeconfig, PasswordFile, MetadataFile,
	}, Nodes, PlatformName)
	return err
}

// SingleNode writes the Ignition config of a node that installs itself,
// worker.ign, auth/ and metadata.json.
func (i *Installer) SingleNode(ctx context.Context) error {
	// First the install-config alone: if it is not for this, no keys are generated.
	_, err := i.run(ctx, nil, installsItself)
	if bad := (*NotSingleNodeError)(nil); errors.As(err, &bad) {
		return bad // whose lines already name file and position
	}
	if err != nil {
		return err
	}
	_, err = i.run(ctx, []asset.Ref{SingleNodeIgnition, WorkerIgnition, AdminKubeconfig, PasswordFile, MetadataFile},
		Nodes, PlatformName)
	return err
}

var clusterNeeds = []asset.Ref{
	Config, InfraID, ClusterID, ReleaseImage, ReleaseVersion, BootstrapIgnition, MasterIgnition, WorkerIgnition, Machines,
	Kubeadmin, SSHKeys, ClusterMetadata, PlatformName, Nodes, Invoker, Version,
}

// Cluster writes auth/, metadata.json, the files for reading the bootstrap host's
// journal, and MachineConfigs with the user's additions to the pointer configs. It
// returns everything that is needed to create the cluster.
func (i *Installer) Cluster(ctx context.Context) (Cluster, error) {
	if c, err := i.Config(ctx); err != nil {
		return Cluster{}, err
	} else if c.BootstrapInPlace != nil {
		return Cluster{}, ErrInPlace
	}
	r, err := i.run(ctx, []asset.Ref{
		AdminKubeconfig, PasswordFile, MetadataFile, JournalFiles, PointerConfigs,
	}, clusterNeeds...)
	if err != nil {
		return Cluster{}, err
	}
	i.sayExpired(r)
	return clusterOf(r), nil
}

// shortLived are authorities for a day. All other certificates for a day were issued
// at the same time.
var shortLived = []asset.Asset[pki.Pair]{KubeletSigner, AggregatorSigner, AggregatorCA}

// sayExpired reports certificates that have expired since machines were started. They
// stay in use, because the control plane has them. Before that, the store replaces them.
func (i *Installer) sayExpired(r *asset.Result) {
	if !i.Started() {
		return
	}
	var ended time.Time
	for _, signer := range shortLived {
		if at := asset.Of(r, signer).Expires(); !at.After(i.clock.Now()) && (ended.IsZero() || at.Before(ended)) {
			ended = at
		}
	}
	if !ended.IsZero() {
		event.Info(i.events, "certificates of the bootstrap host have expired and stay, because machines were started "+
			"with them; if the masters have not taken over yet, destroy the cluster and create it again",
			"expired", ended.UTC().Format(time.RFC3339))
	}
}

// Plan is Cluster without writing any file but the state.
func (i *Installer) Plan(ctx context.Context) (Cluster, error) {
	r, err := i.run(ctx, nil, append(clusterNeeds, AdminKubeconfig)...)
	if err != nil {
		return Cluster{}, err
	}
	return clusterOf(r), nil
}

func clusterOf(r *asset.Result) Cluster {
	return Cluster{
		Config:            asset.Of(r, Config).InstallConfig,
		InfraID:           asset.Of(r, InfraID),
		ClusterID:         asset.Of(r, ClusterID),
		ReleaseImage:      asset.Of(r, ReleaseImage),
		ReleaseVersion:    asset.Of(r, ReleaseVersion),
		Bootstrap:         asset.Of(r, BootstrapIgnition)[0].Data,
		Master:            asset.Of(r, MasterIgnition)[0].Data,
		Worker:            asset.Of(r, WorkerIgnition)[0].Data,
		Machines:          asset.Of(r, Machines),
		Kubeconfig:        asset.Of(r, AdminKubeconfig)[0].Data,
		KubeadminPassword: secret.New(asset.Of(r, Kubeadmin).Password),
		SSH:               asset.Of(r, SSHKeys),
		Metadata:          asset.Of(r, ClusterMetadata),
		Invoker:           asset.Of(r, Invoker),
		Version:           asset.Of(r, Version),
	}
}

// run evaluates assets and reports the warnings about the install-config.
func (i *Installer) run(ctx context.Context, write []asset.Ref, need ...asset.Ref) (*asset.Result, error) {
	r, err := i.evaluate(ctx, write, need...)
	if err != nil {
		return nil, err
	}
	for _, line := range asset.Of(r, read).findings.Lines(true) {
		event.Warn(i.events, line)
	}
	return r, nil
}

func (i *Installer) evaluate(ctx context.Context, write []asset.Ref, need ...asset.Ref) (*asset.Result, error) {
	err := i.lookUp(ctx)
	if err == nil {
		// First the install-config alone: if it is wrong, no keys are generated.
		_, err = i.store.Run(ctx, nil, []asset.Ref{Config})
	}
	var r *asset.Result
	if err == nil {
		r, err = i.store.Run(ctx, write, append(need, read))
	}
	if findings := (*report.Error)(nil); errors.As(err, &findings) {
		return nil, findings // whose lines already name file and position
	}
	return r, err
}

// Graph draws the assets for Graphviz.
func Graph() string {
	return asset.Dot(append(clusterNeeds,
		Manifests, OpenShift, SingleNodeIgnition, AdminKubeconfig, PasswordFile, MetadataFile, JournalFiles,
		VirtualizationManifests)...)
}

// digestTree is a digest of the names and contents of a tree.
func digestTree(tree fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree, path)
		fmt.Fprintf(h, "%s %d\n", path, len(content))
		h.Write(content)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read embedded files: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
