package runtimecfg

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// Output is a configuration file made from a template.
type Output struct {
	Template string
	Path     string
}

// Text fills in the template.
func (o Output) Text(c Config) ([]byte, error) {
	raw, err := os.ReadFile(o.Template)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	return program.Fill(filepath.Base(o.Template), raw, c)
}

// Write renders the file if its text changed, and reports whether it did. The
// program that reads it may do so at any moment.
func (o Output) Write(c Config) (bool, error) {
	text, err := o.Text(c)
	if err != nil {
		return false, err
	}
	if have, err := os.ReadFile(o.Path); err == nil && bytes.Equal(have, text) {
		return false, nil
	}
	err = os.MkdirAll(filepath.Dir(o.Path), 0o755)
	if err == nil {
		err = atomicfile.Write(o.Path, text, 0o644)
	}
	if err != nil {
		return false, fmt.Errorf("write configuration: %w", err)
	}
	return true, nil
}
