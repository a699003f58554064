// Package osimage finds the operating system image of machines in a CoreOS stream, downloads, checks and caches it.
package osimage

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/coreos/stream-metadata-go/arch"
	"github.com/coreos/stream-metadata-go/stream"
)

// Artifact is an image file somewhere on the network.
type Artifact struct {
	URL string
	// SHA256 is of the file as downloaded, UncompressedSHA256 of the file after unpacking. Either may be empty.
	SHA256             string
	UncompressedSHA256 string
	Format             string // qcow2.gz, qcow2.xz, qcow2, raw
	Release            string
}

// Find picks the image for a platform out of a CoreOS stream. On oVirt the platform is openstack: only that variant
// reads its Ignition config from the config drive that the engine attaches.
func Find(s *stream.Stream, architecture, platform string) (Artifact, error) {
	a, ok := s.Architectures[arch.RpmArch(architecture)]
	if !ok {
		return Artifact{}, fmt.Errorf("find OS image: CoreOS stream %s has nothing for architecture %s, only for %s",
			s.Stream, architecture, strings.Join(slices.Sorted(maps.Keys(s.Architectures)), ", "))
	}
	p, ok := a.Artifacts[platform]
	if !ok {
		return Artifact{}, fmt.Errorf("find OS image: CoreOS stream %s has no %s image, only %s",
			s.Stream, platform, strings.Join(slices.Sorted(maps.Keys(a.Artifacts)), ", "))
	}
	for _, format := range slices.Sorted(maps.Keys(p.Formats)) {
		disk := p.Formats[format].Disk
		if !strings.HasPrefix(format, "qcow2") || disk == nil {
			continue
		}
		return Artifact{
			URL: disk.Location, SHA256: disk.Sha256, UncompressedSHA256: disk.UncompressedSha256,
			Format: format, Release: p.Release,
		}, nil
	}
	return Artifact{}, fmt.Errorf("find OS image: CoreOS stream %s has a %s image, but not as qcow2", s.Stream, platform)
}

// OverrideVar is the environment variable that replaces the image.
const OverrideVar = "OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE"

// Override replaces the stream's image by another one, or by an existing template. The zero value overrides nothing.
type Override struct {
	Artifact Artifact
	Template string
}

// IsZero reports whether nothing is overridden.
func (o Override) IsZero() bool { return o == Override{} }

// ParseOverride reads the variable's value: a URL, with ?sha256= to have its file checked, or the name of a template.
func ParseOverride(value string) (Override, error) {
	if value == "" {
		return Override{}, nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme == "" {
		return Override{Template: value}, nil
	}
	if u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "file" {
		return Override{}, fmt.Errorf("read %s: scheme %q is not one of http, https, file", OverrideVar, u.Scheme)
	}
	q := u.Query()
	a := Artifact{SHA256: strings.ToLower(q.Get("sha256"))}
	if a.SHA256 != "" && !isSHA256(a.SHA256) {
		return Override{}, fmt.Errorf("read %s: sha256 %q is not 64 hexadecimal digits", OverrideVar, a.SHA256)
	}
	q.Del("sha256")
	u.RawQuery = q.Encode()
	a.URL = u.String()
	a.Format = formatOf(u.Path)
	return Override{Artifact: a}, nil
}

func isSHA256(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// formatOf is the format of a file by its name, qcow2 if the name does not say.
func formatOf(path string) string {
	packed := ""
	for _, ext := range []string{".gz", ".xz"} {
		if rest, ok := strings.CutSuffix(path, ext); ok {
			path, packed = rest, ext
		}
	}
	if strings.HasSuffix(path, ".raw") {
		return "raw" + packed
	}
	return "qcow2" + packed
}

// compression returns gz or xz, or nothing for a file that is not compressed.
func compression(a Artifact) string {
	for _, text := range []string{a.Format, a.URL} {
		for _, packed := range []string{"gz", "xz"} {
			if text == packed || strings.HasSuffix(text, "."+packed) {
				return packed
			}
		}
	}
	return ""
}
