package clustermanifests

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/assets/mirrors"
)

type object = map[string]any

// PlatformNames are the names of platforms in an install-config, by those in manifests.
type PlatformNames map[string]string

// InstallConfig is an install-config of the same cluster.
func (d Definition) InstallConfig(names PlatformNames) ([]byte, error) {
	config, err := d.installConfig(names)
	if err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("turn the manifests into an install-config: %w", err)
	}
	return text, nil
}

// Redefine applies to an install-config what differs between the definition that was made from
// it and the one that the user left. It returns nil if nothing does.
func Redefine(config []byte, before, after Definition, names PlatformNames) ([]byte, error) {
	a, err := before.installConfig(names)
	if err != nil {
		return nil, err
	}
	b, err := after.installConfig(names)
	if err != nil || reflect.DeepEqual(a, b) {
		return nil, err
	}
	var base object
	if err := yaml.Unmarshal(config, &base); err != nil {
		return nil, fmt.Errorf("apply the edits of %s: %w", Dir, err)
	}
	apply(base, a, b)
	text, err := yaml.Marshal(base)
	if err != nil {
		return nil, fmt.Errorf("apply the edits of %s: %w", Dir, err)
	}
	return text, nil
}

// apply changes base as the difference of a and b says.
func apply(base, a, b object) {
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	for key := range keys {
		old := a[key]
		value, there := b[key]
		if reflect.DeepEqual(old, value) {
			continue
		}
		part, isObject := value.(object)
		before, wasObject := old.(object)
		switch {
		case !there:
			delete(base, key)
		case key == "compute":
			base[key] = firstPool(base[key], value)
		case isObject && wasObject:
			under, is := base[key].(object)
			if !is {
				under = object{}
				base[key] = under
			}
			apply(under, before, part)
		default:
			base[key] = value
		}
	}
}

// firstPool keeps the other settings of the only pool.
func firstPool(pools, value any) any {
	list, _ := pools.([]any)
	news, _ := value.([]any)
	if len(list) != 1 || len(news) != 1 {
		return value
	}
	pool, is := list[0].(object)
	replaced, _ := news[0].(object)
	if !is {
		return value
	}
	for key, v := range replaced {
		pool[key] = v
	}
	return list
}

// installConfig is the definition as the tree of an install-config, in the types of JSON.
func (d Definition) installConfig(names PlatformNames) (object, error) {
	spec := d.Install.Spec
	arch := ""
	for debian, rpm := range cpus {
		if rpm == d.InfraEnv.Spec.CPUArchitecture {
			arch = debian
		}
	}
	pool := func(name string, replicas int) object {
		p := object{"name": name, "replicas": replicas}
		if arch != "" {
			p["architecture"] = arch
		}
		return p
	}
	config := object{
		"apiVersion": "v1", "baseDomain": d.Deployment.Spec.BaseDomain,
		"metadata":     object{"name": d.Deployment.Spec.ClusterName},
		"controlPlane": pool("master", spec.Requirements.ControlPlane),
		"compute":      []any{pool("worker", spec.Requirements.Workers)},
		"networking":   d.networking(), "platform": d.platform(names), "pullSecret": d.PullSecret.Reveal(),
	}
	if n := spec.Requirements.Arbiters; n > 0 {
		config["arbiter"] = pool("arbiter", n)
	}
	if key := spec.SSHPublicKey; key != "" {
		config["sshKey"] = key
	} else if key := d.InfraEnv.Spec.SSHAuthorizedKey; key != "" {
		config["sshKey"] = key
	}
	if spec.Proxy != nil {
		config["proxy"] = spec.Proxy
	}
	if bundle := d.Authorities(); bundle != "" {
		config["additionalTrustBundle"] = bundle + "\n"
	}
	if sources := digestSources(d.Registries); len(sources) > 0 {
		config["imageDigestSources"] = sources
	}
	raw, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("turn the manifests into an install-config: %w", err)
	}
	var out, overrides object
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("turn the manifests into an install-config: %w", err)
	}
	if text := d.Install.Metadata.Annotations[overridesKey]; text != "" {
		if err := json.Unmarshal([]byte(text), &overrides); err != nil {
			return nil, fmt.Errorf("read the annotation %s: %w", overridesKey, err)
		}
	}
	if other, is := overrides["networking"].(object); is {
		delete(overrides, "networking") // the resource has the networks, and only this plugin
		under, _ := out["networking"].(object)
		for key, value := range other {
			if _, there := under[key]; !there || key == "networkType" {
				under[key] = value
			}
		}
	}
	overlay(out, overrides)
	return out, nil
}

// overlay sets values of another tree.
func overlay(tree, other object) {
	for key, value := range other {
		part, isObject := value.(object)
		under, wasObject := tree[key].(object)
		if isObject && wasObject {
			overlay(under, part)
			continue
		}
		tree[key] = value
	}
}

func (d Definition) networking() object {
	n := d.Install.Spec.Networking
	out := object{"networkType": n.NetworkType}
	for key, list := range map[string]any{
		"machineNetwork": n.MachineNetwork, "clusterNetwork": n.ClusterNetwork, "serviceNetwork": n.ServiceNetwork,
	} {
		if reflect.ValueOf(list).Len() > 0 {
			out[key] = list
		}
	}
	return out
}

// platform is the settings of the platform, under the name that install-configs have for it.
func (d Definition) platform(names PlatformNames) object {
	spec, settings := d.Install.Spec, object{}
	if len(spec.APIVIPs) > 0 {
		settings["apiVIPs"], settings["ingressVIPs"] = spec.APIVIPs, spec.IngressVIPs
		if b := spec.LoadBalancer; b != nil {
			settings["loadBalancer"] = object{"type": balancers[b.Type]}
		}
	}
	if e := spec.External; e != nil {
		if e.PlatformName != "" {
			settings["platformName"] = e.PlatformName
		}
		if e.CloudControllerManager != "" {
			settings["cloudControllerManager"] = e.CloudControllerManager
		}
	}
	return object{names[spec.PlatformType]: settings}
}

// balancers are the kinds of load balancers as install-configs call them.
var balancers = map[string]string{"ClusterManaged": "OpenShiftManagedDefault", "UserManaged": "UserManaged"}

// digestSources are the repositories that have mirrors.
func digestSources(list []mirrors.Registry) []any {
	var out []any
	for _, r := range list {
		source := object{"source": r.Location}
		if r.Location == "" {
			source["source"] = r.Prefix
		}
		var places []string
		for _, m := range r.Mirrors {
			places = append(places, m.Location)
		}
		if len(places) == 0 {
			continue
		}
		source["mirrors"] = places
		if r.Blocked {
			source["sourcePolicy"] = "NeverContactSource"
		}
		out = append(out, source)
	}
	return out
}
