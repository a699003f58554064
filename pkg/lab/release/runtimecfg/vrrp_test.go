package runtimecfg

import (
	"fmt"
	"testing"
)

func TestIDs(t *testing.T) {
	for _, c := range []struct {
		cluster      string
		api, ingress int
	}{
		{"ostest", 14, 93},
		{"mycluster", 74, 137},
		{"lab", 51, 146},
	} {
		if api, ingress := IDs(c.cluster); api != c.api || ingress != c.ingress {
			t.Errorf("IDs(%q) = %d, %d; want %d, %d", c.cluster, api, ingress, c.api, c.ingress)
		}
	}
}

func TestIDsAreValidAndDiffer(t *testing.T) {
	for i := range 5000 {
		name := fmt.Sprintf("c%d", i)
		api, ingress := IDs(name)
		if api < 1 || api > 239 || ingress < 1 || ingress > 240 || api == ingress {
			t.Errorf("IDs(%q) = %d, %d", name, api, ingress)
		}
	}
}
