package contract

import (
	"encoding/json"
	"fmt"
	"os"
)

// References are what the file image-references of a release says.
type References struct {
	Version string
	Images  map[string]string // pull specs by tag
}

// ReadReferences reads the file, an ImageStream. It is parsed by hand: the type
// would bring the whole image API.
func ReadReferences(path string) (References, error) {
	var stream struct {
		Metadata struct{ Name string }
		Spec     struct {
			Tags []struct {
				Name string
				From struct{ Name string }
			}
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return References{}, fmt.Errorf("read image references: %w", err)
	}
	if err := json.Unmarshal(raw, &stream); err != nil {
		return References{}, fmt.Errorf("read image references: parse %s: %w", path, err)
	}
	r := References{Version: stream.Metadata.Name, Images: map[string]string{}}
	for _, t := range stream.Spec.Tags {
		r.Images[t.Name] = t.From.Name
	}
	return r, nil
}
