package ociimage

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// layer is an uncompressed layer that is made when it is read. Compressing would
// cost more CPU than the lab has, and the network is a bridge.
type layer struct {
	write func(io.Writer) error
	hash  v1.Hash
	size  int64
}

// NewLayer is the layer that write writes, always the same bytes.
func NewLayer(write func(io.Writer) error) (v1.Layer, error) {
	hash, size, err := v1.SHA256(stream(write))
	if err != nil {
		return nil, fmt.Errorf("hash layer: %w", err)
	}
	return layer{write, hash, size}, nil
}

// FileLayer is a layer that is in a file.
func FileLayer(path string) (v1.Layer, error) {
	return NewLayer(func(w io.Writer) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
}

func stream(write func(io.Writer) error) io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(write(w)) }()
	return r
}

func (l layer) Digest() (v1.Hash, error)            { return l.hash, nil }
func (l layer) DiffID() (v1.Hash, error)            { return l.hash, nil }
func (l layer) Size() (int64, error)                { return l.size, nil }
func (l layer) MediaType() (types.MediaType, error) { return types.OCIUncompressedLayer, nil }
func (l layer) Compressed() (io.ReadCloser, error)  { return l.Uncompressed() }

func (l layer) Uncompressed() (io.ReadCloser, error) {
	return stream(func(w io.Writer) error {
		h := sha256.New()
		err := l.write(io.MultiWriter(w, h))
		if err == nil && hex.EncodeToString(h.Sum(nil)) != l.hash.Hex {
			err = errors.New("a file of the layer has changed since it was hashed")
		}
		return err
	}), nil
}
