package metal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	configv1 "github.com/openshift/api/config/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

const (
	inMachineAPI = "/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/"
	inMetal3     = "/apis/metal3.io/v1alpha1/namespaces/openshift-machine-api/"
	inCore       = "/api/v1/namespaces/openshift-machine-api/"
	settings     = "/apis/metal3.io/v1alpha1/provisionings/provisioning-configuration"
	hardware     = `{"operationalStatus":"","hardware":{"hostname":"master-0",` +
		`"nics":[{"ip":"198.18.0.100"},{"ip":"203.0.113.1"}]},"provisioning":{"state":"","ID":"","image":{"url":""}},` +
		`"errorMessage":"","poweredOn":true,"errorCount":0}`
)

// now is a clock that the test moves.
type now struct {
	clock.Clock
	t time.Time
}

func (n *now) Now() time.Time { return n.t }

type world struct {
	*kubetest.Server
	t     *testing.T
	o     *Operator
	clock *now
	// on is what the BMCs say; asked counts.
	on    bool
	err   error
	asked []login
}

// newWorld is a cluster with one host, its machine and its node.
func newWorld(t *testing.T, platform string) *world {
	t.Helper()
	w := &world{Server: kubetest.New(t), t: t, clock: &now{clock.Real(), time.Unix(1e9, 0)}, on: true}
	client, err := api.New("metal", w.Config())
	if err != nil {
		t.Fatal(err)
	}
	w.o = &Operator{
		Client: client, Clock: w.clock, News: program.News{Log: slog.New(slog.DiscardHandler)}, Version: "5.0.0",
		asked: map[string]question{},
		ask: func(_ context.Context, _ endpoint, l login, _ bool, _ []byte) (bool, error) {
			w.asked = append(w.asked, l)
			return w.on, w.err
		},
	}
	w.put("/apis/config.openshift.io/v1/infrastructures/cluster", fmt.Sprintf(
		`{kind: Infrastructure, metadata: {name: cluster}, status: {platformStatus: {type: %s}}}`, platform))
	w.put(settings, `{kind: Provisioning, metadata: {name: provisioning-configuration},
		spec: {provisioningNetwork: Disabled}}`)
	w.host("rack-0", "52:54:00:00:00:01", "")
	w.put(inMachineAPI+"machines/demo-master-0",
		`{metadata: {name: demo-master-0, namespace: openshift-machine-api}, spec: {}}`)
	w.put("/api/v1/nodes/master-0", `{metadata: {name: master-0, uid: n-1}, status: {
		addresses: [{type: InternalIP, address: 198.18.0.100}], conditions: [{type: Ready, status: "True"}]}}`)
	return w
}

func (w *world) put(path, object string) { w.t.Helper(); w.Put(path, []byte(object)) }

// host makes a host and its Secret; more is further fields of its spec, in YAML.
func (w *world) host(name, mac, more string) {
	w.t.Helper()
	w.put(inCore+"secrets/"+name+"-bmc-secret", fmt.Sprintf(
		`{metadata: {name: %s-bmc-secret, namespace: openshift-machine-api, resourceVersion: "1"},
		data: {username: YWRtaW4=, password: aHVudGVyMgo=}}`, name))
	w.put(inMetal3+"baremetalhosts/"+name, fmt.Sprintf(`{
		apiVersion: metal3.io/v1alpha1, kind: BareMetalHost,
		metadata: {name: %s, namespace: openshift-machine-api, uid: u-1, annotations: {baremetalhost.metal3.io/status: '%s'}},
		spec: {online: true, externallyProvisioned: true, bootMACAddress: "%s",
			bmc: {address: "redfish-virtualmedia+https://198.18.0.200/redfish/v1/Systems/1", credentialsName: %s-bmc-secret},
			consumerRef: {apiVersion: machine.openshift.io/v1beta1, kind: Machine, namespace: openshift-machine-api,
				name: demo-master-0}%s}}`,
		name, hardware, mac, name, more))
}

// change edits the host.
func (w *world) change(edit func(*metal3.BareMetalHost)) {
	w.t.Helper()
	h := w.read()
	edit(&h)
	raw, err := json.Marshal(h)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Put(inMetal3+"baremetalhosts/rack-0", raw)
}

func (w *world) read() (h metal3.BareMetalHost) {
	w.t.Helper()
	w.Get(inMetal3+"baremetalhosts/rack-0", &h)
	return h
}

// round runs a round, and returns what the ClusterOperator says.
func (w *world) round() map[string]string {
	w.t.Helper()
	if _, err := w.o.round(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	var co configv1.ClusterOperator
	w.Get("/apis/config.openshift.io/v1/clusteroperators/"+Name, &co)
	out := map[string]string{}
	for _, c := range co.Status.Conditions {
		out[string(c.Type)] = fmt.Sprintf("%s %s %s", c.Status, c.Reason, c.Message)
	}
	return out
}

func TestHostThatInstalledItself(t *testing.T) {
	w := newWorld(t, "BareMetal")
	if co := w.round(); !strings.HasPrefix(co["Available"], "True DeployComplete") ||
		!strings.HasPrefix(co["Degraded"], "False") || !strings.HasPrefix(co["Disabled"], "False") {
		t.Errorf("%v", co)
	}
	h := w.read()
	if s := h.Status; s.Provisioning.State != metal3.StateExternallyProvisioned || !s.PoweredOn ||
		s.OperationalStatus != metal3.OperationalStatusOK || s.GoodCredentials.Version != "1" || s.HardwareDetails == nil ||
		s.ErrorMessage != "" || s.LastUpdated.IsZero() {
		t.Errorf("status %+v", s)
	}
	if _, left := h.Annotations[metal3.StatusAnnotation]; left {
		t.Error("the annotation is still there")
	}
	if len(w.asked) != 1 || w.asked[0] != (login{"admin", "hunter2"}) {
		t.Errorf("asked %v", w.asked)
	}
	var m machinev1beta1.Machine
	w.Get(inMachineAPI+"machines/demo-master-0", &m)
	var n corev1.Node
	w.Get("/api/v1/nodes/master-0", &n)
	id := "baremetalhost:///openshift-machine-api/rack-0/u-1"
	if *m.Status.Phase != machinev1beta1.PhaseRunning || m.Status.NodeRef == nil || m.Status.NodeRef.Name != "master-0" ||
		*m.Spec.ProviderID != id || n.Spec.ProviderID != id || len(m.Status.Addresses) != 4 ||
		m.Annotations[hostAnnotation] != "openshift-machine-api/rack-0" ||
		m.Annotations[stateAnnotation] != "externally provisioned" ||
		n.Annotations[machineAnnotation] != "openshift-machine-api/demo-master-0" {
		t.Errorf("machine %+v\nnode %+v", m, n)
	}
	w.Writes()
	w.round()
	if writes := w.Writes(); len(writes) > 0 || len(w.asked) != 1 {
		t.Errorf("a second round writes %q and asks %d times", writes, len(w.asked))
	}
	w.clock.t, w.on = w.clock.t.Add(powerEvery), false
	if w.round(); w.read().Status.PoweredOn {
		t.Error("it was switched off, and nobody noticed")
	}
}

// What is wrong with a host is said of it. What the webhook would not let in degrades the operator.
func TestHostsThatAreWrong(t *testing.T) {
	spec := func(edit func(*metal3.BareMetalHostSpec)) func(*world) {
		return func(w *world) { w.change(func(h *metal3.BareMetalHost) { edit(&h.Spec) }) }
	}
	for name, tt := range map[string]struct {
		edit    func(*world)
		message string // of the host
		refused bool   // by the webhook
		kind    metal3.ErrorType
	}{
		"address": {spec(func(s *metal3.BareMetalHostSpec) { s.BMC.Address = "https://198.18.0.200" }),
			"bmc.address", true, ""},
		"no MAC": {spec(func(s *metal3.BareMetalHostSpec) { s.BootMACAddress = "1" }), "no MAC address", true, ""},
		"hint": {spec(func(s *metal3.BareMetalHostSpec) {
			s.RootDeviceHints = &metal3.RootDeviceHints{DeviceName: "sda"}
		}), "rootDeviceHints", true, ""},
		"Secure Boot": {spec(func(s *metal3.BareMetalHostSpec) {
			s.BMC.Address, s.BootMode = "ipmi://198.18.0.200", metal3.UEFISecureBoot
		}), "Secure Boot", true, ""},
		"status": {func(w *world) {
			w.change(func(h *metal3.BareMetalHost) { h.Annotations[metal3.StatusAnnotation] = `{"colour":"red"}` })
		}, "colour", true, ""},
		"PXE without a network": {spec(func(s *metal3.BareMetalHostSpec) {
			s.BMC.Address = "redfish://198.18.0.200/redfish/v1/Systems/1"
		}), "provisioning network", false, ""},
		"no Secret named": {spec(func(s *metal3.BareMetalHostSpec) { s.BMC.CredentialsName = "" }),
			"credentialsName", false, ""},
		"no Secret": {spec(func(s *metal3.BareMetalHostSpec) { s.BMC.CredentialsName = "x" }), "Secret x", false, ""},
		"empty Secret": {func(w *world) {
			w.put(inCore+"secrets/rack-0-bmc-secret", `{metadata: {name: rack-0-bmc-secret}, data: {username: YWRtaW4=}}`)
		}, "lacks username or password", false, ""},
		"network configuration": {spec(func(s *metal3.BareMetalHostSpec) {
			s.PreprovisioningNetworkDataName = "nmstate"
		}), "Secret nmstate", false, ""},
		"two with one MAC": {func(w *world) { w.host("rack-", "52-54-00-00-00-01", "") }, "is host rack-'s", false, ""},
		"login refused":    {func(w *world) { w.err = errRefused }, "refuses the login", false, ""},
		"no answer":        {func(w *world) { w.err = errors.New("no route to host") }, "no route to host", false, ""},
		"the cluster's own": {spec(func(s *metal3.BareMetalHostSpec) { s.ExternallyProvisioned = false }),
			"inspect", false, metal3.InspectionError},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "BareMetal")
			tt.edit(w)
			w.round()
			co := w.round() // it stays wrong
			s := w.read().Status
			if s.OperationalStatus != metal3.OperationalStatusError || !strings.Contains(s.ErrorMessage, tt.message) ||
				s.ErrorType != cmp.Or(tt.kind, metal3.RegistrationError) ||
				s.Provisioning.State == metal3.StateExternallyProvisioned {
				t.Errorf("status %+v", s)
			}
			if degraded := strings.HasPrefix(co["Degraded"], "True InvalidConfiguration"); degraded != tt.refused ||
				degraded && !strings.Contains(co["Degraded"], tt.message) {
				t.Errorf("%v", co)
			}
			if strings.Contains(fmt.Sprint(co, s), "hunter2") {
				t.Error("the password is shown")
			}
		})
	}
}

func TestRefusedLoginIsSentOnce(t *testing.T) {
	w := newWorld(t, "BareMetal")
	w.err = errRefused
	for range 3 {
		w.round()
		w.clock.t = w.clock.t.Add(time.Hour)
	}
	if len(w.asked) != 1 {
		t.Errorf("asked %d times", len(w.asked))
	}
	w.err = nil
	w.put(inCore+"secrets/rack-0-bmc-secret",
		`{metadata: {name: rack-0-bmc-secret, resourceVersion: "2"}, data: {username: YQ==, password: Yg==}}`)
	if w.round(); len(w.asked) != 2 || w.read().Status.OperationalStatus != metal3.OperationalStatusOK {
		t.Errorf("after a new login: %+v", w.read().Status)
	}
}

// An API that does not say whether a Secret exists says nothing about the host.
func TestUnreadSecret(t *testing.T) {
	w := newWorld(t, "BareMetal")
	w.round()
	want := w.read().Status
	down := errUnread
	if _, err := w.o.secret(t.Context(), &metal3.BareMetalHost{}, "..", "x"); err == nil {
		t.Error("read a Secret of another name")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := w.read()
	if err := w.o.judge(ctx, &h, provisioningSpec{Network: disabled}, "", nil); !errors.Is(err, down) {
		t.Errorf("judged with %v", err)
	}
	if h.Status.OperationalStatus != want.OperationalStatus {
		t.Errorf("status %+v", h.Status)
	}
}

func TestHostsThatAreLeftAlone(t *testing.T) {
	w := newWorld(t, "BareMetal")
	w.change(func(h *metal3.BareMetalHost) { h.Annotations[metal3.PausedAnnotation] = "" })
	if w.round(); w.read().Status.Provisioning.State != "" || len(w.asked) > 0 {
		t.Errorf("paused: %+v", w.read().Status)
	}
	w.change(func(h *metal3.BareMetalHost) {
		delete(h.Annotations, metal3.PausedAnnotation)
		h.Annotations[metal3.DetachedAnnotation] = ""
	})
	w.round()
	w.round()
	if s := w.read().Status; s.OperationalStatus != metal3.OperationalStatusDetached || len(w.asked) != 1 {
		t.Errorf("detached: %+v, asked %d times", s, len(w.asked))
	}
	w = newWorld(t, "BareMetal")
	w.change(func(h *metal3.BareMetalHost) { h.Spec.BMC = metal3.BMCDetails{} })
	if w.round(); w.read().Status.Provisioning.State != metal3.StateUnmanaged {
		t.Errorf("without BMC: %+v", w.read().Status)
	}
}

func TestPlatforms(t *testing.T) {
	w := newWorld(t, "External")
	if co := w.round(); !strings.HasPrefix(co["Disabled"], "True UnsupportedPlatform") ||
		!strings.HasPrefix(co["Available"], "True") || len(w.asked) > 0 {
		t.Errorf("%v", co)
	}
	w = newWorld(t, "None")
	if err := w.o.Client.Delete(t.Context(), provisionings.Ref("", provisioningName)); err != nil {
		t.Fatal(err)
	}
	if co := w.round(); !strings.HasPrefix(co["Available"], "True WaitingForProvisioningCR") || len(w.asked) > 0 {
		t.Errorf("%v", co)
	}
	w = newWorld(t, "BareMetal")
	w.put(settings, `{spec: {provisioningNetwork: Managed}}`)
	if co := w.round(); !strings.HasPrefix(co["Degraded"], "True InvalidConfiguration") || len(w.asked) > 0 {
		t.Errorf("%v", co)
	}
}

func TestMachineWithoutHost(t *testing.T) {
	w := newWorld(t, "BareMetal")
	w.change(func(h *metal3.BareMetalHost) { h.Spec.ConsumerRef.Name = "another" })
	w.round()
	var m machinev1beta1.Machine
	w.Get(inMachineAPI+"machines/demo-master-0", &m)
	if m.Status.ErrorReason == nil || *m.Status.ErrorReason != machinev1beta1.InsufficientResourcesMachineError ||
		m.Spec.ProviderID != nil {
		t.Errorf("%+v", m)
	}
}

func TestSetAdoptsItsMachines(t *testing.T) {
	w := newWorld(t, "BareMetal")
	w.put(inMachineAPI+"machines/demo-master-0",
		`{metadata: {name: demo-master-0, namespace: openshift-machine-api, labels: {set: w}}}`)
	w.put(inMachineAPI+"machines/other", `{metadata: {name: other, namespace: openshift-machine-api}}`)
	w.put(inMachineAPI+"machinesets/w", `{metadata: {name: w, namespace: openshift-machine-api, uid: s-1},
		spec: {replicas: 1, selector: {matchLabels: {set: w}}}}`)
	w.round()
	var m, other machinev1beta1.Machine
	var s machinev1beta1.MachineSet
	w.Get(inMachineAPI+"machines/demo-master-0", &m)
	w.Get(inMachineAPI+"machines/other", &other)
	w.Get(inMachineAPI+"machinesets/w", &s)
	if len(m.OwnerReferences) != 1 || m.OwnerReferences[0].UID != "s-1" || len(other.OwnerReferences) != 0 ||
		s.Status.Replicas != 1 || s.Status.ReadyReplicas != 1 {
		t.Errorf("machine %+v\nset %+v", m, s)
	}
}
