package ign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/coreos/ignition/v2/config/v3_1"
	"github.com/coreos/ignition/v2/config/v3_2"
	"github.com/coreos/ignition/v2/config/v3_3"
	"github.com/coreos/ignition/v2/config/v3_4"
	"github.com/coreos/ignition/v2/config/v3_5"
	"github.com/coreos/ignition/v2/config/v3_5/types"
	"github.com/coreos/vcontext/report"

	"github.com/okd-install/okd-install/pkg/ignition"
)

// Serve writes cfg in the given spec. What the spec lacks is an error: a dropped
// disk or key would leave a machine that nobody asked for.
func Serve(cfg Config, v Version) ([]byte, error) {
	raw, err := ignition.Compact(cfg)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	if v == Legacy {
		return legacy(cfg, tree)
	}
	tree["ignition"].(map[string]any)["version"] = v.String()
	if raw, err = json.Marshal(tree); err != nil {
		return nil, err
	}
	validate, ok := validators[v]
	if !ok {
		return nil, fmt.Errorf("convert config to spec %s: no such spec", v)
	}
	if err := validate(raw); err != nil {
		return nil, fmt.Errorf("convert config to spec %s: %w", v, err)
	}
	return raw, nil
}

// validators parse with the library of exactly one spec.
var validators = map[Version]func([]byte) error{
	{3, 1}: validator(v3_1.Parse), {3, 2}: validator(v3_2.Parse), {3, 3}: validator(v3_3.Parse),
	{3, 4}: validator(v3_4.Parse), {3, 5}: validator(v3_5.Parse),
}

// validator decodes strictly first: the libraries only warn about unknown keys.
func validator[C any](parse func([]byte) (C, report.Report, error)) func([]byte) error {
	return func(raw []byte) error {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(new(C)); err != nil {
			return err
		}
		if _, rep, err := parse(raw); err != nil {
			return fmt.Errorf("%w: %s", err, rep.String())
		}
		return nil
	}
}

// legacy turns a config, also given as decoded JSON, into spec 2.2, which names a
// file system for every path, overwrites by default, and appends to a file with an
// entry of its own.
func legacy(cfg Config, tree map[string]any) ([]byte, error) {
	if what := beyondLegacy(cfg); what != "" {
		return nil, fmt.Errorf("convert config to spec %s: it has no %s; boot an image with a newer Ignition",
			Legacy, what)
	}
	tree["ignition"] = map[string]any{"version": Legacy.String()}
	storage, _ := tree["storage"].(map[string]any)
	for _, kind := range []string{"directories", "files", "links"} {
		nodes, _ := storage[kind].([]any)
		var out []any
		for _, n := range nodes {
			node, _ := n.(map[string]any)
			node["filesystem"] = "root"
			if _, said := node["overwrite"]; !said {
				node["overwrite"] = false
			}
			appended, _ := node["append"].([]any)
			delete(node, "append")
			if kind != "files" || node["contents"] != nil {
				out = append(out, node)
			}
			for _, contents := range appended {
				more := maps.Clone(node)
				more["append"], more["contents"] = true, contents
				delete(more, "overwrite") // 2.2 refuses it together with append
				out = append(out, more)
			}
		}
		if out != nil {
			storage[kind] = out
		}
	}
	return json.Marshal(tree)
}

// beyondLegacy names the first part of a config that cannot be said in spec 2.2.
func beyondLegacy(cfg Config) string {
	headers := func(r types.Resource) bool { return len(r.HTTPHeaders) > 0 }
	switch {
	case len(cfg.Ignition.Config.Merge) > 0 || cfg.Ignition.Config.Replace.Source != nil:
		return "merged or replaced config"
	case len(cfg.Ignition.Security.TLS.CertificateAuthorities) > 0:
		return "certificate authorities of this form"
	case len(cfg.KernelArguments.ShouldExist)+len(cfg.KernelArguments.ShouldNotExist) > 0:
		return "kernelArguments"
	case len(cfg.Storage.Luks) > 0:
		return "storage.luks"
	case len(cfg.Storage.Disks)+len(cfg.Storage.Raid)+len(cfg.Storage.Filesystems) > 0:
		return "storage.disks, raid or filesystems of this form"
	case slices.ContainsFunc(cfg.Storage.Files, func(f types.File) bool {
		return headers(f.Contents) || slices.ContainsFunc(f.Append, headers)
	}):
		return "HTTP headers of files"
	}
	return ""
}
