package virtualization_test

import (
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/virtualization"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests"
	"github.com/okd-install/okd-install/pkg/virtualization/stacktest"
)

// What each kind says of itself is understood.
func TestKinds(t *testing.T) {
	const (
		lvm    = "{apiVersion: lvm.topolvm.io/v1alpha1, kind: LVMCluster, metadata: {name: a, namespace: x}"
		policy = "{apiVersion: nmstate.io/v1, kind: NodeNetworkConfigurationPolicy, metadata: {name: net}"
		health = "{apiVersion: remediation.medik8s.io/v1alpha1, kind: NodeHealthCheck, metadata: {name: a}"
		backup = "{apiVersion: oadp.openshift.io/v1alpha1, kind: DataProtectionApplication, " +
			"metadata: {name: a, namespace: x}"
		fork  = "{apiVersion: forklift.konveyor.io/v1beta1, kind: ForkliftController, metadata: {name: a, namespace: x}"
		other = "{apiVersion: forklift.konveyor.io/v1beta1, kind: Provider, metadata: {name: a, namespace: x}"
		plan  = "{apiVersion: operators.coreos.com/v1alpha1, kind: InstallPlan, metadata: {name: i, namespace: x}, spec: " +
			"{approved: "
		source  = "{apiVersion: operators.coreos.com/v1alpha1, kind: CatalogSource, metadata: {name: a, namespace: x}"
		sub     = "{apiVersion: operators.coreos.com/v1alpha1, kind: Subscription, metadata: {name: a, namespace: x}"
		anyKind = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: x, generation: 2}"
	)
	tests := []struct {
		name, object, beside string
		state                virtualization.State
		why                  string
	}{
		{name: "LVM ready", object: lvm + ", status: {state: Ready}}", state: virtualization.Ready},
		{name: "LVM new", object: lvm + "}", state: virtualization.Waiting, why: "not reported yet"},
		{name: "LVM failed", object: lvm + ", status: {state: Failed, deviceClassStatuses: [{name: vg1, nodeStatus: [" +
			"{node: w1, status: Failed, reason: 'no disk'}]}]}}", state: virtualization.Failed,
			why: "vg1 on w1 is Failed: no disk"},
		{name: "policy", object: policy + ", status: {conditions: [{type: Available, status: 'True'}]}}",
			state: virtualization.Ready},
		{name: "policy without nodes", object: policy + ", status: {conditions: [{type: Ignored, status: 'True', reason: " +
			"NoMatchingNode}]}}", state: virtualization.Failed, why: "no node has the labels"},
		{name: "policy failed", object: policy + ", status: {conditions: [{type: Degraded, status: 'True', reason: " +
			"FailedToConfigure}]}}", beside: "{apiVersion: nmstate.io/v1beta1, kind: NodeNetworkConfigurationEnactment, " +
			"metadata: {name: w1.net, labels: {nmstate.io/policy: net}}, status: {conditions: [{type: Failing, status: " +
			"'True', message: 'no such interface'}]}}", state: virtualization.Failed,
			why: "on w1: Failing is True: no such interface"},
		{name: "health", object: health + ", status: {phase: Enabled}}", state: virtualization.Ready},
		{name: "health disabled", object: health + ", status: {conditions: [{type: Disabled, status: 'True', message: " +
			"'template not found'}]}}", state: virtualization.Failed, why: "template not found"},
		{name: "backup", object: backup + ", status: {conditions: [{type: Reconciled, status: 'True'}]}}",
			beside: "{apiVersion: velero.io/v1, kind: BackupStorageLocation, metadata: {name: s3, namespace: x}, status: " +
				"{phase: Unavailable, message: 'access denied'}}", state: virtualization.Failed, why: "access denied"},
		{name: "backup reconciled", object: backup + ", status: {conditions: [{type: Reconciled, status: 'True'}]}}",
			state: virtualization.Ready},
		{name: "backup wrong", object: backup + ", status: {conditions: [{type: Reconciled, status: 'False', reason: " +
			"Error, message: 'no secret'}]}}", state: virtualization.Failed, why: "no secret"},
		{name: "Forklift", object: fork + ", status: {conditions: [{type: Running, status: 'True', reason: Successful}]}}",
			state: virtualization.Ready},
		{name: "Forklift failed", object: fork + ", status: {conditions: [{type: Failure, status: 'True', message: boom}]}}",
			state: virtualization.Failed, why: "boom"},
		{name: "provider", object: other + ", status: {conditions: [{type: Ready, status: 'True', category: Required}]}}",
			state: virtualization.Ready},
		{name: "provider's login", object: other + ", status: {conditions: [{type: ConnectionTestFailed, status: 'True', " +
			"category: Critical, message: 'bad login'}]}}", state: virtualization.Failed, why: "bad login"},
		{name: "catalog", object: source + ", status: {connectionState: {lastObservedState: READY}}}",
			state: virtualization.Ready},
		{name: "catalog connecting", object: source + ", status: {connectionState: {lastObservedState: CONNECTING, " +
			"lastConnect: '2026-01-02T03:04:05Z'}}}", state: virtualization.Waiting,
			why: "its connection is CONNECTING (since 2026-01-02T03:04:05Z)"},
		{name: "channels", object: sub + ", spec: {name: p, channel: old}, status: {conditions: [{type: ResolutionFailed, " +
			"status: 'True', reason: ConstraintsNotSatisfiable}]}}", beside: "{apiVersion: packages.operators.coreos.com/v1, " +
			"kind: PackageManifest, metadata: {name: p, namespace: x}, status: {channels: [{name: stable}]}}",
			state: virtualization.Failed, why: "package p has channels stable, and not old"},
		{name: "a plan", object: sub + ", status: {installPlanRef: {name: i}}}", beside: plan + "false}, status: " +
			"{phase: RequiresApproval}}", state: virtualization.Waiting, why: "InstallPlan x/i waits for approval"},
		{name: "an approved plan", object: sub + ", status: {installPlanRef: {name: i}}}", beside: plan + "true}, status: " +
			"{phase: RequiresApproval}}", state: virtualization.Waiting, why: "InstallPlan x/i is approved"},
		{name: "CSV that needs something", object: sub + ", status: {installedCSV: c}}", beside: "{apiVersion: " +
			"operators.coreos.com/v1alpha1, kind: ClusterServiceVersion, metadata: {name: c, namespace: x}, status: {phase: " +
			"Pending, reason: RequirementsNotMet, requirementStatus: [{kind: CustomResourceDefinition, name: d, status: " +
			"NotPresent, message: 'CRD is not present'}]}}", state: virtualization.Waiting,
			why: "it needs CustomResourceDefinition d: CRD is not present"},
		{name: "CSV in the wrong group", object: sub + ", status: {installedCSV: c}}", beside: "{apiVersion: " +
			"operators.coreos.com/v1alpha1, kind: ClusterServiceVersion, metadata: {name: c, namespace: x}, status: {phase: " +
			"Failed, reason: UnsupportedOperatorGroup}}", state: virtualization.Failed, why: "UnsupportedOperatorGroup"},
		{name: "another kind", object: anyKind + ", status: {observedGeneration: 2, conditions: [{type: Available, status: " +
			"'True'}]}}", state: virtualization.Ready},
		{name: "another kind that is not", object: anyKind + ", status: {conditions: [{type: Available, status: 'False', " +
			"message: 'no pods'}]}}", state: virtualization.Waiting, why: "no pods"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := kubetest.NewCluster(t)
			for _, served := range []struct {
				version, kind string
				namespaced    bool
			}{
				{"lvm.topolvm.io/v1alpha1", "LVMCluster", true}, {"nmstate.io/v1", "NodeNetworkConfigurationPolicy", false},
				{"nmstate.io/v1beta1", "NodeNetworkConfigurationEnactment", false},
				{"remediation.medik8s.io/v1alpha1", "NodeHealthCheck", false},
				{"oadp.openshift.io/v1alpha1", "DataProtectionApplication", true},
				{"velero.io/v1", "BackupStorageLocation", true}, {"forklift.konveyor.io/v1beta1", "ForkliftController", true},
				{"forklift.konveyor.io/v1beta1", "Provider", true}, {"operators.coreos.com/v1alpha1", "CatalogSource", true},
				{"operators.coreos.com/v1alpha1", "Subscription", true}, {"operators.coreos.com/v1", "OperatorGroup", true},
				{"operators.coreos.com/v1alpha1", "ClusterServiceVersion", true},
				{"operators.coreos.com/v1alpha1", "InstallPlan", true},
				{"packages.operators.coreos.com/v1", "PackageManifest", true}, {"apps/v1", "Deployment", true},
			} {
				s.Serve(served.version, served.kind, served.namespaced)
			}
			s.Put(tt.object)
			if tt.beside != "" {
				s.Put(tt.beside)
			}
			var o map[string]any
			if err := yaml.Unmarshal([]byte(tt.object), &o); err != nil {
				t.Fatal(err)
			}
			api, err := kube.New(s.Config())
			if err != nil {
				t.Fatal(err)
			}
			d := virtualization.Deployer{Watcher: kube.Watcher{API: api, Sink: event.Discard},
				Manifests: []manifests.Manifest{{Step: "x", Object: o}}}
			status, err := d.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p := status.Parts[0]
			if p.State != tt.state || !strings.Contains(p.Why, tt.why) || tt.state == virtualization.Ready && p.Why != "" {
				t.Errorf("%s: %s, want %s: %s", p.State, p.Why, tt.state, tt.why)
			}
			if w := s.Writes(); len(w) > 0 {
				t.Errorf("it wrote %v", w)
			}
		})
	}
}

// The plan of an update waits for the user.
func TestLaterPlan(t *testing.T) {
	s, _ := deployed(t)
	s.Put("{apiVersion: operators.coreos.com/v1alpha1, kind: InstallPlan, metadata: {name: later, namespace: " + ns +
		"}, " +
		"spec: {approved: false, clusterServiceVersionNames: [newer]}, status: {phase: RequiresApproval}}")
	s.Merge("/apis/operators.coreos.com/v1alpha1/namespaces/"+ns+"/subscriptions/hco-operatorhub",
		"status: {state: UpgradePending, currentCSV: newer, installPlanRef: {name: later}}")
	d, _ := deployer(t, s)
	s.Writes()
	if err := d.Deploy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := s.Writes(); len(w) > 0 {
		t.Errorf("it wrote %v", w)
	}
}

// Where node feature discovery runs, a node that cannot run VMs is refused before anything is made.
func TestNodeWithoutVirtualization(t *testing.T) {
	s := stacktest.New(t, stacktest.Faults{})
	s.Merge("/api/v1/nodes/a", "metadata: {labels: {feature.node.kubernetes.io/cpu-cpuid.AVX: 'true'}}")
	s.Merge("/api/v1/nodes/b", "metadata: {labels: {feature.node.kubernetes.io/cpu-cpuid.VMX: 'true'}}")
	d, _ := deployer(t, s)
	began := d.Clock.Now()
	err := d.Deploy(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no /dev/kvm on node a, and") {
		t.Errorf("%v", err)
	}
	if w := s.Writes(); len(w) > 0 {
		t.Errorf("it wrote %v", w)
	}
	if took := d.Clock.Now().Sub(began); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}
