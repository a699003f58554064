// Package leaks finds secrets of an installation where they do not belong. It takes
// them from the state file, so that it knows every secret that is added later.
package leaks

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Secrets are the secrets of an installation, by what they are.
type Secrets map[string]string

// Add takes the passwords and private keys that are in the state file of dir,
// if there is one.
func (s Secrets) Add(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, ".openshift_install_state.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var state any
	if err := json.Unmarshal(data, &state); err != nil {
		return err
	}
	s.collect(state, "state")
	return nil
}

// collect walks through values, including those encoded in base64.
func (s Secrets) collect(value any, at string) {
	switch v := value.(type) {
	case map[string]any:
		for key, x := range v {
			if text, is := x.(string); is && key == "password" && text != "" {
				s[at+"."+key] = text
			}
			s.collect(x, at+"."+key)
		}
	case []any:
		for i, x := range v {
			s.collect(x, fmt.Sprintf("%s[%d]", at, i))
		}
	case string:
		if decoded, err := base64.StdEncoding.DecodeString(v); err == nil && len(decoded) > 16 {
			s.collect(string(decoded), at)
		}
		s.collectKeys(v, at)
	}
}

// collectKeys takes a line out of the middle of every private key.
func (s Secrets) collectKeys(text, at string) {
	for {
		_, rest, found := strings.Cut(text, "PRIVATE KEY-----")
		if !found {
			return
		}
		lines := strings.Split(rest, "\n")
		if len(lines) > 4 && len(lines[3]) > 40 {
			s[at+" key "+lines[3][:8]] = lines[3]
		}
		_, text, _ = strings.Cut(rest, "PRIVATE KEY-----") // the end marker
	}
}

// Known returns the name of a secret that a text contains, plainly or in base64; empty
// if there is none.
func (s Secrets) Known(text string) string {
	for name, x := range s {
		// Of base64 within base64 only the middle is the same at every offset.
		if strings.Contains(text, x) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(x))) {
			return name
		}
	}
	return ""
}

// In is Known, and finds other private keys as well.
func (s Secrets) In(text string) string {
	if name := s.Known(text); name != "" {
		return name
	}
	if strings.Contains(text, "PRIVATE KEY") {
		return "a private key"
	}
	return ""
}

// Private checks that only their owner can read the files below root that contain
// secrets, and returns how many there are.
func (s Secrets) Private(root string) (int, error) {
	found := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name := s.In(string(data))
		if name == "" {
			name = s.In(unpacked(string(data)))
		}
		if name == "" {
			return nil
		}
		found++
		if info.Mode().Perm() != 0o600 {
			return fmt.Errorf("%s contains %s and has mode %s", path, name, info.Mode())
		}
		return nil
	})
	return found, err
}

// unpacked decodes every word of a text that is base64.
func unpacked(text string) string {
	var out strings.Builder
	for _, word := range words(text) {
		if data, err := base64.StdEncoding.DecodeString(word); err == nil {
			out.Write(data)
			out.WriteByte('\n')
		}
	}
	return out.String()
}
