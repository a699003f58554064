package staticpod

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Installer writes one revision to the disk of the node it runs on.
type Installer struct {
	Clients *kube.Clients
	Clock   clock.Clock
	Log     *slog.Logger

	Revision    int
	Namespace   string
	Pod         string // ConfigMap with the manifest, without the revision
	NodeName    string
	NodeIP      string
	ResourceDir string // /etc/kubernetes/static-pod-resources
	ManifestDir string // /etc/kubernetes/manifests

	ConfigMaps, OptionalConfigMaps []string
	Secrets, OptionalSecrets       []string

	CertDir                     string // below ResourceDir
	CertConfigMaps, CertSecrets []string
}

// file of a ConfigMap or secret.
type file struct {
	path string
	data []byte
	mode fs.FileMode
}

// Run fetches everything, then writes it, the manifest last: the kubelet must
// never start a pod whose files are half there.
func (in *Installer) Run(ctx context.Context) error {
	var files []file
	var manifest []byte
	err := wait.Until(ctx, in.Clock, 500*time.Millisecond, func(ctx context.Context) (bool, string, error) {
		var err error
		files, manifest, err = in.fetch(ctx)
		if err != nil {
			in.Log.Warn("fetch revision", "revision", in.Revision, "err", err)
			return false, err.Error(), nil
		}
		return true, "", nil
	})
	if err != nil {
		return fmt.Errorf("fetch revision %d of %s: %w", in.Revision, in.Pod, err)
	}
	for _, f := range files {
		if err := writeAtomic(f.path, f.data, f.mode); err != nil {
			return err
		}
	}
	// A secret may sit beside the manifest in its directory, never in it.
	if err := writeAtomic(filepath.Join(in.ManifestDir, in.Pod+".yaml"), manifest, 0o600); err != nil {
		return err
	}
	in.Log.Info("revision installed", "pod", in.Pod, "revision", in.Revision, "files", len(files))
	return in.prune()
}

func (in *Installer) fetch(ctx context.Context) ([]file, []byte, error) {
	dir := filepath.Join(in.ResourceDir, revisioned(in.Pod, in.Revision))
	var files []file
	var manifest []byte
	for _, name := range append([]string{in.Pod}, in.ConfigMaps...) {
		data, err := in.configMap(ctx, revisioned(name, in.Revision))
		if err != nil {
			return nil, nil, err
		}
		if name == in.Pod {
			manifest = []byte(in.substitute(string(data["pod.yaml"])))
			if len(data["pod.yaml"]) == 0 {
				return nil, nil, fmt.Errorf("read ConfigMap %s/%s: it has no pod.yaml", in.Namespace, revisioned(name, in.Revision))
			}
			files = append(files, file{filepath.Join(dir, in.Pod+".yaml"), manifest, 0o600})
			continue
		}
		files = append(files, under(filepath.Join(dir, "configmaps", name), data, 0o644)...)
	}
	for _, name := range in.OptionalConfigMaps {
		data, err := in.configMap(ctx, revisioned(name, in.Revision))
		if err != nil && !apierrors.IsNotFound(errors.Unwrap(err)) {
			return nil, nil, err
		}
		files = append(files, under(filepath.Join(dir, "configmaps", name), data, 0o644)...)
	}
	for i, name := range slices.Concat(in.Secrets, in.OptionalSecrets) {
		data, err := in.secret(ctx, revisioned(name, in.Revision))
		if err != nil && !(i >= len(in.Secrets) && apierrors.IsNotFound(errors.Unwrap(err))) {
			return nil, nil, err
		}
		files = append(files, under(filepath.Join(dir, "secrets", name), data, 0o600)...)
	}
	certs := filepath.Join(in.ResourceDir, in.CertDir)
	for _, name := range in.CertConfigMaps {
		data, err := in.configMap(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, under(filepath.Join(certs, "configmaps", name), data, 0o644)...)
	}
	for _, name := range in.CertSecrets {
		data, err := in.secret(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, under(filepath.Join(certs, "secrets", name), data, 0o600)...)
	}
	return files, manifest, nil
}

func (in *Installer) configMap(ctx context.Context, name string) (map[string][]byte, error) {
	cm, err := in.Clients.Kube.CoreV1().ConfigMaps(in.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("get ConfigMap %s/%s: %w", in.Namespace, name, err)
	}
	out := make(map[string][]byte, len(cm.Data))
	for k, v := range cm.Data {
		out[k] = []byte(v)
	}
	return out, nil
}

func (in *Installer) secret(ctx context.Context, name string) (map[string][]byte, error) {
	s, err := in.Clients.Kube.CoreV1().Secrets(in.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("get Secret %s/%s: %w", in.Namespace, name, err)
	}
	return s.Data, nil
}

// substitute fills in what differs per node and revision. The longer name
// first: NODE_NAME is part of no other, but a reader should not have to check.
func (in *Installer) substitute(text string) string {
	return strings.NewReplacer(
		"NODE_ENVVAR_NAME", strings.NewReplacer("-", "_", ".", "_").Replace(in.NodeName),
		"NODE_NAME", in.NodeName,
		"NODE_IP", in.NodeIP,
		"REVISION", strconv.Itoa(in.Revision),
	).Replace(text)
}

// prune removes directories of revisions long superseded.
func (in *Installer) prune() error {
	entries, err := os.ReadDir(in.ResourceDir)
	if err != nil {
		return fmt.Errorf("list %s: %w", in.ResourceDir, err)
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), in.Pod+"-")
		if !ok {
			continue
		}
		n, err := strconv.Atoi(rest)
		if err != nil || n >= in.Revision-keptOld {
			continue
		}
		if err := os.RemoveAll(filepath.Join(in.ResourceDir, e.Name())); err != nil {
			return fmt.Errorf("remove old revision: %w", err)
		}
	}
	return nil
}

func under(dir string, data map[string][]byte, mode fs.FileMode) []file {
	var out []file
	for k, v := range data {
		out = append(out, file{filepath.Join(dir, k), v, mode})
	}
	return out
}

// writeAtomic replaces a file by a rename. The temporary name starts with a
// dot, which the kubelet's manifest watcher skips.
func writeAtomic(path string, data []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make directory for %s: %w", path, err)
	}
	tmp, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
