package create

import (
	"errors"
	"slices"
	"strings"
	"testing"

	hosts "github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/types"
)

// withWorkers is a rack with three masters and two workers. Only the first worker becomes a node.
func withWorkers(t *testing.T) *rack {
	t.Helper()
	r := newRack(t)
	for _, name := range []string{"worker-0", "worker-1"} {
		r.hosts = append(r.hosts, &rackHost{name: name, role: types.WorkerPool})
	}
	r.nodes = append(r.nodes, "worker-0")
	return r
}

// A worker that fails does not keep the cluster from coming up.
func TestLeaveOutWorkers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		spoil  func(*rackHost)
		starts int
		why    string
	}{
		{"it does not register", func(h *rackHost) { h.deaf = 9 }, 1, "it has not registered"},
		{"its BMC is dead", func(h *rackHost) { h.broken = errors.New("BMC 192.0.2.14: no answer") }, 3,
			"has not registered after 3 starts from its medium: BMC 192.0.2.14: no answer"},
		{"it starts the system on its disk", func(h *rackHost) { h.old = true }, 3,
			"has not registered after 3 starts from its medium: its firmware starts the system on its disk, which holds a"},
		{"it cannot be written", func(h *rackHost) { h.problem = &hosts.Problem{Message: "the disk is broken"} }, 1,
			"the disk is broken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := withWorkers(t)
			tt.spoil(r.hosts[4])
			if err := r.create(t.Context(), Options{}); err != nil {
				t.Fatal(err, r.said)
			}
			if n := r.count("boot worker-1"); n != tt.starts || r.count("leave out worker-1") != 1 {
				t.Errorf("started %d times; %q", n, r.calls)
			}
			says := "Host worker-1 (BMC redfish-virtualmedia://192.0.2.14) is not in the cluster: "
			if !r.saying(says) || !r.saying(tt.why) || !r.saying("nodes add") || !slices.Equal(r.leftOut, []string{"worker-1"}) {
				t.Errorf("left out %q, said %q", r.leftOut, r.said)
			}
			if h := r.hosts[4]; !h.registered && (h.on || h.medium) {
				t.Errorf("it is on: %t, medium in it: %t", h.on, h.medium)
			}
			// Again: it is not waited for, and named.
			r.set(func() { r.silent = true })
			if err := r.create(t.Context(), Options{}); err != nil || !r.saying(says) || len(r.boots()) > 0 {
				t.Errorf("again: %v, started %q, said %q", err, r.boots(), r.said)
			}
		})
	}
}

// All masters are required, and so are the last worker, and all workers if the user says so.
func TestRequired(t *testing.T) {
	for _, tt := range []struct {
		name   string
		broken []int
		o      Options
	}{
		{"a master", []int{1}, Options{}},
		{"all workers", []int{3, 4}, Options{}},
		{"a worker, on request", []int{4}, Options{RequireWorkers: true}},
	} {
		r := withWorkers(t)
		for _, i := range tt.broken {
			r.hosts[i].deaf = 9
		}
		err := r.create(t.Context(), tt.o)
		if exit.Code(err) == 0 || !strings.Contains(err.Error(), "has not registered after 3 starts") || len(r.leftOut) > 0 {
			t.Errorf("%s: %v; left out %q", tt.name, err, r.leftOut)
		}
	}
}
