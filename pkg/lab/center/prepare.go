package center

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/setup"
	"github.com/okd-install/okd-install/pkg/lab/site"
	"github.com/okd-install/okd-install/pkg/lab/updates"
	"github.com/okd-install/okd-install/pkg/pki"
)

// prepare makes accounts and keys, once per lab, and records what setup made.
func prepare(ctx context.Context, s site.Site, made setup.Result, now time.Time) error {
	if err := os.MkdirAll(s.Dir, 0o711); err != nil {
		return fmt.Errorf("prepare lab: %w", err)
	}
	f, err := s.Facts()
	if errors.Is(err, site.ErrDown) {
		f, err = newFacts(s, now)
	}
	if err != nil {
		return err
	}
	layout, err := keepLayout(ctx, s, made.Release.Layout, "release")
	if err != nil {
		return err
	}
	f.Content = nil
	for _, l := range made.Content {
		kept, err := keepLayout(ctx, s, l, filepath.Join("content", filepath.Base(l)))
		if err != nil {
			return err
		}
		f.Content = append(f.Content, kept)
	}
	f.Release = site.ReleaseFacts{PullSpec: made.Release.PullSpec, Version: made.Release.Version, Layout: layout}
	f.Releases = nil
	for _, r := range made.Releases {
		f.Releases = append(f.Releases, site.ReleaseFacts{PullSpec: r.PullSpec, Version: r.Version, Layout: layout})
	}
	if f.Updates == (site.UpdatesFacts{}) {
		if f.Updates, err = newUpdates(s, made.Release.PullSpec, now); err != nil {
			return err
		}
	}
	f.Image = site.ImageFacts{
		Dir: made.Image, Bare: made.Bare, Live: filepath.Dir(made.LiveISO), Stream: made.Stream,
	}
	if err := linkPrograms(s, made); err != nil {
		return err
	}
	return s.Save(f) // last: the file stands for all the others
}

// keepLayout links images into the lab, over what is there: the next setup may
// replace them in the cache while clusters still pull from them.
func keepLayout(ctx context.Context, s site.Site, layout, name string) (string, error) {
	dir := s.File(name)
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return "", fmt.Errorf("keep images: %w", err)
	}
	_, err := command.Run(ctx, "cp", "-alf", "--", layout+"/.", dir)
	if err != nil { // it is on another file system
		_, err = command.Run(ctx, "cp", "-af", "--", layout+"/.", dir)
	}
	if err != nil {
		return "", fmt.Errorf("keep images: %w", err)
	}
	return dir, nil
}

// newUpdates makes the key of who signs the lab's releases.
func newUpdates(s site.Site, pullSpec string, now time.Time) (site.UpdatesFacts, error) {
	base := "https://" + network.UpdatesName
	repository, _, _ := strings.Cut(pullSpec, "@")
	f := site.UpdatesFacts{
		GraphURL: base + updates.GraphPath, SignatureStore: base + updates.SignaturePath,
		Repository: repository, KeyFile: s.File(site.ReleaseKeyFile),
	}
	signer, err := updates.NewSigner(s.Name, now)
	if err != nil {
		return f, err
	}
	private, err := signer.Private()
	if err != nil {
		return f, err
	}
	public, err := signer.Public()
	if err != nil {
		return f, err
	}
	return f, errors.Join(site.WriteSecret(s.File(daemon.ReleaseKeyFile), private), site.WriteSecret(f.KeyFile, public))
}

func newFacts(s site.Site, now time.Time) (site.Facts, error) {
	host := fmt.Sprintf("%s:%d", network.RegistryName, network.RegistryPort)
	f := site.Facts{
		Lab: s.Name,
		Engine: site.EngineFacts{
			URL: "https://" + network.EngineName + "/ovirt-engine/api", FQDN: network.EngineName,
			CAFile: s.File(site.CAFile), User: "admin@internal", Password: rand.Text(),
			OvirtConfig: s.File(site.OvirtFile),
		},
		Registry: site.RegistryFacts{
			Host: host, CAFile: s.File(site.CAFile), User: "lab", Password: rand.Text(),
			PullSecret: s.File(site.PullFile),
		},
		SSHKey: s.File(site.SSHKeyFile), Clusters: network.Clusters(),
	}
	ca, err := certs.NewAuthority(now, pki.Name{Common: "okd-lab " + s.Name + " CA"}, 5*pki.Year)
	if err != nil {
		return f, err
	}
	key, err := pki.NewSSHKey("okd-lab " + s.Name)
	if err != nil {
		return f, err
	}
	login, err := yaml.Marshal(map[string]any{
		"ovirt_url": f.Engine.URL, "ovirt_fqdn": f.Engine.FQDN, "ovirt_username": f.Engine.User,
		"ovirt_password": f.Engine.Password, "ovirt_cafile": f.Engine.CAFile, "ovirt_ca_bundle": string(ca.Cert),
	})
	if err != nil {
		return f, fmt.Errorf("write engine login: %w", err)
	}
	auth := base64.StdEncoding.EncodeToString([]byte(f.Registry.User + ":" + f.Registry.Password))
	pull, err := json.Marshal(map[string]any{"auths": map[string]any{host: map[string]string{"auth": auth}}})
	if err != nil {
		return f, fmt.Errorf("write pull secret: %w", err)
	}
	for name, b := range map[string][]byte{
		site.CAFile: ca.Cert, daemon.CAKeyFile: ca.Key, site.OvirtFile: login, site.PullFile: pull,
		site.SSHKeyFile: key.PrivatePEM, site.SSHKeyFile + ".pub": []byte(key.AuthorizedKey + "\n"),
		site.ResolvFile: network.ResolvConf(),
	} {
		if err := site.WriteSecret(s.File(name), b); err != nil {
			return f, err
		}
	}
	// Programs that give up root read it, too.
	return f, os.Chmod(s.File(site.ResolvFile), 0o644)
}

// linkPrograms puts the cluster's clients where exec has them on its PATH.
func linkPrograms(s site.Site, made setup.Result) error {
	dir := s.File(site.BinDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("link programs: %w", err)
	}
	for name, target := range map[string]string{
		"kubectl": made.Programs.Hyperkube, "oc": made.Programs.Hyperkube, "etcdctl": made.Programs.Etcdctl,
		"ignition-validate": made.IgnitionValidate,
	} {
		path := filepath.Join(dir, name)
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("link programs: %w", err)
		}
		if err := os.Symlink(target, path); err != nil {
			return fmt.Errorf("link programs: %w", err)
		}
	}
	return nil
}
