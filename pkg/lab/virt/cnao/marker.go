package cnao

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

const (
	hostPlugins = "/opt/cni/bin" // where the container sees the node's plugins
	resource    = "bridge.network.kubevirt.io/"
	markEvery   = 5 * time.Second
	capacity    = "1k" // networks of one bridge on a node
)

// plugins are the node's under the names that networks of VMs use.
var plugins = map[string]string{"cnv-bridge": "bridge", "cnv-tuning": "tuning"}

// link offers the plugins under their other names; one that the node lacks is left out and named.
func link(dir string) error {
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(plugins)) {
		target := plugins[name]
		if _, err := os.Stat(filepath.Join(dir, target)); err != nil {
			missing = append(missing, target)
			continue
		}
		err := os.Symlink(target, filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("link plugin %s: %w", name, err)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("no CNI plugins %s in the node's directory", strings.Join(missing, ", "))
	}
	return nil
}

// mark tells the scheduler the node's bridges.
type mark struct {
	client *api.Client
	node   string
	// bridges are the names of the node's bridges.
	bridges func() ([]string, error)
	dir     string
}

func (m mark) round(ctx context.Context) (time.Duration, error) {
	linked := link(m.dir)
	names, err := m.bridges()
	if err != nil {
		return markEvery, errors.Join(linked, err)
	}
	var node corev1.Node
	if err := m.client.Get(ctx, kube.Nodes.Ref("", m.node), &node); err != nil {
		return markEvery, fmt.Errorf("read node %s: %w", m.node, err)
	}
	change := changes(node.Status.Capacity, names)
	if len(change) > 0 {
		patch := map[string]any{"status": map[string]any{"capacity": change}}
		if err := m.client.Patch(ctx, kube.Nodes.Ref("", m.node), "status", patch); err != nil {
			return markEvery, fmt.Errorf("mark node %s: %w", m.node, err)
		}
	}
	return markEvery, linked
}

// changes are what a node's capacity has to be told: bridges that are new, and nil for those that are gone.
func changes(have corev1.ResourceList, bridges []string) map[string]any {
	out := map[string]any{}
	for name := range have {
		if b, ok := strings.CutPrefix(string(name), resource); ok && !slices.Contains(bridges, b) {
			out[string(name)] = nil
		}
	}
	for _, b := range bridges {
		if _, ok := have[corev1.ResourceName(resource+b)]; !ok {
			out[resource+b] = capacity
		}
	}
	return out
}

// linuxBridges are the bridges of the network namespace.
func linuxBridges() ([]string, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list network links: %w", err)
	}
	var out []string
	for _, l := range links {
		if l.Type() == "bridge" {
			out = append(out, l.Attrs().Name)
		}
	}
	return out, nil
}

func runMarker(ctx context.Context, _ []string) error {
	client, err := api.Connect(marker, "")
	if err != nil {
		return err
	}
	m := mark{client: client, node: os.Getenv("NODE_NAME"), bridges: linuxBridges, dir: hostPlugins}
	program.Loop(ctx, clock.Real(), program.Logger(), m.round)
	return nil
}
