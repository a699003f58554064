package ocargs

import (
	"slices"
	"strings"
	"testing"
)

func TestKubectl(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"/usr/bin/oc get nodes", "kubectl get nodes"},
		{"oc adm certificate approve csr-1", "kubectl certificate approve csr-1"},
		{"oc --kubeconfig=/k adm certificate approve csr-1 csr-2", "kubectl --kubeconfig=/k certificate approve csr-1 csr-2"},
		{"oc adm release info", "kubectl adm release info"},
		{"oc exec p -- adm drain", "kubectl exec p -- adm drain"},
		{"oc", "kubectl"},
	} {
		in := strings.Fields(c.in)
		before := slices.Clone(in)
		if got := strings.Join(Kubectl(in), " "); got != c.want {
			t.Errorf("Kubectl(%q) = %q, want %q", c.in, got, c.want)
		}
		if !slices.Equal(in, before) {
			t.Errorf("Kubectl(%q) changed its input", c.in)
		}
	}
}
