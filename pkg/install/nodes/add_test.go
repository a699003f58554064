package nodes

import (
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
)

// Two hosts join. The second run finds nothing to do; a host that was removed is written from another image.
func TestAdd(t *testing.T) {
	w := newWorld(t)
	w.nodesConfig(w.bmcHost(7), w.bmcHost(8))
	if err := w.add(AddOptions{}); err != nil {
		t.Fatal(err)
	}
	const all = "boot worker-7, boot worker-8, close sessions, release worker-7, release worker-8"
	if got := w.done(); got != all {
		t.Errorf("did %s", got)
	}
	if err := w.add(AddOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := w.done(); got != "close sessions" || w.images != 1 {
		t.Errorf("the second run did %s, and made %d images", got, w.images)
	}
	w.remove("worker-7")
	if err := w.add(AddOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := w.done(); got != "boot worker-7, close sessions, release worker-7" || w.images != 2 {
		t.Errorf("the third run did %s, and made %d images", got, w.images)
	}
	if strings.Contains(w.text(), password) {
		t.Error("a password was logged")
	}
}

// remove takes a node out of the cluster, as somebody else would.
func (w *world) remove(name string) {
	w.t.Helper()
	api, err := kube.New(w.Config())
	if err == nil {
		err = api.Delete(w.t.Context(), kube.Nodes.Ref("", name))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.hosts[name].on = false
}

// What is wrong with one host does not keep others from joining; nothing that may be in use is touched.
func TestAddIsolates(t *testing.T) {
	for _, tt := range []struct {
		name       string
		edit       func(*world)
		did        string // to worker-7
		want, next string
	}{
		{"a BMC that does not answer", func(w *world) { w.hosts["worker-7"].broken = errors.New("no route to host") },
			"", "no route to host", ""},
		{"a node under another name", func(w *world) { w.node("old-name", uuid(7), "True") },
			"", "is that of node old-name; it is left alone", "nodes remove old-name"},
		{"another machine is the node", func(w *world) { w.node("worker-7", uuid(99), "True") },
			"", "it is another machine", "nodes remove worker-7"},
		{"a host that is in use", func(w *world) {
			w.boots = func(name string) error {
				if name == "worker-7" {
					return exit.With(exit.Unproved, "--take-running-hosts", errors.New("it is on"))
				}
				w.joins(name)
				return nil
			}
		}, "boot", "it is on", "--take-running-hosts"},
		{"a medium that is refused", func(w *world) {
			w.boots = func(name string) error {
				if name == "worker-7" {
					return errors.New("virtual media needs a licence")
				}
				w.joins(name)
				return nil
			}
		}, "boot withdraw", "needs a licence", ""},
		{"a host that does not come", func(w *world) {
			w.boots = func(name string) error {
				if name != "worker-7" {
					w.joins(name)
				}
				return nil
			}
		}, "boot withdraw", "out of time, it has not joined", "oc get csr,nodes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.nodesConfig(w.bmcHost(7), w.bmcHost(8))
			tt.edit(w)
			o := AddOptions{}
			if strings.Contains(tt.want, "out of time") {
				o.Timeout = 10 * time.Minute
			}
			err := w.add(o)
			if err == nil || exit.Code(err) != exit.Install {
				t.Fatalf("%v, code %d", err, exit.Code(err))
			}
			text := err.Error()
			for _, want := range []string{"1 of 2 hosts are not done", "host worker-7 (BMC redfish-virtualmedia://192.0.2.207",
				tt.want, tt.next} {
				if !strings.Contains(text, want) {
					t.Errorf("the error lacks %q: %s", want, text)
				}
			}
			var did []string
			all := w.done()
			for what := range strings.SplitSeq(all, ", ") {
				if verb, is := strings.CutSuffix(what, " worker-7"); is {
					did = append(did, verb)
				}
			}
			if got := strings.Join(did, " "); got != tt.did {
				t.Errorf("did %q to it, want %q", got, tt.did)
			}
			if !strings.Contains(all, "release worker-8") {
				t.Errorf("the other host did not join: %s", all)
			}
		})
	}
}

// joins makes a host a node beside what holds the lock of the world.
func (w *world) joins(name string) { go w.node(name, w.hosts[name].uuid, "True") }

// A run that was killed between the node and the medium is completed by the next.
func TestAddGoesOn(t *testing.T) {
	w := newWorld(t)
	w.nodesConfig(w.bmcHost(7))
	w.hosts["worker-7"].on, w.hosts["worker-7"].medium = true, true
	w.node("worker-7", uuid(7), "True")
	if err := w.add(AddOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := w.done(); got != "close sessions, release worker-7" || w.hosts["worker-7"].medium || w.images > 0 {
		t.Errorf("did %s, %d images", got, w.images)
	}
	// If its BMC is silent then, that is said.
	w = newWorld(t)
	w.nodesConfig(w.bmcHost(7))
	w.hosts["worker-7"].broken = errors.New("no route to host")
	w.node("worker-7", uuid(7), "True")
	if err := w.add(AddOptions{}); err == nil {
		t.Error("nobody knows whether the medium is out")
	}
}

// Hosts without a BMC are the user's to boot.
func TestAddByHand(t *testing.T) {
	w := newWorld(t)
	w.nodesConfig("- hostname: worker-9\n  interfaces: [{macAddress: \"52:54:00:00:00:99\"}]\n")
	go func() {
		for !strings.Contains(w.text(), "Boot worker-9 from ") {
			_ = w.env.Clock.Sleep(t.Context(), 1e9)
		}
		w.node("worker-9", uuid(9), "True")
	}()
	if err := w.add(AddOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := w.done(); got != "" {
		t.Errorf("did %s", got)
	}
}

// The cluster's operators are told of hosts only where they look after such.
func TestAddRegisters(t *testing.T) {
	w := newWorld(t)
	w.Set(provPath, map[string]any{})
	w.nodesConfig(w.bmcHost(7))
	if err := w.add(AddOptions{}); err != nil {
		t.Fatal(err)
	}
	var host struct {
		Metadata struct{ Annotations map[string]string }
		Spec     struct {
			Online, ExternallyProvisioned bool
			BootMACAddress                string
			BMC                           struct{ Address, CredentialsName string }
			ConsumerRef                   struct{ Kind, Name string }
		}
	}
	if !w.Get(bmhPath+"worker-7", &host) {
		t.Fatal("no BareMetalHost")
	}
	s := host.Spec
	if !s.Online || !s.ExternallyProvisioned || s.BootMACAddress != "52:54:00:00:00:07" ||
		s.ConsumerRef.Kind != "Machine" ||
		!strings.Contains(host.Metadata.Annotations["baremetalhost.metal3.io/status"], "192.0.2.77") {
		t.Errorf("got %+v", host)
	}
	var ignored map[string]any
	if !w.Get(machPath+s.ConsumerRef.Name, &ignored) {
		t.Error("no Machine " + s.ConsumerRef.Name)
	}
	if !w.Get("/api/v1"+inMachine+"secrets/"+s.BMC.CredentialsName, &ignored) {
		t.Error("no Secret " + s.BMC.CredentialsName)
	}

	w = newWorld(t)
	w.nodesConfig(w.bmcHost(7))
	if err := w.add(AddOptions{}); err != nil {
		t.Fatal(err)
	}
	if w.Get(bmhPath+"worker-7", &ignored) {
		t.Error("there is a BareMetalHost in a cluster that has none")
	}
}

// A spare host, which the cluster was told to leave alone, stays paused until the cluster knows that it is not to
// provision it: that would wipe a node.
func TestAddAdoptsSpareHost(t *testing.T) {
	for _, refused := range []bool{false, true} {
		w := newWorld(t)
		w.Set(provPath, map[string]any{})
		w.Set(bmhPath+"worker-7", map[string]any{
			"metadata": map[string]any{"name": "worker-7", "namespace": "openshift-machine-api",
				"annotations": map[string]any{"baremetalhost.metal3.io/paused": ""}},
			"spec": map[string]any{"bootMACAddress": "52:54:00:00:00:07"},
		})
		w.Refuse(func(method, path string) int {
			if refused && method == http.MethodPatch && strings.Contains(path, "/machines/") {
				return http.StatusForbidden
			}
			return 0
		})
		w.nodesConfig(w.bmcHost(7))
		if err := w.add(AddOptions{}); (err != nil) != refused {
			t.Fatal(refused, err)
		}
		var host struct {
			Metadata struct{ Annotations map[string]string }
			Spec     struct{ ExternallyProvisioned bool }
		}
		w.Get(bmhPath+"worker-7", &host)
		_, paused := host.Metadata.Annotations["baremetalhost.metal3.io/paused"]
		if paused != refused || !paused && !host.Spec.ExternallyProvisioned {
			t.Errorf("refused %t: %+v", refused, host)
		}
	}
}

// The password is in no file but the user's own.
func TestAddKeepsPasswords(t *testing.T) {
	w := newWorld(t)
	w.nodesConfig(w.bmcHost(7))
	if err := w.add(AddOptions{}); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(w.env.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		text, err := os.ReadFile(w.env.Path(f.Name()))
		if err == nil && f.Name() != "nodes-config.yaml" && strings.Contains(string(text), password) {
			t.Errorf("%s has the password", f.Name())
		}
	}
}

// A medium is taken out while its host is still waited for, and a host that failed is started from the same image.
func TestAddReleasesEarly(t *testing.T) {
	w := newWorld(t)
	w.nodesConfig(w.bmcHost(7))
	w.boots = func(string) error { return errors.New("busy") }
	if err := w.add(AddOptions{}); err == nil {
		t.Fatal("a host that was not started is a node")
	}
	w.done()
	w.boots = func(name string) error {
		go func() {
			w.node(name, uuid(7), "False")
			for t.Context().Err() == nil && !w.hasDone("release worker-7") {
				_ = w.env.Clock.Sleep(t.Context(), time.Second)
			}
			w.node(name, uuid(7), "True")
		}()
		return nil
	}
	if err := w.add(AddOptions{Timeout: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if w.images != 1 {
		t.Errorf("%d images", w.images)
	}
}

// hasDone reports whether something was done.
func (w *world) hasDone(what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.does, what)
}
