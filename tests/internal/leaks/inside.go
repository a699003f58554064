package leaks

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"strings"
)

const (
	// depth is how often something may be packed into something else: a file of an archive in an Ignition config has
	// three.
	depth = 5
	// shortest is the shortest word that is taken for base64.
	shortest = 16
	// largest is how much of what was compressed is read.
	largest = 512 << 20
)

// Inside is Known for whole files: archives, what is compressed, and base64 in any of them.
func (s Secrets) Inside(data []byte) string { return s.inside(data, depth) }

func (s Secrets) inside(data []byte, depth int) string {
	if name := s.Known(string(data)); name != "" || depth == 0 {
		return name
	}
	for _, part := range parts(data) {
		if name := s.inside(part, depth-1); name != "" {
			return name
		}
	}
	return ""
}

// parts are what is packed into data.
func parts(data []byte) (list [][]byte) {
	if z, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
		plain, _ := io.ReadAll(io.LimitReader(z, largest)) // what there is of a broken one
		return [][]byte{plain}
	}
	for archive := tar.NewReader(bytes.NewReader(data)); ; {
		_, err := archive.Next()
		if err != nil {
			if errors.Is(err, io.EOF) && len(list) > 0 {
				return list
			}
			break
		}
		member, _ := io.ReadAll(archive) // what there is of a broken one
		list = append(list, member)
	}
	for _, word := range words(string(data)) {
		if len(word) < shortest {
			continue
		}
		if plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(word, "=")); err == nil {
			list = append(list, plain)
		}
	}
	return list
}

// words are the parts of a text that can be base64.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '=')
	})
}
