package hco

import (
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/schema"
)

// Definition is the definition of HyperConverged in this release.
func (r Release) Definition() schema.Definition {
	spec := r.spec()
	status := schema.Of[Status]()
	d := schema.Definition{
		Group: HyperConvergeds.Group, Kind: HyperConvergeds.Name, Plural: HyperConvergeds.Plural,
		Short: []string{"hco", "hcos"}, Categories: []string{"all"}, Namespaced: true,
		Labels: map[string]string{"operator.hyperconverged.io": "hyperconverged"},
		Versions: []schema.Version{
			{Name: HyperConvergeds.Version, Stored: true, Spec: spec, Status: status},
		},
	}
	if r.V1 {
		d.Convert = ConvertPath
		d.Versions = append(d.Versions, schema.Version{Name: "v1", Spec: r.specV1(spec), Status: status})
	}
	return d
}

// spec is the schema of v1beta1 with the release's gates.
func (r Release) spec() schema.Schema {
	s := schema.Of[Spec]()
	gates := s.At("featureGates")
	fields := gates["properties"].(map[string]any)
	defaults := map[string]any{}
	for _, g := range r.gates {
		fields[g.name] = schema.Schema{"type": "boolean", "default": g.enabled}
		defaults[g.name] = g.enabled
	}
	gates["default"] = defaults
	root := map[string]any{}
	for _, name := range []string{
		"certConfig", "featureGates", "liveMigrationConfig", "resourceRequirements", "uninstallStrategy",
		"virtualMachineOptions", "enableApplicationAwareQuota", "enableCommonBootImageImport", "deployVmConsoleProxy",
	} {
		root[name] = s.At(name)["default"]
	}
	s["default"] = root
	return s
}

// specV1 is the schema of v1, where the fields of v1beta1 have other places.
func (r Release) specV1(beta schema.Schema) schema.Schema {
	root := schema.Schema{"type": "object", "properties": map[string]any{}}
	defaults := object.Object{}
	for _, m := range moved {
		field := beta.At(m.beta)
		if field == nil {
			continue
		}
		place(root, m.v1, field)
		if d, ok := field["default"]; ok {
			object.Set(defaults, m.v1, d)
		}
	}
	place(root, "deployment.applicationAwareConfig.enable", schema.Schema{"type": "boolean", "default": false})
	root["properties"].(map[string]any)["featureGates"] = schema.Schema{
		"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": []any{"name"},
		"items": schema.Schema{"type": "object", "required": []any{"name"}, "properties": map[string]any{
			"name":  schema.Schema{"type": "string"},
			"state": schema.Schema{"type": "string", "enum": []any{"Enabled", "Disabled"}},
		}},
	}
	for _, group := range []string{"virtualization", "workloadSources", "security", "deployment"} {
		root.At(group)["default"] = defaults[group]
	}
	root["default"] = defaults
	return root
}

// place puts a field at a path and makes the objects on the way.
func place(root schema.Schema, path string, field schema.Schema) {
	at := root
	names := split(path)
	for _, name := range names[:len(names)-1] {
		fields, ok := at["properties"].(map[string]any)
		if !ok {
			fields = map[string]any{}
			at["properties"] = fields
		}
		next, ok := fields[name].(schema.Schema)
		if !ok {
			next = schema.Schema{"type": "object"}
			fields[name] = next
		} else {
			// The field may be one of v1beta1 too, whose schema must stay as it is.
			copied := schema.Schema{}
			for k, v := range next {
				copied[k] = v
			}
			if p, ok := next["properties"].(map[string]any); ok {
				fresh := map[string]any{}
				for k, v := range p {
					fresh[k] = v
				}
				copied["properties"] = fresh
			}
			fields[name], next = copied, copied
		}
		at = next
	}
	fields, ok := at["properties"].(map[string]any)
	if !ok {
		fields = map[string]any{}
		at["properties"] = fields
	}
	fields[names[len(names)-1]] = field
}
