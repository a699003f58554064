// Package mco is the lab release's machine config operator: renderer and controller
// on the bootstrap machine, operator, server and daemon in the cluster.
package mco

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
)

// namespace of the operator and of what it looks after.
const namespace = "openshift-machine-config-operator"

// Commands are the programs of this package.
func Commands() []program.Command {
	return []program.Command{
		program.Verbs("machine-config-operator",
			program.Command{Name: "bootstrap", Run: bootstrap}, program.Command{Name: "start", Run: startOperator}),
		// In the cluster the controller's work is done by the operator.
		program.Verbs("machine-config-controller", program.Command{Name: "bootstrap", Run: renderPools}),
		program.Verbs("machine-config-server",
			program.Command{Name: "bootstrap", Run: serveBootstrap}, program.Command{Name: "start", Run: serveCluster}),
		program.Verbs("machine-config-daemon", program.Command{Name: "start", Run: startDaemon}),
		{Name: "machine-config-osimagestream", Run: func(_ context.Context, args []string) error {
			return osImageStream(os.Stdout, args)
		}},
	}
}

// Kinds of the machine config operator.
func machineKind(plural string) kube.Kind {
	return kube.Kind{Group: "machineconfiguration.openshift.io", Version: "v1", Plural: plural}
}

// What tells which config a node has and which it should have.
const (
	annotationsFile   = "/etc/machine-config-daemon/node-annotations.json"
	annotationCurrent = "machineconfiguration.openshift.io/currentConfig"
	annotationDesired = "machineconfiguration.openshift.io/desiredConfig"
	annotationState   = "machineconfiguration.openshift.io/state"
	stateDone         = "Done"
)

// renderPools is `machine-config-controller bootstrap`, before there is an API.
func renderPools(_ context.Context, args []string) error {
	f := contract.Flags("machine-config-controller bootstrap")
	manifests := f.String("manifest-dir", "", "directory with the cluster's manifests")
	dest := f.String("dest-dir", "", "directory to write to")
	pull := f.String("pull-secret", "", "Secret with the pull secret")
	f.String("payload-version", "", "version of the release")
	if err := contract.Parse(f, args, "manifest-dir", "dest-dir", "pull-secret"); err != nil {
		return err
	}
	// From 4.23 on OKD's controller needs the OS images of the release's image
	// references; without them it pulls the release, and here it gives up.
	if contract.Since(contract.Version(), "4.23") {
		if _, err := nodeImage(filepath.Join(*manifests, "image-references")); err != nil {
			return err
		}
	}
	in, err := render.Load(*manifests, *pull)
	if err != nil {
		return err
	}
	pools, configs, err := in.Render()
	if err != nil {
		return err
	}
	err = writeObject(filepath.Join(*dest, "controller-config", render.ControllerName+".yaml"), in.Controller)
	for _, c := range configs {
		err = errors.Join(err, writeObject(filepath.Join(*dest, "machine-configs", c.Name+".yaml"), c))
	}
	// Pools last: a server that finds a pool finds its config.
	for _, p := range pools {
		err = errors.Join(err, writeObject(filepath.Join(*dest, "machine-pools", p.Name+".yaml"), p))
	}
	return err
}

// writeObject writes for root only: machine configs hold the pull secret.
func writeObject(path string, obj any) error {
	raw, err := yaml.Marshal(obj)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

// nodeTag is the tag of SCOS in a release.
const nodeTag = "stream-coreos"

// osImageStream is `machine-config-osimagestream get default-node-image`, by which
// a release since 5.0 says which image its nodes run. OKD's also looks at labels of
// the images; a release of the lab has one stream.
func osImageStream(out io.Writer, args []string) error {
	verb, rest := args[:min(2, len(args))], args[min(2, len(args)):]
	if strings.Join(verb, " ") != "get default-node-image" {
		return fmt.Errorf("machine-config-osimagestream %s: the lab's has only get default-node-image",
			strings.Join(verb, " "))
	}
	f := contract.Flags("machine-config-osimagestream get default-node-image")
	login := f.String("authfile", "", "login to the registry")
	stream := f.String("imagestream", "", "the release's image references")
	f.String("release-image", "", "the release, to be pulled; not in the lab, which has only --imagestream")
	f.String("registry-config", "", "registries.conf; not needed here")
	f.String("cert-dir", "", "certificates; not needed here")
	f.String("per-host-certs", "", "certificates by host; not needed here")
	f.StringArray("trust-bundle", nil, "further authorities; not needed here")
	if err := contract.Parse(f, rest, "authfile", "imagestream"); err != nil {
		return err
	}
	if _, err := os.Stat(*login); err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	spec, err := nodeImage(*stream)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	_, err = fmt.Fprintln(out, spec)
	return err
}

// nodeImage reads the pull spec of the nodes' image from image references.
func nodeImage(file string) (string, error) {
	refs, err := contract.ReadReferences(file)
	if err == nil && refs.Images[nodeTag] == "" {
		err = fmt.Errorf("%s has no tag %s", file, nodeTag)
	}
	if err != nil {
		return "", fmt.Errorf("find the node image: %w", err)
	}
	return refs.Images[nodeTag], nil
}

// startDaemon is a daemon that only annotates its node with the booted config.
func startDaemon(ctx context.Context, args []string) error {
	f := contract.Flags("machine-config-daemon start")
	node := f.String("node-name", "", "name of the node")
	file := f.String("annotations", annotationsFile, "what the machine config server told the machine")
	kubeconfig := f.String("kubeconfig", "", "credentials; empty means the pod's")
	f.String("payload-version", "", "version of the release")
	if err := contract.Parse(f, args, "node-name"); err != nil {
		return err
	}
	c, err := api.Connect("machine-config-daemon", *kubeconfig)
	if err != nil {
		return err
	}
	look := func(ctx context.Context) error { return annotate(ctx, c, *node, *file) }
	err = program.Wait(ctx, clock.Real(), program.Logger(), "node to be annotated", 2*time.Second, look)
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// annotate puts the file's annotations on the node.
func annotate(ctx context.Context, c *api.Client, node, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read annotations: %w", err)
	}
	var annotations map[string]string
	if err := json.Unmarshal(raw, &annotations); err != nil {
		return fmt.Errorf("read annotations: parse %s: %w", file, err)
	}
	return c.Patch(ctx, kube.Nodes.Ref("", node), "", map[string]any{
		"metadata": map[string]any{"annotations": annotations},
	})
}
