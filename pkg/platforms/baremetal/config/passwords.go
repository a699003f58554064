package config

import (
	"bytes"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/secret"
)

// maxNodes bounds an install-config whose aliases are written out.
const maxNodes = 1 << 20

// BlankPasswords is an install-config without the passwords of BMCs, and reports whether it had any. Comments, which
// may have others, are left out. It is nil, with true, for a text that cannot be read.
func BlankPasswords(text []byte) (blank []byte, any bool) {
	doc, err := parse(text)
	if err != nil {
		return nil, true
	}
	for _, bmc := range controllers(doc) {
		for _, password := range all(bmc, "password") {
			if password.Kind != yaml.ScalarNode || password.Value != "" && password.Tag != "!!null" {
				*password, any = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle}, true
			}
		}
	}
	if !any {
		return text, false
	}
	if blank, err = render(doc); err != nil {
		return nil, true
	}
	return blank, true
}

// Passwords are those of BMCs in an install-config, by the addresses of the BMCs.
func Passwords(text []byte) (map[string]secret.String, error) {
	doc, err := parse(text)
	if err != nil {
		return nil, err
	}
	out := map[string]secret.String{}
	for _, bmc := range controllers(doc) {
		if p := get(bmc, "password"); p != nil && p.Kind == yaml.ScalarNode && p.Value != "" && p.Tag != "!!null" {
			out[textOf(get(bmc, "address"))] = secret.New(p.Value)
		}
	}
	return out, nil
}

// FillPasswords puts passwords into an install-config that BlankPasswords has made. It asks for those of BMCs that have
// none, by their addresses and users.
func FillPasswords(blank []byte, ask func(address, user string) (secret.String, error)) ([]byte, error) {
	doc, err := parse(blank)
	if err != nil {
		return nil, err
	}
	for _, bmc := range controllers(doc) {
		p := get(bmc, "password")
		if p == nil || p.Kind != yaml.ScalarNode || p.Value != "" {
			continue
		}
		password, err := ask(textOf(get(bmc, "address")), textOf(get(bmc, "username")))
		if err != nil {
			return nil, err
		}
		*p = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: password.Reveal()}
	}
	return render(doc)
}

func textOf(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	return n.Value
}

func parse(text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Content) != 1 {
		return nil, errors.New("install-config.yaml: it is no YAML") // an error of the parser may quote it
	}
	left := maxNodes
	return plainly(doc.Content[0], &left)
}

func render(doc *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(doc), e.Close()); err != nil {
		return nil, fmt.Errorf("write install-config.yaml: %w", err)
	}
	return out.Bytes(), nil
}

// plainly is a copy without comments, and with what aliases stand for.
func plainly(n *yaml.Node, left *int) (*yaml.Node, error) {
	if *left--; *left < 0 {
		return nil, errors.New("install-config.yaml: it is too large")
	}
	if n.Kind == yaml.AliasNode {
		return plainly(n.Alias, left)
	}
	out := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value}
	for _, c := range n.Content {
		copied, err := plainly(c, left)
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, copied)
	}
	return out, nil
}

// controllers are the settings of all BMCs.
func controllers(doc *yaml.Node) (out []*yaml.Node) {
	for _, platform := range all(doc, "platform") {
		for _, settings := range all(platform, Name) {
			for _, list := range all(settings, "hosts") {
				if list.Kind != yaml.SequenceNode {
					continue
				}
				for _, host := range list.Content {
					out = append(out, all(host, "bmc")...)
				}
			}
		}
	}
	return out
}

// all are the values of a key in a mapping, those of merged mappings after its own.
func all(mapping *yaml.Node, key string) (out []*yaml.Node) {
	if mapping.Kind == yaml.SequenceNode { // several merged ones
		for _, m := range mapping.Content {
			out = append(out, all(m, key)...)
		}
	}
	if mapping.Kind != yaml.MappingNode {
		return out
	}
	var merged []*yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		switch k := mapping.Content[i]; {
		case k.Value == key:
			out = append(out, mapping.Content[i+1])
		case k.Value == "<<":
			merged = append(merged, all(mapping.Content[i+1], key)...)
		}
	}
	return append(out, merged...)
}

// get is the value of a key that counts, nil without one.
func get(mapping *yaml.Node, key string) *yaml.Node {
	if list := all(mapping, key); len(list) > 0 {
		return list[0]
	}
	return nil
}
