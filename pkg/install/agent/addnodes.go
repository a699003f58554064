package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/addnodes"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/agent"
	"github.com/okd-install/okd-install/pkg/version"
)

// AddNodesOptions are the flags of agent add-nodes.
type AddNodesOptions struct {
	Kubeconfig string // default: that of the directory
	Output     string // name of the ISO; default node.<arch>.iso
	PXE        bool   // files for booting over the network instead of an ISO
	Program    string // the node agent, if this program does not run on the hosts
	Node       Node   // the only host, instead of nodes-config.yaml
}

// AddNodes is the command agent add-nodes: it makes what hosts boot that become nodes of a cluster
// which runs.
func AddNodes(ctx context.Context, e *install.Env, o AddNodesOptions) (err error) {
	if o.PXE && o.Output != "" {
		return exit.New("leave out one of them", "--output-name is the name of an ISO, and --pxe makes none")
	}
	lock, err := e.Lock()
	if err != nil {
		return e.Explain(err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	nodes, err := o.nodes(e)
	if err != nil {
		return err
	}
	api, err := dial(e, o.Kubeconfig)
	if err != nil {
		return err
	}
	event.ProgressOf(e.Sink, "reading the cluster")
	cluster, err := addnodes.Read(ctx, api, addnodes.Roles(nodes)...)
	if err != nil {
		return err
	}
	e.Hide(cluster.Secrets()...)
	findings := cluster.Check(nodes)
	if err := findingsOf(findings); err != nil {
		return err
	}
	event.Info(e.Sink, fmt.Sprintf("The cluster is %s.%s, with release %s and %d nodes",
		cluster.Name, cluster.BaseDomain, cluster.Version, len(cluster.Nodes)))
	return makeNodeImage(ctx, e, o, cluster, nodes)
}

func makeNodeImage(
	ctx context.Context, e *install.Env, o AddNodesOptions, cluster *addnodes.Cluster, nodes *agent.NodesConfig,
) error {
	access, err := addnodes.NewAccess(e.Clock.Now())
	if err != nil {
		return fmt.Errorf("make certificates for the image: %w", err)
	}
	e.Hide(access.Agent, access.Watcher)
	image := assets.AgentImage{ReleaseImage: cluster.ReleaseImage, ReleaseVersion: cluster.Version}
	if image.Config, err = cluster.Places(nodes); err != nil {
		return err
	}
	image.Agent = &agent.Config{BootArtifactsBaseURL: nodes.BootArtifactsBaseURL}
	if image.Live, err = cluster.Live(nodes, access, version.String()); err != nil {
		return err
	}
	parts, err := configured(o.Program, image)
	if err != nil {
		return err
	}
	from, err := base{Env: e, sink: e.Sink, image: image, stream: cluster.Stream}.find(ctx)
	if err != nil {
		return err
	}
	record, err := cluster.Record(nodes, access).Encode()
	if err != nil {
		return err
	}
	event.ProgressOf(e.Sink, "writing the image")
	made, err := o.write(ctx, e, image, from, parts)
	if err != nil {
		return err
	}
	// Who watches needs it, and the image that it belongs to is there.
	if err := atomicfile.Write(e.Path(addnodes.RecordFile), record, 0o600); err != nil {
		return fmt.Errorf("keep what monitoring needs: %w", err)
	}
	event.Info(e.Sink, made)
	event.Info(e.Sink, "Boot the hosts from it before "+access.Expires.Format(time.RFC3339)+"; then run "+
		e.Quoted("agent monitor-add-nodes --ip-addresses ADDRESS,...")+", which says what happens and which "+
		"certificate requests have to be approved")
	return nil
}

// write makes the ISO or the files, and says where they are.
func (o AddNodesOptions) write(
	ctx context.Context, e *install.Env, image assets.AgentImage, from string, parts []iso.Part,
) (string, error) {
	prefix := "node." + rpmArch(image)
	if o.PXE {
		p := pxe{prefix: prefix, from: from}
		if err := p.write(ctx, e.Path(bootDir), image, parts); err != nil {
			return "", err
		}
		return "Files for booting over the network created in: " + e.Path(bootDir), nil
	}
	target := e.Path(prefix + ".iso")
	if o.Output != "" {
		if filepath.Base(o.Output) != o.Output || strings.HasPrefix(o.Output, ".") {
			return "", exit.New("choose the directory with --dir", "--output-name %q is not the name of a file", o.Output)
		}
		target = e.Path(o.Output)
	}
	if err := full(ctx, from, target, parts); err != nil {
		return "", fmt.Errorf("make %s: %w", target, err)
	}
	return "Generated ISO at " + target, nil
}

// dial reads a kubeconfig that the user named, or that of the directory.
func dial(e *install.Env, path string) (*kube.Client, error) {
	if path == "" {
		path = e.Path(install.KubeconfigFile)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, exit.New("name the kubeconfig of an administrator of the cluster with --kubeconfig",
			"read the kubeconfig of the cluster: %w", err)
	}
	return kube.Dial(raw)
}

// nodes are the hosts, from the flags or from nodes-config.yaml.
func (o AddNodesOptions) nodes(e *install.Env) (*agent.NodesConfig, error) {
	path, raw := agent.NodesFile, []byte(nil)
	var err error
	if o.Node.given() {
		path = "the flags of this command"
		if raw, err = o.Node.config(); err != nil {
			return nil, err
		}
	} else if raw, err = os.ReadFile(e.Path(path)); errors.Is(err, fs.ErrNotExist) {
		return nil, exit.New("write that file (docs/user/agent.md has an example), or describe one host with --mac-address",
			"which hosts are added: there is no %s", e.Path(path))
	} else if err != nil {
		return nil, fmt.Errorf("read the hosts: %w", err)
	}
	nodes, findings := agent.LoadNodes(path, raw)
	for _, line := range findings.Lines(true) {
		if !findings.Failed() {
			event.Warn(e.Sink, line)
		}
	}
	return nodes, findingsOf(findings)
}

// findingsOf is the error of a file with hosts.
func findingsOf(r *report.Report) error {
	if !r.Failed() {
		return nil
	}
	return exit.With(exit.Other, "correct what is named above and run the same command again",
		fmt.Errorf("invalid hosts:\n%w", r.Err()))
}
