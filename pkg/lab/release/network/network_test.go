package network

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/okd-install/okd-install/pkg/clock"
)

func node(name, pods, ip string) corev1.Node {
	n := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{PodCIDR: pods}}
	if ip != "" {
		n.Status.Addresses = []corev1.NodeAddress{
			{Type: corev1.NodeHostName, Address: name}, {Type: corev1.NodeInternalIP, Address: ip},
		}
	}
	return n
}

func TestPlan(t *testing.T) {
	wanted, own := plan([]corev1.Node{
		node("w2", "198.19.3.0/24", "198.18.0.102"),
		node("me", "198.19.0.0/24", "198.18.0.100"),
		node("w1", "198.19.1.0/24", "198.18.0.101"),
		node("new", "", "198.18.0.103"),
		node("mute", "198.19.4.0/24", ""),
	}, "me")
	want := []route{{"198.19.1.0/24", "198.18.0.101"}, {"198.19.3.0/24", "198.18.0.102"}}
	if own != "198.19.0.0/24" || !slices.Equal(wanted, want) {
		t.Errorf("own %q, routes %v", own, wanted)
	}
}

func TestChanges(t *testing.T) {
	a, b := route{"198.19.1.0/24", "198.18.0.101"}, route{"198.19.2.0/24", "198.18.0.102"}
	moved := route{"198.19.1.0/24", "198.18.0.109"}
	for _, c := range []struct {
		name          string
		have, wanted  []route
		gone, missing []route
	}{
		{"nothing to do", []route{a, b}, []route{a, b}, nil, nil},
		{"first node", nil, []route{a}, nil, []route{a}},
		{"node went away", []route{a, b}, []route{b}, []route{a}, nil},
		{"node has another address", []route{a}, []route{moved}, nil, []route{moved}},
	} {
		t.Run(c.name, func(t *testing.T) {
			gone, missing := changes(c.have, c.wanted)
			if !slices.Equal(gone, c.gone) || !slices.Equal(missing, c.missing) {
				t.Errorf("delete %v, set %v; want %v, %v", gone, missing, c.gone, c.missing)
			}
		})
	}
}

func TestCNIConfig(t *testing.T) {
	data, err := cniConfig("198.19.0.0/24")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Plugins []struct {
			Type   string
			IPMasq bool
			IPAM   struct {
				Ranges [][]struct{ Subnet string }
			}
		}
	}
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Plugins) != 2 || c.Plugins[0].Type != "bridge" || c.Plugins[0].IPMasq ||
		c.Plugins[0].IPAM.Ranges[0][0].Subnet != "198.19.0.0/24" {
		t.Errorf("%s", data)
	}
}

type table chan []route

func (t table) set(wanted []route) error { t <- wanted; return nil }

func noEgress(context.Context, string) error { return nil }

// TestAgentFollowsNodes runs the agent against an API server of client-go.
func TestAgentFollowsNodes(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	me, w1 := node("me", "198.19.0.0/24", "198.18.0.100"), node("w1", "198.19.1.0/24", "198.18.0.101")
	client := fake.NewSimpleDynamicClient(scheme.Scheme, &me)
	routes, dir, done := make(table, 10), t.TempDir(), make(chan error, 1)
	a := agent{node: "me", cniDir: dir, routes: routes.set, egress: noEgress, log: slog.New(slog.DiscardHandler)}
	go func() { done <- a.run(ctx, client, clock.Real()) }()
	next := func() []route {
		select {
		case r := <-routes:
			return r
		case <-ctx.Done():
			t.Fatal("the agent does not react")
			return nil
		}
	}
	if r := next(); len(r) != 0 {
		t.Errorf("alone it has routes %v", r)
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&w1)
	if err != nil {
		t.Fatal(err)
	}
	nodes := client.Resource(corev1.SchemeGroupVersion.WithResource("nodes"))
	u := &unstructured.Unstructured{Object: object}
	u.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Node"))
	if _, err := nodes.Create(ctx, u, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for r := next(); len(r) != 1 || r[0] != (route{"198.19.1.0/24", "198.18.0.101"}); r = next() {
	}
	data, err := os.ReadFile(filepath.Join(dir, "10-okd-lab.conflist"))
	if err != nil || !strings.Contains(string(data), "198.19.0.0/24") {
		t.Errorf("configuration %q: %v", data, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the agent ended with %v", err)
	}
}

func TestEgressHidesPodsFromOthersOnly(t *testing.T) {
	got, err := egressRules("198.19.2.0/24", []string{"198.19.0.0/18", "198.19.64.0/18"})
	if err != nil {
		t.Fatal(err)
	}
	want := "ip saddr 198.19.2.0/24 ip daddr != { 198.19.0.0/18, 198.19.64.0/18 } masquerade"
	if !strings.Contains(string(got), want) {
		t.Errorf("rules lack %q:\n%s", want, got)
	}
}
