package stacktest

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	marketplace = "openshift-marketplace"
	olm         = "operators.coreos.com/v1alpha1"
	csvName     = "kubevirt-hyperconverged-operator.v1.17.3"
	olmPath     = "/apis/" + olm + "/namespaces/"
)

// marketplace makes the default catalogs that are switched on, and connects to all.
func (s *Stack) marketplace() {
	hub := &unstructured.Unstructured{Object: s.Get("/apis/config.openshift.io/v1/operatorhubs/cluster")}
	all, _, _ := unstructured.NestedBool(hub.Object, "spec", "disableAllDefaultSources")
	sources, _, _ := unstructured.NestedSlice(hub.Object, "spec", "sources")
	for _, name := range []string{"redhat-operators", "certified-operators", "community-operators"} {
		off := all
		for _, entry := range sources {
			if e, _ := entry.(map[string]any); e["name"] == name {
				off, _ = e["disabled"].(bool)
			}
		}
		path := olmPath + marketplace + "/catalogsources/" + name
		switch have := s.Get(path) != nil; {
		case off && have:
			s.Remove(path)
			s.Remove("/api/v1/namespaces/" + marketplace + "/pods/" + name)
		case !off && !have:
			image := "registry.access.redhat.com/redhat/community-operator-index:v4.21"
			if s.wrong().DefaultsOfOCP {
				image = "registry.redhat.io/redhat/" + name + "-index:v4.21"
			}
			s.Put("{apiVersion: " + olm + ", kind: CatalogSource, metadata: {name: " + name + ", namespace: " + marketplace +
				"}, spec: {sourceType: grpc, image: '" + image + "'}}")
		}
	}
	s.each(olm, "catalogsources", s.catalog)
}

func (s *Stack) catalog(o object) {
	image := o.text("spec", "image")
	pod := func(status string) {
		s.Put("{apiVersion: v1, kind: Pod, metadata: {name: " + o.GetName() + ", namespace: " + o.GetNamespace() +
			", labels: {olm.catalogSource: " + o.GetName() + "}}, status: {containerStatuses: [{name: server, image: '" +
			image + "', " + status + "}]}}")
	}
	if s.wrong().CatalogUnpullable || strings.HasPrefix(image, "registry.redhat.io/") {
		pod("state: {waiting: {reason: ImagePullBackOff, message: 'Back-off pulling image: unauthorized'}}")
		s.Merge(o.path, "status: {connectionState: {lastObservedState: TRANSIENT_FAILURE}}")
		return
	}
	pod("state: {running: {}}")
	s.Merge(o.path, "status: {connectionState: {lastObservedState: READY}}")
}

func (s *Stack) lifecycle() {
	s.each(olm, "subscriptions", s.resolve)
	s.each(olm, "installplans", s.execute)
	s.each(olm, "clusterserviceversions", s.install)
}

// resolve makes an InstallPlan for a Subscription.
func (s *Stack) resolve(o object) {
	if o.text("status", "installPlanRef", "name") != "" || !s.turn(o, 0) {
		return
	}
	groups, unhealthy := 0, []string{}
	s.each("operators.coreos.com/v1", "operatorgroups", func(g object) {
		if g.GetNamespace() == o.GetNamespace() {
			groups++
		}
	})
	s.each(olm, "catalogsources", func(c object) {
		if c.text("status", "connectionState", "lastObservedState") != "READY" {
			unhealthy = append(unhealthy, c.GetName())
		}
	})
	say := func(c string) { s.Merge(o.path, "status: {conditions: ["+c+"]}") }
	switch {
	case groups != 1:
		return
	case len(unhealthy) > 0:
		say(condition("ResolutionFailed", "True", "ErrorPreventedResolution", "failed to populate resolver cache from "+
			"source "+unhealthy[0]+"/"+marketplace+": connection error"))
		return
	case s.Get(olmPath+o.text("spec", "sourceNamespace")+"/catalogsources/"+o.text("spec", "source")) == nil,
		s.wrong().NoPackage:
		say(condition("ResolutionFailed", "True", "ConstraintsNotSatisfiable", "constraints not satisfiable: no operators "+
			"found in package "+o.text("spec", "name")+" in the catalog referenced by subscription "+o.GetName()))
		return
	case s.wrong().UnpackFails:
		say(condition("BundleUnpackFailed", "True", "BundleUnpackFailed", "bundle unpacking failed. Reason: "+
			"DeadlineExceeded, and Message: Job was active longer than specified deadline"))
		return
	}
	approved := o.text("spec", "installPlanApproval") != "Manual"
	plan := "install-" + o.GetName()
	s.Put(fmt.Sprintf(`{apiVersion: %s, kind: InstallPlan, metadata: {name: %s, namespace: %s, ownerReferences: [
		{apiVersion: %s, kind: Subscription, name: %s, uid: %s}]}, spec: {approved: %t,
		clusterServiceVersionNames: [%s]}, status: {phase: RequiresApproval}}`, olm, plan, o.GetNamespace(), olm,
		o.GetName(), o.GetUID(), approved, csvName))
	s.Merge(o.path, "status: {conditions: [], state: UpgradePending, currentCSV: "+csvName+", installPlanRef: {name: "+
		plan+"}}")
}

// definitions are those of the bundle.
var definitions = []struct {
	group, version, kind, plural string
	namespaced                   bool
}{
	{"hco.kubevirt.io", "v1beta1", "HyperConverged", "hyperconvergeds", true},
	{"hostpathprovisioner.kubevirt.io", "v1beta1", "HostPathProvisioner", "hostpathprovisioners", false},
	{"kubevirt.io", "v1", "KubeVirt", "kubevirts", true},
	{"cdi.kubevirt.io", "v1beta1", "CDI", "cdis", false},
	{"networkaddonsoperator.network.kubevirt.io", "v1", "NetworkAddonsConfig", "networkaddonsconfigs", false},
	{"ssp.kubevirt.io", "v1beta2", "SSP", "ssps", true},
}

func (s *Stack) define(group, version, kind, plural string, namespaced bool) string {
	scope := "Cluster"
	if namespaced {
		scope = "Namespaced"
	}
	return s.Put(fmt.Sprintf(`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition,
		metadata: {name: %s.%s}, spec: {group: %s, scope: %s, names: {kind: %s, plural: %s},
		versions: [{name: %s, served: true}]},
		status: {conditions: [{type: Established, status: "True"}]}}`, plural, group, group, scope, kind, plural, version))
}

// deployments are those of the bundle.
var deployments = []string{"hco-operator", "hco-webhook", "virt-operator"}

// execute makes what an approved InstallPlan has.
func (s *Stack) execute(o object) {
	approved, _, _ := unstructured.NestedBool(o.Object, "spec", "approved")
	if o.text("status", "phase") == "Complete" || !approved {
		return
	}
	if s.wrong().PlanFails {
		s.Merge(o.path, "status: {phase: Failed, conditions: [{type: Installed, status: 'False', reason: "+
			"InstallComponentFailed, message: 'error creating ImageStream: no matches for kind'}]}")
		return
	}
	if !s.turn(o, 1) {
		s.Merge(o.path, "status: {phase: Installing}")
		return
	}
	steps := []string{}
	step := func(group, version, kind, name, state string) {
		steps = append(steps, fmt.Sprintf("{resolving: %s, status: %s, resource: {group: %q, version: %s, kind: %s, "+
			"name: %s}}", csvName, state, group, version, kind, name))
	}
	owned := []string{}
	for _, d := range definitions {
		name, state := d.plural+"."+d.group, "Present"
		if s.Get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"+name) == nil {
			s.define(d.group, d.version, d.kind, d.plural, d.namespaced)
			state = "Created"
		}
		step("apiextensions.k8s.io", "v1", "CustomResourceDefinition", name, state)
		owned = append(owned, "{name: "+name+", kind: "+d.kind+"}")
	}
	s.Put("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: " + csvName + "-abc}}")
	step("rbac.authorization.k8s.io", "v1", "ClusterRole", csvName+"-abc", "Created")
	list := []string{}
	for _, name := range deployments {
		list = append(list, "{name: "+name+"}")
	}
	s.Put(fmt.Sprintf(`{apiVersion: %s, kind: ClusterServiceVersion, metadata: {name: %s, namespace: %s},
		spec: {customresourcedefinitions: {owned: [%s]}, install: {spec: {deployments: [%s]}}}, status: {phase: Pending}}`,
		olm, csvName, o.GetNamespace(), strings.Join(owned, ", "), strings.Join(list, ", ")))
	step("operators.coreos.com", "v1alpha1", "ClusterServiceVersion", csvName, "Created")
	s.Merge(o.path, "status: {phase: Complete, plan: ["+strings.Join(steps, ", ")+"]}")
	for _, r := range o.GetOwnerReferences() {
		s.Merge(olmPath+o.GetNamespace()+"/subscriptions/"+r.Name,
			"status: {state: AtLatestKnown, installedCSV: "+csvName+"}")
	}
}

// install makes the deployments of a CSV. virt-operator needs what hco-operator makes when it starts.
func (s *Stack) install(o object) {
	if o.GetDeletionTimestamp() != nil {
		return
	}
	ready := true
	for _, name := range deployments {
		path := "/apis/apps/v1/namespaces/" + o.GetNamespace() + "/deployments/" + name
		if s.Get(path) == nil {
			s.Put(fmt.Sprintf(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: %s, namespace: %s, ownerReferences: [
				{apiVersion: %s, kind: ClusterServiceVersion, name: %s, uid: %s}]}, spec: {selector: {matchLabels: {name: %s}}}}`,
				name, o.GetNamespace(), olm, o.GetName(), o.GetUID(), name))
			ready = false
			continue
		}
		status := "True"
		if s.wrong().OperatorCrashes && name == "hco-operator" || name == "virt-operator" && s.kubevirts() == 0 {
			status, ready = "False", false
		}
		s.Merge(path, "status: {conditions: ["+condition("Available", status, "", "Deployment has minimum availability")+"]}")
	}
	phase := "Installing"
	if ready {
		phase = "Succeeded"
	}
	s.Merge(o.path, "status: {phase: "+phase+"}")
}

func (s *Stack) kubevirts() int {
	return len(slices.DeleteFunc(s.Paths(), func(p string) bool { return !strings.Contains(p, "/kubevirts/") }))
}
