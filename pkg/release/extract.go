package release

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// maxExtracted is the largest file that is read out of an image: live ISOs have 1.3 GiB.
const maxExtracted = 8 << 30

// Extraction is a file of an image.
type Extraction struct {
	Image string // pull spec by digest
	Path  string // in the image, without a leading slash
	// Restart is called before something is written from its beginning: another mirror is read.
	Restart func() error
	Write   io.Writer
}

// Extract reads a file out of an image, whose digest is checked. A connection that breaks is
// resumed. All errors are of type *Error.
func Extract(ctx context.Context, x Extraction, opts Options) error {
	ref, err := name.NewDigest(x.Image)
	if err != nil {
		return &Error{Image: x.Image, Kind: Invalid, Cause: err}
	}
	c, err := newClient(opts)
	if err != nil {
		return &Error{Image: x.Image, Kind: Invalid, Cause: err}
	}
	c.transport = resuming{c.transport}
	var last *Error
	var others []error
	for _, candidate := range candidates(ref, opts.Mirrors) {
		if opts.Asking != nil {
			opts.Asking(candidate.Context().Name())
		}
		err := x.Restart()
		if err == nil {
			err = c.do(ctx, func(options []remote.Option) error { return extract(candidate, options, x) })
		}
		if err == nil {
			return nil
		}
		if last != nil {
			others = append(others, last)
		}
		last = classify(candidate.Name(), err)
		if ctx.Err() != nil {
			break
		}
	}
	if last == nil {
		cause := errors.New("no mirror is configured and the source must not be contacted")
		return &Error{Image: x.Image, Kind: NotFound, Cause: cause}
	}
	last.Others = others
	return last
}

// extract looks for the file from the last layer on, as the file system of a container does.
func extract(from name.Reference, options []remote.Option, x Extraction) error {
	image, err := remote.Image(from, options...)
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for i := len(layers) - 1; i >= 0; i-- {
		found, err := extractFrom(layers[i], x)
		if found || err != nil {
			return err
		}
	}
	return &malformed{fmt.Errorf("the image has no file %s", x.Path)}
}

// extractFrom reads a layer to its end, because only then its digest is checked.
func extractFrom(layer v1.Layer, x Extraction) (found bool, err error) {
	content, err := layer.Uncompressed()
	if err != nil {
		return false, err
	}
	defer func() { _ = content.Close() }()
	files := tar.NewReader(content)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, fmt.Errorf("read layer: %w", err)
		}
		if found || strings.TrimPrefix(path.Clean("/"+header.Name), "/") != x.Path || header.Typeflag != tar.TypeReg {
			continue
		}
		if header.Size > maxExtracted {
			return false, &malformed{fmt.Errorf("file %s has %d bytes", x.Path, header.Size)}
		}
		if _, err := io.CopyBuffer(x.Write, files, make([]byte, 1<<20)); err != nil {
			return false, fmt.Errorf("read %s: %w", x.Path, err)
		}
		found = true
	}
	if _, err := io.Copy(io.Discard, content); err != nil {
		return false, fmt.Errorf("read layer: %w", err)
	}
	return found, nil
}
