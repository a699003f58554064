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

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
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

// deployer prepares to look at a cluster, and to change it.
func (o Options) deployer(ctx context.Context, e *install.Env) (*stack.Deployer, *virtualization.Config, error) {
	api, err := agent.DialNodes(e, o.Kubeconfig)
	if err != nil {
		return nil, nil, err
	}
	return Prepare(ctx, e, api, o)
}

// Prepare is the stack as it is to be deployed to a cluster, and its configuration.
func Prepare(
	ctx context.Context, e *install.Env, api *kube.Client, o Options,
) (*stack.Deployer, *virtualization.Config, error) {
	k, err := clusterOf(ctx, api)
	if err != nil {
		return nil, nil, exit.New("see that the API of the cluster answers, and that the user of the kubeconfig is an "+
			"administrator", "ask %s for what virtualization must fit: %s", api.URL(), kube.Cause(err))
	}
	config, list, err := o.read(e, k)
	if err != nil {
		return nil, nil, err
	}
	return &stack.Deployer{
		Watcher: e.Watcher(api, e.Sink), Manifests: list, Catalog: manifests.AddedCatalog(k.Release), Limit: patience * o.Timeout,
	}, config, nil
}

// read is what is deployed: the manifests of the directory, or those that its virtualization.yaml or defaults give. With
// a kubeconfig, or a file, of their own the directory's manifests are those of another cluster.
func (o Options) read(e *install.Env, k virtualization.Cluster) (*virtualization.Config, []manifests.Manifest, error) {
	config, err := o.config(e, k)
	if err != nil {
		return nil, nil, exit.With(exit.InstallConfig, "correct the fields named above and run the same command again", err)
	}
	if o.Kubeconfig == "" && o.Config == "" {
		list, err := written(e.Path(manifests.Dir))
		if err != nil || len(list) > 0 {
			return config, list, err
		}
	}
	list, err := manifests.Render(config, k)
	return config, list, err
}

// config is virtualization.yaml with all defaults.
func (o Options) config(e *install.Env, k virtualization.Cluster) (*virtualization.Config, error) {
	path := o.Config
	if path == "" {
		path = e.Path(virtualization.File)
	}
	raw, err := readFile(path, virtualization.MaxFile)
	var config *virtualization.Config
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.Config == "":
	case err != nil:
		return nil, fmt.Errorf("read the configuration of virtualization: %w", err)
	default:
		c, found := virtualization.Load(path, raw)
		if err := found.Err(); err != nil {
			return nil, err
		}
		err := c.ReadFiles(func(name string) ([]byte, error) {
			if !filepath.IsAbs(name) {
				name = filepath.Join(filepath.Dir(path), name)
			}
			return readFile(name, virtualization.MaxFile+1)
		}).Err()
		if err != nil {
			return nil, err
		}
		config = c
	}
	config, found := config.Fit(path, k)
	if err := found.Err(); err != nil {
		return nil, err
	}
	e.Hide(config.Secrets()...)
	for _, f := range found.Findings() {
		event.Warn(e.Sink, f.String())
	}
	return config, nil
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
		_, master := n.Labels["node-role.kubernetes.io/master"]
		_, controls := n.Labels["node-role.kubernetes.io/control-plane"]
		if master || controls {
			k.Masters++
		} else {
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
