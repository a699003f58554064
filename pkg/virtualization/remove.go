package virtualization

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
)

const stepRemove = "remove"

// workloads are the definitions of kinds that belong to users, and that are lost with them.
func workloads() []string {
	return []string{
		"virtualmachines.kubevirt.io", "virtualmachineinstances.kubevirt.io",
		"virtualmachineinstancereplicasets.kubevirt.io", "virtualmachinepools.pool.kubevirt.io",
		"virtualmachinesnapshots.snapshot.kubevirt.io", "datavolumes.cdi.kubevirt.io",
	}
}

// madeByImport is the label of volumes that come from a golden image's import.
const madeByImport = "cdi.kubevirt.io/dataImportCron"

func imported(o object) bool {
	return o.text("metadata", "labels", madeByImport) != "" ||
		slices.ContainsFunc(o.list("metadata", "ownerReferences"), func(r object) bool {
			return r.text("kind") == "DataImportCron"
		})
}

// InUse lists what users have that removal would destroy. The error says that the cluster could not be asked.
func (d *Deployer) InUse(ctx context.Context) ([]string, error) {
	w := d.world()
	var out []string
	for _, name := range workloads() {
		crd, err := w.read(ctx, versionCRD, "CustomResourceDefinition", "", name)
		if err != nil {
			return nil, fmt.Errorf("look for the definition of %s: %s", name, kube.Cause(err))
		}
		list, err := w.instances(ctx, crd)
		if err != nil {
			return nil, fmt.Errorf("list %s: %s", name, kube.Cause(err))
		}
		for _, o := range list {
			if !imported(o) {
				out = append(out, o.String())
			}
		}
	}
	return out, nil
}

// instances are the objects of a definition; none of no definition. That it cannot list them is an error.
func (w *world) instances(ctx context.Context, crd object) ([]object, error) {
	if crd == nil {
		return nil, nil
	}
	for _, v := range crd.list("spec", "versions") {
		if served, _ := v.get("served").(bool); !served {
			continue
		}
		k := kube.Kind{Group: crd.text("spec", "group"), Version: v.text("name"), Plural: crd.text("spec", "names", "plural")}
		var list object
		if err := w.api.List(ctx, k, "", &list); err != nil {
			return nil, err
		}
		items := list.list("items")
		for _, o := range items {
			o["apiVersion"], o["kind"] = k.Group+"/"+k.Version, crd.text("spec", "names", "kind")
		}
		return items, nil
	}
	return nil, fmt.Errorf("%s has no version that is served", crd)
}

// Remove takes away what was deployed: objects that are proved to be ours, and what the operators' install plans say
// that they created. It refuses while there are VMs, and when that cannot be found out. Objects that others have made
// only lose our fields.
func (d *Deployer) Remove(ctx context.Context) error {
	used, err := d.InUse(ctx)
	if err != nil {
		return exit.Stopped("see that the API of the cluster answers; then run the same command again",
			"it cannot be found out whether there are VMs: %w", err)
	}
	if len(used) > 0 {
		return exit.Stopped("remove them first, after saving what is needed", "the cluster has %d VMs or disks of VMs: %s",
			len(used), some(used))
	}
	w := d.world()
	for _, rank := range removalOrder() {
		if err := d.removeRank(ctx, w, rank); err != nil {
			return err
		}
		if rank == rankOperators {
			if err := d.removeOperators(ctx, w); err != nil {
				return err
			}
		}
	}
	err = d.until(ctx, stepRemove, d.limit(stepRemove), func(ctx context.Context) (string, error) {
		return d.restoreHub(ctx, w)
	})
	if err != nil {
		return err
	}
	event.Info(d.Sink, "Virtualization is removed")
	return nil
}

// rank orders the removal: what is made by operators goes before the operators.
type rank int

const (
	rankUsers      rank = iota // of what the others bring
	rankHyper                  // HyperConverged, whose operator takes its parts away
	rankSettings               // of other operators
	rankClasses                // of storage
	rankOperators              // Subscriptions, and what they have brought
	rankSources                // where operators come from
	rankData                   // Secrets and the like, which the others may need to the last
	rankNamespaces             // with what is left in them
)

func removalOrder() []rank {
	return []rank{rankUsers, rankHyper, rankSettings, rankClasses, rankOperators, rankSources, rankData, rankNamespaces}
}

type versionKind struct{ apiVersion, kind string }

// searched are the kinds that we may have made objects of, besides those of the manifests.
func searched() map[versionKind]rank {
	return map[versionKind]rank{
		{versionHCO, "HyperConverged"}:                                     rankHyper,
		{"hostpathprovisioner.kubevirt.io/v1beta1", "HostPathProvisioner"}: rankSettings,
		{"lvm.topolvm.io/v1alpha1", "LVMCluster"}:                          rankSettings,
		{"nmstate.io/v1", "NMState"}:                                       rankSettings,
		{groupForklift + "/v1beta1", "ForkliftController"}:                 rankSettings,
		{"oadp.openshift.io/v1alpha1", "DataProtectionApplication"}:        rankSettings,
		{"operator.openshift.io/v1", "KubeDescheduler"}:                    rankSettings,
		{versionStorage, "StorageClass"}:                                   rankClasses,
		{versionOLM, "Subscription"}:                                       rankOperators,
		{versionGroups, "OperatorGroup"}:                                   rankSources,
		{versionOLM, "CatalogSource"}:                                      rankSources,
		{"v1", "Secret"}:                                                   rankData,
		{"v1", "ConfigMap"}:                                                rankData,
		{"v1", "ServiceAccount"}:                                           rankData,
		{"rbac.authorization.k8s.io/v1", "ClusterRole"}:                    rankData,
		{"rbac.authorization.k8s.io/v1", "ClusterRoleBinding"}:             rankData,
		{"rbac.authorization.k8s.io/v1", "Role"}:                           rankData,
		{"rbac.authorization.k8s.io/v1", "RoleBinding"}:                    rankData,
		{"v1", "Namespace"}:                                                rankNamespaces,

		{versionCDI, "StorageProfile"}:                                               rankUsers,
		{versionCDI, "DataImportCron"}:                                               rankUsers,
		{versionCDI, "DataSource"}:                                                   rankUsers,
		{"nmstate.io/v1", "NodeNetworkConfigurationPolicy"}:                          rankUsers,
		{"k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition"}:                        rankUsers,
		{"sriovnetwork.openshift.io/v1", "SriovNetwork"}:                             rankUsers,
		{"sriovnetwork.openshift.io/v1", "SriovNetworkNodePolicy"}:                   rankUsers,
		{"remediation.medik8s.io/v1alpha1", "NodeHealthCheck"}:                       rankUsers,
		{groupForklift + "/v1beta1", "Provider"}:                                     rankUsers,
		{"tekton.dev/v1", "Task"}:                                                    rankUsers,
		{"tekton.dev/v1", "Pipeline"}:                                                rankUsers,
		{"machineconfiguration.openshift.io/v1", "MachineConfig"}:                    rankSettings,
		{"self-node-remediation.medik8s.io/v1alpha1", "SelfNodeRemediationTemplate"}: rankUsers,
	}
}

// kindsAt are the kinds of a rank, in an order of their own.
func (d *Deployer) kindsAt(w *world, r rank) (out []versionKind) {
	all := searched()
	for _, o := range w.objects {
		k := versionKind{o.apiVersion(), o.kind()}
		if _, known := all[k]; !known {
			all[k] = rankUsers
		}
	}
	for k, at := range all {
		if at == r {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b versionKind) int {
		return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.apiVersion, b.apiVersion))
	})
	return out
}

// removeRank removes the objects of a rank that are ours, and waits until they are gone.
func (d *Deployer) removeRank(ctx context.Context, w *world, r rank) error {
	for _, k := range d.kindsAt(w, r) {
		err := d.until(ctx, stepRemove, d.limit(stepRemove), func(ctx context.Context) (string, error) {
			return d.removeKind(ctx, w, k, r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// removeKind asks for the removal of all objects of a kind that are ours, and says which are still there.
func (d *Deployer) removeKind(ctx context.Context, w *world, k versionKind, r rank) (string, error) {
	selector := ""
	if r == rankData { // there are many
		selector = Label + "=" + Manager
	}
	list, err := w.all(ctx, k.apiVersion, k.kind, "", selector)
	if err != nil {
		return "", err
	}
	var waits []string
	for _, o := range list {
		missing := ""
		switch {
		case isRecord(o):
		case owned(o):
			missing, err = d.removeOne(ctx, w, o)
		default:
			missing, err = d.release(ctx, w, o)
		}
		if err != nil {
			return "", err
		}
		if missing != "" {
			waits = append(waits, missing)
		}
	}
	return some(waits), nil
}

// removeOne asks for the removal of an object, and says what keeps it from being gone. A Subscription is not removed
// before it is recorded what it has brought.
func (d *Deployer) removeOne(ctx context.Context, w *world, o object) (string, error) {
	if at := o.text("metadata", "deletionTimestamp"); at != "" {
		return going(o, at), nil
	}
	switch {
	case o.group() == groupOLM && o.kind() == "Subscription":
		if missing, err := d.record(ctx, w, o); err != nil || missing != "" {
			return missing, err
		}
	case o.group() == "" && o.kind() == "Namespace":
		if missing, err := w.foreignIn(ctx, o.name()); err != nil || missing != "" {
			return missing, err
		}
	}
	ref, err := w.ref(ctx, o)
	if err != nil {
		return "", err
	}
	err = d.API.DeleteExactly(ctx, ref, o.uid())
	switch {
	case kube.NotFound(err):
		return "", nil
	case err == nil:
		event.Info(d.Sink, "Removing "+o.String())
		return o.String() + " is being removed", nil
	case webhookTrouble(err) != "":
		return o.String() + " cannot be removed yet: " + webhookTrouble(err), nil
	case kube.Answered(err) && (apierrors.IsForbidden(err) || apierrors.IsBadRequest(err) || apierrors.IsInvalid(err)):
		return "", stuckFor(briefly, afterwards, "the cluster refuses to remove %s: %s", o, kube.Cause(err))
	}
	return "", err
}

// going says since when an object is being removed, and what it waits for.
func going(o object, at string) string {
	text := o.String() + " is being removed" + kube.Since(parsed(at))
	if f := o.texts("metadata", "finalizers"); len(f) > 0 {
		text += ", and waits for " + strings.Join(f, ", ")
	}
	for _, c := range o.list("status", "conditions") {
		if strings.HasPrefix(c.text("type"), "Namespace") && c.text("status") == "True" {
			text += "; " + kube.OneLine(c.text("message"))
		}
	}
	return text
}

// release takes our fields out of an object that somebody else has made.
func (d *Deployer) release(ctx context.Context, w *world, o object) (string, error) {
	if kube.Applied(o, Manager) == nil {
		return "", nil
	}
	ref, err := w.ref(ctx, o)
	if err != nil {
		return "", err
	}
	bare := object{"apiVersion": o.apiVersion(), "kind": o.kind(), "metadata": object{"name": o.name()}}
	if ref.Namespace != "" {
		bare.part("metadata")["namespace"] = ref.Namespace
	}
	err = d.API.Merge(ctx, ref, kube.Applying{Owner: Manager}, bare, nil)
	if kube.NotFound(err) {
		return "", nil
	}
	if err != nil {
		return answer(o, err)
	}
	event.Info(d.Sink, o.String()+" was not made by this installer; it stays, without what was set in it")
	return "", nil
}

// foreignIn says what is in a namespace that is not ours to remove.
func (w *world) foreignIn(ctx context.Context, namespace string) (string, error) {
	var found []string
	for _, k := range []versionKind{
		{"v1", "PersistentVolumeClaim"}, {"apps/v1", "Deployment"}, {"apps/v1", "StatefulSet"}, {"apps/v1", "DaemonSet"},
		{versionOLM, "Subscription"},
	} {
		list, err := w.all(ctx, k.apiVersion, k.kind, namespace, "")
		if err != nil {
			return "", err
		}
		for _, o := range list {
			if !imported(o) && o.text("metadata", "deletionTimestamp") == "" {
				found = append(found, o.String())
			}
		}
	}
	if len(found) == 0 {
		return "", nil
	}
	return "", stuckFor(patience, "remove what is not needed there, or the namespace itself; then run the same command "+
		"again", "namespace %s has objects that are not known to be ours: %s", namespace, some(found))
}
