package program

import (
	"slices"
	"strings"
	"testing"
)

func TestSelect(t *testing.T) {
	commands := []Command{{Name: "render"}, {Name: "network-node"}}
	for _, c := range []struct {
		argv    string
		name    string
		args    []string
		problem string
	}{
		{"/usr/bin/render --a=b", "render", []string{"--a=b"}, ""},
		{"/usr/bin/okd-lab-release network-node x", "network-node", []string{"x"}, ""},
		{"/usr/bin/render network-node", "render", []string{"network-node"}, ""},
		{"okd-lab-release", "", nil, "no name given; commands: network-node, render"},
		{"okd-lab-release nothing", "", nil, `unknown name "nothing"`},
	} {
		t.Run(c.argv, func(t *testing.T) {
			got, args, err := Select(commands, strings.Fields(c.argv))
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("got %v, want %q", err, c.problem)
				}
				return
			}
			if err != nil || got.Name != c.name || !slices.Equal(args, c.args) {
				t.Errorf("got %s %q: %v", got.Name, args, err)
			}
		})
	}
}
