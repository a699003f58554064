package explain_test

import (
	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/types"
)

// exceptions are fields that a tag cannot describe, because their struct is used in
// several places or because the default is a list.
var exceptions = map[string]func(*explain.Schema){
	"controlPlane.name":     both(only(types.MasterPool), byDefault(types.MasterPool)),
	"controlPlane.replicas": atLeast(1),
	"compute[].name":        only(types.WorkerPool),
	"arbiter.name":          only(types.ArbiterPool),
	"arbiter.replicas":      byDefault(int64(1)),

	"compute": byDefault([]any{map[string]any{
		"name": types.WorkerPool, "replicas": 3, "hyperthreading": "Enabled", "architecture": "amd64",
	}}),
	"networking.machineNetwork": byDefault([]any{map[string]any{"cidr": "10.0.0.0/16"}}),
	"networking.clusterNetwork": byDefault([]any{map[string]any{"cidr": "10.128.0.0/14", "hostPrefix": 23}}),
	"networking.serviceNetwork": byDefault([]any{"172.30.0.0/16"}),
}

// alsoRequired are fields that are required here but not elsewhere, alsoRefused
// those that must be omitted here.
var (
	alsoRequired = []string{"compute[].name"}
	alsoRefused  = []string{"compute[].fencing", "arbiter.fencing"}
)

func only(name string) func(*explain.Schema) {
	return func(s *explain.Schema) { s.Enum = []any{name} }
}

func both(a, b func(*explain.Schema)) func(*explain.Schema) {
	return func(s *explain.Schema) { a(s); b(s) }
}

func atLeast(n int64) func(*explain.Schema) { return func(s *explain.Schema) { s.Minimum = &n } }

func byDefault(v any) func(*explain.Schema) { return func(s *explain.Schema) { s.Default = v } }

const dnsName = `[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*`

// patterns has the patterns that tags name.
var patterns = map[string]string{
	"amount":         `^([1-9][0-9]{0,4}|([1-9][0-9]?|100)%)$`,
	"bucket":         `^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`,
	"certificate":    `-----BEGIN CERTIFICATE-----`,
	"channel":        `^[A-Za-z0-9][A-Za-z0-9_.-]*$`,
	"cpu-model":      `^[A-Za-z0-9][A-Za-z0-9_.-]*$`,
	"data-directory": `^/var/[^/]`,
	"device":         `^/dev/[^/]`,
	"dns-name":       `^` + dnsName + `$`,
	"domain":         `^` + dnsName + `\.?$`, // may end with the root's dot
	"file":           `[^/]$`,
	"gate":           `^[A-Za-z0-9]+=(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$`,
	"host-port":      `^[^/]+:[0-9]{1,5}$`,
	"http-url":       `^http://[^/]`,
	"https-url":      `^https?://[^/]`,
	"image":          `^[^/@]*([.:]|^localhost)[^/@]*/[^ ]+$`,
	"interface":      `^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$`,
	"json-object":    `^\s*\{`,
	"label-name":     `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`,
	"object-name":    `^` + dnsName + `$`,
	"part":           `^(0(\.[0-9]{1,3})?|1)$`,
	"pci-address":    `^[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7]$`,
	"pci-id":         `^[0-9A-Fa-f]{4}$`,
	"pci-ids":        `^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}$`,
	"pool-name":      `^[A-Za-z0-9_]+$`,
	"prefix":         `^[^/ ]+(/[^/ ]+)*$`,
	"quantity":       `^[0-9]*\.?[0-9]+([eE][0-9]+|[kKMGTPE]i?|m)?$`,
	"repository":     `^([a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`,
	"resource-name":  `^[^/]+/[^/]+$`,
	"schedule":       `^[^ @=]+( +[^ @=]+){4}$`,
	"url":            `^https?://[^/]`,
	"uuid":           `^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`,
}
