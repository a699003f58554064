// Package bootstrap makes bootstrap.ign: everything that turns an empty host into the
// temporary control plane. It is pure: the same inputs give the same bytes.
package bootstrap

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/coreos/ignition/v2/config/v3_2"
	ign "github.com/coreos/ignition/v2/config/v3_2/types"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/types"
)

// DefaultProfile is the cluster profile unless Inputs names another.
const DefaultProfile = "self-managed-high-availability"

// Inputs are what bootstrap.ign is made of.
type Inputs struct {
	Config *types.InstallConfig
	// Platform is what the cluster's operators call its platform: the machine config
	// operator has a directory with static pods of that name.
	Platform     string
	InfraID      string
	ReleaseImage string // pull spec, best by digest
	// Files are the files for the bootstrap host below manifests/, openshift/,
	// tls/ and auth/. Those that the host does not need are left out.
	Files asset.Files
	// HostKeys are the key that the host's sshd shows and the one with which
	// the installer logs in.
	HostKeys pki.SSHKeys
	Profile  string // cluster profile, default DefaultProfile
	// NodeIP is the host's own address, for hosts with several; the zero value
	// leaves the choice to the components.
	NodeIP netip.Addr
	// InPlace makes the config of a single node that installs itself: the live
	// system is the bootstrap host, and writes the result to its own disk.
	InPlace bool
	// Agent makes the config for a live system that is running already, whose node agent
	// applies it. Name, network, SSH keys and disk of the host are the agent's. Without
	// InPlace the host becomes a master when the others have taken over.
	Agent bool
}

// home is where the bootstrap host keeps its assets.
const home = "/opt/openshift"

// Ignition renders bootstrap.ign.
func Ignition(in Inputs) ([]byte, error) {
	if in.Profile == "" {
		in.Profile = DefaultProfile
	}
	b := newBuilder()
	for _, step := range []func(*builder, Inputs) error{
		addUser, addHost, addAssets, addStages, addScripts, addUnits, addInPlace, addAgent,
		addKubelet, addFIPS, addRegistry, addProxy,
	} {
		if err := step(b, in); err != nil {
			return nil, fmt.Errorf("render bootstrap.ign: %w", err)
		}
	}
	raw, err := json.Marshal(b.config())
	if err != nil {
		return nil, fmt.Errorf("render bootstrap.ign: encode: %w", err)
	}
	if _, rep, err := v3_2.Parse(raw); err != nil {
		return nil, fmt.Errorf("render bootstrap.ign: Ignition refuses it: %w: %s", err, rep.String())
	}
	return raw, nil
}

func addUser(b *builder, in Inputs) error {
	user := ign.PasswdUser{Name: "core"}
	for _, key := range append([]string{in.HostKeys.User.AuthorizedKey}, in.Config.SSHKeys()...) {
		user.SSHAuthorizedKeys = append(user.SSHAuthorizedKeys, ign.SSHAuthorizedKey(key))
	}
	b.c.Passwd.Users = []ign.PasswdUser{user}
	return nil
}

func addHost(b *builder, in Inputs) error {
	// On other platforms the user names the host. A node that installs itself must
	// have its own name from the beginning.
	if in.Config.OnPrem() && !in.Agent {
		b.text("/etc/hostname", 0o644, in.InfraID+"-bootstrap\n")
	}
	b.file("/etc/ssh/ssh_host_ed25519_key", 0o600, in.HostKeys.Host.PrivatePEM)
	b.text("/etc/ssh/ssh_host_ed25519_key.pub", 0o644, in.HostKeys.Host.AuthorizedKey+"\n")
	return nil
}

// keptBack are files that the bootstrap host does not need: keys that are valid for
// ten years. In place of the administrator's, its kubeconfigs have a key for a day.
// What the renderers need grants the administrator's rights for a year;
// docs/dev/bootstrap.md lists it.
var keptBack = []string{
	"tls/root-ca.key",
	"tls/admin-kubeconfig-signer.crt", "tls/admin-kubeconfig-signer.key",
	"tls/admin-kubeconfig-client.crt", "tls/admin-kubeconfig-client.key",
	"tls/kubelet-bootstrap-kubeconfig-signer.crt", "tls/kubelet-bootstrap-kubeconfig-signer.key",
	"auth/kubeadmin-password",
}

func addAssets(b *builder, in Inputs) error {
	files, patch, err := ignoreInstallerObjects(in.Files)
	if err != nil {
		return err
	}
	for _, f := range files {
		if slices.Contains(keptBack, f.Path) {
			continue
		}
		mode := 0o600
		switch dir, _, _ := strings.Cut(f.Path, "/"); dir {
		case "manifests", "openshift":
			// The renderers, which are not root, read all of these except the logins that
			// switch hosts off.
			if !strings.Contains(f.Path, "_fencing-credentials-secrets-") {
				mode = 0o644
			}
		case "tls", "auth":
		default:
			return fmt.Errorf("file %s: the bootstrap host has no such directory", f.Path)
		}
		b.file(path.Join(home, f.Path), mode, f.Data)
	}
	b.file(path.Join(home, "original_cvo_overrides.patch"), 0o600, patch)
	b.text(path.Join(home, "release-image"), 0o644, in.ReleaseImage+"\n")
	return nil
}

func addStages(b *builder, in Inputs) error {
	stages, err := Stages()
	if err != nil {
		return err
	}
	plan, err := json.MarshalIndent(stages.For(in), "", " ")
	if err != nil {
		return fmt.Errorf("encode stages: %w", err)
	}
	b.file(path.Join(home, "stages.json"), 0o644, append(plan, '\n'))
	return nil
}

// enabled are the units that start by themselves; the others are pulled in.
var enabled = map[string]bool{
	"kubelet.service": true, "crio-configure.service": true,
	"approve-csr.service": true, "progress.service": true, "install-to-disk.service": true,
}

// handOverUnits are needed only while masters join. A node that installs itself does
// their work after it has started from its disk.
var handOverUnits = map[string]bool{"approve-csr.service": true, "progress.service": true}

func addUnits(b *builder, in Inputs) error {
	return eachFile(data.Bootstrap(), "units", func(name string, content []byte) error {
		name = path.Base(name)
		if in.InPlace && handOverUnits[name] || in.Agent && bootUnits[name] {
			return nil
		}
		b.unit(name, string(content), in.enables(name))
		return nil
	})
}

// enables reports whether a unit starts by itself. On a live system that is running
// already okd-bootstrap.service starts all.
func (in Inputs) enables(unit string) bool { return enabled[unit] && !in.Agent }

// addInPlace adds what a single node needs to install itself: the last stages,
// the unit that writes the disk, and what finishes the installation afterwards.
func addInPlace(b *builder, in Inputs) error {
	if !in.InPlace {
		return nil
	}
	err := eachFile(data.Bootstrap(), "in-place/files", func(name string, content []byte) error {
		if target := strings.TrimPrefix(name, "in-place/files"); !in.Agent || target != diskScript {
			b.file(target, modeOf(content), content)
		}
		return nil
	})
	if err != nil || in.Agent { // the node agent chooses the disk, and writes it
		return err
	}
	b.text(path.Join(home, "bootstrap-in-place/installation-disk"), readable,
		in.Config.BootstrapInPlace.InstallationDisk+"\n")
	return eachFile(data.Bootstrap(), "in-place/units", func(name string, content []byte) error {
		b.unit(path.Base(name), string(content), in.enables(path.Base(name)))
		return nil
	})
}
