package release

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/coreos/stream-metadata-go/stream"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// Limits for reading from a registry that is not trusted (bytes).
const (
	maxPayload = 256 << 20
	maxFile    = 16 << 20
)

// payload is the part of /release-manifests that the installer reads.
type payload struct {
	references, metadata []byte
	bootImages           [][]byte // manifests that mention the boot images
	gates                [][]byte // manifests with feature gates
}

func readPayload(r io.Reader) (payload, error) {
	var p payload
	files := tar.NewReader(r)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return payload{}, fmt.Errorf("read last layer: %w", err)
		}
		dir, base := path.Split(strings.TrimPrefix(path.Clean("/"+header.Name), "/"))
		if dir != "release-manifests/" || header.Typeflag != tar.TypeReg {
			continue
		}
		if header.Size > maxFile {
			return payload{}, &malformed{fmt.Errorf("file %s has %d bytes", base, header.Size)}
		}
		content, err := io.ReadAll(files)
		if err != nil {
			return payload{}, fmt.Errorf("read %s: %w", base, err)
		}
		switch {
		case base == "image-references":
			p.references = content
		case base == "release-metadata":
			p.metadata = content
		case strings.Contains(base, "featureGate-"):
			p.gates = append(p.gates, content)
		case bytes.Contains(content, []byte("coreos-bootimages")):
			p.bootImages = append(p.bootImages, content)
		}
	}
	if p.references == nil || p.metadata == nil {
		return payload{}, &malformed{errors.New("no image-references or release-metadata in its last layer")}
	}
	return p, nil
}

type references struct {
	version, kubernetes string
	images              map[string]string
}

// parseReferences reads the ImageStream that maps component tags to images.
func parseReferences(raw []byte) (references, error) {
	var s struct {
		Kind     string
		Metadata struct{ Name string }
		Spec     struct {
			Tags []struct {
				Name        string
				Annotations map[string]string
				From        *struct{ Kind, Name string }
			}
		}
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return references{}, fmt.Errorf("parse image-references: %w", err)
	}
	if s.Kind != "ImageStream" || s.Metadata.Name == "" {
		return references{}, errors.New("image-references is not a named ImageStream")
	}
	out := references{version: s.Metadata.Name, images: map[string]string{}}
	for _, tag := range s.Spec.Tags {
		if tag.Name == "" || tag.From == nil || tag.From.Kind != "DockerImage" || tag.From.Name == "" {
			return references{}, fmt.Errorf("image-references: tag %q names no image", tag.Name)
		}
		out.images[tag.Name] = tag.From.Name
		for version := range strings.SplitSeq(tag.Annotations["io.openshift.build.versions"], ",") {
			if v, ok := strings.CutPrefix(version, "kubernetes="); ok && out.kubernetes == "" {
				out.kubernetes = v
			}
		}
	}
	if len(out.images) == 0 {
		return references{}, errors.New("image-references has no tags")
	}
	return out, nil
}

// parseBootImages finds the ConfigMap with the CoreOS stream in a manifest file, nil if it is not there.
func parseBootImages(raw []byte) (*stream.Stream, error) {
	docs := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
	for {
		var object struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
			Data     map[string]any
		}
		err := docs.Decode(&object)
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("parse a manifest that mentions coreos-bootimages: %w", err)
		}
		if object.Kind != "ConfigMap" || object.Metadata.Name != "coreos-bootimages" ||
			object.Metadata.Namespace != "openshift-machine-config-operator" {
			continue
		}
		text, _ := object.Data["stream"].(string)
		var s stream.Stream
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return nil, fmt.Errorf("parse the stream in ConfigMap coreos-bootimages: %w", err)
		}
		return &s, nil
	}
}
