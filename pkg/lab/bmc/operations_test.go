package bmc_test

import (
	"slices"
	"testing"

	"github.com/stmcginnis/gofish/redfish"

	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
)

// TestOperations does everything that each vendor's controller offers: what TestGofish needs for an installation, and
// the rest.
func TestOperations(t *testing.T) {
	for _, name := range vendor.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, images := bmctest.Serve(t, name, fastConfig), bmctest.Images(t, "agent")
			s.Host.Install()
			c := connect(t, s, false)
			everySession(c)
			everyTarget(c)
			everySlot(c, images.URL+"/agent.iso")
			everyBoot(c, images.URL+"/agent.iso")
			everyReset(c)
		})
	}
}

// everySession makes another login and ends it.
func everySession(c *client) {
	token, err := c.api.Service.CreateSession(bmctest.User, bmctest.Password)
	if err != nil || c.s.Sessions() != 2 {
		c.t.Fatalf("%d sessions: %v", c.s.Sessions(), err)
	}
	list, err := c.api.Service.Sessions()
	if err != nil || len(list) != 2 {
		c.t.Errorf("%d sessions are listed: %v", len(list), err)
	}
	if err := c.api.Service.DeleteSession(token.Session); err != nil || c.s.Sessions() != 1 {
		c.t.Errorf("%d sessions are left: %v", c.s.Sessions(), err)
	}
}

// everyTarget sets each target of the override, and reads it.
func everyTarget(c *client) {
	for _, target := range c.p.Boot.Targets {
		for _, enabled := range []redfish.BootSourceOverrideEnabled{"Once", "Continuous"} {
			err := c.setBoot(redfish.Boot{
				BootSourceOverrideEnabled: enabled, BootSourceOverrideMode: redfish.UEFIBootSourceOverrideMode,
				BootSourceOverrideTarget: redfish.BootSourceOverrideTarget(target),
			})
			got, want := c.system().Boot, enabled
			if target == "None" {
				want = redfish.DisabledBootSourceOverrideEnabled
			}
			if err != nil || string(got.BootSourceOverrideTarget) != target || got.BootSourceOverrideEnabled != want {
				c.t.Errorf("target %s, %s: %s, %s: %v", target, enabled, got.BootSourceOverrideTarget,
					got.BootSourceOverrideEnabled, err)
			}
		}
	}
	c.disable()
	for _, order := range [][]string{{"Boot0002", "Boot0001"}, {"Boot0001", "Boot0002"}} {
		if err := c.setBoot(redfish.Boot{BootOrder: order}); err != nil || !slices.Equal(c.system().Boot.BootOrder, order) {
			c.t.Errorf("boot order %v instead of %v: %v", c.system().Boot.BootOrder, order, err)
		}
	}
}

func (c *client) disable() {
	c.t.Helper()
	err := c.setBoot(redfish.Boot{BootSourceOverrideEnabled: redfish.DisabledBootSourceOverrideEnabled})
	if boot := c.system().Boot; err != nil || boot.BootSourceOverrideEnabled != "Disabled" {
		c.t.Errorf("the override is %s: %v", boot.BootSourceOverrideEnabled, err)
	}
}

// everySlot inserts and ejects an image by each slot of the system and of its manager that takes discs.
func everySlot(c *client, url string) {
	sys := c.system()
	managers, err := sys.ManagedBy()
	if err != nil || len(managers) != 1 {
		c.t.Fatal(managers, err)
	}
	tried := 0
	for of, list := range map[string]func() ([]*redfish.VirtualMedia, error){
		"system": sys.VirtualMedia, "manager": managers[0].VirtualMedia,
	} {
		offered := map[string]string{"system": c.p.Media.System, "manager": c.p.Media.Manager}[of] != ""
		slots, err := list()
		if err != nil || offered != (len(slots) > 0) {
			c.t.Errorf("%d slots of the %s: %v", len(slots), of, err)
		}
		for _, vm := range slots {
			if !slices.Contains(vm.MediaTypes, redfish.CDMediaType) && !slices.Contains(vm.MediaTypes, redfish.DVDMediaType) {
				continue
			}
			tried++
			vm.DisableEtagMatch(c.p.ETags.PostRefused)
			c.until("an image is inserted by "+vm.ODataID, func() bool { return c.insertBy(vm, url) == nil })
			c.until("it is there", func() bool { return c.slot(vm).Inserted })
			if err := c.ejectBy(c.slot(vm)); err != nil {
				c.t.Errorf("eject by %s: %v", vm.ODataID, err)
			}
			c.until("it is out", func() bool { return !c.slot(vm).Inserted })
		}
	}
	if tried == 0 {
		c.t.Error("no slot takes a disc")
	}
}

// slot reads a slot again.
func (c *client) slot(vm *redfish.VirtualMedia) *redfish.VirtualMedia {
	c.t.Helper()
	now, err := redfish.GetVirtualMedia(c.api, vm.ODataID)
	if err != nil {
		c.t.Fatal(err)
	}
	now.DisableEtagMatch(c.p.ETags.PostRefused)
	return now
}

// everyBoot starts from the medium for as long as the override is there.
func everyBoot(c *client, url string) {
	if len(c.p.Boot.Media) == 0 {
		return // its only way is for one start, which TestGofish goes
	}
	c.until("the medium is inserted", func() bool { return c.insert(url) == nil })
	c.until("the medium is there", func() bool { return c.drive().Inserted })
	before := len(c.s.Host.Started())
	if err := c.bootMedia(redfish.ContinuousBootSourceOverrideEnabled); err != nil {
		c.t.Fatal(err)
	}
	for range 2 {
		c.power(redfish.OnResetType, redfish.OnPowerState)
		c.power(redfish.ForceOffResetType, redfish.OffPowerState)
	}
	c.disable()
	c.power(redfish.OnResetType, redfish.OnPowerState)
	c.power(redfish.ForceOffResetType, redfish.OffPowerState)
	if got := c.s.Host.Started()[before:]; !slices.Equal(got, []string{"agent", "agent", "disk"}) {
		c.t.Errorf("it started %v", got)
	}
	if err := c.eject(); err != nil {
		c.t.Error(err)
	}
}

// everyReset asks for each reset, in the states in which it does something.
func everyReset(c *client) {
	for _, kind := range c.p.Power.Resets {
		reset := redfish.ResetType(kind)
		starts := len(c.s.Host.Started())
		switch kind {
		case "On", "ForceOn":
			c.become(redfish.OffPowerState)
			c.power(reset, redfish.OnPowerState)
			starts++
		case "ForceOff", "GracefulShutdown":
			if c.become(redfish.OnPowerState) {
				starts++
			}
			c.power(reset, redfish.OffPowerState)
		case "PushPowerButton":
			c.become(redfish.OffPowerState)
			c.power(reset, redfish.OnPowerState)
			c.power(reset, redfish.OffPowerState)
			starts++
		case "Nmi": // for the system, which goes on here
			if c.become(redfish.OnPowerState) {
				starts++
			}
			c.power(reset, redfish.OnPowerState)
		default: // restarts
			if c.become(redfish.OnPowerState) {
				starts++
			}
			c.power(reset, redfish.OnPowerState)
			starts++
		}
		c.until(kind+" starts it as often as it should", func() bool { return len(c.s.Host.Started()) == starts })
		if got := c.s.Host.Power(); got != bmc.Power(c.system().PowerState) {
			c.t.Errorf("after %s it is %s, and its controller says %s", kind, got, c.system().PowerState)
		}
	}
}

// become brings the host to a state, and reports whether that was necessary.
func (c *client) become(want redfish.PowerState) bool {
	c.t.Helper()
	if c.system().PowerState == want {
		return false
	}
	if want == redfish.OnPowerState {
		c.power(redfish.OnResetType, want)
	} else {
		c.power(redfish.ForceOffResetType, want)
	}
	return true
}
