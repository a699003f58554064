package cvo

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

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
