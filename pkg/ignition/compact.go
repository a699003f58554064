package ignition

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Compact writes a config of any spec without the empty fields of its types, with the keys of
// objects in order. It makes no tree of the config, which may have thousands of files.
func Compact(config any) ([]byte, error) {
	raw, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encode Ignition config: %w", err)
	}
	c := compactor{in: json.NewDecoder(bytes.NewReader(raw)), out: make([]byte, 0, len(raw))}
	c.in.UseNumber()
	if _, err := c.value(); err != nil {
		return nil, fmt.Errorf("encode Ignition config: %w", err)
	}
	return c.out, nil
}

// compactor copies JSON.
type compactor struct {
	in  *json.Decoder
	out []byte
}

// value copies the next value, and reports whether it is empty.
func (c *compactor) value() (empty bool, err error) {
	token, err := c.in.Token()
	if err != nil {
		return false, err
	}
	switch token {
	case json.Delim('{'):
		return c.object()
	case json.Delim('['):
		return c.list()
	}
	return token == nil, c.scalar(token)
}

func (c *compactor) scalar(v any) error {
	raw, err := json.Marshal(v)
	c.out = append(c.out, raw...)
	return err
}

// list keeps empty items: the others' positions count.
func (c *compactor) list() (empty bool, err error) {
	c.out = append(c.out, '[')
	for empty = true; c.in.More(); empty = false {
		if !empty {
			c.out = append(c.out, ',')
		}
		if _, err := c.value(); err != nil {
			return false, err
		}
	}
	c.out = append(c.out, ']')
	_, err = c.in.Token()
	return empty, err
}

// object leaves out empty members.
func (c *compactor) object() (empty bool, err error) {
	type member struct {
		key      string
		from, to int
	}
	var members []member
	start := len(c.out)
	for c.in.More() {
		token, err := c.in.Token()
		if err != nil {
			return false, err
		}
		key, _ := token.(string)
		from := len(c.out)
		if err := c.scalar(key); err != nil {
			return false, err
		}
		c.out = append(c.out, ':')
		empty, err := c.value()
		if err != nil {
			return false, err
		}
		if empty {
			c.out = c.out[:from]
			continue
		}
		members = append(members, member{key, from, len(c.out)})
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.key, b.key) })
	sorted := make([]byte, 0, len(c.out)-start+len(members)+1)
	for i, m := range members {
		sorted = append(append(sorted, "{,"[min(i, 1)]), c.out[m.from:m.to]...)
	}
	if len(members) == 0 {
		sorted = append(sorted, '{')
	}
	c.out = append(append(c.out[:start], sorted...), '}')
	_, err = c.in.Token()
	return len(members) == 0, err
}
