// Package release reads a release image: its version, component images, feature gates and operating system images.
package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/coreos/stream-metadata-go/stream"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/okd-install/okd-install/pkg/secret"
)

// Release is an inspected release image.
type Release struct {
	PullSpec   string // by digest, in the repository that the user named
	Digest     string // sha256:...
	Version    string
	Kubernetes string // version of Kubernetes, empty if not known
	// Stream describes the operating system images of the release, nil if it has none.
	Stream *stream.Stream
	images map[string]string
	gates  []gateSet
}

// Image returns the pull spec of a component, false if the release does not have it.
func (r *Release) Image(tag string) (string, bool) {
	spec, ok := r.images[tag]
	return spec, ok
}

// Components returns the number of images in the release.
func (r *Release) Components() int { return len(r.images) }

// Options say how to reach the registry.
type Options struct {
	PullSecret secret.String // JSON; anonymous if empty
	// HostLogins adds the logins of podman and docker on this host to those of the pull secret.
	HostLogins  bool
	TrustBundle []byte // PEM of additional CAs
	Mirrors     []Mirror
	Timeout     time.Duration      // how long a registry may be silent; default 15 s
	Asking      func(place string) // is called with each repository before it is read; may be nil
}

// Mirror lists mirrors of a repository. They are used for images by digest.
type Mirror struct {
	Source  string
	Mirrors []string
	// Only forbids to contact the source itself.
	Only bool
}

// Inspect resolves a release image to its digest and reads its payload. All errors are of type *Error.
func Inspect(ctx context.Context, pullSpec string, opts Options) (*Release, error) {
	ref, err := name.ParseReference(pullSpec)
	if err != nil {
		return nil, &Error{Image: pullSpec, Kind: Invalid, Cause: err}
	}
	c, err := newClient(opts)
	if err != nil {
		return nil, &Error{Image: pullSpec, Kind: Invalid, Cause: err}
	}
	var (
		last   *Error
		others []error
	)
	for _, candidate := range candidates(ref, opts.Mirrors) {
		if opts.Asking != nil {
			opts.Asking(candidate.Context().Name())
		}
		release, err := c.inspect(ctx, ref, candidate)
		if err == nil {
			return release, nil
		}
		if last != nil {
			others = append(others, last)
		}
		last = classify(candidate.Name(), err)
		if ctx.Err() != nil {
			break // the caller does not wait for other mirrors
		}
	}
	if last == nil {
		cause := errors.New("no mirror is configured and the source must not be contacted")
		return nil, &Error{Image: pullSpec, Kind: NotFound, Cause: cause}
	}
	// The last one is the source, whose error says most.
	last.Others = others
	return nil, last
}

// inspect reads the release from one repository.
func (c client) inspect(ctx context.Context, wanted, from name.Reference) (release *Release, err error) {
	err = c.do(ctx, func(options []remote.Option) error {
		descriptor, err := remote.Get(from, options...)
		if err != nil {
			return err
		}
		image, err := descriptor.Image()
		if err != nil {
			return err
		}
		files, err := lastLayer(image)
		if err != nil {
			return err
		}
		if release, err = parse(files); err != nil {
			return &malformed{err}
		}
		release.Digest = descriptor.Digest.String()
		release.PullSpec = wanted.Context().Name() + "@" + release.Digest
		return nil
	})
	return release, err
}

// lastLayer reads the payload: a release is the cluster-version operator's image with the payload as the last layer.
func lastLayer(image v1.Image) (payload, error) {
	layers, err := image.Layers()
	if err != nil {
		return payload{}, err
	}
	if len(layers) == 0 {
		return payload{}, &malformed{errors.New("the image has no layers")}
	}
	content, err := layers[len(layers)-1].Uncompressed()
	if err != nil {
		return payload{}, err
	}
	defer func() { _ = content.Close() }()
	return readPayload(&limited{r: content, left: maxPayload})
}

// limited is an io.LimitedReader that returns an error at its limit.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, &malformed{fmt.Errorf("its last layer is larger than %d MiB", maxPayload>>20)}
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

func parse(files payload) (*Release, error) {
	refs, err := parseReferences(files.references)
	if err != nil {
		return nil, err
	}
	var metadata struct{ Kind, Version string }
	if err := json.Unmarshal(files.metadata, &metadata); err != nil {
		return nil, fmt.Errorf("parse release-metadata: %w", err)
	}
	if metadata.Version != refs.version {
		return nil, fmt.Errorf("release-metadata says version %q, image-references %q", metadata.Version, refs.version)
	}
	r := &Release{Version: refs.version, Kubernetes: refs.kubernetes, images: refs.images}
	for _, raw := range files.bootImages {
		s, err := parseBootImages(raw)
		if err != nil {
			return nil, err
		}
		if s != nil {
			r.Stream = s
		}
	}
	for _, raw := range files.gates {
		sets, err := parseGates(raw)
		if err != nil {
			return nil, err
		}
		r.gates = append(r.gates, sets...)
	}
	return r, nil
}
