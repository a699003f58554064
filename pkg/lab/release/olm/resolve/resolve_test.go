package resolve_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/okd-install/okd-install/pkg/lab/release/olm/registry"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/resolve"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/source"
)

func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "openshift-marketplace", Name: name}
}

// catalog has package app with three versions, and package needs, which requires it.
func catalog() resolve.Catalog {
	bundle := func(name, version, replaces string) registry.Bundle {
		return registry.Bundle{Package: "app", Channel: "stable", CSV: name, Version: version, Replaces: replaces,
			Provides: []registry.GVK{{Group: "app.test", Version: "v1", Kind: "App"}}}
	}
	last := bundle("app.v3", "3.0.0", "app.v2")
	needs := registry.Bundle{Package: "needs", Channel: "stable", CSV: "needs.v1", Version: "1.0.0",
		Properties: []registry.Property{
			{Type: "olm.package.required", Value: `{"packageName":"app","versionRange":">=2.0.0"}`},
			{Type: "olm.gvk.required", Value: `{"group":"app.test","version":"v1","kind":"App"}`},
		}}
	return resolve.Catalog{Key: key("c"), Catalog: &source.Catalog{
		Packages: []registry.Package{
			{Name: "app", DefaultChannel: "stable", Channels: []registry.Channel{{Name: "stable", CSV: "app.v3"}}},
			{Name: "needs", DefaultChannel: "stable", Channels: []registry.Channel{{Name: "stable", CSV: "needs.v1"}}},
		},
		Bundles: []registry.Bundle{bundle("app.v1", "1.0.0", ""), bundle("app.v2", "2.0.0", "app.v1"), last, needs},
	}}
}

func names(list []resolve.Choice) string {
	var out []string
	for _, c := range list {
		out = append(out, c.Subscription+":"+c.Bundle.CSV)
	}
	return strings.Join(out, " ")
}

func TestNext(t *testing.T) {
	sub := resolve.Subscription{Name: "s", Package: "app", Channel: "stable", Catalog: key("c")}
	with := func(change func(*resolve.Subscription)) resolve.Subscription { s := sub; change(&s); return s }
	skipping := catalog()
	skipping.Bundles[2].SkipRange = "<3.0.0"
	for name, c := range map[string]struct {
		sub     resolve.Subscription
		catalog resolve.Catalog
		present []resolve.Present
		want    string
	}{
		"the head":        {sub, catalog(), nil, "s:app.v3"},
		"default channel": {with(func(s *resolve.Subscription) { s.Channel = "" }), catalog(), nil, "s:app.v3"},
		"starting CSV":    {with(func(s *resolve.Subscription) { s.StartingCSV = "app.v1" }), catalog(), nil, "s:app.v1"},
		"step by step":    {with(func(s *resolve.Subscription) { s.Installed = "app.v1" }), catalog(), nil, "s:app.v2"},
		"skip range":      {with(func(s *resolve.Subscription) { s.Installed = "app.v1" }), skipping, nil, "s:app.v3"},
		"nothing new":     {with(func(s *resolve.Subscription) { s.Installed = "app.v3" }), catalog(), nil, ""},
		"dependency": {with(func(s *resolve.Subscription) { s.Package = "needs" }), catalog(), nil,
			"s:needs.v1 :app.v3"},
		"dependency that is there": {with(func(s *resolve.Subscription) { s.Package = "needs" }), catalog(),
			[]resolve.Present{{CSV: "app.v2", Package: "app", Version: "2.0.0",
				Provides: []resolve.GVK{{Group: "app.test", Version: "v1", Kind: "App"}}}}, "s:needs.v1"},
	} {
		got, err := resolve.Next([]resolve.Subscription{c.sub}, []resolve.Catalog{c.catalog}, c.present)
		if err != nil || names(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", name, names(got), err, c.want)
		}
	}
}

func TestDependencyMissing(t *testing.T) {
	c := catalog()
	c.Packages = c.Packages[1:]
	_, err := resolve.Next([]resolve.Subscription{{Name: "s", Package: "needs", Catalog: key("c")}},
		[]resolve.Catalog{c}, nil)
	if err == nil || !strings.Contains(err.Error(), "bundle needs.v1 requires an operator with package: app and with "+
		"version in range: >=2.0.0") {
		t.Errorf("error %v", err)
	}
}
