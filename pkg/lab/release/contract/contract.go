// Package contract holds which flags the commands of OKD's releases take, and
// makes those of the lab's release take the same: a bootstrap script that calls
// one as another release's is to fail here as it would there.
package contract

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/data"
)

// VersionVariable is set in every image of the release to the release's version.
const VersionVariable = "RELEASE_VERSION"

// Newest is the release that is built when none is asked for.
const Newest = "5.0"

// command is what is known about one command of one release.
type command struct {
	Commit string   `json:"commit"` // of the component, where it was read
	Flags  []string `json:"flags"`
}

// known reads data/lab/renderer-flags.json: release, component and verb.
func known() (map[string]map[string]command, error) {
	raw, err := fs.ReadFile(data.Lab(), "renderer-flags.json")
	if err != nil {
		return nil, fmt.Errorf("read flags of the releases: %w", err)
	}
	var all map[string]map[string]command
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("read flags of the releases: %w", err)
	}
	return all, nil
}

// Releases are those whose flags are known, oldest first, as in 4.20.
func Releases() ([]string, error) {
	all, err := known()
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Keys(all), compare), nil
}

// Of is the release that a version belongs to: 5.0 for 5.0.0-okd-lab.1.
func Of(version string) (string, error) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return "", fmt.Errorf("version %q: want something like %s.0", version, Newest)
	}
	release := parts[0] + "." + parts[1]
	all, err := Releases()
	if err != nil {
		return "", err
	}
	if !slices.Contains(all, release) {
		return "", fmt.Errorf("version %q: the lab can be release %s", version, strings.Join(all, ", "))
	}
	return release, nil
}

// Version is that of this program's release; the newest one's outside an image.
func Version() string { return cmp.Or(os.Getenv(VersionVariable), Newest+".0") }

// Since reports whether a version belongs to that release or a later one.
func Since(version, release string) bool { return compare(version, release) >= 0 }

// compare orders by the first two numbers; one that is missing is 0.
func compare(a, b string) int {
	numbers := func(version string) []int {
		var major, minor int
		_, _ = fmt.Sscanf(version, "%d.%d", &major, &minor)
		return []int{major, minor}
	}
	return slices.Compare(numbers(a), numbers(b))
}

// References are what the file image-references of a release says.
type References struct {
	Version string
	Images  map[string]string // pull specs by tag
}

// ReadReferences reads the file, an ImageStream, without the whole image API.
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
