package hco

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

// child is an object that a HyperConverged asks for.
func (r Release) child(k control.Kind, namespace, name, part string, spec object.Object) object.Object {
	metadata := object.Object{"name": name, "labels": labelsOf(part, r.Version)}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	return object.Object{
		"apiVersion": k.GVK().GroupVersion().String(), "kind": k.Name, "metadata": metadata, "spec": spec,
	}
}

func labelsOf(part, version string) object.Object {
	return object.Object{
		"app":                          Name,
		"app.kubernetes.io/managed-by": component,
		"app.kubernetes.io/part-of":    "hyperconverged-cluster",
		"app.kubernetes.io/component":  part,
		"app.kubernetes.io/version":    version,
	}
}

// patchAnnotations are the annotations that change children behind the API's back.
var patchAnnotations = []string{
	"kubevirt.kubevirt.io/jsonpatch", "containerizeddataimporter.kubevirt.io/jsonpatch",
	"networkaddonsconfigs.kubevirt.io/jsonpatch", "ssp.kubevirt.io/jsonpatch",
}

// patched applies the patch that an annotation holds to a child.
func patched(hc object.Object, name string, o object.Object) (object.Object, error) {
	text, ok := object.Map(hc, "metadata.annotations")[name].(string)
	if !ok {
		return o, nil
	}
	out, err := applyPatch(text, o)
	if err != nil {
		return nil, fmt.Errorf("invalid jsonPatch in the %s annotation: %w", name, err)
	}
	return out, nil
}

func applyPatch(text string, o object.Object) (object.Object, error) {
	patch, err := jsonpatch.DecodePatch([]byte(text))
	if err != nil {
		return nil, err
	}
	for _, p := range patch {
		path, err := p.Path()
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(path, "/spec/") {
			return nil, errors.New("can only modify spec fields")
		}
	}
	raw, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	if raw, err = patch.Apply(raw); err != nil {
		return nil, err
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, err
	}
	m, _ := object.Plain(out).(map[string]any)
	return m, nil
}

// patches counts the operations of an annotation; one that cannot be read has none.
func patches(text string) int {
	patch, err := jsonpatch.DecodePatch([]byte(text))
	if err != nil {
		return 0
	}
	return len(patch)
}

// cdiRows are the fields that CDI has as they are.
var cdiRows = []row{
	{"uninstallStrategy", "uninstallStrategy"},
	{"certConfig.ca.duration", "certConfig.ca.duration"},
	{"certConfig.ca.renewBefore", "certConfig.ca.renewBefore"},
	{"certConfig.server.duration", "certConfig.server.duration"},
	{"certConfig.server.renewBefore", "certConfig.server.renewBefore"},
	{"resourceRequirements.storageWorkloads", "config.podResourceRequirements"},
	{"scratchSpaceStorageClass", "config.scratchSpaceStorageClass"},
	{"filesystemOverhead", "config.filesystemOverhead"},
	{"storageImport.insecureRegistries", "config.insecureRegistries"},
	{"logVerbosityConfig.cdi", "config.logVerbosity"},
	{"infra.nodePlacement", "infra"},
	{"workloads.nodePlacement", "workload"},
}

// CDIFor is the CDI that a HyperConverged asks for.
func (r Release) CDIFor(hc object.Object, c Cluster) (object.Object, error) {
	spec := object.Object{}
	copyRows(cdiRows, object.Map(hc, "spec"), spec)
	object.Set(spec, "config.featureGates",
		[]any{"HonorWaitForFirstConsumer", "DataVolumeClaimAdoption", "WebhookPvcRendering"})
	p, err := profile(hc, c)
	if err != nil {
		return nil, err
	}
	object.Set(spec, "config.tlsSecurityProfile", object.Plain(p))
	cdi := r.child(CDIs, "", "cdi-"+Name, "storage", spec)
	object.Set(cdi, "metadata.annotations", object.Object{"cdi.kubevirt.io/configAuthority": ""})
	return patched(hc, "containerizeddataimporter.kubevirt.io/jsonpatch", cdi)
}

// SSPFor is the SSP that a HyperConverged asks for; its templates come from cronTemplates.
func (r Release) SSPFor(hc object.Object, c Cluster) (object.Object, error) {
	in := object.Map(hc, "spec")
	templates, err := r.cronTemplates(hc, c)
	if err != nil {
		return nil, err
	}
	spec := object.Object{}
	copyRows([]row{
		{"infra.nodePlacement", "templateValidator.placement"},
		{"featureGates.enableMultiArchBootImageImport", "enableMultipleArchitectures"},
		{"deployVmConsoleProxy", "tokenGenerationService.enabled"},
	}, in, spec)
	object.Set(spec, "templateValidator.replicas", int64(2))
	namespace := object.String(in, "commonTemplatesNamespace")
	if namespace == "" {
		namespace = "openshift"
	}
	object.Set(spec, "commonTemplates.namespace", namespace)
	if list := sspTemplates(hc, templates); len(list) > 0 {
		object.Set(spec, "commonTemplates.dataImportCronTemplates", list)
	}
	if len(c.ControlPlaneArchs)+len(c.WorkerArchs) > 0 {
		object.Set(spec, "cluster", object.Plain(map[string]any{
			"controlPlaneArchitectures": c.ControlPlaneArchs, "workloadArchitectures": c.WorkerArchs,
		}))
	}
	p, err := profile(hc, c)
	if err != nil {
		return nil, err
	}
	object.Set(spec, "tlsSecurityProfile", object.Plain(p))
	return patched(hc, "ssp.kubevirt.io/jsonpatch", r.child(SSPs, Namespace, "ssp-"+Name, "schedule", spec))
}

// addonsRows are the fields that NetworkAddonsConfig has as they are; those of certificates are texts of Go there.
var addonsRows = []row{
	{"kubeMacPoolConfiguration.rangeStart", "kubeMacPool.rangeStart"},
	{"kubeMacPoolConfiguration.rangeEnd", "kubeMacPool.rangeEnd"},
	{"infra.nodePlacement", "placementConfiguration.infra"},
	{"workloads.nodePlacement", "placementConfiguration.workloads"},
}

// NetworkAddonsFor is the NetworkAddonsConfig that a HyperConverged asks for.
func (r Release) NetworkAddonsFor(hc object.Object, c Cluster) (object.Object, error) {
	in := object.Map(hc, "spec")
	spec := object.Object{
		"multus": object.Object{}, "linuxBridge": object.Object{}, "kubeMacPool": object.Object{},
		"kubevirtIpamController": object.Object{"defaultNetworkNADNamespace": "openshift-ovn-kubernetes"},
	}
	copyRows(addonsRows, in, spec)
	for _, part := range []string{"infra", "workloads"} { // an empty one is left out
		if len(object.Map(spec, "placementConfiguration."+part)) == 0 {
			object.Remove(spec, "placementConfiguration."+part)
		}
	}
	if len(object.Map(spec, "placementConfiguration")) == 0 {
		delete(spec, "placementConfiguration")
	}
	server := object.String(in, "kubeSecondaryDNSNameServerIP")
	if ip := net.ParseIP(server); server != "" && (ip == nil || ip.To4() == nil) {
		return nil, errors.New("kubeSecondaryDNSNameServerIP isn't a valid IPv4")
	}
	if object.Bool(in, "featureGates.deployKubeSecondaryDNS", false) {
		dns := object.Object{}
		for name, v := range map[string]string{"domain": c.BaseDomain, "nameServerIP": server} {
			if v != "" {
				dns[name] = v
			}
		}
		spec["kubeSecondaryDNS"] = dns
	}
	if annotation(hc, ovsAnnotation) == "true" {
		spec["ovs"] = object.Object{}
	}
	for _, v := range []struct{ from, to, without string }{
		{"ca.duration", "caRotateInterval", "48h0m0s"}, {"ca.renewBefore", "caOverlapInterval", "24h0m0s"},
		{"server.duration", "certRotateInterval", "24h0m0s"}, {"server.renewBefore", "certOverlapInterval", "12h0m0s"},
	} {
		text := v.without
		if own := object.String(in, "certConfig."+v.from); own != "" {
			d, err := time.ParseDuration(own)
			if err != nil {
				return nil, fmt.Errorf("spec.certConfig.%s: %w", v.from, err)
			}
			text = d.String()
		}
		object.Set(spec, "selfSignConfiguration."+v.to, text)
	}
	p, err := profile(hc, c)
	if err != nil {
		return nil, err
	}
	spec["tlsSecurityProfile"] = object.Plain(p)
	return patched(hc, "networkaddonsconfigs.kubevirt.io/jsonpatch",
		r.child(NetworkAddons, "", "cluster", "network", spec))
}
