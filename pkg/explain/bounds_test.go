package explain_test

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/types"
)

// sides has values on both sides of a limit or pattern.
type sides struct{ good, bad []any }

const aUUID = "0A000000-0000-4000-8000-00000000000f"

var (
	uuids     = sides{[]any{aUUID}, []any{"Default", "0a000000-0000-4000-8000-00000000000"}}
	addresses = sides{[]any{list("10.0.0.8")}, []any{list("10.0.0.8", "fd00::1", "10.0.0.9")}}
	positive  = sides{[]any{1, 16}, []any{-1}}
)

// bounds has values for every limit and pattern of the schema, by the end of the
// field's path.
var bounds = map[string]sides{
	"apiVersion":        {list("v1", "v1beta3", "v1beta4"), list("v2", "v1beta1", "V1")},
	"controlPlane.name": {list(types.MasterPool), list("masters", types.WorkerPool)},
	"compute[].name":    {list(types.WorkerPool), list("infra", types.MasterPool)},
	"arbiter.name":      {nil, list("other")},
	"baseDomain":        {list("example.com", "a", "example.com."), list("Example.com", "a..b", "-a", "a_b")},
	"pullSecret": {list(`{"auths":{"a":{"auth":"YTpi"}}}`, ` {"auths":{"a":{"auth":"YTpi"}}}`),
		list("", "secret", "[]")},
	"additionalTrustBundle": {nil, list("hello")},
	"featureGates": {[]any{list("HighlyAvailableArbiter=True", "DualReplica=f")},
		[]any{list("A"), list("A=maybe"), list("=true"), list("A=true ")}},
	"compute":                    {[]any{pools("worker")}, []any{pools("worker", "worker")}},
	"metadata.name":              {list("a", strings.Repeat("a", 54)), list("", "A", "a_b", strings.Repeat("a", 55))},
	"metadata.creationTimestamp": {list("2026-01-01T00:00:00Z"), nil},
	"compute[].replicas":         {nil, []any{-1}},
	"arbiter.replicas":           {nil, []any{-1}},
	"controlPlane.replicas":      {[]any{1, 3}, []any{0, -1}},
	"networking.serviceNetwork": {[]any{list("172.30.0.0/16")},
		[]any{list("172.30.0.0/16", "172.31.0.0/16", "172.29.0.0/16")}},
	"clusterNetwork[].hostPrefix": {[]any{23, 24}, []any{-1, 129}},
	"httpProxy":                   {list("http://proxy.example.com:3128"), list("https://p:1", "proxy:3128", "http://")},
	"httpsProxy":                  {list("http://p:1", "https://p:1"), list("ftp://p", "p:1", "https:///x")},
	"imageDigestSources[].source": {list("quay.io/okd/scos", "r:5000/a_b/c"),
		list("quay.io/a:latest", "a b", "quay.io/a@sha256:00")},
	"imageDigestSources[].mirrors": {[]any{list("r.example.com:5000/a", "[fd00::5]:5000/okd")}, []any{list("r/a:latest")}},
	"cloudControllerManager":       {list("", "External"), list("Internal")},
	"ovirt_cluster_id":             uuids,
	"ovirt_storage_domain_id":      uuids,
	"vnicProfileID":                uuids,
	"instanceTypeID":               {nil, uuids.bad},
	"api_vips":                     addresses,
	"ingress_vips":                 addresses,
	"apiVIPs":                      addresses,
	"ingressVIPs":                  addresses,
	"affinityGroups[].priority":    {[]any{0, 5}, []any{-1, 6}},
	"memoryMB":                     {[]any{4096}, []any{-1}},
	"osDisk.sizeGB":                positive,
	"cpu.cores":                    positive,
	"cpu.sockets":                  positive,
	"cpu.threads":                  positive,
}

func list(values ...any) []any { return values }

func pools(names ...string) (out []any) {
	for _, name := range names {
		out = append(out, map[string]any{"name": name})
	}
	return out
}

// TestBounds checks values on both sides of every limit and pattern with Load and
// with the schema.
func TestBounds(t *testing.T) {
	h := newHeld(t)
	tried := map[string]bool{}
	h.each(func(at path, s, _ *explain.Schema) {
		key, known := boundOf(at)
		if !known {
			if bounded(s) {
				t.Errorf("%s has a limit or pattern, but no values in bounds", at)
			}
			return
		}
		tried[key] = true
		for _, platform := range h.probe.platforms(at) {
			for _, v := range bounds[key].good {
				h.both(at, platform, v, true)
			}
			for _, v := range bounds[key].bad {
				h.both(at, platform, v, false)
			}
		}
	})
	for key := range bounds {
		if !tried[key] {
			t.Errorf("there is no field %s", key)
		}
	}
	for _, platform := range h.probe.platforms(nil) { // exactly one must be set
		h.both(path{"platform"}, platform, map[string]any{}, false)
		h.both(path{"platform"}, platform, map[string]any{"none": map[string]any{}, "external": map[string]any{}}, false)
	}
}

// boundOf returns the longest key of bounds that a path ends with.
func boundOf(at path) (best string, known bool) {
	for key := range bounds {
		if at.String() == key || strings.HasSuffix(at.String(), "."+key) && len(key) > len(best) {
			best, known = key, true
		}
		if at.String() == key {
			return key, true
		}
	}
	return best, known
}

func bounded(s *explain.Schema) bool {
	o := s.Object()
	return o.Format == "" && o.Pattern != "" || s.Minimum != nil || s.Maximum != nil || s.MaxLength != nil ||
		s.MinItems != nil || s.MaxItems != nil
}
