package service

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

// crew is a service whose config names all hosts: three masters and workers from host 3 on.
func crew(t *testing.T, workers int) *office {
	t.Helper()
	c := config(3, 0, workers)
	for i, name := range []string{"m0", "m1", "m2", "w3", "w4", "w5"}[:3+workers] {
		role := map[byte]string{'m': master, 'w': worker}[name[0]]
		c.Hosts = append(c.Hosts, agent.Host{Hostname: name, Role: role, MACs: []string{mac(i)}})
	}
	return newOffice(t, c)
}

func TestLeaveOut(t *testing.T) {
	o := crew(t, 2)
	o.register(0, 1, 2, 3)
	if s := o.Status(); s.Missing != 1 || o.told[0].Action != agent.Wait {
		t.Fatalf("%+v", s)
	}
	if err := o.LeaveOut([]string{"w4"}); err != nil {
		t.Fatal(err)
	}
	o.restart() // it is not forgotten
	o.say(agent.Ready, 0, 1, 2, 3)
	s := o.Status()
	if s.Missing != 0 || !slices.Equal(s.LeftOut, []string{"w4"}) || o.told[0].Action != agent.Bootstrap ||
		o.told[3].Action != agent.Install {
		t.Fatalf("%+v, told %+v", s, o.told)
	}
	// It comes too late: it gets no orders, is nobody's peer, and is no problem.
	o.say(agent.Discovering, 4)
	o.say(agent.Ready, 4, 0)
	s = o.Status()
	if o.told[4].Action != agent.Wait || s.Problem != nil || !slices.Equal(s.LeftOut, []string{"w4"}) {
		t.Errorf("told %+v; %+v", o.told[4], s)
	}
	if slices.ContainsFunc(o.told[0].Peers, func(p agent.Peer) bool { return p.Hostname == "w4" }) {
		t.Errorf("peers %+v", o.told[0].Peers)
	}
}

// A host that is ready before the others counts again.
func TestLeaveOutReturns(t *testing.T) {
	o := crew(t, 2)
	o.register(0, 1, 3)
	if err := o.LeaveOut([]string{"w4"}); err != nil {
		t.Fatal(err)
	}
	o.register(4)
	if s := o.Status(); len(s.LeftOut) > 0 || s.Missing != 1 {
		t.Fatalf("%+v", s)
	}
	o.register(2)
	o.say(agent.Ready, 4)
	if o.told[4].Action != agent.Install {
		t.Errorf("told %+v", o.told[4])
	}
}

// A worker that fails, or is silent, while it is installed does not keep the rendezvous host from its disk.
func TestLeaveOutAfterTheOrders(t *testing.T) {
	o := crew(t, 2)
	o.register(0, 1, 2, 3, 4)
	o.say(agent.Writing, 1, 2, 3, 4)
	o.say(agent.Rebooting, 1, 2, 3)
	o.say(agent.Bootstrapping, 0)
	failed := o.report(4, agent.Failed)
	failed.Problem = &agent.Problem{Message: "the disk is broken", Next: "replace it"}
	o.send(4, failed)
	nodes := Cluster{Bootkube: true, Progress: true}
	for _, name := range []string{"m1", "m2", "w3"} {
		nodes.Nodes = append(nodes.Nodes, Node{Name: name, Ready: true})
	}
	if err := o.Update(nodes); err != nil {
		t.Fatal(err)
	}
	if s := o.Status(); s.Problem == nil || o.find("id-0").Order != agent.Bootstrap {
		t.Fatalf("%+v", s)
	}
	if err := o.LeaveOut([]string{"w4"}); err != nil {
		t.Fatal(err)
	}
	if s := o.Status(); s.Problem != nil || o.find("id-0").Order != agent.Install {
		t.Errorf("%+v", s)
	}
}

func TestLeaveOutRefuses(t *testing.T) {
	o := crew(t, 2)
	o.register(0, 1, 2)
	for names, want := range map[string]error{"m1": errCannot, "w9": errInvalid, "": errInvalid, "w3 w4": errCannot} {
		if err := o.LeaveOut(strings.Split(names, " ")); !errors.Is(err, want) {
			t.Errorf("%s: %v", names, err)
		}
	}
	for _, twice := range []error{nil, nil} {
		if err := o.LeaveOut([]string{"w3"}); !errors.Is(err, twice) {
			t.Error(err)
		}
	}
	if err := o.LeaveOut([]string{"w4"}); !errors.Is(err, errCannot) {
		t.Errorf("the last worker: %v", err)
	}
	o.clock.Advance(time.Minute)
	if s := o.Status(); s.Missing != 1 || len(s.LeftOut) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestLeaveOutByHTTP(t *testing.T) {
	o := crew(t, 2)
	for _, tt := range []struct {
		token, body string
		code        int
	}{
		{"token-of-hosts", `{"hosts":["w3"]}`, http.StatusUnauthorized},
		{"token-of-watchers", `{"hosts":["m1"]}`, http.StatusConflict},
		{"token-of-watchers", `{"hosts":[]}`, http.StatusBadRequest},
		{"token-of-watchers", `{"hosts":["` + strings.Repeat("w", maxLeaveOut) + `"]}`, http.StatusBadRequest},
		{"token-of-watchers", `{"hosts":["w3"]}`, http.StatusNoContent},
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/leave-out", strings.NewReader(tt.body))
		r.Header.Set("Authorization", "Bearer "+tt.token)
		w := httptest.NewRecorder()
		o.Handler().ServeHTTP(w, r)
		if w.Code != tt.code {
			t.Errorf("%.40s: %d %s", tt.body, w.Code, w.Body)
		}
	}
	if s := o.Status(); !slices.Equal(s.LeftOut, []string{"w3"}) {
		t.Errorf("%+v", s)
	}
}

func FuzzLeaveOut(f *testing.F) {
	f.Add([]byte(`{"hosts":["w3"]}`))
	f.Add([]byte(`{"hosts":["w3","w3","w4"]}`))
	f.Add([]byte(`{"hosts":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := decodeLeaveOut(bytes.NewReader(raw))
		if err != nil {
			return
		}
		o := crew(t, 2)
		o.register(0)
		if err := o.LeaveOut(l.Hosts); err == nil && len(o.Status().LeftOut) != 1 {
			t.Errorf("left out %q", o.Status().LeftOut)
		}
	})
}
