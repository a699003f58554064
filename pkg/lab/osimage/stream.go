package osimage

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/coreos/stream-metadata-go/stream"

	"github.com/okd-install/okd-install/pkg/lab/cache"
)

const architecture = "x86_64"

// describe makes the stream metadata of a finished disk image.
func describe(disk, key, baseURL string, now time.Time) ([]byte, error) {
	sum, err := cache.FileSum(disk)
	if err != nil {
		return nil, err
	}
	format := stream.ImageFormat{Disk: &stream.Artifact{
		Location:           baseURL + "/" + key + "/" + DiskFile,
		Sha256:             sum,
		UncompressedSha256: sum,
	}}
	release := "lab-" + key
	s := stream.Stream{
		Stream:   "c9s",
		Metadata: stream.Metadata{LastModified: now.UTC().Format(time.RFC3339), Generator: "okd-lab"},
		Architectures: map[string]stream.Arch{architecture: {
			// oVirt takes the OpenStack image: both hand the configuration
			// over on a config drive.
			Artifacts: map[string]stream.PlatformArtifacts{
				"openstack": {Release: release, Formats: map[string]stream.ImageFormat{"qcow2": format}},
			},
		}},
	}
	return encode(s)
}

// WithLive is the stream of an image with the live ISO that was made from it, for
// which the file is at url.
func (i Image) WithLive(path, url string) ([]byte, error) {
	raw, err := i.Stream()
	if err != nil {
		return nil, err
	}
	var s stream.Stream
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("read stream of the OS image: %w", err)
	}
	sum, err := cache.FileSum(path)
	if err != nil {
		return nil, err
	}
	artifacts := s.Architectures[architecture].Artifacts
	artifacts["metal"] = stream.PlatformArtifacts{
		Release: artifacts["openstack"].Release,
		Formats: map[string]stream.ImageFormat{"iso": {Disk: &stream.Artifact{Location: url, Sha256: sum}}},
	}
	return encode(s)
}

func encode(s stream.Stream) ([]byte, error) {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe image: %w", err)
	}
	return append(b, '\n'), nil
}
