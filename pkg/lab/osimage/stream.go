package osimage

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/coreos/stream-metadata-go/stream"

	"github.com/okd-install/okd-install/pkg/lab/cache"
)

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
		Architectures: map[string]stream.Arch{"x86_64": {
			// oVirt takes the OpenStack image: both hand the configuration
			// over on a config drive.
			Artifacts: map[string]stream.PlatformArtifacts{
				"openstack": {Release: release, Formats: map[string]stream.ImageFormat{"qcow2": format}},
			},
		}},
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe image: %w", err)
	}
	return append(b, '\n'), nil
}
