package assets

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/clustermanifests"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/assets/openshift"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// The functions here read the state of the last run, or of one that is still running.
// They need no lock, and fail like asset.Stored.

// StoredMetadata is the metadata of the last run, with the name of the platform even if
// metadata.json lacks it. It is empty only if the state has neither the name nor an
// install-config.
func StoredMetadata(dir string, key *seal.Key) (Metadata, error) {
	m, err := asset.Stored(dir, key, ClusterMetadata)
	if err != nil || m.Platform != "" {
		return m, err
	}
	m.Platform, err = asset.Stored(dir, key, PlatformName)
	if errors.Is(err, fs.ErrNotExist) { // as in states from before 2026-11-22
		m.Platform, err = writtenPlatform(dir, key)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return m, err
}

// writtenPlatform is the platform in the install-config of the last run.
func writtenPlatform(dir string, key *seal.Key) (string, error) {
	raw, err := asset.Stored(dir, key, ConfigFile)
	if err != nil {
		return "", err
	}
	var c struct {
		Platform map[string]any `json:"platform"`
	}
	if err := yaml.Unmarshal(raw, &c); err != nil {
		return "", fmt.Errorf("read install-config.yaml from the state in %s: %w", dir, err)
	}
	for name, settings := range c.Platform {
		if settings != nil {
			return name, nil
		}
	}
	return "", nil
}

// StoredNodes are the names and the networks of the nodes that may join.
func StoredNodes(dir string, key *seal.Key) ([]string, []netip.Prefix, error) {
	set, err := asset.Stored(dir, key, Nodes)
	return set.Names, set.Networks, err
}

// StoredMasters are the names of the machines of the control plane.
func StoredMasters(dir string, key *seal.Key) ([]string, error) {
	infraID, err := asset.Stored(dir, key, InfraID)
	if err != nil {
		return nil, err
	}
	set, err := asset.Stored(dir, key, Nodes)
	return slices.DeleteFunc(set.Names, func(name string) bool {
		return !strings.HasPrefix(name, machinePrefix(infraID, types.MasterPool))
	}), err
}

// StoredConfig is the install-config of the last run, with defaults. It lacks passwords of controllers that are neither
// stored nor in install-config.yaml.
func StoredConfig(dir string, key *seal.Key, platforms []Platform) (*types.InstallConfig, error) {
	raw, err := asset.Stored(dir, key, ConfigFile)
	if err != nil {
		return nil, err
	}
	if raw, err = fill(dir, platforms, raw, unknown); err != nil {
		return nil, err
	}
	agentBased, err := StoredAgentBased(dir, key)
	if err != nil {
		return nil, err
	}
	options := types.Options{
		Platforms: kinds(platforms), AllowUnknown: true, SkipHostCrypt: true, Agent: agentBased, Stored: true,
	}
	c, findings := options.Load(configFile, raw)
	if c == nil {
		return nil, findings.Err()
	}
	return c, nil
}

// StoredAgentBased reports whether the hosts of the last run register themselves.
func StoredAgentBased(dir string, key *seal.Key) (bool, error) {
	agentBased, err := asset.Stored(dir, key, AgentBased)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return agentBased, err
}

// StoredSSH are the keys of the bootstrap host.
func StoredSSH(dir string, key *seal.Key) (pki.SSHKeys, error) {
	return asset.Stored(dir, key, SSHKeys)
}

// StoredPassword is the password of kubeadmin.
func StoredPassword(dir string, key *seal.Key) (secret.String, error) {
	k, err := asset.Stored(dir, key, Kubeadmin)
	return secret.New(k.Password), err
}

// Past is what a state records about the cluster that was made from it.
type Past struct {
	Started    bool // machines were created, or were about to be
	Begun      bool // hosts that install themselves have begun to
	HandedOver bool // the masters have taken over
}

const (
	markBegun      = "begun"
	markHandedOver = "handed-over"
)

func pastOf(p asset.Past) Past {
	return Past{
		Started: !p.Started.IsZero(), Begun: !p.Marks[markBegun].IsZero(), HandedOver: !p.Marks[markHandedOver].IsZero(),
	}
}

// StoredPast is what the state of a directory records about a cluster; the zero value if
// there is no state, or that of another cluster.
func StoredPast(dir string, key *seal.Key, infraID string) (Past, error) {
	if ofIt, err := isOf(dir, key, infraID); !ofIt {
		return Past{}, err
	}
	p, err := asset.StoredPast(dir, key)
	return pastOf(p), err
}

// isOf reports whether the state of a directory is that of a cluster.
func isOf(dir string, key *seal.Key, infraID string) (bool, error) {
	id, err := asset.Stored(dir, key, InfraID)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && id == infraID, err
}

// MarkHandedOver records in the state of a locked directory that the masters of a
// cluster have taken over. It does not change the state of another cluster.
func MarkHandedOver(lock *workdir.Lock, dir string, key *seal.Key, infraID string, at time.Time) error {
	if ofIt, err := isOf(dir, key, infraID); !ofIt {
		return err
	}
	return asset.MarkLocked(lock, key, markHandedOver, at)
}

// Forget removes the files of a destroyed cluster: metadata.json, auth/, the Ignition
// configs, unedited manifests, and the state. It keeps what the user wrote or changed,
// and all manifests if the state cannot be read, for example because its key is lost.
func Forget(dir string, key *seal.Key) error {
	generated, err := asset.Generated(dir, key)
	if unreadable := (*asset.StateError)(nil); err != nil && !errors.As(err, &unreadable) {
		return err
	}
	var errs []error
	for _, name := range append(generated,
		metadataFile, kubeconfigFile, passwordFile, bootstrapFile, singleNodeFile, arbiterFile,
		JournalGatewayd.Name()+".crt", JournalGatewayd.Name()+".key", MasterIgnition.Name(), WorkerIgnition.Name(),
		asset.StateName) {
		if err := os.Remove(filepath.Join(dir, filepath.FromSlash(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	for _, sub := range []string{
		filepath.Dir(kubeconfigFile), filepath.Dir(JournalGatewayd.Name()), manifests.Dir, openshift.Dir,
		clustermanifests.Dir, clustermanifests.MirrorDir,
	} {
		_ = os.Remove(filepath.Join(dir, sub)) // stays if it holds anything else
	}
	return errors.Join(errs...)
}
