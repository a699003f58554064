// Package api holds the XML of the oVirt REST API, version 4, as far as the
// lab's engine speaks it: what it answers, and what it reads of a request.
package api

import (
	"cmp"
	"encoding/xml"
	"time"
)

// Prefix is where the API lives on an engine.
const Prefix = "/ovirt-engine/api"

// Element is an XML element of an answer. Its fields are written in the order in
// which they were added.
type Element struct {
	name, href, id string
	fields         []field
}

type field struct {
	name  string
	value any
}

// New starts an element without attributes.
func New(name string) *Element { return &Element{name: name} }

// Object starts the document of an object, or a reference to it, at an address
// that consists of a collection and the object's ID.
func Object(name, collection, id string) *Element {
	return &Element{name: name, href: Prefix + "/" + collection + "/" + id, id: id}
}

// Name is the element's own.
func (e *Element) Name() string { return e.name }

// ID is the ID of the object, or "".
func (e *Element) ID() string { return e.id }

// Set adds an element with a value, for example a text, or one for each of
// several. Nil pointers add nothing.
func (e *Element) Set(name string, value any) *Element {
	e.fields = append(e.fields, field{name, value})
	return e
}

// SetTime adds a time as the engine writes it, unless it is zero.
func (e *Element) SetTime(name string, t time.Time) *Element {
	if t.IsZero() {
		return e
	}
	return e.Set(name, t.Format("2006-01-02T15:04:05.000-07:00"))
}

// Add adds elements.
func (e *Element) Add(elements ...*Element) *Element {
	for _, inner := range elements {
		e.Set(inner.name, inner)
	}
	return e
}

// Refer adds a reference to an object of a collection, unless the ID is empty.
func (e *Element) Refer(name, collection, id string) *Element {
	if id == "" {
		return e
	}
	return e.Add(Object(name, collection, id))
}

// Links adds the links from an object, or from the API itself, to its parts.
func (e *Element) Links(rels ...string) *Element { return e.Set("link", e.links(rels)) }

// Actions adds the links to what can be done to an object.
func (e *Element) Actions(rels ...string) *Element {
	return e.Add(New("actions").Set("link", e.links(rels)))
}

type link struct {
	Href string `xml:"href,attr"`
	Rel  string `xml:"rel,attr"`
}

func (e *Element) links(rels []string) []link {
	out := make([]link, len(rels))
	for i, rel := range rels {
		out[i] = link{cmp.Or(e.href, Prefix) + "/" + rel, rel}
	}
	return out
}

// Some adds an inner collection, unless it is empty: some clients cannot take an
// empty one.
func (e *Element) Some(name string, items []*Element) *Element {
	if len(items) == 0 {
		return e
	}
	return e.Add(New(name).Add(items...))
}

// Each makes an element of each item.
func Each[T any](items []T, element func(T) *Element) []*Element {
	out := make([]*Element, len(items))
	for i, item := range items {
		out[i] = element(item)
	}
	return out
}

// Refs are references to the objects of a collection with those IDs.
func Refs(name, collection string, ids []string) []*Element {
	return Each(ids, func(id string) *Element { return Object(name, collection, id) })
}

// MarshalXML writes the element under its own name.
func (e *Element) MarshalXML(enc *xml.Encoder, _ xml.StartElement) error {
	start := xml.StartElement{Name: xml.Name{Local: e.name}}
	if e.href != "" {
		start.Attr = append(start.Attr, xml.Attr{Name: xml.Name{Local: "href"}, Value: e.href})
	}
	if e.id != "" {
		start.Attr = append(start.Attr, xml.Attr{Name: xml.Name{Local: "id"}, Value: e.id})
	}
	if err := enc.EncodeToken(start); err != nil {
		return err
	}
	for _, f := range e.fields {
		if err := enc.EncodeElement(f.value, xml.StartElement{Name: xml.Name{Local: f.name}}); err != nil {
			return err
		}
	}
	return enc.EncodeToken(start.End())
}
