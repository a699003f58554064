// Package release reads the content of a release image: its version, component
// images, feature gates and operating system images.
package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
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
	images     map[string]string
	stream     *stream.Stream
	gates      []gateSet
}

// Image returns the pull spec of a component, false if the release does not have
// it.
func (r *Release) Image(tag string) (string, bool) {
	spec, ok := r.images[tag]
	return spec, ok
}

// Stream describes the operating system images of the release, nil if the release
// has none.
func (r *Release) Stream() *stream.Stream { return r.stream }

// Options say how to reach the registry.
type Options struct {
	PullSecret secret.String // JSON; anonymous if empty
	// HostLogins adds the logins of podman and docker on this host to those of the
	// pull secret.
	HostLogins  bool
	TrustBundle []byte // PEM of additional CAs
	Mirrors     []Mirror
	// Timeout is how long a registry may be silent; default 15 s.
	Timeout time.Duration
	// Asking is called with each repository before it is read; may be nil.
	Asking func(place string)
	// Architecture selects the image of a multi-architecture release; default
	// amd64.
	Architecture string
}

// Mirror lists mirrors of a repository. They are used for images by digest.
type Mirror struct {
	Source  string
	Mirrors []string
	// Only forbids to contact the source itself.
	Only bool
}

const defaultTimeout = 15 * time.Second

// Inspect resolves a release image to its digest and reads its payload. All
// errors are of type *Error.
func Inspect(ctx context.Context, pullSpec string, opts Options) (*Release, error) {
	if opts.Timeout == 0 {
		opts.Timeout = defaultTimeout
	}
	if opts.Architecture == "" {
		opts.Architecture = "amd64"
	}
	if opts.Asking == nil {
		opts.Asking = func(string) {}
	}
	ref, err := name.ParseReference(pullSpec)
	if err != nil {
		return nil, &Error{Image: pullSpec, Kind: Invalid, Cause: err}
	}
	transport, options, err := remoteOptions(opts)
	if err != nil {
		return nil, &Error{Image: pullSpec, Kind: Invalid, Cause: err}
	}
	var (
		last   *Error
		others []error
	)
	for _, candidate := range candidates(ref, opts.Mirrors) {
		opts.Asking(candidate.Context().Name())
		release, err := inspect(ctx, ref, candidate, opts.Timeout, transport, options)
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

// inspect reads the release from one repository, with its own time limit.
func inspect(
	ctx context.Context, wanted, from name.Reference, limit time.Duration,
	transport http.RoundTripper, options []remote.Option,
) (*Release, error) {
	ctx, timer, stop := withIdleTimeout(ctx, limit)
	defer stop()
	options = append(slices.Clone(options), remote.WithContext(ctx), remote.WithTransport(idleTransport{transport, timer}))
	descriptor, files, err := fetch(from, options)
	if err != nil {
		return nil, idleCause(ctx, err)
	}
	release, err := parse(files)
	if err != nil {
		return nil, &malformed{err}
	}
	release.Digest = descriptor.Digest.String()
	release.PullSpec = wanted.Context().Name() + "@" + release.Digest
	return release, nil
}

func fetch(from name.Reference, options []remote.Option) (*remote.Descriptor, payload, error) {
	descriptor, err := remote.Get(from, options...)
	if err != nil {
		return nil, payload{}, err
	}
	image, err := descriptor.Image()
	if err != nil {
		return nil, payload{}, err
	}
	files, err := lastLayer(image)
	return descriptor, files, err
}

// lastLayer reads the payload: a release is the image of the cluster-version
// operator with the payload as an additional layer. The other layers are large.
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
			r.stream = s
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
