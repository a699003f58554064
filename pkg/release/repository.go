package release

import (
	"context"
	"errors"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// DefaultRepository is where OKD publishes its releases, tagged by version.
const DefaultRepository = "quay.io/okd/scos-release"

// Resolve finds the current digest of a pull spec. It makes no request for one by
// digest. All errors are of type *Error.
func Resolve(ctx context.Context, pullSpec string, opts Options) (string, error) {
	ref, err := name.ParseReference(pullSpec)
	if err != nil {
		return "", &Error{Image: pullSpec, Kind: Invalid, Cause: err}
	}
	if digest, ok := ref.(name.Digest); ok {
		return digest.DigestStr(), nil
	}
	ctx, options, cancel, err := bounded(ctx, opts)
	if err != nil {
		return "", &Error{Image: pullSpec, Kind: Invalid, Cause: err}
	}
	defer cancel()
	found, err := remote.Head(ref, options...)
	if err != nil {
		return "", classify(ref.Name(), idleCause(ctx, err))
	}
	return found.Digest.String(), nil
}

// Tags lists the tags of a repository. All errors are of type *Error.
func Tags(ctx context.Context, repository string, opts Options) ([]string, error) {
	repo, err := name.NewRepository(repository)
	if err != nil {
		return nil, &Error{Image: repository, Kind: Invalid, Cause: err}
	}
	ctx, options, cancel, err := bounded(ctx, opts)
	if err != nil {
		return nil, &Error{Image: repository, Kind: Invalid, Cause: err}
	}
	defer cancel()
	tags, err := remote.List(repo, options...)
	if err != nil {
		return nil, classify(repository, idleCause(ctx, err))
	}
	return tags, nil
}

// bounded returns client options for one repository and a context that ends when
// the registry is silent for opts.Timeout.
func bounded(ctx context.Context, opts Options) (context.Context, []remote.Option, context.CancelFunc, error) {
	if opts.Timeout == 0 {
		opts.Timeout = defaultTimeout
	}
	if opts.Architecture == "" {
		opts.Architecture = "amd64"
	}
	transport, options, err := remoteOptions(opts)
	if err != nil {
		return nil, nil, nil, err
	}
	ctx, timer, stop := withIdleTimeout(ctx, opts.Timeout)
	options = append(options, remote.WithContext(ctx), remote.WithTransport(idleTransport{transport, timer}))
	return ctx, options, stop, nil
}

// Components returns the number of images in the release.
func (r *Release) Components() int { return len(r.images) }

// ByDigest splits a pull spec that names its image by digest.
func ByDigest(pullSpec string) (repository, digest string, ok bool) {
	ref, err := name.NewDigest(pullSpec)
	if err != nil {
		return "", "", false
	}
	return ref.Context().Name(), ref.DigestStr(), true
}

// CheckRepository returns what is wrong with the name of a repository.
func CheckRepository(repository string) error {
	if _, err := name.NewRepository(repository); err != nil || !strings.Contains(repository, "/") {
		return errors.New("name it as HOST/PATH, as in " + DefaultRepository)
	}
	return nil
}
