// Package registry is the gRPC API of catalogs, as much of it as the lifecycle manager
// asks for. The module that has it would change a third of the installer's dependencies;
// the messages are few, and have not changed for years.
package registry

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Package is an operator in a catalog.
type Package struct {
	Name           string
	Channels       []Channel
	DefaultChannel string
}

// Channel is a channel of a package and the CSV at its head.
type Channel struct{ Name, CSV string }

// Bundle is a version of an operator in a channel.
type Bundle struct {
	CSV, Package, Channel string
	CSVJSON               string // empty in lists
	Image                 string
	Provides              []GVK
	Version, SkipRange    string
	Properties            []Property
	Replaces              string
	Skips                 []string
}

// GVK is a kind that an operator has.
type GVK struct{ Group, Version, Kind string }

// Property is something that a bundle says about itself, the value in JSON.
type Property struct{ Type, Value string }

// message is a message of the API. A field is told by its number in registry.proto.
type message interface {
	encode() []byte
	decode(number protowire.Number, value []byte) error
}

// put appends a field with a text, unless it is empty.
func put(b []byte, number protowire.Number, value string) []byte {
	if value == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), value)
}

func putMessage(b []byte, number protowire.Number, m message) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), m.encode())
}

// parse reads the fields of a message; all that are looked at are texts or messages.
func parse(data []byte, into message) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return fmt.Errorf("read %T: %w", into, protowire.ParseError(n))
		}
		data = data[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
				return fmt.Errorf("read %T: %w", into, protowire.ParseError(n))
			}
			data = data[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(data)
		if n < 0 {
			return fmt.Errorf("read %T: %w", into, protowire.ParseError(n))
		}
		if err := into.decode(number, value); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func (p *Package) encode() []byte {
	b := put(nil, 1, p.Name)
	for i := range p.Channels {
		b = putMessage(b, 2, &p.Channels[i])
	}
	return put(b, 3, p.DefaultChannel)
}

func (p *Package) decode(number protowire.Number, value []byte) error {
	switch number {
	case 1:
		p.Name = string(value)
	case 2:
		p.Channels = append(p.Channels, Channel{})
		return parse(value, &p.Channels[len(p.Channels)-1])
	case 3:
		p.DefaultChannel = string(value)
	}
	return nil
}

func (c *Channel) encode() []byte { return put(put(nil, 1, c.Name), 2, c.CSV) }

func (c *Channel) decode(number protowire.Number, value []byte) error {
	switch number {
	case 1:
		c.Name = string(value)
	case 2:
		c.CSV = string(value)
	}
	return nil
}

func (g *GVK) encode() []byte { return put(put(put(nil, 1, g.Group), 2, g.Version), 3, g.Kind) }

func (g *GVK) decode(number protowire.Number, value []byte) error {
	switch number {
	case 1:
		g.Group = string(value)
	case 2:
		g.Version = string(value)
	case 3:
		g.Kind = string(value)
	}
	return nil
}

func (p *Property) encode() []byte { return put(put(nil, 1, p.Type), 2, p.Value) }

func (p *Property) decode(number protowire.Number, value []byte) error {
	switch number {
	case 1:
		p.Type = string(value)
	case 2:
		p.Value = string(value)
	}
	return nil
}

func (b *Bundle) encode() []byte {
	out := put(put(put(put(nil, 1, b.CSV), 2, b.Package), 3, b.Channel), 4, b.CSVJSON)
	out = put(out, 6, b.Image)
	for i := range b.Provides {
		out = putMessage(out, 7, &b.Provides[i])
	}
	out = put(put(out, 9, b.Version), 10, b.SkipRange)
	for i := range b.Properties {
		out = putMessage(out, 12, &b.Properties[i])
	}
	out = put(out, 13, b.Replaces)
	for _, s := range b.Skips {
		out = put(out, 14, s)
	}
	return out
}

func (b *Bundle) decode(number protowire.Number, value []byte) error {
	texts := map[protowire.Number]*string{
		1: &b.CSV, 2: &b.Package, 3: &b.Channel, 4: &b.CSVJSON, 6: &b.Image, 9: &b.Version, 10: &b.SkipRange, 13: &b.Replaces,
	}
	if t := texts[number]; t != nil {
		*t = string(value)
		return nil
	}
	switch number {
	case 7:
		b.Provides = append(b.Provides, GVK{})
		return parse(value, &b.Provides[len(b.Provides)-1])
	case 12:
		b.Properties = append(b.Properties, Property{})
		return parse(value, &b.Properties[len(b.Properties)-1])
	case 14:
		b.Skips = append(b.Skips, string(value))
	}
	return nil
}

// query is a request: of the API's, up to three texts.
type query struct{ texts [3]string }

func (q *query) encode() []byte {
	return put(put(put(nil, 1, q.texts[0]), 2, q.texts[1]), 3, q.texts[2])
}

func (q *query) decode(number protowire.Number, value []byte) error {
	if number >= 1 && number <= 3 {
		q.texts[number-1] = string(value)
	}
	return nil
}
