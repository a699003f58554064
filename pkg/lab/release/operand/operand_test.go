package operand

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

func testCluster(images func(string) string) Cluster {
	return Cluster{
		APIHost: "api-int.demo.okd.test", APIPort: "6443", PodCIDRs: []string{"198.19.0.0/17"},
		DNSAddress: "198.19.128.10", BaseDomain: "demo.okd.test", AppsDomain: "apps.demo.okd.test",
		Replicas: 2, Version: "4.20.0-okd-lab.1", images: images,
	}
}

func TestOperandsRender(t *testing.T) {
	files, err := fs.Sub(data.Lab(), "operands")
	if err != nil {
		t.Fatal(err)
	}
	for name, wants := range map[string][]string{
		"network.yaml": {
			"DaemonSet/network-node", "value: \"api-int.demo.okd.test\"", "image: \"registry/KUBE_PROXY_IMAGE\"",
			`clusterCIDR: "198.19.0.0/17"`, "DaemonSet/multus", "DaemonSet/multus-additional-cni-plugins",
			`image: "registry/MULTUS_IMAGE"`, `image: "registry/CNI_PLUGINS_IMAGE"`,
		},
		"dns.yaml": {
			"Service/dns-default", `clusterIP: "198.19.128.10"`, "DaemonSet/dns-default",
			"trafficDistribution: PreferSameNode",
		},
		"ingress.yaml": {"Deployment/router-default", "router-default.apps.demo.okd.test"},
		"console.yaml": {
			"Route/console", `host: "console-openshift-console.apps.demo.okd.test"`, "--version=4.20.0-okd-lab.1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := program.FillFile(files, name, testCluster(func(n string) string { return "registry/" + n }))
			if err != nil {
				t.Fatal(err)
			}
			objects, err := api.Decode(text)
			if err != nil {
				t.Fatal(err)
			}
			all := string(text)
			for _, o := range objects {
				all += "\n" + o.GetKind() + "/" + o.GetName()
			}
			for _, want := range wants {
				if !strings.Contains(all, want) {
					t.Errorf("no %q in\n%s", want, all)
				}
			}
			_, err = program.FillFile(files, name, testCluster(func(string) string { return "" }))
			if err == nil || !strings.Contains(err.Error(), "_IMAGE") {
				t.Errorf("without images: %v", err)
			}
		})
	}
}

func TestRolloutComplete(t *testing.T) {
	for _, c := range []struct {
		r    rollout
		want bool
	}{
		{rollout{2, 2, 2}, true},
		{rollout{2, 1, 2}, false},
		{rollout{2, 2, 1}, false}, // old pods still serve
	} {
		if c.r.complete() != c.want {
			t.Errorf("%+v: %v", c.r, c.r.complete())
		}
	}
}

func TestHealthConditions(t *testing.T) {
	for _, c := range []struct {
		name                             string
		health                           health
		available, progressing, degraded bool
	}{
		{"healthy", health{available: true}, true, false, false},
		{"waiting", health{progressing: true, reason: "Deploying", message: "no pods"}, false, true, false},
		{"failed", failed("ApplyFailed", errors.New("no")), false, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := map[string]operator.Condition{}
			for _, x := range c.health.conditions() {
				got[x.Type] = x
				if x.Reason == "" {
					t.Errorf("%s has no reason", x.Type)
				}
			}
			if got["Available"].Status != c.available || got["Progressing"].Status != c.progressing ||
				got["Degraded"].Status != c.degraded {
				t.Errorf("%+v", got)
			}
			p := got["Progressing"]
			if c.health.progressing && (p.Message != "no pods" || p.Reason != "Deploying") {
				t.Errorf("progressing does not say why: %+v", p)
			}
		})
	}
}
