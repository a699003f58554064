// Package contract holds which flags the commands of OKD's releases take, and
// makes those of the lab's release take the same: a bootstrap script that calls
// one as another release's is to fail here as it would there.
package contract

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

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
	var all map[string]map[string]command
	raw, err := fs.ReadFile(data.Lab(), "renderer-flags.json")
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil {
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
	if err == nil {
		err = json.Unmarshal(raw, &stream)
	}
	if err != nil {
		return References{}, fmt.Errorf("read image references %s: %w", path, err)
	}
	r := References{Version: stream.Metadata.Name, Images: map[string]string{}}
	for _, t := range stream.Spec.Tags {
		r.Images[t.Name] = t.From.Name
	}
	return r, nil
}

// switches are flags without a value; the list of flags does not tell.
var switches = []string{"disable-phase-2", "pretty", "strict", "skip-api-rendering", "tear-down-early"}

// Flags makes the flags of a command such as "cluster-etcd-operator render".
func Flags(command string) *pflag.FlagSet { return pflag.NewFlagSet(command, pflag.ContinueOnError) }

// ofRelease are the flags of the release: those that it lacks are left out, those
// that the program lacks have no effect. An unlisted command keeps its own.
func ofRelease(own *pflag.FlagSet) (*pflag.FlagSet, error) {
	release, err := Of(Version())
	if err != nil {
		return nil, err
	}
	all, err := known()
	if err != nil {
		return nil, err
	}
	c, ok := all[release][own.Name()]
	if !ok {
		return own, nil
	}
	out := Flags(own.Name())
	for _, n := range c.Flags {
		f := own.Lookup(n)
		switch {
		case f != nil:
			out.AddFlag(f)
		case slices.Contains(switches, n):
			out.Bool(n, false, "accepted; has no effect in the lab's release")
		default:
			out.String(n, "", "accepted; has no effect in the lab's release")
		}
	}
	return out, nil
}

// Parse reads the arguments of a command, which are all flags. Required ones must
// have a value; those that the release lacks are errors. The error is pflag.ErrHelp
// if --help was answered.
func Parse(own *pflag.FlagSet, args []string, required ...string) error {
	rest, err := ParseWithArguments(own, args, required...)
	if err == nil && len(rest) > 0 {
		return fmt.Errorf("%s: unexpected argument %q", own.Name(), rest[0])
	}
	return err
}

// ParseWithArguments is Parse for a command with other arguments, which it returns.
func ParseWithArguments(own *pflag.FlagSet, args []string, required ...string) ([]string, error) {
	f, err := ofRelease(own)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", own.Name(), err)
	}
	f.SetOutput(io.Discard)
	f.Usage = func() { fmt.Fprintf(os.Stdout, "Usage:\n  %s [flags]\n\nFlags:\n%s", f.Name(), f.FlagUsages()) }
	if err := f.Parse(args); errors.Is(err, pflag.ErrHelp) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	var missing []error
	for _, n := range required {
		if fl := f.Lookup(n); fl == nil || fl.Value.String() == "" {
			missing = append(missing, fmt.Errorf("--%s is required", n))
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s: %w", f.Name(), errors.Join(missing...))
	}
	return f.Args(), nil
}
