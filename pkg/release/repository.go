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

// Resolve finds the current digest of a pull spec, without a request for one by digest. All errors are of type *Error.
func Resolve(ctx context.Context, pullSpec string, opts Options) (string, error) {
	ref, err := name.ParseReference(pullSpec)
	if err != nil {
		return "", &Error{Image: pullSpec, Kind: Invalid, Cause: err}
	}
	if digest, ok := ref.(name.Digest); ok {
		return digest.DigestStr(), nil
	}
	c, err := newClient(opts)
	if err != nil {
		return "", &Error{Image: pullSpec, Kind: Invalid, Cause: err}
	}
	var digest string
	err = c.do(ctx, func(options []remote.Option) error {
		found, err := remote.Head(ref, options...)
		if err == nil {
			digest = found.Digest.String()
		}
		return err
	})
	if err != nil {
		return "", classify(ref.Name(), err)
	}
	return digest, nil
}

// Tags lists the tags of a repository. All errors are of type *Error.
func Tags(ctx context.Context, repository string, opts Options) ([]string, error) {
	repo, err := name.NewRepository(repository)
	if err != nil {
		return nil, &Error{Image: repository, Kind: Invalid, Cause: err}
	}
	c, err := newClient(opts)
	if err != nil {
		return nil, &Error{Image: repository, Kind: Invalid, Cause: err}
	}
	var tags []string
	err = c.do(ctx, func(options []remote.Option) (err error) {
		tags, err = remote.List(repo, options...)
		return err
	})
	if err != nil {
		return nil, classify(repository, err)
	}
	return tags, nil
}

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
