package derive

import (
	"strings"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/types"
)

// rule is a bound or form of a field, and values of both sides of it. The test
// asks types.Load and the schema about each of them.
type rule struct {
	set  func(*explain.Schema)
	good []any
	bad  []any
}

// rules has the bounds and forms of fields, by Go type and name in YAML, or by
// the path of the field where one of several uses of a type differs.
var rules = map[string]rule{
	"InstallConfig.apiVersion": {enum("v1", "v1beta4", "v1beta3"), []any{"v1", "v1beta3", "v1beta4"}, []any{"v2", "v1beta1", "V1"}},
	"controlPlane.name":        {enum(types.MasterPool), []any{types.MasterPool}, []any{"masters", types.WorkerPool}},
	"compute[].name":           {enum(types.WorkerPool), []any{types.WorkerPool}, []any{"infra", types.MasterPool}},
	"arbiter.name":             {enum(types.ArbiterPool), nil, []any{"other"}},
	"InstallConfig.baseDomain": {pattern(domain), []any{"example.com", "a", "example.com."}, []any{"Example.com", "a..b", "-a", "a_b"}},
	"InstallConfig.pullSecret": {pattern(`^\s*\{`), []any{`{"auths":{"a":{"auth":"YTpi"}}}`, ` {"auths":{"a":{"auth":"YTpi"}}}`},
		[]any{"", "secret", "[]"}},
	"InstallConfig.additionalTrustBundle": {pattern(`-----BEGIN CERTIFICATE-----`), nil, []any{"hello"}},
	"InstallConfig.featureGates": {items(pattern(`^[A-Za-z0-9]+=(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$`)),
		[]any{[]any{"HighlyAvailableArbiter=True", "DualReplica=f"}},
		[]any{[]any{"A"}, []any{"A=maybe"}, []any{"=true"}, []any{"A=true "}}},
	"InstallConfig.platform": {one, nil, []any{
		map[string]any{}, map[string]any{"none": map[string]any{}, "external": map[string]any{}},
	}},
	"InstallConfig.compute": {items(nil, 0, 1), []any{pools("worker")}, []any{pools("worker", "worker")}},

	"Metadata.name":              {both(pattern(dnsName), maxLength(54)), []any{"a", strings.Repeat("a", 54)}, []any{"", "A", "a_b", strings.Repeat("a", 55)}},
	"Metadata.creationTimestamp": {nullable, []any{"2026-01-01T00:00:00Z"}, nil},

	"MachinePool.replicas":  {atLeast(0), nil, []any{-1}},
	"controlPlane.replicas": {atLeast(1), []any{1, 3}, []any{0, -1}},

	"Networking.serviceNetwork":      {items(nil, 0, 2), []any{[]any{"172.30.0.0/16"}}, []any{[]any{"172.30.0.0/16", "172.31.0.0/16", "172.29.0.0/16"}}},
	"ClusterNetworkEntry.hostPrefix": {between(1, 128), []any{23, 24}, []any{-1, 129}},

	"Proxy.httpProxy":           {pattern(`^http://[^/]`), []any{"http://proxy.example.com:3128"}, []any{"https://p:1", "proxy:3128", "http://"}},
	"Proxy.httpsProxy":          {pattern(`^https?://[^/]`), []any{"http://p:1", "https://p:1"}, []any{"ftp://p", "p:1", "https:///x"}},
	"ImageDigestSource.source":  {pattern(repository), []any{"quay.io/okd/scos", "r:5000/a_b/c"}, []any{"quay.io/a:latest", "a b", "quay.io/a@sha256:00"}},
	"ImageDigestSource.mirrors": {items(pattern(repository)), []any{[]any{"r.example.com:5000/a", "[fd00::5]:5000/okd"}}, []any{[]any{"r/a:latest"}}},

	"external.Platform.cloudControllerManager": {func(s *explain.Schema) { s.Enum = append(s.Enum, "") }, []any{"", "External"}, []any{"Internal"}},

	"ovirt.Platform.ovirt_cluster_id":        {pattern(uuid), []any{aUUID}, notUUIDs},
	"ovirt.Platform.ovirt_storage_domain_id": {pattern(uuid), []any{aUUID}, notUUIDs},
	"ovirt.Platform.vnicProfileID":           {pattern(uuid), []any{aUUID}, notUUIDs},
	"ovirt.Platform.api_vips":                {items(nil, 0, 2), []any{[]any{"10.0.0.8"}}, []any{[]any{"10.0.0.8", "fd00::1", "10.0.0.9"}}},
	"ovirt.Platform.ingress_vips":            {items(nil, 0, 2), []any{[]any{"10.0.0.8"}}, []any{[]any{"10.0.0.8", "fd00::1", "10.0.0.9"}}},
	"ovirt.AffinityGroup.priority":           {between(0, 5), []any{0, 5}, []any{-1, 6}},
	"ovirt.MachinePool.instanceTypeID":       {pattern(uuid), nil, notUUIDs},
	"ovirt.MachinePool.memoryMB":             {atLeast(1), []any{4096}, []any{-1}},
	"ovirt.Disk.sizeGB":                      {atLeast(1), []any{1, 120}, []any{-1}},
	"ovirt.CPU.cores":                        {atLeast(1), []any{1, 16}, []any{-1}},
	"ovirt.CPU.sockets":                      {atLeast(1), []any{1, 4}, []any{-1}},
	"ovirt.CPU.threads":                      {atLeast(1), []any{1, 2}, []any{-1}},

	"baremetal.Platform.apiVIPs":     {items(nil, 0, 2), []any{[]any{"10.0.0.8"}}, []any{[]any{"10.0.0.8", "fd00::1", "10.0.0.9"}}},
	"baremetal.Platform.ingressVIPs": {items(nil, 0, 2), []any{[]any{"10.0.0.8"}}, []any{[]any{"10.0.0.8", "fd00::1", "10.0.0.9"}}},
}

const (
	dnsName    = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	domain     = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\.?$` // may end with the root's dot
	uuid       = `^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`
	repository = `^([a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`

	aUUID = "0A000000-0000-4000-8000-00000000000f"
)

var notUUIDs = []any{"Default", "0a000000-0000-4000-8000-00000000000"}

func pools(names ...string) (out []any) {
	for _, name := range names {
		out = append(out, map[string]any{"name": name})
	}
	return out
}

func enum(values ...any) func(*explain.Schema) { return func(s *explain.Schema) { s.Enum = values } }

func pattern(p string) func(*explain.Schema) { return func(s *explain.Schema) { s.Pattern = p } }

func between(least, most int64) func(*explain.Schema) {
	return func(s *explain.Schema) { s.Minimum, s.Maximum = &least, &most }
}

func atLeast(n int64) func(*explain.Schema) { return func(s *explain.Schema) { s.Minimum = &n } }

func maxLength(n int64) func(*explain.Schema) { return func(s *explain.Schema) { s.MaxLength = &n } }

// items bounds what is in a list, and how many there are: at least, at most.
func items(each func(*explain.Schema), count ...int64) func(*explain.Schema) {
	return func(s *explain.Schema) {
		if each != nil {
			each(s.Items)
		}
		if len(count) > 0 && count[0] > 0 {
			s.MinItems = &count[0]
		}
		if len(count) > 1 {
			s.MaxItems = &count[1]
		}
	}
}

func both(a, b func(*explain.Schema)) func(*explain.Schema) {
	return func(s *explain.Schema) { a(s); b(s) }
}

// one field of the object is set.
func one(s *explain.Schema) {
	n := int64(1)
	s.MinProperties, s.MaxProperties = &n, &n
}

// nullable fields are written as null by programs that generate files.
func nullable(s *explain.Schema) { s.Type = append(s.Type, "null") }
