// Package cvo is the lab's cluster-version operator.
package cvo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

func readReferences(root string) (contract.References, error) {
	r, err := contract.ReadReferences(filepath.Join(root, "release-manifests", "image-references"))
	if err == nil && r.Version == "" {
		err = errors.New("read image references: the image stream has no name, which is the release's version")
	}
	return r, err
}

// image prints the pull spec of a tag, without a line end, for scripts.
func image(root string, out io.Writer, args []string) error {
	if len(args) != 1 {
		return errors.New("cluster-version-operator image: name one tag")
	}
	r, err := readReferences(root)
	if err != nil {
		return err
	}
	spec, ok := r.Images[args[0]]
	if !ok {
		return fmt.Errorf("no image with tag %q in release %s", args[0], r.Version)
	}
	_, err = io.WriteString(out, spec)
	return err
}

// payload is a release's content.
type payload struct {
	Version   string
	Image     string
	Manifests []api.Manifest // in the order of their files' names: run levels
}

// templateData are the names that the operator's own manifests may use.
type templateData struct {
	ReleaseImage   string
	ClusterProfile string
	Version        string
}

// loadPayload reads the manifests of operator and release for a cluster profile.
func loadPayload(root, releaseImage, profile string) (payload, error) {
	r, err := readReferences(root)
	if err != nil {
		return payload{}, err
	}
	p := payload{Version: r.Version, Image: releaseImage}
	data := templateData{ReleaseImage: releaseImage, ClusterProfile: profile, Version: p.Version}
	own, err := expanded(filepath.Join(root, "manifests"), data)
	if err != nil {
		return payload{}, err
	}
	released, err := api.ReadFiles(filepath.Join(root, "release-manifests"))
	if err != nil {
		return payload{}, err
	}
	files := append(own, released...)
	slices.SortStableFunc(files, func(a, b api.File) int { return strings.Compare(a.Name, b.Name) })
	all, err := api.Manifests(files)
	p.Manifests = slices.DeleteFunc(all, func(m api.Manifest) bool {
		return m.Object.GetAnnotations()["include.release.openshift.io/"+profile] != "true"
	})
	return p, err
}

// expanded are the files of a directory, which are templates, filled in.
func expanded(dir string, data templateData) ([]api.File, error) {
	files, err := api.ReadFiles(dir)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		if files[i].Data, err = program.Fill(f.Name, f.Data, data); err != nil {
			return nil, err
		}
	}
	return files, nil
}
