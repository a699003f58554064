package bmc_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
)

// reply is what a controller answered.
type reply struct {
	status int
	header http.Header
	body   map[string]any
}

// message is the ID of the first message of an error.
func (r reply) message() string {
	e, _ := r.body["error"].(map[string]any)
	infos, _ := e["@Message.ExtendedInfo"].([]any)
	if len(infos) == 0 {
		return ""
	}
	info, _ := infos[0].(map[string]any)
	id, _ := info["MessageId"].(string)
	return id
}

// request is one request by hand; headers come in pairs.
func request(t testing.TB, s *bmctest.Server, method, path, body string, headers ...string) (reply, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(bmctest.User, bmctest.Password)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if req.Header.Get("Authorization") == "none" || req.Header.Get("X-Auth-Token") != "" {
		req.Header.Del("Authorization")
	}
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	r := reply{status: resp.StatusCode, header: resp.Header}
	if len(bytes.TrimSpace(b)) > 0 {
		if err := json.Unmarshal(b, &r.body); err != nil {
			t.Errorf("%s %s: not JSON: %s", method, path, b)
		}
	}
	return r, nil
}

// ask is a request that gets an answer.
func ask(t testing.TB, s *bmctest.Server, method, path, body string, headers ...string) reply {
	t.Helper()
	r, err := request(t, s, method, path, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	systemPath  = "/redfish/v1/Systems/1"
	resetPath   = systemPath + "/Actions/ComputerSystem.Reset"
	sessionPath = "/redfish/v1/SessionService/Sessions"
	onceCd      = `{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Cd"}}`
)

func TestRequests(t *testing.T) {
	s := bmctest.Serve(t, "ilo5", nil)
	big := `{"Boot":"` + strings.Repeat("x", 300<<10) + `"}`
	for _, c := range []struct {
		method, path, body string
		headers            []string
		status             int
		message            string
	}{
		{"GET", "/redfish", "", []string{"Authorization", "none"}, 200, ""},
		{"GET", "/redfish/v1/", "", []string{"Authorization", "none"}, 200, ""},
		{"GET", "/redfish/v1/odata", "", []string{"Authorization", "none"}, 200, ""},
		{"HEAD", "/redfish/v1", "", []string{"Authorization", "none"}, 200, ""},
		{"GET", systemPath, "", []string{"Authorization", "none"}, 401, "Base.1.8.NoValidSession"},
		{"GET", sessionPath, "", []string{"Authorization", "none"}, 401, "Base.1.8.NoValidSession"},
		{"GET", "/nothing", "", []string{"Authorization", "none"}, 401, "Base.1.8.NoValidSession"},
		{"GET", systemPath, "", []string{"X-Auth-Token", "x"}, 401, "Base.1.8.NoValidSession"},
		{"GET", systemPath + "/", "", nil, 200, ""},
		{"HEAD", systemPath, "", nil, 200, ""},
		{"GET", "/redfish/v1/Systems/2", "", nil, 404, "Base.1.8.ResourceMissingAtURI"},
		{"GET", "/redfish/v1/TaskService/Tasks/7", "", nil, 404, "Base.1.8.ResourceMissingAtURI"},
		{"GET", "/redfish/v1/TaskService/TaskMonitors/7", "", nil, 404, "Base.1.8.ResourceMissingAtURI"},
		{"DELETE", systemPath, "", nil, 405, "Base.1.8.OperationNotAllowed"},
		{"GET", resetPath, "", nil, 405, "Base.1.8.OperationNotAllowed"},
		{"PUT", "/redfish/v1/", "{}", nil, 405, "Base.1.8.OperationNotAllowed"},
		{"POST", resetPath, `{"ResetType":"On"}`, []string{"Content-Type", "text/plain"}, 415, "Base.1.8.HeaderInvalid"},
		{"POST", resetPath, `{"ResetType":`, nil, 400, "Base.1.8.MalformedJSON"},
		{"POST", resetPath, `["On"]`, nil, 400, "Base.1.8.MalformedJSON"},
		{"POST", resetPath, `{"ResetType":"On"} {}`, nil, 400, "Base.1.8.MalformedJSON"},
		{"POST", resetPath, "", nil, 400, "Base.1.8.ActionParameterMissing"},
		{"POST", resetPath, `{"ResetType":7}`, nil, 400, "Base.1.8.PropertyValueTypeError"},
		{"POST", resetPath, `{"ResetType":"Kick"}`, nil, 400, "Base.1.8.PropertyValueNotInList"},
		{"POST", resetPath, `{"ResetType":"On","Delay":1}`, nil, 400, "Base.1.8.ActionParameterUnknown"},
		{"PATCH", systemPath, big, nil, 413, "Base.1.8.PayloadTooLarge"},
		{"PATCH", systemPath, `{"UUID":"x"}`, nil, 400, "Base.1.8.PropertyNotWritable"},
		{"PATCH", systemPath, `{"Colour":"x"}`, nil, 400, "Base.1.8.PropertyUnknown"},
		{"PATCH", systemPath, `{}`, nil, 400, "Base.1.8.PropertyMissing"},
		{"PATCH", systemPath, `{"Boot":{"BootSourceOverrideTarget":"Tape"}}`, nil, 400, "Base.1.8.PropertyValueNotInList"},
		{"PATCH", systemPath, `{"Boot":{"BootSourceOverrideMode":"Legacy"}}`, nil, 400, "Base.1.8.PropertyValueNotInList"},
		{"PATCH", systemPath, `{"Boot":{"BootOrder":["Boot0009"]}}`, nil, 400, "Base.1.8.PropertyValueNotInList"},
		{"PATCH", systemPath, `{"Boot":{"BootOrder":["Boot0001","Boot0001"]}}`, nil, 400, "Base.1.8.PropertyValueNotInList"},
		{"PATCH", systemPath, `{"Boot":{"BootOrder":["Boot0002","Boot0001"]}}`, nil, 204, ""},
		{"PATCH", systemPath, onceCd, []string{"If-Match", `"old"`}, 412, "Base.1.8.PreconditionFailed"},
		{"PATCH", systemPath, onceCd, []string{"If-Match", `"old", *`}, 204, ""},
		{"POST", sessionPath, `{"UserName":"admin"}`, nil, 400, "Base.1.8.PropertyMissing"},
		{"POST", sessionPath, `{"UserName":"admin","Password":"x"}`, nil, 401, "Base.1.8.NoValidSession"},
		{"POST", "/redfish/v1/EventService/Subscriptions", `{"Destination":"ftp://x"}`, nil, 400,
			"Base.1.8.PropertyValueNotInList"},
		{"POST", "/redfish/v1/EventService/Subscriptions", `{"Context":"x"}`, nil, 400, "Base.1.8.PropertyMissing"},
	} {
		r := ask(t, s, c.method, c.path, c.body, c.headers...)
		if r.status != c.status || r.message() != c.message || r.header.Get("OData-Version") != "4.0" {
			t.Errorf("%s %s %.60s: %d %s %v", c.method, c.path, c.body, r.status, r.message(), r.header)
		}
		if (r.status == 405) != (c.status == 405 && r.header.Get("Allow") != "") {
			t.Errorf("%s %s: allowed is %q", c.method, c.path, r.header.Get("Allow"))
		}
	}
	if order := s.Host.Boot().Order; order[0] != bmc.Media {
		t.Errorf("the boot order is %v", order)
	}
	tag := ask(t, s, "GET", systemPath, "").header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) || tag != ask(t, s, "HEAD", systemPath, "").header.Get("ETag") {
		t.Errorf("ETag %q", tag)
	}
	disabled := `{"Boot":{"BootSourceOverrideEnabled":"Disabled"}}`
	if r := ask(t, s, "PATCH", systemPath, disabled, "If-Match", tag); r.status != 204 {
		t.Errorf("with the right ETag: %d", r.status)
	}
	if r := ask(t, s, "PATCH", systemPath, onceCd, "If-Match", tag); r.status != 412 {
		t.Errorf("with one that is old by now: %d", r.status)
	}
}

func TestSessions(t *testing.T) {
	fake := clock.NewFake(time.Unix(1e9, 0))
	s := bmctest.Serve(t, "idrac9", func(c *bmc.Config) { c.Clock, c.Profile.Sessions.Max = fake, 2 })
	login := fmt.Sprintf(`{"UserName":%q,"Password":%q}`, bmctest.User, bmctest.Password)
	var made []reply
	for range 2 {
		r := ask(t, s, "POST", sessionPath, login, "Authorization", "none")
		if r.status != 201 || r.header.Get("X-Auth-Token") == "" {
			t.Fatalf("%+v", r)
		}
		made = append(made, r)
	}
	first, where := made[0].header.Get("X-Auth-Token"), made[1].header.Get("Location")
	if r := ask(t, s, "POST", sessionPath, login); r.status != 503 || r.message() != "IDRAC.2.8.RAC0218" {
		t.Errorf("one too many: %d %s", r.status, r.message())
	}
	if r := ask(t, s, "DELETE", where, "", "X-Auth-Token", first); r.status != 204 {
		t.Errorf("%d", r.status)
	}
	if r := ask(t, s, "GET", systemOf(s), "", "X-Auth-Token", made[1].header.Get("X-Auth-Token")); r.status != 401 {
		t.Errorf("a session that was ended: %d", r.status)
	}
	for range 3 { // a session that is used stays
		fake.Advance(20 * time.Minute)
		if r := ask(t, s, "GET", systemOf(s), "", "X-Auth-Token", first); r.status != 200 {
			t.Errorf("%d", r.status)
		}
	}
	fake.Advance(31 * time.Minute)
	if r := ask(t, s, "GET", systemOf(s), "", "X-Auth-Token", first); r.status != 401 {
		t.Errorf("a session that nobody has used: %d", r.status)
	}
	if s = bmctest.Serve(t, "ilo6", nil); true {
		if at := ask(t, s, "POST", sessionPath, login).header.Get("Location"); !strings.HasPrefix(at, "https://127.0.0.1:") {
			t.Errorf("HPE's location is %s", at)
		}
	}
}

func systemOf(s *bmctest.Server) string { return "/redfish/v1/Systems/" + s.Profile().System }

// controlled is a controller with a clock that the test moves.
func controlled(t *testing.T, profile string, change func(*vendor.Profile)) (*bmctest.Server, *clock.Fake) {
	t.Helper()
	fake := clock.NewFake(time.Unix(1e9, 0))
	return bmctest.Serve(t, profile, func(c *bmc.Config) {
		c.Clock = fake
		if change != nil {
			change(&c.Profile)
		}
	}), fake
}

func reset(t *testing.T, s *bmctest.Server, kind string) reply {
	t.Helper()
	return ask(t, s, "POST", systemOf(s)+"/Actions/ComputerSystem.Reset", fmt.Sprintf(`{"ResetType":%q}`, kind))
}

// powerState asks the chassis, which is never busy.
func powerState(t *testing.T, s *bmctest.Server) string {
	t.Helper()
	state, _ := ask(t, s, "GET", "/redfish/v1/Chassis/"+s.Profile().Chassis, "").body["PowerState"].(string)
	return state
}

func untilPower(t *testing.T, s *bmctest.Server, want string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); powerState(t, s) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the power is never %s", want)
		}
	}
}

func expect(t *testing.T, what string, r reply, status int, message string) {
	t.Helper()
	if r.status != status || r.message() != message {
		t.Errorf("%s: %d %s", what, r.status, r.message())
	}
}

func TestPower(t *testing.T) {
	s, fake := controlled(t, "openbmc", func(p *vendor.Profile) { p.Power.Repeat = false })
	expect(t, "off while off", reset(t, s, "ForceOff"), 409, "Base.1.16.ResourceInUse")
	expect(t, "restart while off", reset(t, s, "ForceRestart"), 409, "Base.1.16.ResourceInStandby")
	expect(t, "on", reset(t, s, "On"), 204, "")
	if got := powerState(t, s); got != "PoweringOn" {
		t.Errorf("on the way: %s", got)
	}
	expect(t, "another one meanwhile", reset(t, s, "ForceOff"), 409, "Base.1.16.ResourceInUse")
	fake.Advance(time.Second)
	if got := powerState(t, s); got != "PoweringOn" || s.Host.Power() != bmc.Off {
		t.Errorf("too early: %s", got)
	}
	fake.Advance(time.Second)
	untilPower(t, s, "On")
	expect(t, "on while on", reset(t, s, "On"), 409, "Base.1.16.ResourceInUse")
	expect(t, "cycle", reset(t, s, "PowerCycle"), 204, "")
	fake.Advance(time.Second)
	untilStarted(t, s, 2)
	s.Host.Ignore()
	untilPower(t, s, "On")
	expect(t, "shutdown", reset(t, s, "GracefulShutdown"), 204, "")
	fake.Advance(time.Second)
	if got := powerState(t, s); got != "On" {
		t.Errorf("a system that ignores the button: %s", got)
	}
	expect(t, "off", reset(t, s, "ForceOff"), 204, "")
	if got := powerState(t, s); got != "PoweringOff" {
		t.Errorf("on the way: %s", got)
	}
	fake.Advance(time.Second)
	untilPower(t, s, "Off")
}

func untilStarted(t *testing.T, s *bmctest.Server, n int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); len(s.Host.Started()) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it started %v", s.Host.Started())
		}
	}
}
