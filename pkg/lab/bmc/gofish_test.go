package bmc_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stmcginnis/gofish"
	"github.com/stmcginnis/gofish/common"
	"github.com/stmcginnis/gofish/redfish"

	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
)

// client is a client of a controller that knows what its vendor wants.
type client struct {
	t   *testing.T
	s   *bmctest.Server
	api *gofish.APIClient
	p   vendor.Profile
}

func connect(t *testing.T, s *bmctest.Server, basic bool) *client {
	t.Helper()
	api, err := gofish.ConnectContext(t.Context(), gofish.ClientConfig{
		Endpoint: s.URL, Username: bmctest.User, Password: bmctest.Password, BasicAuth: basic, HTTPClient: s.HTTP,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, s: s, api: api, p: s.Profile()}
}

// fastConfig makes time pass quickly.
// Sessions do not expire on a slow machine.
func fastConfig(c *bmc.Config) { c.Clock, c.Profile.Sessions.Idle = bmctest.Fast(), 24*time.Hour }

func (c *client) system() *redfish.ComputerSystem {
	c.t.Helper()
	var systems []*redfish.ComputerSystem
	c.until("the system can be read", func() bool {
		var err error
		systems, err = c.api.Service.Systems()
		return err == nil
	})
	if len(systems) != 1 {
		c.t.Fatalf("%d systems", len(systems))
	}
	systems[0].DisableEtagMatch(c.p.ETags.PostRefused)
	return systems[0]
}

// drive is the first slot for CDs, of the system or else of its manager.
func (c *client) drive() *redfish.VirtualMedia {
	c.t.Helper()
	sys := c.system()
	list, err := sys.VirtualMedia()
	if c.p.Media.System == "" {
		managers, err := sys.ManagedBy()
		if err != nil || len(managers) != 1 {
			c.t.Fatal(managers, err)
		}
		list, err = managers[0].VirtualMedia()
		if err != nil {
			c.t.Fatal(err)
		}
	}
	if err != nil {
		c.t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b *redfish.VirtualMedia) int { return strings.Compare(a.ID, b.ID) })
	for _, vm := range list {
		if slices.Contains(vm.MediaTypes, redfish.CDMediaType) || slices.Contains(vm.MediaTypes, redfish.DVDMediaType) {
			vm.DisableEtagMatch(c.p.ETags.PostRefused)
			return vm
		}
	}
	c.t.Fatal("no slot takes a CD")
	return nil
}

func (c *client) insert(url string) error {
	c.t.Helper()
	return c.insertBy(c.drive(), url)
}

func (c *client) insertBy(vm *redfish.VirtualMedia, url string) error {
	c.t.Helper()
	if c.p.Media.Patch {
		if vm.SupportsMediaInsert {
			c.t.Error("there is an action")
		}
		return vm.Patch(vm.ODataID, map[string]any{"Image": url, "Inserted": true, "WriteProtected": true})
	}
	conf := redfish.VirtualMediaConfig{Image: url}
	if len(c.p.Media.Required) > 0 {
		conf.TransferProtocolType = redfish.HTTPTransferProtocolType
	}
	return vm.InsertMediaConfig(conf)
}

func (c *client) eject() error { return c.ejectBy(c.drive()) }

func (c *client) ejectBy(vm *redfish.VirtualMedia) error {
	if c.p.Media.Patch {
		return vm.Patch(vm.ODataID, map[string]any{"Image": nil, "Inserted": false})
	}
	return vm.EjectMedia()
}

// bootMedia sets the next start to be from the medium.
func (c *client) bootMedia(enabled redfish.BootSourceOverrideEnabled) error {
	c.t.Helper()
	if len(c.p.Boot.Media) == 0 {
		return c.importBoot()
	}
	return c.setBoot(redfish.Boot{
		BootSourceOverrideEnabled: enabled, BootSourceOverrideMode: redfish.UEFIBootSourceOverrideMode,
		BootSourceOverrideTarget: redfish.BootSourceOverrideTarget(c.p.Boot.Media[0]),
	})
}

func (c *client) setBoot(b redfish.Boot) error {
	c.t.Helper()
	sys := c.system()
	if c.p.Boot.Settings != "" {
		resp, err := c.api.Patch(sys.ODataID+"/"+c.p.Boot.Settings, map[string]any{"Boot": b})
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	return sys.SetBoot(b)
}

const bootOnceXML = `<SystemConfiguration><Component FQDD="iDRAC.Embedded.1">` +
	`<Attribute Name="ServerBoot.1#BootOnce">Enabled</Attribute>` +
	`<Attribute Name="ServerBoot.1#FirstBootDevice">VCD-DVD</Attribute></Component></SystemConfiguration>`

func (c *client) importBoot() error {
	c.t.Helper()
	resp, err := c.api.Post("/redfish/v1/Managers/"+c.p.Manager+"/Actions/Oem/EID_674_Manager.ImportSystemConfiguration",
		map[string]any{"ShareParameters": map[string]any{"Target": "ALL"}, "ImportBuffer": bootOnceXML})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	where := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusAccepted {
		c.t.Errorf("%s", resp.Status)
	}
	c.until("the task is complete", func() bool {
		task, err := redfish.GetTask(c.api, where)
		if err != nil {
			c.t.Fatal(err)
		}
		return task.TaskState == redfish.CompletedTaskState
	})
	return nil
}

func (c *client) until(what string, is func() bool) {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("not even after a while: %s", what)
		}
	}
}

func (c *client) power(reset redfish.ResetType, want redfish.PowerState) {
	c.t.Helper()
	c.until("reset "+string(reset), func() bool {
		err := c.system().Reset(reset)
		if status(err) == http.StatusConflict {
			return false // as when it has just been switched off
		}
		if err != nil {
			c.t.Fatal(err)
		}
		return true
	})
	c.until(string(reset)+" does it", func() bool { return c.system().PowerState == want })
}

func status(err error) int {
	var e *common.Error
	if errors.As(err, &e) {
		return e.HTTPReturnedStatusCode
	}
	return 0
}

// TestGofish installs a host as an installer would, with every vendor.
func TestGofish(t *testing.T) {
	for _, name := range vendor.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, images := bmctest.Serve(t, name, fastConfig), bmctest.Images(t, "agent")
			c := connect(t, s, false)
			checkFacts(c)
			s.Host.Install() // so that only the override starts the medium
			url := images.URL + "/agent.iso"
			if err := c.insert(url); err != nil {
				t.Fatal(err)
			}
			c.until("the medium is inserted", func() bool { vm := c.drive(); return vm.Inserted && vm.Image == url })
			if err := c.bootMedia(redfish.OnceBootSourceOverrideEnabled); err != nil {
				t.Fatal(err)
			}
			sys := c.system()
			if len(c.p.Boot.Media) > 0 && (sys.Boot.BootSourceOverrideEnabled != "Once" ||
				string(sys.Boot.BootSourceOverrideTarget) != c.p.Boot.Media[0]) {
				t.Errorf("%+v", sys.Boot)
			}
			c.power(redfish.OnResetType, redfish.OnPowerState)
			if boot := c.system().Boot; boot.BootSourceOverrideEnabled != "Disabled" {
				t.Errorf("after the start: %+v", boot)
			}
			if err := c.eject(); err != nil {
				t.Fatal(err)
			}
			c.until("the medium is out", func() bool { return !c.drive().Inserted })
			c.power(redfish.ForceRestartResetType, redfish.OnPowerState)
			c.until("it has started again", func() bool { return len(s.Host.Started()) == 2 })
			c.power(redfish.GracefulShutdownResetType, redfish.OffPowerState)
			if got := s.Host.Started(); !slices.Equal(got, []string{"agent", "disk"}) {
				t.Errorf("it started %v", got)
			}
			c.power(redfish.OnResetType, redfish.OnPowerState)
			c.power(redfish.ForceOffResetType, redfish.OffPowerState)
			c.api.Logout()
			resp, err := c.api.Get("/redfish/v1/Systems")
			if err == nil {
				resp.Body.Close()
			}
			if status(err) != http.StatusUnauthorized {
				t.Errorf("after the logout: %v", err)
			}
		})
	}
}

// checkFacts looks at what a client can read.
func checkFacts(c *client) {
	t, sys := c.t, c.system()
	f := c.s.Host.Facts()
	if sys.UUID != f.UUID || sys.Manufacturer != c.p.Manufacturer || sys.Model != c.p.Model ||
		sys.SerialNumber != f.Serial || sys.ProcessorSummary.LogicalProcessorCount != 8 ||
		sys.MemorySummary.TotalSystemMemoryGiB != 16 || sys.PowerState != redfish.OffPowerState ||
		sys.ID != c.p.System || len(sys.SupportedResetTypes) != len(c.p.Power.Resets) {
		t.Errorf("system: %+v", sys)
	}
	cards, err := sys.EthernetInterfaces()
	if err != nil || len(cards) != 2 || !slices.Contains(f.MACs, cards[0].MACAddress) {
		t.Errorf("cards: %+v, %v", cards, err)
	}
	managers, err := c.api.Service.Managers()
	if err != nil || len(managers) != 1 || managers[0].ManagerType != redfish.BMCManagerType ||
		managers[0].FirmwareVersion != c.p.Firmware || managers[0].Model != c.p.ManagerModel {
		t.Fatalf("managers: %+v, %v", managers, err)
	}
	chassis, err := c.api.Service.Chassis()
	if err != nil || len(chassis) != 1 || chassis[0].SerialNumber != f.Serial {
		t.Errorf("chassis: %+v, %v", chassis, err)
	}
	options, err := sys.BootOptions()
	if err != nil || len(options) != 3 || sys.Boot.BootOrder[0] != "Boot0001" {
		t.Errorf("boot options: %+v, %v, %v", options, sys.Boot.BootOrder, err)
	}
	if tasks, err := c.api.Service.Tasks(); err != nil || len(tasks) != 0 {
		t.Errorf("tasks: %v, %v", tasks, err)
	}
	sessions, err := c.api.Service.Sessions()
	if err != nil || len(sessions) != 1 || sessions[0].UserName != bmctest.User {
		t.Errorf("sessions: %+v, %v", sessions, err)
	}
}

func TestEvents(t *testing.T) {
	for _, name := range vendor.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan map[string]any, 16)
			sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var o map[string]any
				b, _ := io.ReadAll(r.Body)
				if json.Unmarshal(b, &o) != nil || r.Header.Get("X-Key") != "k" {
					o = map[string]any{"bad": string(b)}
				}
				got <- o
			}))
			defer sink.Close()
			c := connect(t, bmctest.Serve(t, name, fastConfig), true)
			service, err := c.api.Service.EventService()
			if err != nil {
				t.Fatal(err)
			}
			//nolint:staticcheck // the newer form has no event types, which controllers have
			where, err := service.CreateEventSubscription(sink.URL, []redfish.EventType{"StatusChange", "Alert"},
				map[string]string{"X-Key": "k"}, redfish.RedfishEventDestinationProtocol, "mine", nil)
			if err != nil {
				t.Fatal(err)
			}
			c.power(redfish.OnResetType, redfish.OnPowerState)
			event := <-got
			list, _ := event["Events"].([]any)
			if event["Context"] != "mine" || len(list) != 1 {
				t.Errorf("%v", event)
			}
			if all, err := service.GetEventSubscriptions(); err != nil || len(all) != 1 || all[0].Context != "mine" {
				t.Errorf("%+v, %v", all, err)
			}
			service.DisableEtagMatch(c.p.ETags.PostRefused)
			if err := service.SubmitTestEvent("hello"); err != nil {
				t.Fatal(err)
			}
			event = <-got
			list, _ = event["Events"].([]any)
			if alert, _ := list[0].(map[string]any); alert["Message"] != "hello" {
				t.Errorf("%v", event)
			}
			if err := service.DeleteEventSubscription(where); err != nil {
				t.Error(err)
			}
			if all, err := service.GetEventSubscriptions(); err != nil || len(all) != 0 {
				t.Errorf("%+v, %v", all, err)
			}
		})
	}
}
