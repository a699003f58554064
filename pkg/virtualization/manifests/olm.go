package manifests

import (
	"cmp"
	"strings"

	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// Operators, by their names in pairing.yaml.
const (
	hyperConverged = "hyperConverged"
	nmState        = "nmstate"
	lvms           = "lvms"
	sriov          = "sriov"
	nhc            = "nodeHealthCheck"
	snr            = "selfNodeRemediation"
	descheduler    = "descheduler"
	oadp           = "oadp"
	forklift       = "forklift"
)

// Marketplace is the namespace of the catalogs.
const Marketplace = "openshift-marketplace"

// Automatic approves all plans of operators. Otherwise, which is FirstPlanOnly, plans are approved by
// whoever deploys, and that is the first one.
const Automatic = "Automatic"

// operator adds what installs an operator, and returns its namespace.
func (r *renderer) operator(step, name string, from virtualization.Catalog, channel string) string {
	o := pairings().Operators[name]
	namespace := r.namespace(o)
	catalogs := cmp.Or(from.Namespace, Marketplace)
	if from.Image != "" {
		r.catalogSource(from.Name, catalogs, from.Image)
	}
	community := pairings().Operators[hyperConverged].Catalog
	if o.Catalog == from.Name || o.Catalog == community {
		channel = cmp.Or(channel, o.Channel)
	}
	if from.Image == "" && from.Name == o.Catalog && o.Catalog != community && r.unknown {
		r.fail("the release is not known, so it is not known which catalog %s has the operator %s; choose a release, or set "+
			"operator.addOns.image", from.Name, o.Package)
	}
	upstream := o.AllNamespacesFrom != "" && strings.HasPrefix(from.Image, o.AllNamespacesFrom)
	if r.once("Namespace", "", namespace) {
		r.add(step, rankNamespace, newObject("v1", "Namespace", "", namespace))
	}
	r.group(step, cmp.Or(o.Group, o.Package), namespace, o.OwnNamespace && !upstream)

	spec := tree{object{
		"name": o.Package, "source": from.Name, "sourceNamespace": catalogs, "installPlanApproval": "Manual",
	}}
	if r.approval == Automatic {
		spec.set(Automatic, "installPlanApproval")
	}
	spec.text(channel, "channel")
	if name == hyperConverged && r.emulation {
		spec.set([]any{object{"name": "KVM_EMULATION", "value": "true"}}, "config", "env")
	}
	s := newObject("operators.coreos.com/v1alpha1", "Subscription", namespace, cmp.Or(o.Subscription, o.Package))
	s["spec"] = spec.root
	r.add(step, rankSubscription, s)
	return namespace
}

// catalogSource adds a catalog once.
func (r *renderer) catalogSource(name, namespace, image string) {
	if !r.once("CatalogSource", namespace, name) {
		return
	}
	o := newObject("operators.coreos.com/v1alpha1", "CatalogSource", namespace, name)
	o["spec"] = object{
		"sourceType": "grpc", "image": image, "displayName": name, "publisher": Manager,
		"grpcPodConfig":  object{"securityContextConfig": "restricted"}, // catalogs need no privileges
		"updateStrategy": object{"registryPoll": object{"interval": "30m"}},
	}
	r.add(StepCatalog, rankCatalog, o)
}

// AddedCatalogName is the catalog that takes the place of the cluster's community-operators where
// that one does not work. The cluster would take changes of its own one back.
const AddedCatalogName = "okd-install-community-operators"

// AddedCatalog is that catalog for a release, with an image that needs no login. Subscriptions must
// then name it instead.
func AddedCatalog(release string) Manifest {
	r := newRenderer(release)
	r.catalogSource(AddedCatalogName, Marketplace, virtualization.CommunityIndex(r.Release))
	return r.list[0]
}

func (r *renderer) group(step, name, namespace string, own bool) {
	if !r.once("OperatorGroup", namespace, "") { // two of them in one namespace stop all operators there
		return
	}
	spec := object{}
	if own {
		spec["targetNamespaces"] = []any{namespace}
	}
	o := newObject("operators.coreos.com/v1", "OperatorGroup", namespace, name)
	o["spec"] = spec
	r.add(step, rankGroup, o)
}

// userNamespace adds a namespace that the user's own objects are in. It stays when the stack is removed.
func (r *renderer) userNamespace(step, name string) {
	if name == "default" || strings.HasPrefix(name, "openshift-") || strings.HasPrefix(name, "kube-") {
		return // the cluster has it
	}
	if r.once("Namespace", "", name) {
		r.part(step, rankNamespace, newObject("v1", "Namespace", "", name))
	}
}
