// Package resolve decides which bundle a subscription gets next.
package resolve

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/blang/semver/v4"
	"k8s.io/apimachinery/pkg/types"

	"github.com/okd-install/okd-install/pkg/lab/release/olm/registry"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/source"
)

// Catalog is a catalog that a namespace can use.
type Catalog struct {
	Key      types.NamespacedName
	Priority int
	*source.Catalog
}

// Subscription is what a subscription asks for.
type Subscription struct {
	Name, Package, Channel, StartingCSV string
	Catalog                             types.NamespacedName
	Installed                           string // name of the CSV
}

// Present is what is installed in a namespace: an operator and what it offers.
type Present struct {
	CSV, Package, Version string
	Provides              []GVK
}

// GVK is a kind that bundles offer or need.
type GVK struct{ Group, Version, Kind string }

// Choice is a bundle from a catalog.
type Choice struct {
	Subscription string // empty for one that another needs
	Channel      string
	Catalog      types.NamespacedName
	Bundle       *registry.Bundle
}

// NotSatisfiable is what the resolver says when there is no solution.
type NotSatisfiable struct{ Constraints []string }

func (e NotSatisfiable) Error() string {
	return "constraints not satisfiable: " + strings.Join(e.Constraints, ", ")
}

// Next finds the bundles that subscriptions of a namespace lack: the head of the
// channel, or what replaces the installed one, and what these need.
func Next(subs []Subscription, catalogs []Catalog, present []Present) ([]Choice, error) {
	slices.SortFunc(catalogs, func(a, b Catalog) int {
		if a.Priority != b.Priority {
			return b.Priority - a.Priority
		}
		return strings.Compare(a.Key.String(), b.Key.String())
	})
	var out []Choice
	var broken []string
	for _, s := range subs {
		c, problem := next(s, catalogs)
		if problem != "" {
			broken = append(broken, problem, fmt.Sprintf("subscription %s exists", s.Name))
		} else if c != nil {
			out = append(out, *c)
		}
	}
	if len(broken) > 0 {
		return nil, NotSatisfiable{broken}
	}
	for i := 0; i < len(out); i++ { // it grows
		more, problem := needs(out[i], out, catalogs, present)
		if problem != "" {
			return nil, NotSatisfiable{[]string{problem}}
		}
		out = append(out, more...)
	}
	return out, nil
}

func next(s Subscription, catalogs []Catalog) (*Choice, string) {
	i := slices.IndexFunc(catalogs, func(c Catalog) bool { return c.Key == s.Catalog })
	if i < 0 {
		return nil, fmt.Sprintf("no operators found from catalog %s in namespace %s referenced by subscription %s",
			s.Catalog.Name, s.Catalog.Namespace, s.Name)
	}
	c := catalogs[i]
	pkg := c.pkg(s.Package)
	if pkg == nil {
		return nil, fmt.Sprintf("no operators found in package %s in the catalog referenced by subscription %s",
			s.Package, s.Name)
	}
	channel := s.Channel
	if channel == "" {
		channel = pkg.DefaultChannel
	}
	inChannel := c.channel(s.Package, channel)
	if len(inChannel) == 0 {
		return nil, fmt.Sprintf(
			"no operators found in channel %s of package %s in the catalog referenced by subscription %s",
			channel, s.Package, s.Name)
	}
	choice := func(b *registry.Bundle) *Choice {
		return &Choice{Subscription: s.Name, Channel: channel, Catalog: c.Key, Bundle: b}
	}
	if s.Installed != "" {
		if b := replacement(s.Installed, head(pkg, channel), inChannel); b != nil {
			return choice(b), ""
		}
		return nil, ""
	}
	want := s.StartingCSV
	if want == "" {
		want = head(pkg, channel)
	}
	for _, b := range inChannel {
		if b.CSV == want {
			return choice(b), ""
		}
	}
	return nil, fmt.Sprintf(
		"no operators found with name %s in channel %s of package %s in the catalog referenced by subscription %s",
		want, channel, s.Package, s.Name)
}

// replacement is what an installed operator is replaced by: the head, if it may skip
// to it, else the next one.
func replacement(installed, head string, bundles []*registry.Bundle) *registry.Bundle {
	var version string
	for _, b := range bundles {
		if b.CSV == installed {
			version = b.Version
		}
	}
	var found *registry.Bundle
	for _, b := range bundles {
		if b.CSV == installed || !replaces(b, installed, version) {
			continue
		}
		if found == nil || b.CSV == head {
			found = b
		}
	}
	return found
}

func replaces(b *registry.Bundle, installed, version string) bool {
	if b.Replaces == installed || slices.Contains(b.Skips, installed) {
		return true
	}
	if b.SkipRange == "" || version == "" {
		return false
	}
	return inRange(version, b.SkipRange)
}

func inRange(version, expression string) bool {
	v, err := semver.Parse(version)
	if err != nil {
		return false
	}
	r, err := semver.ParseRange(expression)
	return err == nil && r(v)
}

func (c Catalog) pkg(name string) *registry.Package {
	for i := range c.Packages {
		if c.Packages[i].Name == name {
			return &c.Packages[i]
		}
	}
	return nil
}

func (c Catalog) channel(pkg, channel string) []*registry.Bundle {
	var out []*registry.Bundle
	for i := range c.Bundles {
		if b := &c.Bundles[i]; b.Package == pkg && b.Channel == channel {
			out = append(out, b)
		}
	}
	return out
}

func head(p *registry.Package, channel string) string {
	for _, c := range p.Channels {
		if c.Name == channel {
			return c.CSV
		}
	}
	return ""
}

// needs finds what a bundle requires and neither the namespace nor the plan has.
func needs(c Choice, planned []Choice, catalogs []Catalog, present []Present) ([]Choice, string) {
	var out []Choice
	for _, p := range c.Bundle.Properties {
		var met func(Present) bool
		var what string
		switch p.Type {
		case "olm.package.required":
			var v struct{ PackageName, VersionRange string }
			if json.Unmarshal([]byte(p.Value), &v) != nil {
				continue
			}
			what = fmt.Sprintf("an operator with package: %s and with version in range: %s", v.PackageName, v.VersionRange)
			met = func(o Present) bool { return o.Package == v.PackageName && inRange(o.Version, v.VersionRange) }
		case "olm.gvk.required":
			var v GVK
			if json.Unmarshal([]byte(p.Value), &v) != nil {
				continue
			}
			what = fmt.Sprintf("an operator providing an API with group: %s, version: %s, kind: %s", v.Group, v.Version, v.Kind)
			met = func(o Present) bool { return slices.Contains(o.Provides, v) }
		default:
			continue
		}
		if slices.ContainsFunc(present, met) ||
			slices.ContainsFunc(append(slices.Clone(planned), out...), func(c Choice) bool { return met(offer(c.Bundle)) }) {
			continue
		}
		found := provider(c.Catalog, catalogs, met)
		if found == nil {
			return nil, fmt.Sprintf("bundle %s requires %s", c.Bundle.CSV, what)
		}
		out = append(out, *found)
	}
	return out, ""
}

// provider is the first bundle at the head of a default channel that will do; the
// catalog of who needs it comes first.
func provider(prefer types.NamespacedName, catalogs []Catalog, met func(Present) bool) *Choice {
	ordered := slices.Clone(catalogs)
	slices.SortStableFunc(ordered, func(a, b Catalog) int {
		switch prefer {
		case b.Key:
			return 1
		case a.Key:
			return -1
		}
		return 0
	})
	for _, c := range ordered {
		for i := range c.Packages {
			p := &c.Packages[i]
			channel := p.DefaultChannel
			for _, b := range c.channel(p.Name, channel) {
				if b.CSV == head(p, channel) && met(offer(b)) {
					return &Choice{Channel: channel, Catalog: c.Key, Bundle: b}
				}
			}
		}
	}
	return nil
}

func offer(b *registry.Bundle) Present {
	p := Present{CSV: b.CSV, Package: b.Package, Version: b.Version}
	for _, a := range b.Provides {
		p.Provides = append(p.Provides, GVK(a))
	}
	return p
}
