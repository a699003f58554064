// Package osimagestream is machine-config-osimagestream, the tool by which a
// release since 5.0 says which image its nodes run.
package osimagestream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// nodeTag is the tag of SCOS in a release.
const nodeTag = "stream-coreos"

// Command runs `machine-config-osimagestream get default-node-image`. OKD's
// also looks at labels of the images, for which it wants a login; a release of
// the lab has one stream, which the image references name.
func Command(out io.Writer, args []string) error {
	verb, rest := args[:min(2, len(args))], args[min(2, len(args)):]
	if strings.Join(verb, " ") != "get default-node-image" {
		return fmt.Errorf("machine-config-osimagestream %s: the lab's has only get default-node-image", strings.Join(verb, " "))
	}
	f := pflag.NewFlagSet("machine-config-osimagestream get default-node-image", pflag.ContinueOnError)
	login := f.String("authfile", "", "login to the registry")
	stream := f.String("imagestream", "", "the release's image references")
	f.String("release-image", "", "the release, to be pulled; not in the lab, which has only --imagestream")
	f.String("registry-config", "", "registries.conf; not needed here")
	f.String("cert-dir", "", "certificates; not needed here")
	f.String("per-host-certs", "", "certificates by host; not needed here")
	f.StringArray("trust-bundle", nil, "further authorities; not needed here")
	if err := f.Parse(rest); err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	if *login == "" || *stream == "" || f.NArg() > 0 {
		return fmt.Errorf("%s: --authfile and --imagestream are required, and nothing else is taken", f.Name())
	}
	if _, err := os.Stat(*login); err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	spec, err := NodeImage(*stream)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	_, err = fmt.Fprintln(out, spec)
	return err
}

// NodeImage reads the pull spec of the nodes' image from image references.
func NodeImage(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("find the node image: %w", err)
	}
	var refs struct {
		Spec struct {
			Tags []struct {
				Name string
				From struct{ Name string }
			}
		}
	}
	if err := json.Unmarshal(raw, &refs); err != nil {
		return "", fmt.Errorf("find the node image: parse %s: %w", file, err)
	}
	for _, t := range refs.Spec.Tags {
		if t.Name == nodeTag && t.From.Name != "" {
			return t.From.Name, nil
		}
	}
	return "", errors.New("find the node image: " + file + " has no tag " + nodeTag)
}
