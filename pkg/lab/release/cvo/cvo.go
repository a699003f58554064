// Package cvo is the lab's cluster-version operator.
package cvo

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

const name = "cluster-version-operator"

// Commands are the programs of this package.
func Commands() []program.Command { return []program.Command{command("/", os.Stdout)} }

// command is the operator of a release image, whose files are below root.
func command(root string, out io.Writer) program.Command {
	return program.Verbs(name,
		program.Command{Name: "image", Run: func(_ context.Context, args []string) error {
			return image(root, out, args)
		}},
		program.Command{Name: "render", Run: func(_ context.Context, args []string) error {
			return render(root, args)
		}},
		program.Command{Name: "start", Run: func(ctx context.Context, args []string) error {
			return start(ctx, root, args)
		}},
	)
}

// profile is the cluster profile whose manifests count.
func profile() string { return cmp.Or(os.Getenv("CLUSTER_PROFILE"), "self-managed-high-availability") }

// lease is OKD's: the operator on the bootstrap host and a master's share it.
var lease = operator.Lease{
	Namespace: "openshift-cluster-version", Name: "version", Duration: 20 * time.Second, Renew: 15 * time.Second,
}

// start runs the operator until ctx ends or another one takes over.
func start(ctx context.Context, root string, args []string) error {
	f := contract.Flags(name + " start")
	image := f.String("release-image", os.Getenv("RELEASE_IMAGE"), "pull spec of the release")
	kubeconfig := f.String("kubeconfig", "", "kubeconfig; without it the pod's service account")
	f.StringVar(&root, "root", root, "where the release image's files are")
	f.Bool("enable-auto-update", false, "accepted; nothing offers updates here")
	f.String("listen", "", "accepted; the lab collects no metrics")
	f.String("v", "2", "accepted; the log has one level")
	if err := contract.Parse(f, args, "release-image"); err != nil {
		return err
	}
	log := program.Logger()
	p, err := loadPayload(root, *image, profile())
	if err != nil {
		return err
	}
	client, err := api.Connect(name, *kubeconfig)
	if err != nil {
		return err
	}
	log.Info("payload loaded", "version", p.Version, "manifests", len(p.Manifests), "image", p.Image)
	u := &updater{client: client, payload: p, clock: clock.Real(), news: program.News{Log: log}}
	return operator.Lead(ctx, client, log, lease, func(ctx context.Context) { program.Loop(ctx, u.clock, log, u.step) })
}

// render writes the operator's manifests and its static pod for the bootstrap.
func render(root string, args []string) error {
	f := contract.Flags(name + " render")
	out := f.String("output-dir", "", "directory for manifests/ and bootstrap/")
	image := f.String("release-image", "", "pull spec of the release")
	if err := contract.Parse(f, args, "output-dir", "release-image"); err != nil {
		return err
	}
	r, err := readReferences(root)
	if err != nil {
		return err
	}
	for _, dir := range []string{"manifests", "bootstrap"} {
		data := templateData{ReleaseImage: *image, ClusterProfile: profile(), Version: r.Version}
		files, err := expanded(filepath.Join(root, dir), data)
		if err != nil {
			return err
		}
		rendered := api.Files{}
		for _, f := range files {
			rendered[f.Name] = f.Data
		}
		if err := rendered.Write(filepath.Join(*out, dir)); err != nil {
			return err
		}
	}
	return nil
}
