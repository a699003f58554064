package assets

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/assets/openshift"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/seal"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// The functions here read what an earlier run, or one that is still going on,
// left in the state. They need no lock, fail with fs.ErrNotExist if there is
// nothing, and with *asset.StateError if the state cannot be read. The key, of an
// encrypted state, may be nil.

// StoredMetadata is the metadata of the last run, with the name of the platform
// also where metadata.json lacks it. That is empty only if the state has neither
// the name nor an install-config.
func StoredMetadata(dir string, key *seal.Key) (Metadata, error) {
	m, err := asset.Stored(dir, key, ClusterMetadata)
	if err != nil || m.Platform != "" {
		return m, err
	}
	m.Platform, err = asset.Stored(dir, key, PlatformName)
	if errors.Is(err, fs.ErrNotExist) { // as in states that were written up to 2026-11-21
		m.Platform, err = writtenPlatform(dir, key)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return m, err
}

// writtenPlatform is the platform that the install-config names which was used
// last.
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

// StoredNodes are the names of the nodes that may join and the networks that
// they are in.
func StoredNodes(dir string, key *seal.Key) ([]string, []netip.Prefix, error) {
	set, err := asset.Stored(dir, key, Nodes)
	if err != nil {
		return nil, nil, err
	}
	var networks []netip.Prefix
	for _, text := range set.Networks {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, nil, fmt.Errorf("read state: %w", err)
		}
		networks = append(networks, p)
	}
	return set.Names, networks, nil
}

// StoredMasters are the names of the machines of the control plane.
func StoredMasters(dir string, key *seal.Key) ([]string, error) {
	machines, err := asset.Stored(dir, key, Machines)
	var out []string
	for _, m := range machines {
		if m.Role == types.MasterPool {
			out = append(out, m.Name)
		}
	}
	return out, err
}

// StoredConfig is install-config.yaml as it was used last, with defaults. What
// is wrong with it is not told: it is for those who look at what came of it.
func StoredConfig(dir string, key *seal.Key, platforms []types.PlatformKind) (*types.InstallConfig, error) {
	raw, err := asset.Stored(dir, key, ConfigFile)
	if err != nil {
		return nil, err
	}
	c, findings := types.Options{Platforms: platforms, AllowUnknown: true, SkipHostCrypt: true}.Load(configFile, raw)
	if c == nil {
		return nil, findings.Err()
	}
	return c, nil
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

// Past is what a state says of the cluster that was made from it.
type Past struct {
	Started    bool // machines were made, or were just about to be
	HandedOver bool // the masters have taken over
}

const markHandedOver = "handed-over"

func pastOf(p asset.Past) Past {
	return Past{Started: !p.Started.IsZero(), HandedOver: !p.Marks[markHandedOver].IsZero()}
}

// StoredPast is what the state of a directory says of a cluster; nothing where
// there is none, or where it is another cluster's.
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

// MarkHandedOver remembers in the state of a directory, which was taken without
// opening its assets, that the masters of a cluster have taken over. A state that
// is not that cluster's is left alone.
func MarkHandedOver(lock *asset.DirLock, dir string, key *seal.Key, infraID string, at time.Time) error {
	if ofIt, err := isOf(dir, key, infraID); !ofIt {
		return err
	}
	return lock.Mark(dir, key, markHandedOver, at)
}

// Forget removes what belongs to a destroyed cluster: metadata.json, auth/, the
// Ignition configs, manifests that nobody edited, and the state. What the user
// wrote or changed stays, and so do all manifests if the state, which knows
// them apart, cannot be read: whoever lost its key can still destroy.
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
	} {
		_ = os.Remove(filepath.Join(dir, sub)) // stays if it holds anything else
	}
	return errors.Join(errs...)
}
