package manifests

import (
	"cmp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// Operators, by their names in pairing.yaml.
const (
	hyperConverged = "hyperconverged"
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

// MirrorPrefix is before the name of a catalog of the cluster in that of its mirror. The cluster
// would take a catalog of its own name back.
const MirrorPrefix = "mirror-"

// FirstPlanOnly approves the first plan of an operator, and leaves later ones to the user.
const FirstPlanOnly = "FirstPlanOnly"

// from is where an operator comes from.
type from struct{ name, namespace, channel string }

// operator adds what installs an operator, and returns its namespace. The catalog is the user's, or
// empty for the one that the release has.
func (r *renderer) operator(step, name string, wanted virtualization.Catalog, channel, field string) string {
	o := pairings().Operators[name]
	namespace := r.namespace(o)
	s, catalog, found := r.source(o)
	own := o.OwnNamespace && !s.AllNamespaces
	src := from{catalog.Name, Marketplace, cmp.Or(channel, s.Channel)}
	switch {
	case wanted.Image != "" || wanted.Name != "" && wanted.Name != catalog.Name:
		src.name, src.namespace = wanted.Name, cmp.Or(wanted.Namespace, Marketplace)
		src.channel, own = channel, o.OwnNamespace // without a channel, the catalog's default one
		if name == hyperConverged || o.From[0].Catalog == r.DefaultCatalog().Name {
			src.channel = cmp.Or(channel, s.Channel)
		}
		if wanted.Image != "" {
			src.name = r.catalogSource(Catalog{Name: wanted.Name, Image: wanted.Image}, src.namespace)
		}
	case !found:
		r.fail("no public catalog for release %s has the operator %s; name one that has it in %s", r.Release, o.Package,
			field)
		return namespace
	case catalog.Default:
		if image := r.mirrored(catalog.Image); image != catalog.Image {
			src.name = r.catalogSource(Catalog{Name: catalog.Name, Image: image}, Marketplace)
		}
	default:
		catalog.Image = r.mirrored(catalog.Image)
		src.name = r.catalogSource(catalog, Marketplace)
	}
	r.ownNamespaceObject(step, namespace)
	r.group(step, cmp.Or(o.Group, o.Package), namespace, own)
	r.subscription(step, cmp.Or(o.Subscription, o.Package), namespace, o.Package, src)
	return namespace
}

// catalogSource adds a catalog once, and returns its name. The cluster's own catalogs keep their names.
func (r *renderer) catalogSource(c Catalog, namespace string) string {
	name := c.Name
	if namespace == Marketplace && slices.ContainsFunc(pairings().Catalogs, func(own Catalog) bool {
		return own.Default && own.Name == name
	}) {
		name = MirrorPrefix + name
	}
	if r.once("CatalogSource", namespace, name) {
		o := newObject("operators.coreos.com/v1alpha1", "CatalogSource", namespace, name)
		o["spec"] = object{
			"sourceType": "grpc", "image": c.Image, "displayName": cmp.Or(c.DisplayName, name), "publisher": Manager,
			// The pods of catalogs need no privileges.
			"grpcPodConfig":  object{"securityContextConfig": "restricted"},
			"updateStrategy": object{"registryPoll": object{"interval": "30m"}},
		}
		r.add(StepCatalog, rankCatalog, o)
	}
	return name
}

// AddedCatalog is the CatalogSource for a catalog that a cluster should have but has not, or not one
// that works. Subscriptions must then name it instead.
func AddedCatalog(p Pairing) Manifest {
	r := newRenderer(p, virtualization.Cluster{})
	r.catalogSource(p.DefaultCatalog(), Marketplace)
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

func (r *renderer) subscription(step, name, namespace, pkg string, src from) {
	spec := object{
		"name": pkg, "source": src.name, "sourceNamespace": src.namespace, "installPlanApproval": "Manual",
	}
	if r.approval != FirstPlanOnly {
		spec["installPlanApproval"] = "Automatic"
	}
	if src.channel != "" {
		spec["channel"] = src.channel
	}
	if pkg == pairings().Operators[hyperConverged].Package && r.emulation {
		spec["config"] = object{"env": []any{object{"name": "KVM_EMULATION", "value": "true"}}}
	}
	o := newObject("operators.coreos.com/v1alpha1", "Subscription", namespace, name)
	o["spec"] = spec
	r.add(step, rankSubscription, o)
}

// ownNamespaceObject adds the namespace of an operator.
func (r *renderer) ownNamespaceObject(step, name string) {
	if r.once("Namespace", "", name) {
		r.add(step, rankNamespace, newObject("v1", "Namespace", "", name))
	}
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

// mirrored is the name of an image at its mirror, or the same name. The mirrors of the cluster's
// nodes are for images by digest; what is named by tag must be asked for there.
func (r *renderer) mirrored(image string) string {
	best, at := image, -1
	for _, m := range r.cluster.Mirrors {
		rest, ok := strings.CutPrefix(image, m.Source)
		if ok && len(m.Mirrors) > 0 && (rest == "" || strings.ContainsRune("/:@", rune(rest[0]))) && len(m.Source) > at {
			best, at = m.Mirrors[0]+rest, len(m.Source)
		}
	}
	return best
}
