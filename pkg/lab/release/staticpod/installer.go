package staticpod

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/wait"
)

// installer writes one revision to the disk of the node it runs on.
type installer struct {
	Client *api.Client
	Clock  clock.Clock
	Log    *slog.Logger

	Revision    int
	Namespace   string
	Pod         string // ConfigMap with the manifest, without the revision
	NodeName    string
	NodeIP      string
	ResourceDir string // /etc/kubernetes/static-pod-resources
	ManifestDir string // /etc/kubernetes/manifests

	ConfigMaps, Secrets []string

	CertDir                     string // below ResourceDir
	CertConfigMaps, CertSecrets []string
}

// InstallerCommand is the verb that installer pods run.
func InstallerCommand() program.Command { return program.Command{Name: "installer", Run: install} }

func install(ctx context.Context, args []string) error {
	in := installer{Clock: clock.Real(), Log: program.Logger()}
	f := contract.Flags("installer")
	f.IntVar(&in.Revision, "revision", 0, "number of the revision")
	f.StringVar(&in.Namespace, "namespace", "", "namespace of the inputs")
	f.StringVar(&in.Pod, "pod", "", "ConfigMap with the pod's manifest")
	f.StringVar(&in.NodeName, "node-name", "", "name of this node")
	f.StringVar(&in.NodeIP, "node-ip", "", "address of this node")
	f.StringVar(&in.ResourceDir, "resource-dir", "/etc/kubernetes/static-pod-resources",
		"directory for the files of revisions")
	f.StringVar(&in.ManifestDir, "pod-manifest-dir", "/etc/kubernetes/manifests", "the kubelet's manifest directory")
	f.StringSliceVar(&in.ConfigMaps, "configmaps", nil, "ConfigMaps of the revision")
	f.StringSliceVar(&in.Secrets, "secrets", nil, "Secrets of the revision")
	f.StringVar(&in.CertDir, "cert-dir", "", "directory for files that belong to no revision")
	f.StringSliceVar(&in.CertConfigMaps, "cert-configmaps", nil, "ConfigMaps that belong to no revision")
	f.StringSliceVar(&in.CertSecrets, "cert-secrets", nil, "Secrets that belong to no revision")
	kubeconfig := f.String("kubeconfig", "", "kubeconfig; default is the service account")
	timeout := f.Duration("timeout-duration", 2*time.Minute, "how long to try")
	if err := contract.Parse(f, args, "namespace", "pod", "node-name"); err != nil {
		return err
	}
	if in.Revision < 1 {
		return errors.New("installer: --revision is required")
	}
	var err error
	if in.Client, err = api.Connect("installer", *kubeconfig); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	return in.run(ctx)
}

// file of a ConfigMap or secret.
type file struct {
	path string
	data []byte
	mode fs.FileMode
}

// run fetches everything, then writes it, the manifest last: the kubelet must not
// start a pod whose files are half there.
func (in *installer) run(ctx context.Context) error {
	var files []file
	err := wait.Until(ctx, in.Clock, 500*time.Millisecond, func(ctx context.Context) (bool, string, error) {
		var err error
		if files, err = in.fetch(ctx); err != nil {
			in.Log.Warn("fetch revision", "revision", in.Revision, "error", err)
			return false, err.Error(), nil
		}
		return true, "", nil
	})
	if err != nil {
		return fmt.Errorf("fetch revision %d of %s: %w", in.Revision, in.Pod, err)
	}
	for _, f := range files {
		err := os.MkdirAll(filepath.Dir(f.path), 0o755)
		if err == nil {
			err = atomicfile.Write(f.path, f.data, f.mode)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", f.path, err)
		}
	}
	in.Log.Info("revision installed", "pod", in.Pod, "revision", in.Revision, "files", len(files))
	return in.prune()
}

// fetch reads the files of the revision, the kubelet's manifest last. A secret may
// sit beside its directory, never in it.
func (in *installer) fetch(ctx context.Context) ([]file, error) {
	dir := filepath.Join(in.ResourceDir, revisioned(in.Pod, in.Revision))
	pod, err := in.configMap(ctx, revisioned(in.Pod, in.Revision))
	if err != nil {
		return nil, err
	}
	if len(pod["pod.yaml"]) == 0 {
		return nil, fmt.Errorf("ConfigMap %s/%s has no pod.yaml", in.Namespace, revisioned(in.Pod, in.Revision))
	}
	manifest := []byte(in.substitute(string(pod["pod.yaml"])))
	files := []file{{filepath.Join(dir, in.Pod+".yaml"), manifest, 0o600}}
	certs := filepath.Join(in.ResourceDir, in.CertDir)
	suffix := revisioned("", in.Revision)
	for _, part := range []struct {
		names  []string
		suffix string // of the objects' names
		read   func(context.Context, string) (map[string][]byte, error)
		dir    string
		mode   fs.FileMode
	}{
		{in.ConfigMaps, suffix, in.configMap, filepath.Join(dir, "configmaps"), 0o644},
		{in.Secrets, suffix, in.secret, filepath.Join(dir, "secrets"), 0o600},
		{in.CertConfigMaps, "", in.configMap, filepath.Join(certs, "configmaps"), 0o644},
		{in.CertSecrets, "", in.secret, filepath.Join(certs, "secrets"), 0o600},
	} {
		for _, name := range part.names {
			data, err := part.read(ctx, name+part.suffix)
			if err != nil {
				return nil, err
			}
			for _, key := range slices.Sorted(maps.Keys(data)) {
				files = append(files, file{filepath.Join(part.dir, name, key), data[key], part.mode})
			}
		}
	}
	return append(files, file{filepath.Join(in.ManifestDir, in.Pod+".yaml"), manifest, 0o600}), nil
}

func (in *installer) configMap(ctx context.Context, name string) (map[string][]byte, error) {
	var cm corev1.ConfigMap
	if err := in.Client.Get(ctx, kube.ConfigMaps.Ref(in.Namespace, name), &cm); err != nil {
		return nil, err
	}
	out := make(map[string][]byte, len(cm.Data))
	for k, v := range cm.Data {
		out[k] = []byte(v)
	}
	return out, nil
}

func (in *installer) secret(ctx context.Context, name string) (map[string][]byte, error) {
	var s corev1.Secret
	err := in.Client.Get(ctx, kube.Secrets.Ref(in.Namespace, name), &s)
	return s.Data, err
}

// substitute fills in what differs per node and revision.
func (in *installer) substitute(text string) string {
	return strings.NewReplacer(
		"NODE_ENVVAR_NAME", strings.NewReplacer("-", "_", ".", "_").Replace(in.NodeName),
		"NODE_NAME", in.NodeName,
		"NODE_IP", in.NodeIP,
		"REVISION", strconv.Itoa(in.Revision),
	).Replace(text)
}

// prune removes directories of revisions long superseded.
func (in *installer) prune() error {
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
