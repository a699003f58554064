package virtualization

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	stack "github.com/okd-install/okd-install/pkg/virtualization"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests"
)

// Options are the flags that the commands share.
type Options struct {
	Kubeconfig string // of a cluster that this installer did not install; default: that of the directory
	Config     string // virtualization.yaml for it; default: that of the directory, else what fits the cluster
	Timeout    time.Duration
}

// patience is how many times the timeout without progress a step may take in all, as with phases.
const patience = 3

// Deployer deploys a stack to a cluster.
func Deployer(e *install.Env, api *kube.Client, v assets.Virtualization, timeout time.Duration) *stack.Deployer {
	return &stack.Deployer{
		Watcher: e.Watcher(api, e.Sink), Manifests: v.Manifests, Catalog: manifests.AddedCatalog(v.Cluster.Release),
		Limit: patience * timeout,
	}
}

// elsewhere reports whether the cluster, or what it gets, is not that of the directory.
func (o Options) elsewhere() bool { return o.Kubeconfig != "" || o.Config != "" }

// Assets are the assets of a directory.
type Assets interface {
	Runs(version string) error
	Virtualization(ctx context.Context) (assets.Virtualization, error)
}

// FromAssets is what the assets of the directory give for the cluster as it runs now: its operators follow the version
// that it has, which may have been updated since, or was never told.
func FromAssets(ctx context.Context, e *install.Env, api *kube.Client, inst Assets) (assets.Virtualization, error) {
	version, err := running(ctx, e, api)
	if err != nil && ctx.Err() != nil {
		return assets.Virtualization{}, context.Cause(ctx)
	}
	if err != nil {
		return assets.Virtualization{}, exit.New("see that the API of the cluster answers; then run the same command again",
			"ask %s for the version of the cluster: %s", api.URL(), kube.Cause(err))
	}
	if err := inst.Runs(version); err != nil {
		return assets.Virtualization{}, err
	}
	v, err := inst.Virtualization(ctx)
	if err != nil {
		return v, e.Explain(err)
	}
	e.Hide(v.Config.Secrets()...)
	return v, nil
}

// answerLimit is how long an API may not answer that is being restarted.
const answerLimit = time.Minute

// running is the version that a cluster runs, empty if it has none.
func running(ctx context.Context, e *install.Env, api *kube.Client) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	var version configv1.ClusterVersion
	var last error
	err := e.Watcher(api, e.Sink).Until(ctx, "the version of the cluster", func(ctx context.Context) (string, error) {
		switch err := api.Get(ctx, kube.ClusterVersions.Ref("", "version"), &version); {
		case err == nil, kube.NotFound(err):
			return "", nil
		case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
			return "", err
		default:
			last = err
			return api.URL() + ": " + kube.Cause(err), nil
		}
	})
	if err != nil && last != nil {
		err = last
	}
	return version.Status.Desired.Version, err
}

// fromAssets is FromAssets; false if the directory does not describe a cluster.
func (o Options) fromAssets(
	ctx context.Context, e *install.Env, api *kube.Client, inst *assets.Installer,
) (v assets.Virtualization, known bool, err error) {
	if o.elsewhere() {
		return v, false, nil
	}
	var missing *asset.MissingError
	switch _, err := inst.Config(ctx); {
	case errors.As(err, &missing):
		return v, false, nil
	case err != nil:
		return v, false, e.Explain(err)
	}
	v, err = FromAssets(ctx, e, api, inst)
	return v, err == nil, err
}

// fromCluster is what fits a cluster: the manifests of the directory, or those that virtualization.yaml or defaults
// give. With a kubeconfig, or a file, of their own the directory's manifests are those of another cluster. The notes
// are what the configuration deserves besides.
func (o Options) fromCluster(
	ctx context.Context, e *install.Env, api *kube.Client,
) (v assets.Virtualization, notes []string, err error) {
	if v.Cluster, err = clusterOf(ctx, api); err != nil {
		return v, nil, exit.New("see that the API of the cluster answers, and that the user of the kubeconfig is an "+
			"administrator", "ask %s for what virtualization must fit: %s", api.URL(), kube.Cause(err))
	}
	if v.Config, notes, err = o.config(e, v.Cluster); err != nil {
		return v, nil, e.Explain(err)
	}
	if !o.elsewhere() {
		if v.Manifests, err = written(e.Path(manifests.Dir)); err != nil || len(v.Manifests) > 0 {
			return v, notes, err
		}
	}
	v.Manifests, err = manifests.Render(v.Config, v.Cluster)
	return v, notes, err
}

// configured reports whether there is a virtualization.yaml.
func (o Options) configured(e *install.Env) bool {
	if o.Config != "" {
		return true
	}
	_, err := os.Stat(e.Path(virtualization.File))
	return err == nil
}

// config is virtualization.yaml with all defaults.
func (o Options) config(
	e *install.Env, k virtualization.Cluster,
) (_ *virtualization.Config, notes []string, err error) {
	path := o.Config
	if path == "" {
		path = e.Path(virtualization.File)
	}
	raw, err := readFile(path, virtualization.MaxFile)
	var config *virtualization.Config
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.Config == "":
	case err != nil:
		return nil, nil, exit.With(exit.InstallConfig, "name the file with --config",
			fmt.Errorf("read the configuration of virtualization: %w", err))
	default:
		c, found := virtualization.Load(path, raw)
		if err := found.Err(); err != nil {
			return nil, nil, err
		}
		err := c.ReadFiles(func(name string) ([]byte, error) {
			if !filepath.IsAbs(name) {
				name = filepath.Join(filepath.Dir(path), name)
			}
			return readFile(name, virtualization.MaxFile+1)
		}).Err()
		if err != nil {
			return nil, nil, err
		}
		config = c
	}
	config, found := config.Fit(path, k)
	if err := found.Err(); err != nil {
		return nil, nil, err
	}
	e.Hide(config.Secrets()...)
	return config, found.Lines(true), nil
}

// readFile reads a file that must not be longer than limit.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s is longer than %d bytes", path, limit)
	}
	return os.ReadFile(path)
}

// written are the manifests in a directory, none if there is no such directory.
func written(dir string) ([]manifests.Manifest, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		ext := filepath.Ext(path)
		name, err := filepath.Rel(dir, path)
		if err != nil || ext != ".yaml" && ext != ".yml" || !strings.ContainsRune(name, filepath.Separator) {
			return err
		}
		data, err := readFile(path, virtualization.MaxFile)
		files[filepath.ToSlash(name)] = data
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the manifests of virtualization: %w", err)
	}
	return manifests.ParseAll(files)
}

var mirrorSets = kube.Kind{Group: "config.openshift.io", Version: "v1", Plural: "imagedigestmirrorsets"}

// clusterOf is what a configuration must fit, as the cluster shows it.
func clusterOf(ctx context.Context, api *kube.Client) (virtualization.Cluster, error) {
	var k virtualization.Cluster
	var nodes corev1.NodeList
	if err := api.List(ctx, kube.Nodes, "", &nodes); err != nil {
		return k, err
	}
	for _, n := range nodes.Items {
		has := func(role string) bool {
			_, is := n.Labels["node-role.kubernetes.io/"+role]
			return is
		}
		switch {
		case has("master"), has("control-plane"):
			k.Masters++
		case has("worker") && !has("infra"): // arbiters and nodes for infrastructure run no VMs
			k.Workers++
		}
	}
	var version configv1.ClusterVersion
	err := api.Get(ctx, kube.ClusterVersions.Ref("", "version"), &version)
	if err != nil && !kube.NotFound(err) {
		return k, err
	}
	k.Release = version.Status.Desired.Version
	var sets configv1.ImageDigestMirrorSetList
	if err := api.List(ctx, mirrorSets, "", &sets); err != nil && !kube.NotFound(err) {
		return k, err
	}
	for _, s := range sets.Items {
		for _, m := range s.Spec.ImageDigestMirrors {
			mirror := virtualization.Mirror{Source: m.Source}
			for _, at := range m.Mirrors {
				mirror.Mirrors = append(mirror.Mirrors, string(at))
			}
			k.Mirrors = append(k.Mirrors, mirror)
		}
	}
	return k, nil
}
