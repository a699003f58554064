package program

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"text/template"
)

// Fill fills in a template. A field or key that does not exist is an error.
func Fill(name string, text []byte, data any) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").
		Funcs(template.FuncMap{"join": strings.Join}).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("fill in template: %w", err)
	}
	return out.Bytes(), nil
}

// FillFile fills in a template that is a file.
func FillFile(files fs.FS, name string, data any) ([]byte, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	return Fill(name, text, data)
}
