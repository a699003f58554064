package nodes

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
)

const podsPath = "/api/v1/namespaces/default/pods/"

// pod puts a pod on a node; owner is the kind of its controller, empty for none.
func (w *world) pod(name, node, owner string) {
	meta := map[string]any{"name": name, "namespace": "default", "uid": "uid-" + name}
	if owner != "" {
		meta["ownerReferences"] = []any{map[string]any{"kind": owner, "name": "x", "controller": true}}
	}
	w.Set(podsPath+name, map[string]any{
		"metadata": meta, "spec": map[string]any{"nodeName": node}, "status": map[string]any{"phase": "Running"},
	})
}

func (w *world) removes(o RemoveOptions, names ...string) error {
	w.t.Helper()
	return Remove(w.t.Context(), w.env, names, o)
}

func (w *world) has(path string) bool {
	w.t.Helper()
	var ignored map[string]any
	return w.Get(path, &ignored)
}

// joined is a world with a node that was added, which runs.
func joinedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.nodesConfig(w.bmcHost(7), w.bmcHost(8))
	w.node("worker-7", uuid(7), "True")
	w.hosts["worker-7"].on = true
	return w
}

// A node is drained, its machine switched off, and then it is deleted.
func TestRemove(t *testing.T) {
	w := joinedWorld(t)
	w.pod("web", "worker-7", "ReplicaSet")
	w.pod("agent", "worker-7", "DaemonSet")
	w.pod("elsewhere", "worker-0", "ReplicaSet")
	if err := w.removes(RemoveOptions{}, "worker-7", "worker-7"); err != nil {
		t.Fatal(err)
	}
	if got := w.done(); got != "close sessions, remove worker-7" || w.uuids["worker-7"] != uuid(7) {
		t.Errorf("did %s, UUID %q", got, w.uuids["worker-7"])
	}
	if w.has(podsPath+"web") || !w.has(podsPath+"agent") || !w.has(podsPath+"elsewhere") {
		t.Error("other pods were evicted")
	}
	writes := w.Writes()
	want := []string{
		"PATCH " + nodesPath + "worker-7", "POST " + podsPath + "web/eviction", "DELETE " + nodesPath + "worker-7",
	}
	if !slices.Equal(writes, want) {
		t.Errorf("wrote %q", writes)
	}
	if err := w.removes(RemoveOptions{}, "worker-7"); err != nil {
		t.Fatal(err)
	}
	if got := w.done(); got != "" || !strings.Contains(w.text(), "Node worker-7 is gone") {
		t.Errorf("did %s, said %s", got, w.text())
	}
	if strings.Contains(w.text(), password) {
		t.Error("a password was logged")
	}
}

// Nothing is removed that may be needed, or that is not proved to be the node's.
func TestRemoveRefuses(t *testing.T) {
	for _, tt := range []struct {
		name       string
		edit       func(*world)
		o          RemoveOptions
		node       string
		want, next string
		code       int
		kept       bool // the node is still there
		off        bool // the host is off
	}{
		{name: "control plane", node: "master-1", want: "quorum", next: "out of etcd", code: exit.Unproved, kept: true},
		{name: "a pod alone", edit: func(w *world) { w.pod("alone", "worker-7", "") }, want: "default/alone",
			next: "--force", kept: true},
		{name: "a pod alone, by force", edit: func(w *world) { w.pod("alone", "worker-7", "") },
			o: RemoveOptions{Force: true}, off: true},
		{name: "a budget", edit: budget, o: RemoveOptions{Timeout: time.Minute},
			want: "out of time, these pods are still there", next: "get pdb", kept: true},
		{name: "a budget, by force", edit: budget, o: RemoveOptions{Timeout: time.Minute, Force: true}, off: true},
		{name: "a BMC that does not answer", edit: func(w *world) { w.hosts["worker-7"].broken = errors.New("no route") },
			want: "no route", next: "--force", kept: true},
		{name: "a BMC that does not answer, by force", edit: func(w *world) {
			w.hosts["worker-7"].broken = errors.New("no route")
		}, o: RemoveOptions{Force: true}, want: "no route"},
		{name: "a node that does not say which machine it is", edit: func(w *world) { w.node("worker-7", "", "True") },
			want: "systemUUID", next: "by hand", kept: true},
		{name: "another machine", edit: func(w *world) { w.hosts["worker-7"].uuid = uuid(99) }, want: "nothing shows",
			kept: true},
		{name: "a host of the user's", edit: func(w *world) {
			w.write("nodes-config.yaml",
				"hosts:\n- interfaces: [{macAddress: \"52:54:00:00:00:99\"}]\n")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := joinedWorld(t)
			if tt.edit != nil {
				tt.edit(w)
			}
			node := "worker-7"
			if tt.node != "" {
				node = tt.node
			}
			err := w.removes(tt.o, node)
			text := fmt.Sprint(err) + exit.Next(err)
			if (err != nil) != (tt.want != "") || err != nil && (!strings.Contains(text, tt.want) ||
				!strings.Contains(text, tt.next)) || tt.code != 0 && exit.Code(err) != tt.code {
				t.Errorf("%v; code %d, next %s", err, exit.Code(err), exit.Next(err))
			}
			if w.has(nodesPath+node) != tt.kept {
				t.Errorf("the node is there: %v", !tt.kept)
			}
			if w.hosts["worker-7"].on == tt.off {
				t.Errorf("the host is on: %v", !tt.off)
			}
		})
	}
}

// budget keeps a pod from being evicted.
func budget(w *world) {
	w.pod("db", "worker-7", "StatefulSet")
	w.Refuse(func(_, path string) int {
		if strings.HasSuffix(path, "/eviction") {
			return http.StatusTooManyRequests
		}
		return 0
	})
}

// What the cluster's operators know of the host goes before the host is switched off, and its login is used.
func TestRemoveUnregisters(t *testing.T) {
	w := newWorld(t)
	w.bmcHost(7) // nodes-config.yaml is gone
	w.hosts["worker-7"].on = true
	w.node("worker-7", uuid(7), "True")
	w.Set(setPath+"set", map[string]any{"metadata": map[string]any{"name": "set"}, "spec": map[string]any{"replicas": 2}})
	w.Set(machPath+"m", map[string]any{"metadata": map[string]any{"name": "m", "namespace": "openshift-machine-api",
		"ownerReferences": []any{map[string]any{"kind": "MachineSet", "name": "set", "controller": true}}}})
	secret := "/api/v1" + inMachine + "secrets/rack-7-bmc-secret"
	w.Set(secret, map[string]any{"data": map[string]any{"username": []byte("admin"), "password": []byte(password)}})
	w.Set(bmhPath+"rack-7", map[string]any{
		"metadata": map[string]any{"name": "rack-7", "namespace": "openshift-machine-api"},
		"spec": map[string]any{
			"online": true, "externallyProvisioned": true, "bootMACAddress": "52:54:00:00:00:07",
			"bmc": map[string]any{"address": "redfish-virtualmedia://192.0.2.207/redfish/v1/Systems/1",
				"credentialsName": "rack-7-bmc-secret"},
			"consumerRef": map[string]any{"kind": "Machine", "namespace": "openshift-machine-api", "name": "m"},
		},
	})
	var node map[string]any
	w.Get(nodesPath+"worker-7", &node)
	node["metadata"].(map[string]any)["annotations"] = map[string]any{
		"machine.openshift.io/machine": "openshift-machine-api/m"}
	w.Set(nodesPath+"worker-7", node)
	if err := w.removes(RemoveOptions{}, "worker-7"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{machPath + "m", bmhPath + "rack-7", secret, nodesPath + "worker-7"} {
		if w.has(path) {
			t.Error(path + " is still there")
		}
	}
	var set struct{ Spec struct{ Replicas int } }
	if w.Get(setPath+"set", &set); set.Spec.Replicas != 1 {
		t.Errorf("%d replicas", set.Spec.Replicas)
	}
	if w.hosts["worker-7"].on {
		t.Error("the host is on")
	}
	if strings.Contains(w.text(), password) {
		t.Error("a password was logged")
	}
}

// The node of a machine that the cluster has deleted itself is gone before its host is off.
func TestRemoveLeftovers(t *testing.T) {
	w := newWorld(t)
	w.bmcHost(7)
	w.Set("/api/v1"+inMachine+"secrets/s", map[string]any{
		"data": map[string]any{"username": []byte("admin"), "password": []byte(password)}})
	host := func(online bool) {
		w.Set(bmhPath+"worker-7", map[string]any{
			"metadata": map[string]any{"name": "worker-7", "namespace": "openshift-machine-api"},
			"spec": map[string]any{"online": online, "externallyProvisioned": true,
				"bmc": map[string]any{"address": "redfish-virtualmedia://192.0.2.207/redfish/v1/Systems/1",
					"credentialsName": "s"}},
		})
	}
	host(true) // somebody wants it to be on
	if err := w.removes(RemoveOptions{}, "worker-7"); err != nil || !w.has(bmhPath+"worker-7") || w.done() != "" {
		t.Errorf("%v", err)
	}
	host(false)
	w.hosts["worker-7"].on = true // nothing proves whose it is
	if err := w.removes(RemoveOptions{}, "worker-7"); err == nil || !w.hosts["worker-7"].on {
		t.Errorf("%v", err)
	}
	w.hosts["worker-7"].on = false
	if err := w.removes(RemoveOptions{}, "worker-7"); err != nil || w.has(bmhPath+"worker-7") {
		t.Errorf("%v", err)
	}
}
