package enginetest_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/engine/enginetest"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
)

const ignitionVM = `<os><type>rhcos_x64</type></os>` +
	`<initialization><custom_script>{"ignition":{"version":"3.2.0"}}</custom_script></initialization>`

// TestPower goes through the states of a VM: what is done, and where it ends.
func TestPower(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps string // orders and, after ->, statuses to wait for
	}{
		{"start and stop", "start ->up stop ->down"},
		{"shutdown", "start ->up shutdown ->powering_down ->down"},
		{"stop while launching", "start stop ->down"},
		{"reset", "start ->up reset ->up stop ->down"},
		{"reboot", "start ->up reboot ->up"},
		{"stop when down is fine", "stop stop ->down"},
		{"again and again", "start ->up stop ->down start ->up shutdown ->down start ->up"},
		{"the guest powers off", "start ->up halt ->down"},
		{"the guest ignores a shutdown", "start ->up deafen shutdown ->powering_down ->up stop ->down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := enginetest.Start(t, enginetest.Config(func(c *engine.Config) { c.Delays.GiveUp = 200 * time.Millisecond }))
			e.Machines.Stop = 100 * time.Millisecond
			r := newRest(t, e)
			vm := r.vm("vm", "")
			for _, step := range strings.Fields(c.steps) {
				switch status, wait := strings.CutPrefix(step, "->"); {
				case wait:
					r.until("/vms/"+vm, status)
				case step == "halt":
					e.Machines.Halt(vm)
				case step == "deafen":
					e.Machines.Deafen(vm)
				default:
					r.ok("POST", "/vms/"+vm+"/"+step, action)
				}
			}
			host := r.do("GET", "/vms/"+vm, "").inner("host")
			if down := r.status("/vms/"+vm) == "down"; down != (host == "") {
				t.Errorf("down is %v, yet the host is %q", down, host)
			}
		})
	}
}

// TestButtons gives the orders that come from the lab's operator.
func TestButtons(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	vm := r.vm("vm", ignitionVM)
	if err := e.StartVM(vm); err != nil {
		t.Fatal(err)
	}
	r.until("/vms/"+vm, "up")
	if hw, _, _ := e.Machines.Hardware(vm); len(hw.UserData) == 0 {
		t.Error("the machine has no payload at its first start")
	}
	if err := e.StartVM(vm); err == nil || !strings.Contains(err.Error(), "VM is running") {
		t.Errorf("second start: %v", err)
	}
	for _, order := range []func(string) error{e.ShutdownVM, e.StartVM, e.StopVM, e.StopVM} {
		if err := order(vm); err != nil {
			t.Fatal(err)
		}
		enginetest.Eventually(t, "the order's end", func() bool {
			status := r.status("/vms/" + vm)
			return status == "up" || status == "down"
		})
	}
	if err := e.StartVM("nobody"); err == nil || !strings.Contains(err.Error(), "no VM nobody") {
		t.Errorf("start of an unknown VM: %v", err)
	}
}

func TestPayloadIsAttachedUntilFirstUp(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	vm := r.vm("vm", ignitionVM)
	run := func(order string) string {
		t.Helper()
		r.ok("POST", "/vms/"+vm+"/start", order)
		r.until("/vms/"+vm, "up")
		hw, _, _ := e.Machines.Hardware(vm)
		r.ok("POST", "/vms/"+vm+"/stop", action)
		r.until("/vms/"+vm, "down")
		return string(hw.UserData)
	}
	want := `{"ignition":{"version":"3.2.0"}}`
	// Switched off before it was up, a machine gets its payload again.
	e.Machines.Boot = time.Hour
	r.ok("POST", "/vms/"+vm+"/start", action)
	r.until("/vms/"+vm, "powering_up")
	r.ok("POST", "/vms/"+vm+"/stop", action)
	r.until("/vms/"+vm, "down")
	e.Machines.Boot = time.Millisecond
	if got := run(action); got != want {
		t.Errorf("first start: %q", got)
	}
	if got := run(action); got != "" {
		t.Errorf("second start: %q", got)
	}
	if got := run("<action><use_ignition>true</use_ignition></action>"); got != want {
		t.Errorf("start with use_ignition: %q", got)
	}
	if got := run("<action><use_cloud_init>true</use_cloud_init></action>"); got != "" {
		t.Errorf("start of an Ignition guest with use_cloud_init: %q", got)
	}
	other := r.vm("other", strings.Replace(ignitionVM, "rhcos_x64", "other_linux", 1))
	r.ok("POST", "/vms/"+other+"/start", action)
	r.until("/vms/"+other, "up")
	if hw, _, _ := e.Machines.Hardware(other); !strings.HasPrefix(string(hw.UserData), "#cloud-config\n") {
		t.Errorf("another OS type got %q", hw.UserData)
	}
}

func TestMachineThatCannotStart(t *testing.T) {
	e := enginetest.Start(t)
	e.Machines.Refuse = func(engine.Hardware) error { return errors.New("no room") }
	r := newRest(t, e)
	vm := r.vm("vm", "")
	r.ok("POST", "/vms/"+vm+"/start?correlation_id=s", action)
	r.until("/jobs?search=correlation_id%3Ds", "failed")
	if a := r.do("GET", "/vms/"+vm, ""); a.text("status") != "down" ||
		!strings.Contains(a.text("stop_reason"), "no room") {
		t.Errorf("VM is %s: %s", a.text("status"), a.text("stop_reason"))
	}
}

func TestVMThatNeverBoots(t *testing.T) {
	e := enginetest.Start(t, enginetest.With(engine.Fault{Kind: fault.NoBoot, Path: "dead-*"}))
	r := newRest(t, e)
	vm := r.vm("dead-0", "")
	r.ok("POST", "/vms/"+vm+"/start", action)
	r.until("/vms/"+vm, "powering_up")
	time.Sleep(100 * time.Millisecond)
	if s := r.status("/vms/" + vm); s != "powering_up" {
		t.Errorf("VM is %s", s)
	}
	if _, n, _ := e.Machines.Hardware(vm); n != 0 {
		t.Error("its machine was switched on")
	}
	r.ok("POST", "/vms/"+vm+"/stop", action)
	r.until("/vms/"+vm, "down")
	r.ok("POST", "/vms/"+vm+"/start", action)
	r.until("/vms/"+vm, "up")
}

func TestSchedulingKeepsApart(t *testing.T) {
	e := enginetest.Start(t, enginetest.Hosts(2))
	r := newRest(t, e)
	vms := []string{r.vm("a", ""), r.vm("b", ""), r.vm("c", "")}
	r.ok("POST", "/clusters/"+e.ClusterID+"/affinitygroups",
		fmt.Sprintf(`<affinity_group><name>apart</name><vms_rule><enabled>true</enabled>`+
			`<enforcing>true</enforcing><positive>false</positive></vms_rule>`+
			`<vms><vm id="%s"/><vm id="%s"/><vm id="%s"/></vms></affinity_group>`, vms[0], vms[1], vms[2]))
	for _, vm := range vms[:2] {
		r.ok("POST", "/vms/"+vm+"/start", action)
	}
	a, b := r.do("GET", "/vms/"+vms[0], "").inner("host"), r.do("GET", "/vms/"+vms[1], "").inner("host")
	if a == b || a == "" {
		t.Errorf("both run on %q", a)
	}
	if a := r.do("POST", "/vms/"+vms[2]+"/start", action); a.status != 409 {
		t.Errorf("a third on two hosts: %d", a.status)
	}
	r.ok("POST", "/vms/"+vms[0]+"/stop", action)
	r.until("/vms/"+vms[0], "down")
	e.SetHostStatus("host1.lab.okd.test", "maintenance")
	e.SetHostStatus("host2.lab.okd.test", "maintenance")
	if a := r.do("POST", "/vms/"+vms[2]+"/start", action); a.status != 409 {
		t.Errorf("no host up: %d", a.status)
	}
	e.SetHostStatus("host1.lab.okd.test", "up")
	e.SetHostStatus("host2.lab.okd.test", "up")
	r.ok("POST", "/vms/"+vms[2]+"/start", action)
}

func TestReportedDevices(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	vm := r.vm("vm", "")
	r.ok("POST", "/vms/"+vm+"/nics", fmt.Sprintf(`<nic><name>nic1</name><vnic_profile id="%s"/></nic>`, e.VNICProfileID))
	r.ok("POST", "/vms/"+vm+"/start", action)
	r.until("/vms/"+vm, "up")
	if a := r.do("GET", "/vms/"+vm+"/reporteddevices", ""); a.status != 200 || strings.Contains(a.body, "<ip>") {
		t.Errorf("no agent, yet: %s", a.body)
	}
	e.Machines.SetAddresses(vm, netip.MustParseAddr("198.18.0.100"))
	if a := r.do("GET", "/vms/"+vm+"/reporteddevices", ""); a.text("address") != "56:6f:6c:ab:00:00" &&
		!strings.Contains(a.body, "<address>198.18.0.100</address>") {
		t.Errorf("got %s", a.body)
	}
}

// TestRestart snapshots an engine in the middle of its work and goes on with
// another.
func TestRestart(t *testing.T) {
	e := enginetest.Start(t, enginetest.Config(func(c *engine.Config) {
		c.Delays.VM, c.Delays.Launch = 300*time.Millisecond, 300*time.Millisecond
	}))
	r := newRest(t, e)
	running, starting, source := r.vm("running", ""), r.vm("starting", ""), r.vm("source", "")
	tpl := r.ok("POST", "/templates", fmt.Sprintf(`<template><name>tpl</name><vm id="%s"/></template>`, source))
	r.until("/templates/"+tpl, "ok")
	r.ok("POST", "/vms/"+running+"/start", action)
	r.until("/vms/"+running, "up")
	copied := r.ok("POST", "/vms?clone=true",
		fmt.Sprintf(`<vm><name>copy</name><cluster id="%s"/><template id="%s"/></vm>`, e.ClusterID, tpl))
	r.ok("POST", "/vms/"+starting+"/start", action)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	state, err := e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again := enginetest.Start(t, enginetest.Restored(state, e))
	r2 := newRest(t, again)
	if s := r2.status("/vms/" + running); s != "up" {
		t.Errorf("the running VM is %s", s)
	}
	r2.until("/vms/"+copied, "down")
	r2.until("/vms/"+starting, "up")
	if _, n, _ := again.Machines.Hardware(starting); n != 1 {
		t.Errorf("the starting VM was switched on %d times", n)
	}
	disk := r2.do("GET", "/vms/"+copied+"/diskattachments", "").inner("disk_attachment")
	if s := r2.status("/disks/" + disk); s != "ok" {
		t.Errorf("the copy's disk is %s", s)
	}
	if _, ok := again.Volumes.Content(disk); !ok {
		t.Error("the copy's disk has no content")
	}
}
