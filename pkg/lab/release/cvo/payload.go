package cvo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// references is what the operator reads from image-references.
type references struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Tags []struct {
			Name string `json:"name"`
			From struct {
				Name string `json:"name"`
			} `json:"from"`
		} `json:"tags"`
	} `json:"spec"`
}

func readReferences(root string) (references, error) {
	var r references
	data, err := os.ReadFile(filepath.Join(root, "release-manifests", "image-references"))
	if err != nil {
		return r, fmt.Errorf("read image references: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("parse image references: %w", err)
	}
	if r.Metadata.Name == "" {
		return r, errors.New("parse image references: the image stream has no name, which is the release's version")
	}
	return r, nil
}

// image prints the pull spec of a tag, without a line end: scripts use it as
// it comes.
func image(root string, out io.Writer, args []string) error {
	if len(args) != 1 {
		return errors.New("cluster-version-operator image: name one tag")
	}
	r, err := readReferences(root)
	if err != nil {
		return err
	}
	for _, t := range r.Spec.Tags {
		if t.Name == args[0] {
			_, err := io.WriteString(out, t.From.Name)
			return err
		}
	}
	return fmt.Errorf("no image with tag %q in release %s", args[0], r.Metadata.Name)
}

// manifest is one object of the payload.
type manifest struct {
	File   string
	Object *unstructured.Unstructured
}

// payload is a release's content.
type payload struct {
	Version   string
	Image     string
	Manifests []manifest // in the order of their files' names: run levels
}

// templateData are the names that the operator's own manifests may use.
type templateData struct {
	ReleaseImage   string
	ClusterProfile string
	Version        string
}

// notManifests are files of /release-manifests with another meaning.
var notManifests = []string{"image-references", "release-metadata"}

// loadPayload reads the operator's own manifests, which are templates, and
// the release's, and keeps those of the cluster profile.
func loadPayload(root, releaseImage, profile string) (payload, error) {
	r, err := readReferences(root)
	if err != nil {
		return payload{}, err
	}
	p := payload{Version: r.Metadata.Name, Image: releaseImage}
	data := templateData{ReleaseImage: releaseImage, ClusterProfile: profile, Version: p.Version}
	own, err := ownManifests(root, data)
	if err != nil {
		return payload{}, err
	}
	released, err := readDir(filepath.Join(root, "release-manifests"))
	if err != nil {
		return payload{}, err
	}
	files := append(own, released...)
	slices.SortStableFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	for _, f := range files {
		objects, err := decode(f.data)
		if err != nil {
			return payload{}, fmt.Errorf("parse manifest %s: %w", f.name, err)
		}
		for _, o := range objects {
			if o.GetAnnotations()["include.release.openshift.io/"+profile] == "true" {
				p.Manifests = append(p.Manifests, manifest{f.name, o})
			}
		}
	}
	return p, nil
}

type file struct {
	name string
	data []byte
}

func ownManifests(root string, data templateData) ([]file, error) {
	files, err := readDir(filepath.Join(root, "manifests"))
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		if files[i].data, err = expand(f, data); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func expand(f file, data templateData) ([]byte, error) {
	t, err := template.New(f.name).Option("missingkey=error").Parse(string(f.data))
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("expand template: %w", err)
	}
	return out.Bytes(), nil
}

func readDir(dir string) ([]file, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list manifests: %w", err)
	}
	var out []file
	for _, e := range entries {
		if e.IsDir() || slices.Contains(notManifests, e.Name()) {
			continue
		}
		if !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(e.Name())) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read manifest: %w", err)
		}
		out = append(out, file{e.Name(), data})
	}
	return out, nil
}

// decode splits a file into its objects.
func decode(data []byte) ([]*unstructured.Unstructured, error) {
	d := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	var out []*unstructured.Unstructured
	for {
		o := &unstructured.Unstructured{}
		if err := d.Decode(&o.Object); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		if len(o.Object) == 0 {
			continue
		}
		if o.GetKind() == "" || o.GetAPIVersion() == "" || o.GetName() == "" {
			return nil, errors.New("an object has no kind, apiVersion or name")
		}
		out = append(out, o)
	}
}
