package olm

import (
	"strings"
	"testing"

	operatorsv1 "github.com/operator-framework/api/pkg/operators/v1"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
)

// installed is a stage on which the example has come as far as its deployment.
func installed(t *testing.T) stage {
	t.Helper()
	files, r := example(t)
	s := newStage(t, serveRegistry(t, r))
	s.catalog("community")
	s.group("group")
	s.subscribe()
	s.settle("unpacking", func() bool {
		return condition(s.sub("app", "sub"), v1alpha1.SubscriptionBundleUnpacking) == "True UnpackingInProgress"
	})
	s.unpacked(exampleImage, files)
	s.settle("the definition", func() bool {
		return read[map[string]any](s, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"+
			"examples.example.okd-lab.test") != nil
	})
	s.establish("examples.example.okd-lab.test")
	s.settle("installation", func() bool { return s.csv("app", exampleCSV).Status.Phase == v1alpha1.CSVPhaseInstalling })
	return s
}

func TestInstall(t *testing.T) {
	s := installed(t)
	s.available("example-operator", false)
	s.rounds(1)
	csv := s.csv("app", exampleCSV)
	want := `installing: waiting for deployment example-operator to become ready: ` +
		`deployment "example-operator" not available: Deployment does not have minimum availability.`
	if csv.Status.Reason != v1alpha1.CSVReasonWaiting || csv.Status.Message != want {
		t.Errorf("CSV waits with %s: %s", csv.Status.Reason, csv.Status.Message)
	}
	s.available("example-operator", true)
	s.rounds(2)
	csv = s.csv("app", exampleCSV)
	if csv.Status.Phase != v1alpha1.CSVPhaseSucceeded || csv.Status.Reason != v1alpha1.CSVReasonInstallSuccessful {
		t.Errorf("CSV is %s %s", csv.Status.Phase, csv.Status.Message)
	}
	var phases []string
	for _, c := range csv.Status.Conditions {
		phases = append(phases, string(c.Phase)+":"+string(c.Reason))
	}
	const order = "Pending:RequirementsUnknown InstallReady:AllRequirementsMet Installing:InstallSucceeded " +
		"Installing:InstallWaiting Succeeded:InstallSucceeded"
	got := strings.ReplaceAll(strings.Join(phases, " "), "Pending:RequirementsNotMet ", "")
	if got != order {
		t.Errorf("phases %s", got)
	}
	sub := s.sub("app", "sub")
	if st := sub.Status; st.State != v1alpha1.SubscriptionStateAtLatest || st.InstalledCSV != exampleCSV ||
		st.CurrentCSV != exampleCSV || st.InstallPlanRef == nil {
		t.Errorf("subscription %+v", st)
	}
	if c := condition(sub, v1alpha1.SubscriptionCatalogSourcesUnhealthy); c !=
		"False AllCatalogSourcesHealthy all available catalogsources are healthy" {
		t.Errorf("catalogs: %s", c)
	}
	plan := s.plans()[0]
	if plan.Status.Phase != v1alpha1.InstallPlanPhaseComplete || plan.Name != sub.Status.InstallPlanRef.Name {
		t.Errorf("plan %s is %s", plan.Name, plan.Status.Phase)
	}
	kinds := map[string]int{}
	for _, step := range plan.Status.Plan {
		kinds[step.Resource.Kind]++
		if step.Status != v1alpha1.StepStatusCreated {
			t.Errorf("step %s", step)
		}
	}
	for _, k := range strings.Fields("ClusterServiceVersion CustomResourceDefinition ServiceAccount Role RoleBinding " +
		"ClusterRole ClusterRoleBinding") {
		if kinds[k] != 1 {
			t.Errorf("%d steps of kind %s", kinds[k], k)
		}
	}
	// A round without news writes nothing.
	s.server.Writes()
	s.rounds(2)
	if w := s.server.Writes(); len(w) > 0 {
		t.Errorf("writes %q", w)
	}
}

func TestComponentUnhealthy(t *testing.T) {
	s := installed(t)
	s.available("example-operator", true)
	s.rounds(2)
	s.available("example-operator", false)
	s.rounds(1)
	csv := s.csv("app", exampleCSV)
	if csv.Status.Phase != v1alpha1.CSVPhaseFailed || csv.Status.Reason != v1alpha1.CSVReasonComponentUnhealthy {
		t.Errorf("CSV is %s %s", csv.Status.Phase, csv.Status.Reason)
	}
	s.available("example-operator", true)
	s.settle("recovery", func() bool { return s.csv("app", exampleCSV).Status.Phase == v1alpha1.CSVPhaseSucceeded })
}

// TestResolution has each way in which nothing can be installed.
func TestResolution(t *testing.T) {
	for name, c := range map[string]struct{ spec, want string }{
		"package": {"  name: none", "True ConstraintsNotSatisfiable constraints not satisfiable: no operators found in " +
			"package none in the catalog referenced by subscription sub, subscription sub exists"},
		"channel": {"  channel: beta", "True ConstraintsNotSatisfiable constraints not satisfiable: no operators found in " +
			"channel beta of package example-operator in the catalog referenced by subscription sub, subscription sub exists"},
		"CSV": {"  startingCSV: old", "True ConstraintsNotSatisfiable constraints not satisfiable: no operators found with " +
			"name old in channel stable of package example-operator in the catalog referenced by subscription sub, " +
			"subscription sub exists"},
		"catalog": {"  source: none", "True ConstraintsNotSatisfiable constraints not satisfiable: no operators found from " +
			"catalog none in namespace openshift-marketplace referenced by subscription sub, subscription sub exists"},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := example(t)
			s := newStage(t, serveRegistry(t, r))
			s.catalog("community")
			s.group("group")
			key, _, _ := strings.Cut(c.spec, ":")
			s.subscribe()
			sub := s.sub("app", "sub")
			value := strings.TrimSpace(strings.SplitN(c.spec, ":", 2)[1])
			switch strings.TrimSpace(key) {
			case "name":
				sub.Spec.Package = value
			case "channel":
				sub.Spec.Channel = value
			case "startingCSV":
				sub.Spec.StartingCSV = value
			case "source":
				sub.Spec.CatalogSource = value
			}
			s.server.Set(v1alpha+"app/subscriptions/sub", sub)
			var got string
			s.settle("the reason", func() bool {
				got = condition(s.sub("app", "sub"), v1alpha1.SubscriptionResolutionFailed)
				return got == c.want
			})
			if name == "catalog" {
				if h := condition(s.sub("app", "sub"), v1alpha1.SubscriptionCatalogSourcesUnhealthy); h !=
					"True UnhealthyCatalogSourceFound targeted catalogsource openshift-marketplace/none missing" {
					t.Errorf("health %s", h)
				}
			}
			// It works once the subscription is right.
			sub = s.sub("app", "sub")
			sub.Spec = &v1alpha1.SubscriptionSpec{CatalogSource: "community",
				CatalogSourceNamespace: marketplaceNamespace, Package: "example-operator", Channel: "stable"}
			s.server.Set(v1alpha+"app/subscriptions/sub", sub)
			s.rounds(2)
			got = condition(s.sub("app", "sub"), v1alpha1.SubscriptionResolutionFailed)
			if got != "Unknown" {
				t.Errorf("afterwards %s", got)
			}
		})
	}
}

// TestBrokenCatalog: one catalog that does not answer stops all.
func TestBrokenCatalog(t *testing.T) {
	_, r := example(t)
	good := serveRegistry(t, r)
	s := newStage(t, good)
	s.o.dial = func(service, _ string) string {
		if strings.HasPrefix(service, "broken.") {
			return "127.0.0.1:1"
		}
		return good
	}
	s.catalog("community")
	s.catalog("broken")
	s.group("group")
	s.subscribe()
	s.settle("the reason", func() bool {
		got := condition(s.sub("app", "sub"), v1alpha1.SubscriptionResolutionFailed)
		return strings.HasPrefix(got, "True ErrorPreventedResolution failed to populate resolver cache from source "+
			"broken/openshift-marketplace: failed to list bundles: rpc error: code = Unavailable")
	})
	if h := condition(s.sub("app", "sub"), v1alpha1.SubscriptionCatalogSourcesUnhealthy); !strings.HasPrefix(h,
		"True UnhealthyCatalogSourceFound") {
		t.Errorf("health %s", h)
	}
	s.settle("the state of the connection", func() bool {
		broken := read[v1alpha1.CatalogSource](s, v1alpha+"openshift-marketplace/catalogsources/broken")
		state := broken.Status.GRPCConnectionState
		return state.LastObservedState == "TRANSIENT_FAILURE" && state.Address == "broken.openshift-marketplace.svc:50051"
	})
}

func TestUnpackFailed(t *testing.T) {
	_, r := example(t)
	s := newStage(t, serveRegistry(t, r))
	s.catalog("community")
	s.group("group")
	s.subscribe()
	s.settle("unpacking", func() bool {
		return condition(s.sub("app", "sub"), v1alpha1.SubscriptionBundleUnpacking) == "True UnpackingInProgress"
	})
	s.jobEnds(exampleImage, batchv1.JobFailed, "DeadlineExceeded", "Job was active longer than specified deadline")
	s.rounds(1)
	if c := condition(s.sub("app", "sub"), v1alpha1.SubscriptionBundleUnpackFailed); c != "True BundleUnpackFailed "+
		"bundle unpacking failed. Reason: DeadlineExceeded, and Message: Job was active longer than specified deadline" {
		t.Errorf("condition %s", c)
	}
}

func TestApproval(t *testing.T) {
	files, r := example(t)
	s := newStage(t, serveRegistry(t, r))
	s.catalog("community")
	s.group("group")
	s.subscribe("  installPlanApproval: Manual")
	s.settle("unpacking", func() bool {
		return condition(s.sub("app", "sub"), v1alpha1.SubscriptionBundleUnpacking) == "True UnpackingInProgress"
	})
	s.unpacked(exampleImage, files)
	s.rounds(3)
	sub := s.sub("app", "sub")
	if c := condition(sub, v1alpha1.SubscriptionInstallPlanPending); c != "True RequiresApproval" ||
		sub.Status.State != v1alpha1.SubscriptionStateUpgradePending {
		t.Errorf("subscription %s: %s", sub.Status.State, c)
	}
	// What was written to the Subscription is lost to somebody else's write.
	sub.Status = v1alpha1.SubscriptionStatus{}
	s.server.Set(v1alpha+"app/subscriptions/"+sub.Name, sub)
	s.rounds(3)
	if n := len(s.plans()); n != 1 {
		t.Fatalf("%d plans", n)
	}
	plan := s.plans()[0]
	if ref := s.sub("app", "sub").Status.InstallPlanRef; ref == nil || ref.Name != plan.Name {
		t.Errorf("the Subscription names %v", ref)
	}
	if plan.Status.Phase != v1alpha1.InstallPlanPhaseRequiresApproval || s.csv("app", exampleCSV).Name != "" {
		t.Fatalf("plan is %s", plan.Status.Phase)
	}
	plan.Spec.Approved = true
	s.server.Set(v1alpha+"app/installplans/"+plan.Name, plan)
	s.rounds(2)
	if p := s.plans()[0].Status.Phase; p != v1alpha1.InstallPlanPhaseComplete || s.csv("app", exampleCSV).Name == "" {
		t.Errorf("plan is %s", p)
	}
}

func TestUnsupportedKind(t *testing.T) {
	files, r := example(t)
	s := newStage(t, serveRegistry(t, r))
	s.catalog("community")
	s.group("group")
	s.subscribe()
	s.settle("unpacking", func() bool {
		return condition(s.sub("app", "sub"), v1alpha1.SubscriptionBundleUnpacking) == "True UnpackingInProgress"
	})
	s.unpacked(exampleImage, object(files, "stream.yaml",
		"apiVersion: image.openshift.io/v1\nkind: ImageStream\nmetadata: {name: stream}\n"))
	s.rounds(3)
	plan := s.plans()[0]
	c := plan.Status.GetCondition(v1alpha1.InstallPlanInstalled)
	if plan.Status.Phase != v1alpha1.InstallPlanPhaseFailed || c.Reason != v1alpha1.InstallPlanReasonComponentFailed {
		t.Errorf("plan is %s: %+v", plan.Status.Phase, c)
	}
	sub := s.sub("app", "sub")
	got := condition(sub, v1alpha1.SubscriptionInstallPlanFailed)
	if sub.Status.State != v1alpha1.SubscriptionStateFailed || !strings.HasPrefix(got, "True InstallComponentFailed") {
		t.Errorf("subscription %s: %s", sub.Status.State, got)
	}
}

// TestGroups has what is wrong with the groups of a namespace.
func TestGroups(t *testing.T) {
	s := installed(t)
	s.available("example-operator", true)
	s.rounds(2)
	is := func(reason v1alpha1.ConditionReason) {
		t.Helper()
		s.rounds(2)
		if c := s.csv("app", exampleCSV).Status; c.Phase != v1alpha1.CSVPhaseFailed || c.Reason != reason {
			t.Errorf("CSV is %s %s: %s", c.Phase, c.Reason, c.Message)
		}
	}
	s.group("second")
	is(v1alpha1.CSVReasonTooManyOperatorGroups)
	for _, g := range []string{"group", "second"} {
		st := read[operatorsv1.OperatorGroup](s, groupV1+"app/operatorgroups/"+g).Status
		if !meta.IsStatusConditionTrue(st.Conditions, operatorsv1.MutlipleOperatorGroupCondition) {
			t.Errorf("group %s: %+v", g, st)
		}
	}
	ctx := t.Context()
	for _, g := range []string{"group", "second"} {
		if err := s.o.Client.Delete(ctx, operatorGroups.Ref("app", g)); err != nil {
			t.Fatal(err)
		}
	}
	is(v1alpha1.CSVReasonNoOperatorGroup)
	s.group("group", "other")
	is(v1alpha1.CSVReasonUnsupportedOperatorGroup)
	s.group("group", "app")
	s.settle("recovery", func() bool {
		if s.csv("app", exampleCSV).Status.Phase == v1alpha1.CSVPhaseInstalling {
			s.available("example-operator", true)
		}
		return s.csv("app", exampleCSV).Status.Phase == v1alpha1.CSVPhaseSucceeded
	})
}

// TestTwoGroupsBefore: a plan does not go on with two groups.
func TestTwoGroupsBefore(t *testing.T) {
	files, r := example(t)
	s := newStage(t, serveRegistry(t, r))
	s.catalog("community")
	s.group("group")
	s.group("second")
	s.subscribe()
	s.settle("unpacking", func() bool {
		return condition(s.sub("app", "sub"), v1alpha1.SubscriptionBundleUnpacking) == "True UnpackingInProgress"
	})
	s.unpacked(exampleImage, files)
	s.rounds(3)
	plan := s.plans()[0]
	c := plan.Status.GetCondition(v1alpha1.InstallPlanInstalled)
	if plan.Status.Phase != v1alpha1.InstallPlanPhaseInstalling ||
		c.Reason != v1alpha1.InstallPlanReasonInstallCheckFailed ||
		c.Message != "more than one operator group(s) are managing this namespace count=2" {
		t.Errorf("plan is %s: %+v", plan.Status.Phase, c)
	}
	if err := s.o.Client.Delete(t.Context(), operatorGroups.Ref("app", "second")); err != nil {
		t.Fatal(err)
	}
	s.rounds(2)
	if p := s.plans()[0].Status.Phase; p != v1alpha1.InstallPlanPhaseComplete {
		t.Errorf("plan is %s", p)
	}
}

func TestRequirementsNotMet(t *testing.T) {
	files, r := example(t)
	s := newStage(t, serveRegistry(t, r))
	s.catalog("community")
	s.group("group")
	s.subscribe()
	s.settle("unpacking", func() bool {
		return condition(s.sub("app", "sub"), v1alpha1.SubscriptionBundleUnpacking) == "True UnpackingInProgress"
	})
	s.unpacked(exampleImage, change(t, files, func(c *v1alpha1.ClusterServiceVersion) {
		c.Spec.CustomResourceDefinitions.Required = []v1alpha1.CRDDescription{
			{Name: "others.example.test", Version: "v1", Kind: "Other"},
		}
	}))
	s.settle("the phase", func() bool {
		return s.csv("app", exampleCSV).Status.Reason == v1alpha1.CSVReasonRequirementsNotMet
	})
	csv := s.csv("app", exampleCSV)
	missing := 0
	for _, r := range csv.Status.RequirementStatus {
		if r.Name == "others.example.test" && r.Status == v1alpha1.RequirementStatusReasonNotPresent {
			missing++
		}
	}
	if csv.Status.Phase != v1alpha1.CSVPhasePending || missing != 1 {
		t.Errorf("CSV is %s: %+v", csv.Status.Phase, csv.Status.RequirementStatus)
	}
}

func TestWebhooks(t *testing.T) {
	files, r := example(t)
	s := newStage(t, serveRegistry(t, r))
	s.catalog("community")
	s.group("group")
	s.subscribe("  config:", "    env: [{name: KVM_EMULATION, value: 'true'}]")
	s.settle("unpacking", func() bool {
		return condition(s.sub("app", "sub"), v1alpha1.SubscriptionBundleUnpacking) == "True UnpackingInProgress"
	})
	none := admissionv1.SideEffectClassNone
	path := "/validate"
	s.unpacked(exampleImage, change(t, files, func(c *v1alpha1.ClusterServiceVersion) {
		c.Spec.WebhookDefinitions = []v1alpha1.WebhookDescription{{
			GenerateName: "validate.example.test", Type: v1alpha1.ValidatingAdmissionWebhook,
			DeploymentName: "example-operator", ContainerPort: 4343, SideEffects: &none, WebhookPath: &path,
			AdmissionReviewVersions: []string{"v1"},
		}}
	}))
	s.settle("the definition", func() bool {
		return read[map[string]any](s, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"+
			"examples.example.okd-lab.test") != nil
	})
	s.establish("examples.example.okd-lab.test")
	s.settle("installation", func() bool { return s.csv("app", exampleCSV).Status.Phase == v1alpha1.CSVPhaseInstalling })
	hooks, err := list[admissionv1.ValidatingWebhookConfiguration](t.Context(), s.o.Client, validating, "")
	if err != nil || len(hooks) != 1 {
		t.Fatalf("%d configurations, %v", len(hooks), err)
	}
	secret := read[corev1.Secret](s, "/api/v1/namespaces/app/secrets/example-operator-service-cert")
	client := hooks[0].Webhooks[0].ClientConfig
	if client.Service.Name != "example-operator-service" || *client.Service.Port != 4343 ||
		string(client.CABundle) != string(secret.Data[authorityKey]) || len(client.CABundle) == 0 {
		t.Errorf("client %+v", client.Service)
	}
	svc := read[corev1.Service](s, "/api/v1/namespaces/app/services/example-operator-service")
	if len(svc.Spec.Ports) != 1 ||
		svc.Spec.Ports[0].Port != 4343 {
		t.Errorf("service %+v", svc.Spec)
	}
	pod := read[struct {
		Spec struct{ Template corev1.PodTemplateSpec }
	}](s,
		"/apis/apps/v1/namespaces/app/deployments/example-operator").Spec.Template.Spec
	env := map[string]string{}
	for _, e := range pod.Containers[0].Env {
		env[e.Name] = e.Value
	}
	if env["KVM_EMULATION"] != "true" || env[conditionEnv] != exampleCSV || len(pod.Volumes) != 2 {
		t.Errorf("pod %+v", pod)
	}
	// Without its webhook the operator is not healthy.
	s.available("example-operator", true)
	s.rounds(2)
	if err := s.o.Client.Delete(t.Context(), validating.Ref("", hooks[0].Name)); err != nil {
		t.Fatal(err)
	}
	s.rounds(1)
	if c := s.csv("app", exampleCSV).Status; c.Reason != v1alpha1.CSVReasonComponentUnhealthy {
		t.Errorf("CSV is %s %s", c.Phase, c.Reason)
	}
}

// TestMarketplace follows the default catalogs.
func TestMarketplace(t *testing.T) {
	const hub = "/apis/config.openshift.io/v1/operatorhubs/cluster"
	names := func(s stage) string {
		var out []string
		all, err := list[v1alpha1.CatalogSource](t.Context(), s.o.Client, catalogSources, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			out = append(out, c.Name+" "+c.Spec.Image)
		}
		return strings.Join(out, ", ")
	}
	s := newStage(t, "127.0.0.1:1")
	s.server.Put(hub, []byte("apiVersion: config.openshift.io/v1\nkind: OperatorHub\nmetadata: {name: cluster}\n"+
		"spec: {disableAllDefaultSources: true, sources: [{name: community-operators, disabled: false}]}\n"))
	s.rounds(2)
	if got := names(s); got !=
		"community-operators registry.access.redhat.com/redhat/community-operator-index:v5.0" {
		t.Errorf("catalogs %s", got)
	}
	// A changed one is mended, a disabled one removed.
	const path = v1alpha + "openshift-marketplace/catalogsources/community-operators"
	c := read[v1alpha1.CatalogSource](s, path)
	c.Spec.Image = "other"
	s.server.Set(path, c)
	s.rounds(1)
	if got := names(s); strings.Contains(got, "other") {
		t.Errorf("catalogs %s", got)
	}
	s.server.Put(hub, []byte("apiVersion: config.openshift.io/v1\nkind: OperatorHub\nmetadata: {name: cluster}\n"+
		"spec: {disableAllDefaultSources: true}\n"))
	s.rounds(1)
	if got := names(s); got != "" {
		t.Errorf("catalogs %s", got)
	}
	s = newStage(t, "127.0.0.1:1")
	s.o.Version = "4.21.0-okd-lab.1"
	s.server.Put(hub, []byte("apiVersion: config.openshift.io/v1\nkind: OperatorHub\nmetadata: {name: cluster}\n"+
		"spec: {}\n"))
	s.rounds(1)
	if got := names(s); strings.Count(got, "registry.redhat.io/redhat/") != 3 {
		t.Errorf("catalogs of 4.21: %s", got)
	}
}
