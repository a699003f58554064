package monitor

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/node"
)

// Output is a configuration file made from a template.
type Output struct {
	Template string
	Path     string
}

// Text fills in the template.
func (o Output) Text(c node.Config) ([]byte, error) {
	raw, err := os.ReadFile(o.Template)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	t, err := template.New(filepath.Base(o.Template)).Option("missingkey=error").Parse(string(raw))
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, c); err != nil {
		return nil, fmt.Errorf("fill in %s: %w", o.Template, err)
	}
	return b.Bytes(), nil
}

// Write renders the file if its text changed, and says whether it did.
func (o Output) Write(c node.Config) (bool, error) {
	text, err := o.Text(c)
	if err != nil {
		return false, err
	}
	if have, err := os.ReadFile(o.Path); err == nil && bytes.Equal(have, text) {
		return false, nil
	}
	// By rename: the program may read at any moment.
	tmp := o.Path + ".new"
	if err := os.WriteFile(tmp, text, 0o644); err != nil {
		return false, fmt.Errorf("write %s: %w", o.Path, err)
	}
	if err := os.Rename(tmp, o.Path); err != nil {
		return false, fmt.Errorf("write %s: %w", o.Path, err)
	}
	return true, nil
}
