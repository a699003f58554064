package types

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
)

// maxSize is far above any real install-config, trust bundle included.
const maxSize = 4 << 20

// Load reads an install-config, fills in the defaults and checks it. The path
// is only for messages. The config is nil if the report has failed.
func Load(path string, data []byte) (*InstallConfig, *report.Report) {
	r := report.New(path)
	c := parse(data, r)
	if c == nil {
		return nil, r
	}
	setDefaults(c, r)
	validate(c, r)
	if r.Failed() {
		return nil, r
	}
	return c, r
}

func parse(data []byte, r *report.Report) *InstallConfig {
	root := report.Path{}
	if len(data) > maxSize {
		r.Invalid(root, fmt.Sprintf("%d bytes", len(data)), "must be at most %d bytes", maxSize)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := decodeNode(dec, &doc); err != nil {
		if errors.Is(err, io.EOF) {
			r.Required(root, "the file is empty")
			return nil
		}
		r.Add(syntaxFinding(err))
		return nil
	}
	var more yaml.Node
	if err := decodeNode(dec, &more); err == nil && !isNull(content(&more)) {
		r.Add(report.Finding{Type: report.TooMany, Detail: "the file must hold one YAML document",
			At: report.Position{Line: more.Line, Column: more.Column}})
	}
	c := &InstallConfig{}
	d := &decoder{report: r}
	top := content(&doc)
	if isNull(top) {
		r.Required(root, "the file is empty")
		return nil
	}
	if top.Kind != yaml.MappingNode {
		r.Add(report.Finding{Type: report.Invalid, Detail: "the file must hold a mapping of keys to values",
			At: report.Position{Line: top.Line, Column: top.Column}})
		return nil
	}
	d.decode(top, reflect.ValueOf(c).Elem(), root, 0)
	return c
}

func content(doc *yaml.Node) *yaml.Node {
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		return doc.Content[0]
	}
	return doc
}

// decodeNode turns the library's panics, which it has had for broken input,
// into errors.
func decodeNode(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not YAML: %v", p)
		}
	}()
	return dec.Decode(n)
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// syntaxFinding moves the line number, which the library puts into the text, to
// where all others are.
func syntaxFinding(err error) report.Finding {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	f := report.Finding{Type: report.Invalid}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		f.At.Line, _ = strconv.Atoi(m[1])
		f.At.Column = 1
		text = text[len(m[0]):]
	}
	f.Detail = "not YAML: " + strings.TrimPrefix(text, "not YAML: ")
	return f
}

// Canonical is the config as bytes that differ whenever it does, secrets
// included. It is meant for hashing and nothing else.
func (c *InstallConfig) Canonical() []byte {
	out, err := json.Marshal(c)
	if err != nil {
		panic("types: encode install-config: " + err.Error()) // plain data always encodes
	}
	collectSecrets(reflect.ValueOf(c).Elem(), func(s secret.String) {
		out = append(out, 0)
		out = append(out, s.Reveal()...)
	})
	return out
}

// Secrets are all secret values in the config, for redaction: also the single
// logins in the pull secret and the passwords in those.
func (c *InstallConfig) Secrets() []secret.String {
	var out []secret.String
	collectSecrets(reflect.ValueOf(c).Elem(), func(s secret.String) {
		if !s.IsZero() {
			out = append(out, s)
		}
	})
	auths, _ := parsePullSecret(c.PullSecret.Reveal())
	for _, host := range slices.Sorted(maps.Keys(auths)) {
		login := auths[host].Auth
		out = append(out, secret.New(login))
		if plain, err := base64.StdEncoding.DecodeString(login); err == nil {
			_, password, _ := strings.Cut(string(plain), ":")
			out = append(out, secret.New(password))
		}
	}
	return out
}

func collectSecrets(v reflect.Value, found func(secret.String)) {
	if s, ok := v.Interface().(secret.String); ok {
		found(s)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			collectSecrets(v.Elem(), found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			collectSecrets(v.Index(i), found)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				collectSecrets(v.Field(i), found)
			}
		}
	}
}
