package staticpod

import (
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

func TestNextRevision(t *testing.T) {
	for _, c := range []struct {
		what string
		have []revision
		n    int
		make bool
	}{
		{"none", nil, 1, true},
		{"same content", []revision{{number: 1, hash: "x", ready: true}}, 1, false},
		{"other content", []revision{{number: 1, hash: "y", ready: true}}, 2, true},
		{"back to an older content is still new", []revision{{number: 1, hash: "x", ready: true},
			{number: 2, hash: "y", ready: true}}, 3, true},
		{"half made is made again", []revision{{number: 1, hash: "x", ready: true}, {number: 2}}, 2, true},
	} {
		n, mk := nextRevision(c.have, "x")
		if n != c.n || mk != c.make {
			t.Errorf("%s: got %d %v, want %d %v", c.what, n, mk, c.n, c.make)
		}
	}
}

func TestExpired(t *testing.T) {
	var have []revision
	for i := 1; i <= 7; i++ {
		have = append(have, revision{number: i, ready: true})
	}
	got := expired(have, []int{2, 7})
	var numbers []int
	for _, r := range got {
		numbers = append(numbers, r.number)
	}
	if len(numbers) != 2 || numbers[0] != 1 || numbers[1] != 3 {
		t.Errorf("expired = %v, want [1 3]", numbers)
	}
	if e := expired(have[:4], nil); e != nil {
		t.Errorf("four revisions: expired %v", e)
	}
}

func TestFingerprint(t *testing.T) {
	c := Component{Name: "test", ConfigMaps: []string{"config"}, Secrets: []string{"cert"}}
	base := func() inputs {
		return inputs{
			configMaps: map[string]*corev1.ConfigMap{
				"test-pod": api.ConfigMap("ns", "test-pod", map[string]string{"pod.yaml": "x"}),
				"config":   api.ConfigMap("ns", "config", map[string]string{"a": "1", "b": "2"}),
				"other":    api.ConfigMap("ns", "other", map[string]string{"a": "1"}),
			},
			secrets: map[string]*corev1.Secret{"cert": api.Secret("ns", "cert", map[string][]byte{"k": []byte("v")})},
		}
	}
	sum, missing := c.fingerprint(base())
	if missing != "" {
		t.Fatalf("missing %s", missing)
	}
	for _, x := range []struct {
		what   string
		change func(inputs)
		same   bool
	}{
		{"unrelated object", func(in inputs) { in.configMaps["other"].Data["a"] = "2" }, true},
		{"label", func(in inputs) { in.configMaps["config"].Labels = map[string]string{"x": "y"} }, true},
		{"value", func(in inputs) { in.configMaps["config"].Data["a"] = "2" }, false},
		{"value moved to another key", func(in inputs) {
			in.configMaps["config"].Data = map[string]string{"a": "12", "b": ""}
		}, false},
		{"key added", func(in inputs) { in.secrets["cert"].Data["n"] = nil }, false},
	} {
		in := base()
		x.change(in)
		got, _ := c.fingerprint(in)
		if (got == sum) != x.same {
			t.Errorf("%s: same = %v, want %v", x.what, got == sum, x.same)
		}
	}
	in := base()
	delete(in.secrets, "cert")
	if _, missing := c.fingerprint(in); missing != "Secret openshift-test/cert" {
		t.Errorf("missing = %q", missing)
	}
}

func TestRevisionsIgnoresOtherConfigMaps(t *testing.T) {
	in := inputs{configMaps: map[string]*corev1.ConfigMap{}}
	for _, name := range []string{"revision-status-10", "revision-status-2", "revision-status-x", "revision-status-0",
		"revision"} {
		in.configMaps[name] = api.ConfigMap("ns", name, map[string]string{"status": statusReady})
	}
	got := revisions(in)
	if len(got) != 2 || got[0].number != 2 || got[1].number != 10 {
		t.Errorf("revisions = %v", strconv.Itoa(len(got)))
	}
}
