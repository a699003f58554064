package virtualization

import (
	"context"
	"fmt"
)

// judge looks at the cluster's version of an object: it names what is missing, nothing if the object is as it should
// be. A *stuck error is a state that does not mend itself; another says that the cluster could not be asked.
type judge func(ctx context.Context, w *world, o object) (missing string, err error)

// kind is what is known of a kind of objects.
type kind struct {
	// before is what must be true of the cluster before an object is applied; it gets the object to apply.
	before judge
	// settled is whether an object has done what it is for. Nil is the usual conditions.
	settled judge
	// enough is whether the next step can begin. Nil is settled.
	enough judge
	// late kinds may come with HyperConverged: what the cluster does not take at once is applied after it.
	late bool
}

type groupKind struct{ group, kind string }

// API groups.
const (
	groupOLM       = "operators.coreos.com"
	groupHCO       = "hco.kubevirt.io"
	groupKubeVirt  = "kubevirt.io"
	groupCDI       = "cdi.kubevirt.io"
	groupNMState   = "nmstate.io"
	groupForklift  = "forklift.konveyor.io"
	versionOLM     = groupOLM + "/v1alpha1"
	versionGroups  = groupOLM + "/v1"
	versionHCO     = groupHCO + "/v1beta1"
	versionCDI     = groupCDI + "/v1beta1"
	versionCRD     = "apiextensions.k8s.io/v1"
	versionStorage = "storage.k8s.io/v1"
)

// kinds is the table: when an object is settled, what holds it up, and which states do not mend themselves. Other kinds
// are judged by the usual conditions, so that objects that users add are waited for, too.
func kinds(gk groupKind) kind {
	switch gk {
	case groupKind{groupOLM, "CatalogSource"}:
		return kind{settled: catalogReady}
	case groupKind{groupOLM, "OperatorGroup"}:
		return kind{before: onlyOperatorGroup, settled: onlyOperatorGroup}
	case groupKind{groupOLM, "Subscription"}:
		return kind{before: catalogUsable, settled: subscriptionInstalled, enough: subscriptionUnderway}
	case groupKind{groupHCO, "HyperConverged"}:
		return kind{before: hcoUp, settled: hyperConvergedReady}
	case groupKind{"hostpathprovisioner.kubevirt.io", "HostPathProvisioner"}:
		// Its webhook may take long to answer, and KubeVirt takes longest of all.
		return kind{settled: conditions(wanted{"Available", "True"}, wanted{"Degraded", "False"}), late: true}
	case groupKind{"storage.k8s.io", "StorageClass"}:
		return kind{settled: there}
	case groupKind{groupCDI, "StorageProfile"}:
		return kind{before: profileMade, settled: profileKnown, late: true}
	case groupKind{groupCDI, "DataImportCron"}:
		return kind{settled: importCurrent, enough: there, late: true}
	case groupKind{groupCDI, "DataSource"}, groupKind{groupCDI, "CDI"}, groupKind{groupCDI, "DataVolume"}:
		return kind{enough: there, late: true}
	case groupKind{"lvm.topolvm.io", "LVMCluster"}:
		return kind{settled: lvmReady}
	case groupKind{groupNMState, "NMState"}:
		return kind{settled: conditions(wanted{"Available", "True"})}
	case groupKind{groupNMState, "NodeNetworkConfigurationPolicy"}:
		return kind{settled: policyConfigured}
	case groupKind{"remediation.medik8s.io", "NodeHealthCheck"}:
		return kind{settled: healthCheckEnabled}
	case groupKind{"oadp.openshift.io", "DataProtectionApplication"}:
		return kind{settled: backupReady}
	case groupKind{groupForklift, "ForkliftController"}:
		return kind{settled: ansibleDone}
	case groupKind{groupForklift, "Provider"}:
		return kind{settled: providerReady}
	case groupKind{"", "Namespace"}:
		return kind{settled: namespaceActive}
	}
	return kind{late: gk.group == groupKubeVirt || gk.group == "instancetype.kubevirt.io"}
}

func kindOf(o object) kind {
	k := kinds(groupKind{o.group(), o.kind()})
	if k.settled == nil {
		k.settled = usual
	}
	if k.enough == nil {
		k.enough = k.settled
	}
	return k
}

// there is enough for objects that nobody acts on.
func there(context.Context, *world, object) (string, error) { return "", nil }

// conditions wants each of the conditions.
func conditions(list ...wanted) judge {
	return func(_ context.Context, _ *world, o object) (string, error) {
		if o.stale() {
			return "its controller has not seen the last change yet", nil
		}
		if c, unmet := o.unmet(list...); unmet {
			return c.String(), nil
		}
		return "", nil
	}
}

// usual judges kinds without a rule: what they say of themselves must not be bad. Many say nothing.
func usual(_ context.Context, _ *world, o object) (string, error) {
	if o.stale() {
		return "its controller has not seen the last change yet", nil
	}
	for _, kind := range []string{"Available", "Ready", "Complete"} {
		if c := o.condition(kind); c.Status != "" && !c.is("True") {
			return c.String(), nil
		}
	}
	for _, kind := range []string{"Degraded", "Failed", "Failure"} {
		if c := o.condition(kind); c.is("True") {
			return c.String(), nil
		}
	}
	return "", nil
}

func namespaceActive(_ context.Context, _ *world, o object) (string, error) {
	if o.text("metadata", "deletionTimestamp") != "" {
		return fmt.Sprintf("it is being deleted since %s", o.text("metadata", "deletionTimestamp")), nil
	}
	return "", nil
}
