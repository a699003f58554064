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
)

const noKey = "<none>"

// sshKey offers the public keys in ~/.ssh. It does not ask if there are none.
func (s *Session) sshKey(ctx context.Context) error {
	paths, err := filepath.Glob(filepath.Join(s.Getenv("HOME"), ".ssh", "*.pub"))
	if err != nil || s.Getenv("HOME") == "" {
		return nil
	}
	var names, keys []string
	for _, path := range paths {
		key, err := publicKey(path)
		if err != nil {
			event.Warn(s.Sink, "Ignored: "+err.Error())
			continue
		}
		names, keys = append(names, path), append(keys, key)
	}
	if len(keys) == 0 {
		return nil
	}
	picked, err := s.Ask.Choose(ctx, Question{"SSH Public Key",
		"The key with which you can log in to every machine of the cluster as user core. " +
			"Without one you cannot log in to a machine to find out why something fails."}, append(names, noKey), 0)
	if err != nil || picked == len(keys) {
		return err
	}
	s.Draft.SSHKey = keys[picked]
	return s.Problem(report.NewPath("sshKey"))
}

// maxKeyFile is far above the size of any public key, in bytes.
const maxKeyFile = 64 << 10

// smallFile reads a file that somebody has named.
func smallFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return nil, fmt.Errorf("%s is not a file of at most %d KiB", path, maxKeyFile>>10)
	}
	return os.ReadFile(path)
}

func publicKey(path string) (string, error) {
	raw, err := smallFile(path)
	if err != nil {
		return "", fmt.Errorf("%s is not a public key: %w", path, err)
	}
	if _, _, _, _, err := ssh.ParseAuthorizedKey(raw); err != nil {
		return "", fmt.Errorf("%s is not a public key: %w", path, err)
	}
	return strings.TrimSpace(string(raw)), nil
}

func (s *Session) platform(ctx context.Context) error {
	var options []string
	for _, p := range s.Platforms {
		options = append(options, fmt.Sprintf("%s (%s)", p.Kind.Name, p.What))
	}
	picked, err := s.Ask.Choose(ctx, Question{"Platform", "Where the machines of the cluster are."}, options, 0)
	if err != nil {
		return err
	}
	return s.Platforms[picked].Ask(ctx, s)
}

func (s *Session) baseDomain(ctx context.Context) error {
	return s.Text(ctx, Question{"Base Domain",
		"The DNS domain of the cluster's names: " +
			"api.<cluster name>.<base domain> and *.apps.<cluster name>.<base domain>."},
		"", Into(&s.Draft.BaseDomain), report.NewPath("baseDomain"))
}

func (s *Session) clusterName(ctx context.Context) error {
	return s.Text(ctx, Question{"Cluster Name", "Part of the cluster's DNS names and of the names of its machines."},
		"", Into(&s.Draft.Metadata.Name), report.NewPath("metadata", "name"))
}

func (s *Session) pullSecret(ctx context.Context) error {
	return s.Secret(ctx, Question{"Pull Secret",
		`Logins of image registries as JSON in one line. For OKD's public images ` +
			`{"auths":{"fake":{"auth":"aWQ6cGFzcwo="}}} is enough.`},
		report.NewPath("pullSecret"), &s.Draft.PullSecret)
}
