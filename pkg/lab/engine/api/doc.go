// Package api holds the XML documents of the oVirt REST API, version 4, as far
// as the lab's engine speaks it. Pointers tell "absent" from "zero": a client
// that leaves a field out wants the default or no change.
package api

import (
	"encoding/xml"
)

// Prefix is where the API lives on an engine.
const Prefix = "/ovirt-engine/api"

// Ptr returns a pointer to v, for optional fields.
func Ptr[T any](v T) *T { return &v }

// Val returns what p points to, or the zero value.
func Val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// Link points to a sub-collection or an action.
type Link struct {
	Href string `xml:"href,attr"`
	Rel  string `xml:"rel,attr"`
}

// Ref names another object.
type Ref struct {
	Href string  `xml:"href,attr,omitempty" json:"-"`
	ID   string  `xml:"id,attr,omitempty" json:"id,omitempty"`
	Name *string `xml:"name" json:"name,omitempty"`
}

// To makes a reference to an object of a collection.
func To(collection, id string) *Ref {
	if id == "" {
		return nil
	}
	return &Ref{Href: Prefix + "/" + collection + "/" + id, ID: id}
}

// Means reports whether a reference is to the object of that ID and name; an ID
// in it decides alone.
func (r *Ref) Means(id, name string) bool {
	return r.ID == id || r.ID == "" && Val(r.Name) == name
}

// RefID is the ID a reference holds, or "".
func RefID(r *Ref) string {
	if r == nil {
		return ""
	}
	return r.ID
}

// List is a collection. It is written even when it is empty, because clients
// take a missing element for an error.
type List[T any] struct {
	Name  string
	Items []T
}

// MarshalXML writes the element and its items, each under its own name.
func (l List[T]) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	start := xml.StartElement{Name: xml.Name{Local: l.Name}}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, item := range l.Items {
		if err := e.Encode(item); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

// Identified is the document of an object that is part of another.
type Identified interface{ Identity() string }

// Identity implements Identified.
func (t *Tag) Identity() string { return t.ID }

// Identity implements Identified.
func (a *DiskAttachment) Identity() string { return a.ID }

// Identity implements Identified.
func (n *NIC) Identity() string { return n.ID }

// Identity implements Identified.
func (g *GraphicsConsole) Identity() string { return g.ID }

// Fault is the body of a refusal.
type Fault struct {
	XMLName xml.Name `xml:"fault"`
	Detail  string   `xml:"detail,omitempty"`
	Reason  string   `xml:"reason"`
}

// Action is the body of a POST to an action, and of its answer.
type Action struct {
	XMLName           xml.Name       `xml:"action"`
	Status            string         `xml:"status,omitempty"`
	Job               *Ref           `xml:"job"`
	Async             *bool          `xml:"async"`
	Force             *bool          `xml:"force"`
	Reason            *string        `xml:"reason"`
	UseIgnition       *bool          `xml:"use_ignition"`
	UseCloudInit      *bool          `xml:"use_cloud_init"`
	UseInitialization *bool          `xml:"use_initialization"`
	VM                *VM            `xml:"vm"`
	Disk              *Disk          `xml:"disk"`
	StorageDomain     *StorageDomain `xml:"storage_domain"`
}

// Root is the document at the top of the API.
type Root struct {
	XMLName     xml.Name    `xml:"api"`
	Links       []Link      `xml:"link"`
	ProductInfo ProductInfo `xml:"product_info"`
	Summary     Summary     `xml:"summary"`
	Time        string      `xml:"time"`
	User        *Ref        `xml:"authenticated_user"`
}

// ProductInfo is the product that answers.
type ProductInfo struct {
	Name    string  `xml:"name"`
	Vendor  string  `xml:"vendor"`
	Version Version `xml:"version"`
}

// Version is a product or compatibility version.
type Version struct {
	Build       *int   `xml:"build"`
	FullVersion string `xml:"full_version,omitempty"`
	Major       int    `xml:"major"`
	Minor       int    `xml:"minor"`
	Revision    *int   `xml:"revision"`
}

// Summary counts objects on the top document.
type Summary struct {
	Hosts          Count `xml:"hosts"`
	StorageDomains Count `xml:"storage_domains"`
	Users          Count `xml:"users"`
	VMs            Count `xml:"vms"`
}

// Count is one line of a Summary.
type Count struct {
	Active int `xml:"active"`
	Total  int `xml:"total"`
}

// Job follows one command by its correlation ID.
type Job struct {
	XMLName     xml.Name `xml:"job"`
	Href        string   `xml:"href,attr"`
	ID          string   `xml:"id,attr"`
	Links       []Link   `xml:"link"`
	AutoCleared bool     `xml:"auto_cleared"`
	Description string   `xml:"description"`
	EndTime     *string  `xml:"end_time"`
	External    bool     `xml:"external"`
	LastUpdated string   `xml:"last_updated"`
	StartTime   string   `xml:"start_time"`
	Status      string   `xml:"status"`
}

// Tag labels VMs.
type Tag struct {
	XMLName     xml.Name `xml:"tag"`
	Href        string   `xml:"href,attr,omitempty"`
	ID          string   `xml:"id,attr,omitempty"`
	Name        *string  `xml:"name"`
	Description *string  `xml:"description"`
	Parent      *Parent  `xml:"parent"`
	VM          *Ref     `xml:"vm"`
}

// Parent is the tag above a tag.
type Parent struct {
	Tag *Ref `xml:"tag"`
}

// AffinityGroup rules where VMs may run.
type AffinityGroup struct {
	XMLName     xml.Name      `xml:"affinity_group"`
	Href        string        `xml:"href,attr,omitempty"`
	ID          string        `xml:"id,attr,omitempty"`
	Links       []Link        `xml:"link"`
	Name        *string       `xml:"name"`
	Description *string       `xml:"description"`
	Cluster     *Ref          `xml:"cluster"`
	Enforcing   *bool         `xml:"enforcing"`
	Positive    *bool         `xml:"positive"`
	Priority    *float64      `xml:"priority"`
	HostsRule   *AffinityRule `xml:"hosts_rule"`
	VMsRule     *AffinityRule `xml:"vms_rule"`
	Hosts       *[]*Ref       `xml:"hosts>host"`
	VMs         *[]*VM        `xml:"vms>vm"`
}

// AffinityRule is one rule of an affinity group.
type AffinityRule struct {
	Enabled   *bool `xml:"enabled" json:"enabled,omitempty"`
	Enforcing *bool `xml:"enforcing" json:"enforcing,omitempty"`
	Positive  *bool `xml:"positive" json:"positive,omitempty"`
}

// Some returns a pointer to the items of an inner collection, or nil when
// there are none: encoding/xml would write an empty element otherwise, which
// some clients cannot take.
func Some[T any](items []T) *[]T {
	if len(items) == 0 {
		return nil
	}
	return &items
}
