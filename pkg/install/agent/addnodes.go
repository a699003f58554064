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
	api, err := DialNodes(e, o.Kubeconfig)
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
	if err := NodeFindings(findings); err != nil {
		return err
	}
	event.Info(e.Sink, fmt.Sprintf("The cluster is %s.%s, with release %s and %d nodes",
		cluster.Name, cluster.BaseDomain, cluster.Version, len(cluster.Nodes)))
	return makeNodeImage(ctx, e, o, cluster, nodes)
}

func makeNodeImage(
	ctx context.Context, e *install.Env, o AddNodesOptions, cluster *addnodes.Cluster, nodes *agent.NodesConfig,
) error {
	made, record, err := nodeImage{AddNodesOptions: o, cluster: cluster, nodes: nodes}.make(ctx, e, e.Sink)
	if err != nil {
		return err
	}
	event.Info(e.Sink, made)
	event.Info(e.Sink, "Boot the hosts from it before "+record.Expires.Format(time.RFC3339)+"; then run "+
		e.Quoted("agent monitor-add-nodes --ip-addresses ADDRESS,...")+", which says what happens and which "+
		"certificate requests have to be approved")
	return nil
}

// NodeISO is how the image is made from which the installer, or somebody else, starts hosts that become nodes.
type NodeISO struct {
	Cluster *addnodes.Cluster
	Nodes   *agent.NodesConfig
	Program string // the node agent, if this program does not run on the hosts
	// Inputs tells this image from others.
	Inputs string
}

// Make makes it in the directory; the hosts let go of it as soon as they have started. The record is kept there, too.
func (o NodeISO) Make(ctx context.Context, e *install.Env, sink event.Sink) (addnodes.Record, error) {
	_, record, err := nodeImage{
		AddNodesOptions: AddNodesOptions{Program: o.Program}, cluster: o.Cluster, nodes: o.Nodes, inputs: o.Inputs,
		kargs: []string{inMemory},
	}.make(ctx, e, sink)
	return record, err
}

// NodeRecord is what the directory keeps of the image that was made last there, empty if there is none.
func NodeRecord(e *install.Env) (addnodes.Record, error) {
	raw, err := os.ReadFile(e.Path(addnodes.RecordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return addnodes.Record{}, nil
	}
	if err != nil {
		return addnodes.Record{}, err
	}
	r, err := addnodes.DecodeRecord(raw)
	if err != nil {
		return r, exit.New("remove it, and run the same command again", "%s: %w", e.Path(addnodes.RecordFile), err)
	}
	e.Hide(r.Watcher)
	return r, nil
}

// KeepNodeRecord writes what the directory keeps of an image.
func KeepNodeRecord(e *install.Env, r addnodes.Record) error {
	raw, err := r.Encode()
	if err == nil {
		err = atomicfile.Write(e.Path(addnodes.RecordFile), raw, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep what is known of the image: %w", err)
	}
	return nil
}

// nodeImage is an image for new nodes.
type nodeImage struct {
	AddNodesOptions
	cluster *addnodes.Cluster
	nodes   *agent.NodesConfig
	inputs  string
	kargs   []string
}

// make makes the image, and returns a sentence that says where it is.
func (o nodeImage) make(ctx context.Context, e *install.Env, sink event.Sink) (string, addnodes.Record, error) {
	var none addnodes.Record
	access, err := addnodes.NewAccess(e.Clock.Now())
	if err != nil {
		return "", none, fmt.Errorf("make certificates for the image: %w", err)
	}
	e.Hide(access.Agent, access.Watcher)
	image := assets.AgentImage{ReleaseImage: o.cluster.ReleaseImage, ReleaseVersion: o.cluster.Version}
	if image.Config, err = o.cluster.Places(o.nodes); err != nil {
		return "", none, err
	}
	image.Agent = &agent.Config{BootArtifactsBaseURL: o.nodes.BootArtifactsBaseURL}
	if image.Live, err = o.cluster.Live(o.nodes, access, version.String()); err != nil {
		return "", none, err
	}
	parts, err := configured(o.Program, image)
	if err != nil {
		return "", none, err
	}
	from, err := base{Env: e, sink: sink, image: image, stream: o.cluster.Stream}.find(ctx)
	if err != nil {
		return "", none, err
	}
	event.ProgressOf(sink, "writing the image")
	made, path, err := o.write(ctx, e, image, from, parts)
	if err != nil {
		return "", none, err
	}
	// Who watches needs it, and the image that it belongs to is there.
	record := o.cluster.Record(o.nodes, access)
	record.Inputs, record.File = o.inputs, path
	return made, record, KeepNodeRecord(e, record)
}

// write makes the ISO or the files, and says where they are. The path is that of the ISO, relative to the directory.
func (o nodeImage) write(
	ctx context.Context, e *install.Env, image assets.AgentImage, from string, parts []iso.Part,
) (made, path string, err error) {
	prefix := "node." + rpmArch(image)
	if o.PXE {
		p := pxe{prefix: prefix, from: from}
		if err := p.write(ctx, e.Path(bootDir), image, parts); err != nil {
			return "", "", err
		}
		return "Files for booting over the network created in: " + e.Path(bootDir), "", nil
	}
	name := prefix + ".iso"
	if o.Output != "" {
		if filepath.Base(o.Output) != o.Output || strings.HasPrefix(o.Output, ".") {
			return "", "", exit.New("choose the directory with --dir", "--output-name %q is not the name of a file", o.Output)
		}
		name = o.Output
	}
	target := e.Path(name)
	if err := full(ctx, from, target, parts, o.kargs...); err != nil {
		return "", "", fmt.Errorf("make %s: %w", target, err)
	}
	return "Generated ISO at " + target, name, nil
}

// DialNodes reads a kubeconfig that the user named, or that of the directory.
func DialNodes(e *install.Env, path string) (*kube.Client, error) {
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
	if !o.Node.given() {
		nodes, err := ReadNodes(e)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, exit.With(exit.Other, "write that file (docs/user/agent.md has an example), or describe one host "+
				"with --mac-address", err)
		}
		return nodes, err
	}
	raw, err := o.Node.config()
	if err != nil {
		return nil, err
	}
	return loadNodes(e, "the flags of this command", raw)
}

// ReadNodes reads nodes-config.yaml. The error is fs.ErrNotExist if there is none.
func ReadNodes(e *install.Env) (*agent.NodesConfig, error) {
	raw, err := os.ReadFile(e.Path(agent.NodesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exit.With(exit.Other, "write that file; docs/user/day2.md has an example",
			fmt.Errorf("which hosts are added: there is no %s: %w", e.Path(agent.NodesFile), fs.ErrNotExist))
	}
	if err != nil {
		return nil, fmt.Errorf("read the hosts: %w", err)
	}
	return loadNodes(e, agent.NodesFile, raw)
}

func loadNodes(e *install.Env, path string, raw []byte) (*agent.NodesConfig, error) {
	nodes, findings := agent.LoadNodes(path, raw)
	for _, line := range findings.Lines(true) {
		if !findings.Failed() {
			event.Warn(e.Sink, line)
		}
	}
	if nodes != nil {
		e.Hide(nodes.Secrets()...)
	}
	return nodes, NodeFindings(findings)
}

// NodeFindings is the error of a file with hosts.
func NodeFindings(r *report.Report) error {
	if !r.Failed() {
		return nil
	}
	return exit.With(exit.Other, "correct what is named above and run the same command again",
		fmt.Errorf("invalid hosts:\n%w", r.Err()))
}
