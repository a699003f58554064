package wizard

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// encode writes a file as a person would: only the fields that are set, in
// the order of the schema. The result holds secrets.
func encode[T any](c *T) ([]byte, error) {
	root, err := node(reflect.ValueOf(c))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("encode the answers: %w", err)
	}
	return out.Bytes(), enc.Close()
}

func node(v reflect.Value) (*yaml.Node, error) {
	switch x := v.Interface().(type) {
	case decode.Parts: // settings by platform
		n := &yaml.Node{Kind: yaml.MappingNode}
		for name, settings := range x.All() {
			value, err := node(reflect.ValueOf(settings))
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, text(name), value)
		}
		return n, nil
	case secret.String:
		return text(x.Reveal()), nil
	case encoding.TextMarshaler:
		raw, err := x.MarshalText()
		return text(string(raw)), err
	}
	switch v.Kind() {
	case reflect.Pointer:
		return node(v.Elem())
	case reflect.Struct:
		return mapping(v)
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			item, err := node(v.Index(i))
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, item)
		}
		return n, nil
	case reflect.String:
		return text(v.String()), nil
	case reflect.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.Bool())}, nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v.Int(), 10)}, nil
	}
	return nil, fmt.Errorf("encode the answers: no form for %s", v.Type())
}

func mapping(v reflect.Value) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" || v.Field(i).IsZero() {
			continue
		}
		value, err := node(v.Field(i))
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, text(name), value)
	}
	return n, nil
}

// text quotes what YAML readers could take for something else, such as "on" or an
// address of digits and colons in YAML 1.1. JSON in one line gets single quotes, which
// are easier to read.
func text(s string) *yaml.Node {
	n := &yaml.Node{}
	if strings.HasPrefix(s, "{") && !strings.Contains(s, "\n") {
		n.SetString(s)
		n.Style = yaml.SingleQuotedStyle
	} else if n.Encode(s) != nil {
		n.SetString(s)
	}
	return n
}
