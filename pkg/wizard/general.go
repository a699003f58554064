package wizard

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

const noKey = "<none>"

// sshKey offers the public keys of the person's home. Without any there is
// nothing to ask.
func (w *wizard) sshKey(ctx context.Context) error {
	paths, err := filepath.Glob(filepath.Join(w.Getenv("HOME"), ".ssh", "*.pub"))
	if err != nil || w.Getenv("HOME") == "" {
		return nil
	}
	var names, keys []string
	for _, path := range paths {
		key, err := publicKey(path)
		if err != nil {
			event.Warn(w.Sink, "Left out: "+err.Error())
			continue
		}
		names, keys = append(names, path), append(keys, key)
	}
	if len(keys) == 0 {
		return nil
	}
	picked, err := w.Ask.Choose(ctx, Question{"SSH Public Key",
		"The key with which you can log in to every machine of the cluster as user core. Without one the machines cannot be looked into when something fails."},
		append(names, noKey), 0)
	if err != nil || picked == len(keys) {
		return err
	}
	w.config.SSHKey = keys[picked]
	return w.problem(report.NewPath("sshKey"))
}

// maxKeyFile is far above the size of any public key (bytes).
const maxKeyFile = 64 << 10

func publicKey(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return "", fmt.Errorf("%s is no public key", path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if _, _, _, _, err := ssh.ParseAuthorizedKey(raw); err != nil {
		return "", fmt.Errorf("%s is no public key: %w", path, err)
	}
	return strings.TrimSpace(string(raw)), nil
}

func (w *wizard) platform(ctx context.Context) error {
	platforms := []struct {
		name, what string
		ask        func(context.Context) error
	}{
		{types.PlatformOvirt, "VMs of an oVirt engine", w.askOvirt},
		{types.PlatformBareMetal, "hosts with a management controller (BMC)", w.askBareMetal},
		{types.PlatformNone, "machines that you make, with your load balancer and DNS", w.askNone},
		{types.PlatformExternal, "as none, on a platform with components of its own", w.askExternal},
	}
	var options []string
	for _, p := range platforms {
		options = append(options, fmt.Sprintf("%s (%s)", p.name, p.what))
	}
	picked, err := w.Ask.Choose(ctx, Question{"Platform", "Where the machines of the cluster are."}, options, 0)
	if err != nil {
		return err
	}
	return platforms[picked].ask(ctx)
}

func (w *wizard) askNone(context.Context) error {
	w.config.Platform.None = &types.NonePlatform{}
	return nil
}

func (w *wizard) askExternal(ctx context.Context) error {
	p := &types.ExternalPlatform{}
	w.config.Platform.External = p
	return w.text(ctx, Question{"Platform Name", "The name of the platform, as its components know it."}, "Unknown",
		into(&p.PlatformName), report.NewPath("platform", types.PlatformExternal, "platformName"))
}

func (w *wizard) baseDomain(ctx context.Context) error {
	return w.text(ctx, Question{"Base Domain",
		"The DNS domain below which the cluster's names are: api.<cluster name>.<base domain> and *.apps.<cluster name>.<base domain>."},
		"", into(&w.config.BaseDomain), report.NewPath("baseDomain"))
}

func (w *wizard) clusterName(ctx context.Context) error {
	return w.text(ctx, Question{"Cluster Name", "Part of the cluster's DNS names and of the names of its machines."},
		"", into(&w.config.Metadata.Name), report.NewPath("metadata", "name"))
}

func (w *wizard) pullSecret(ctx context.Context) error {
	return w.hidden(ctx, Question{"Pull Secret",
		`Logins of image registries as JSON in one line. For OKD's public images {"auths":{"fake":{"auth":"aWQ6cGFzcwo="}}} will do.`},
		report.NewPath("pullSecret"), &w.config.PullSecret)
}
