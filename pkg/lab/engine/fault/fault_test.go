package fault

import "testing"

func TestTake(t *testing.T) {
	for _, c := range []struct {
		name           string
		fault          Fault
		method, path   string
		want           bool
		timesItHappens int
	}{
		{"exact", Fault{Method: "POST", Path: "/vms", Status: 500}, "POST", "/vms", true, 1},
		{"other method", Fault{Method: "POST", Path: "/vms"}, "GET", "/vms", false, 0},
		{"any method", Fault{Path: "/vms"}, "GET", "/vms", true, 1},
		{"star is one segment", Fault{Path: "/vms/*"}, "GET", "/vms/1/nics", false, 0},
		{"star matches", Fault{Path: "/vms/*/start"}, "POST", "/vms/1/start", true, 1},
		{"two stars are many", Fault{Path: "/vms/**"}, "GET", "/vms/1/nics", true, 1},
		{"dots are dots", Fault{Path: "/a.b"}, "GET", "/axb", false, 0},
		{"three times", Fault{Path: "/vms", Count: 3}, "GET", "/vms", true, 3},
		{"for ever", Fault{Path: "/vms", Count: -1}, "GET", "/vms", true, 10},
		{"empty path is any", Fault{}, "GET", "/tags", true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Set
			s.Add(c.fault)
			got := 0
			for range 10 {
				if _, ok := s.Take(c.method, []string{c.path}, Request); ok {
					got++
				}
			}
			if got != c.timesItHappens || (got > 0) != c.want {
				t.Errorf("happened %d times, want %d", got, c.timesItHappens)
			}
		})
	}
}

func TestAfterLetsRequestsPass(t *testing.T) {
	var s Set
	s.Add(Fault{Path: "/vms", After: 2})
	var got []bool
	for range 4 {
		_, ok := s.Take("GET", []string{"/vms"}, Request)
		got = append(got, ok)
	}
	if got[0] || got[1] || !got[2] || got[3] {
		t.Errorf("got %v, want only the third", got)
	}
}

func TestKindsAndClear(t *testing.T) {
	var s Set
	id := s.Add(Fault{Kind: NoBoot, Path: "demo-*", Count: -1})
	if _, ok := s.Take("", []string{"demo-master-0"}, Request, Lost); ok {
		t.Error("a request took a machine's fault")
	}
	if _, ok := s.Take("", []string{"demo-master-0"}, NoBoot); !ok {
		t.Error("the fault is not there")
	}
	s.Clear(id)
	if len(s.List()) != 0 {
		t.Error("the fault is still there")
	}
}
