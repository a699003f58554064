package nmstate

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

func testNode(name string, ready corev1.ConditionStatus) corev1.Node {
	n := corev1.Node{}
	n.Name, n.Labels = name, map[string]string{"kubernetes.io/hostname": name, "vms": "true"}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}
	return n
}

func enactmentOf(node string, generation int64, kind string) Enactment {
	e := Enactment{}
	e.Labels = map[string]string{policyLabel: "br1", nodeLabel: node}
	e.Status.Generation = generation
	e.Status.enact(kind, configured, "", time.Unix(1, 0))
	return e
}

// text is what kubectl's columns and the installer read.
func (c conditions) text() string {
	var out []string
	for _, x := range c {
		if x.Status != no {
			out = append(out, fmt.Sprintf("%s=%s %s %s", x.Type, x.Status, x.Reason, x.Message))
		}
	}
	return strings.Join(out, "; ")
}

func TestSummary(t *testing.T) {
	a, b := testNode("a", "True"), testNode("b", "True")
	for _, c := range []struct {
		name  string
		nodes []corev1.Node
		have  []Enactment
		want  string
	}{
		{"no node", nil, nil, "Ignored=True NoMatchingNode Policy does not match any node"},
		{"nothing yet", []corev1.Node{a, b}, nil,
			"Degraded=Unknown ConfigurationProgressing ; Available=Unknown ConfigurationProgressing ; " +
				"Progressing=True ConfigurationProgressing Policy is progressing 0/2 nodes finished"},
		{"of an older generation", []corev1.Node{a}, []Enactment{enactmentOf("a", 1, available)},
			"Degraded=Unknown ConfigurationProgressing ; Available=Unknown ConfigurationProgressing ; " +
				"Progressing=True ConfigurationProgressing Policy is progressing 0/1 nodes finished"},
		{"done", []corev1.Node{a, b}, []Enactment{enactmentOf("a", 2, available), enactmentOf("b", 2, available)},
			"Available=True SuccessfullyConfigured 2/2 nodes successfully configured"},
		{"one is off", []corev1.Node{a, testNode("b", "Unknown")}, []Enactment{enactmentOf("a", 2, available)},
			"Available=True SuccessfullyConfigured 1/2 nodes successfully configured, 1 nodes ignored due to NotReady state"},
		{"failed", []corev1.Node{a, b}, []Enactment{enactmentOf("a", 2, failing), enactmentOf("b", 2, aborted)},
			"Degraded=True FailedToConfigure 1/2 nodes failed to configure, 1 nodes aborted configuration"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Policy{}
			p.Name, p.Generation = "br1", 2
			p.summary(c.nodes, c.have, time.Unix(2, 0))
			if got := p.Status.Conditions.text(); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			before := fmt.Sprint(p.Status)
			p.summary(c.nodes, c.have, time.Unix(3, 0))
			if after := fmt.Sprint(p.Status); after != before {
				t.Errorf("without news it changed from %s to %s", before, after)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	three, percent, odd := intstr.FromInt32(3), intstr.FromString("10%"), intstr.FromString("many")
	for _, c := range []struct {
		given *intstr.IntOrString
		nodes int
		want  int
	}{{nil, 5, 3}, {nil, 1, 1}, {&three, 5, 3}, {&percent, 5, 1}, {&odd, 4, 2}, {nil, 0, 1}} {
		p := Policy{}
		p.Spec.MaxUnavailable = c.given
		if got := p.limit(c.nodes); got != c.want {
			t.Errorf("%v of %d: %d, want %d", c.given, c.nodes, got, c.want)
		}
	}
}

func TestMatches(t *testing.T) {
	p, n := Policy{}, testNode("a", "True")
	if !p.matches(n) {
		t.Error("a policy without selector is not for every node")
	}
	p.Spec.NodeSelector = map[string]string{"vms": "false"}
	if p.matches(n) {
		t.Error("a policy is for a node with another label")
	}
}

// TestBundle reads the bundle as a lifecycle manager does.
func TestBundle(t *testing.T) {
	b, err := Bundle("1.2.3", "quay.io/nmstate/operator@sha256:aa")
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	err = fs.WalkDir(b, "manifests", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(b, path)
		if err != nil {
			return err
		}
		objects, err := api.Decode(data)
		for _, o := range objects {
			found += o.GetKind() + "/" + o.GetName() + " "
		}
		return err
	})
	want := "ClusterServiceVersion/kubernetes-nmstate-operator.v1.2.3 CustomResourceDefinition/nmstates.nmstate.io "
	if err != nil || found != want {
		t.Errorf("%q, want %q: %v", found, want, err)
	}
	if _, err := fs.Stat(b, "metadata/annotations.yaml"); err != nil {
		t.Error(err)
	}
}
