package enginetest_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/engine/enginetest"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
)

func TestInjectedFaults(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	e.Inject(engine.Fault{Method: "GET", Path: "/vms", Status: 503, Reason: "Busy", Count: 2})
	for i, want := range []int{503, 503, 200} {
		if a := r.do("GET", "/vms", ""); a.status != want {
			t.Errorf("request %d: %d, want %d", i, a.status, want)
		}
	}
	e.Inject(engine.Fault{Method: "GET", Path: "/tags", Status: 401})
	if a := r.do("GET", "/tags", ""); a.status != 401 || !strings.Contains(a.body, "invalid_grant") {
		t.Errorf("401: %d %s", a.status, a.body)
	}
	e.Inject(engine.Fault{Kind: fault.Lost, Method: "POST", Path: "/tags"})
	if _, err := r.try(r.request("POST", "/tags", "<tag><name>lost</name></tag>")); err == nil {
		t.Error("the lost answer came")
	}
	if a := r.do("GET", "/tags?search=name%3Dlost", ""); !strings.Contains(a.body, "<name>lost</name>") {
		t.Error("the request with the lost answer was not carried out")
	}
	e.Inject(engine.Fault{Kind: fault.Drop, Method: "POST", Path: "/tags"})
	if _, err := r.try(r.request("POST", "/tags", "<tag><name>dropped</name></tag>")); err == nil {
		t.Error("the dropped request was answered")
	}
	if a := r.do("GET", "/tags?search=name%3Ddropped", ""); strings.Contains(a.body, "<name>dropped</name>") {
		t.Error("the dropped request was carried out")
	}
	id := e.Inject(engine.Fault{Method: "DELETE", Path: "/**", Status: 500, Count: -1})
	for range 3 {
		if a := r.do("DELETE", "/tags/x", ""); a.status != 500 || a.text("reason") != "Operation Failed" {
			t.Errorf("for ever: %d %s", a.status, a.body)
		}
	}
	e.Heal(id)
	if a := r.do("DELETE", "/tags/x", ""); a.status != 404 {
		t.Errorf("healed: %d", a.status)
	}
}

func TestAdminHandler(t *testing.T) {
	e := enginetest.Start(t)
	admin := httptest.NewServer(e.AdminHandler())
	defer admin.Close()
	call := func(method, path, body string) int {
		req, _ := http.NewRequestWithContext(t.Context(), method, admin.URL+path, strings.NewReader(body))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/faults", `{"method":"GET","path":"/vms","status":500}`, 201},
		{"POST", "/faults", `{"pth":"/vms"}`, 400},
		{"GET", "/faults", "", 200},
		{"GET", "/inventory", "", 200},
		{"POST", "/expire", "", 200},
		{"PUT", "/hosts/host1.lab.okd.test/status", `"maintenance"`, 204},
		{"PUT", "/hosts/nope/status", `"maintenance"`, 404},
		{"PUT", "/domains/data1/status", `"maintenance"`, 204},
	} {
		if got := call(c.method, c.path, c.body); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, got, c.want)
		}
	}
	if n := len(e.Faults()); n != 1 {
		t.Errorf("%d faults, want 1", n)
	}
	call("DELETE", "/faults", "")
	if n := len(e.Faults()); n != 0 {
		t.Errorf("%d faults, want none", n)
	}
	r := newRest(t, e)
	if s := r.status("/storagedomains/" + e.StorageDomainID); s != "maintenance" {
		t.Errorf("domain is %s", s)
	}
}

func TestInventoryHidesScripts(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	r.vm("vm", ignitionVM)
	inv := e.Inventory()
	if len(inv.VMs) != 1 || inv.VMs[0].Spec.Initialization != nil || len(inv.Disks) != 1 || len(inv.Domains) != 2 {
		t.Errorf("inventory: %+v", inv)
	}
}

// TestManyClients has several clients make, start and remove VMs at a time.
func TestManyClients(t *testing.T) {
	e := enginetest.Start(t)
	before := e.Inventory()
	t.Run("clients", func(t *testing.T) {
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRest(t, e)
				vm := r.vm(name, "")
				r.ok("POST", "/vms/"+vm+"/start", action)
				r.until("/vms/"+vm, "up")
				r.ok("POST", "/vms/"+vm+"/stop", action)
				r.until("/vms/"+vm, "down")
				r.ok("DELETE", "/vms/"+vm, "")
			})
		}
	})
	if !enginetest.Same(before, e.Inventory()) {
		t.Error("something is left")
	}
	if n := e.Volumes.Count(); n != 0 {
		t.Errorf("%d volumes are left", n)
	}
}

func TestCloseLeavesNothingRunning(t *testing.T) {
	count := func() int {
		buf := make([]byte, 1<<20)
		return strings.Count(string(buf[:runtime.Stack(buf, true)]), "datacenter.(*DataCenter)")
	}
	before := count()
	t.Run("engine", func(t *testing.T) { // which ends with the test
		e := enginetest.Start(t, enginetest.Config(func(c *engine.Config) { c.Delays.Disk = time.Hour }))
		r := newRest(t, e)
		r.ok("POST", "/disks", `<disk><format>cow</format><provisioned_size>1048576</provisioned_size>`+
			`<storage_domains><storage_domain id="`+e.StorageDomainID+`"/></storage_domains></disk>`)
		if count() <= before {
			t.Error("an engine at work is not seen")
		}
	})
	if after := count(); after > before {
		t.Errorf("%d goroutines are left, %d were there before", after, before)
	}
}
