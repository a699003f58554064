package bmc_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
)

// start switches a host on and waits until it has started.
func start(t *testing.T, s *bmctest.Server, fake *clock.Fake) {
	t.Helper()
	n := len(s.Host.Started())
	if r := reset(t, s, "On"); r.status != 204 {
		t.Fatalf("%d %s", r.status, r.message())
	}
	fake.Advance(2 * time.Second)
	untilStarted(t, s, n+1)
	untilPower(t, s, "On")
}

func insertAt(t *testing.T, s *bmctest.Server, slot, body string) reply {
	t.Helper()
	return ask(t, s, "POST", slot+"/Actions/VirtualMedia.InsertMedia", body)
}

func TestDell(t *testing.T) {
	s, fake := controlled(t, "idrac9", nil)
	image := fmt.Sprintf(`{"Image":"%s/a.iso"}`, bmctest.Images(t, "a").URL)
	slot := systemOf(s) + "/VirtualMedia/CD"
	expect(t, "eject nothing", ask(t, s, "POST", slot+"/Actions/VirtualMedia.EjectMedia", ""), 500, "IDRAC.2.8.VRM0009")
	expect(t, "no such file", insertAt(t, s, slot, strings.Replace(image, "a.iso", "b.iso", 1)), 400, "IDRAC.2.8.RAC0904")
	expect(t, "insert", insertAt(t, s, slot, image), 204, "")
	expect(t, "insert again", insertAt(t, s, slot, image), 500, "IDRAC.2.8.VRM0021")
	expect(t, "eject", ask(t, s, "POST", slot+"/Actions/VirtualMedia.EjectMedia", "{}"), 204, "")
	if in := ask(t, s, "GET", slot, "").body["Inserted"]; in != true {
		t.Errorf("just ejected: %v", in)
	}
	expect(t, "insert while it is stale", insertAt(t, s, slot, image), 500, "IDRAC.2.8.VRM0021")
	fake.Advance(6 * time.Second)
	if in := ask(t, s, "GET", slot, "").body["Inserted"]; in != false {
		t.Errorf("a while later: %v", in)
	}
	start(t, s, fake)
	r := ask(t, s, "GET", systemOf(s), "")
	expect(t, "just after the start", r, 503, "IDRAC.2.8.SYS518")
	if r.header.Get("Retry-After") != "5" {
		t.Errorf("%v", r.header)
	}
	fake.Advance(6 * time.Second)
	expect(t, "a while later", ask(t, s, "GET", systemOf(s), ""), 200, "")
	expect(t, "on again", reset(t, s, "On"), 409, "IDRAC.2.8.PSU501")
}

func TestDell17G(t *testing.T) {
	s, fake := controlled(t, "idrac10", nil)
	expect(t, "media of the manager", ask(t, s, "GET", "/redfish/v1/Managers/iDRAC.Embedded.1/VirtualMedia", ""), 404,
		"Base.1.19.ResourceMissingAtURI")
	tag := ask(t, s, "GET", systemOf(s), "").header.Get("ETag")
	path := systemOf(s) + "/Actions/ComputerSystem.Reset"
	expect(t, "with If-Match", ask(t, s, "POST", path, `{"ResetType":"On"}`, "If-Match", tag), 412,
		"Base.1.19.PreconditionFailed")
	image := fmt.Sprintf(`{"Image":"%s/a.iso"}`, bmctest.Images(t, "a").URL)
	expect(t, "slot 2", insertAt(t, s, systemOf(s)+"/VirtualMedia/2", image), 400, "Base.1.19.ActionParameterNotSupported")
	expect(t, "slot 1", insertAt(t, s, systemOf(s)+"/VirtualMedia/1", image), 204, "")
	s.Host.Install()
	expect(t, "boot", ask(t, s, "PATCH", systemOf(s), onceCd), 204, "")
	start(t, s, fake)
	expect(t, "off", reset(t, s, "ForceOff"), 204, "")
	fake.Advance(time.Second)
	untilPower(t, s, "Off")
	expect(t, "on at once", reset(t, s, "On"), 409, "Base.1.19.ResourceInUse")
	fake.Advance(20 * time.Second)
	start(t, s, fake)
	if got := s.Host.Started(); got[0] != "disk" {
		t.Errorf("a plain Cd started %s", got[0])
	}
	for what, body := range map[string]string{
		"no target": `{"ImportBuffer":"<SystemConfiguration/>","ShareParameters":{}}`,
		"no buffer": `{"ShareParameters":{"Target":"ALL"}}`,
		"no XML":    `{"ImportBuffer":"x","ShareParameters":{"Target":"ALL"}}`,
		"no device": `{"ImportBuffer":"<SystemConfiguration/>","ShareParameters":{"Target":"ALL"}}`,
	} {
		path := "/redfish/v1/Managers/iDRAC.Embedded.1/Actions/Oem/EID_674_Manager.ImportSystemConfiguration"
		if r := ask(t, s, "POST", path, body); r.status != 400 {
			t.Errorf("%s: %d", what, r.status)
		}
	}
}

func TestHPE(t *testing.T) {
	s, fake := controlled(t, "ilo5", nil)
	slots := "/redfish/v1/Managers/1/VirtualMedia/"
	image := fmt.Sprintf(`{"Image":"%s/a.iso"}`, bmctest.Images(t, "a").URL)
	expect(t, "the floppy", insertAt(t, s, slots+"1", image), 400, "Base.1.8.ActionParameterNotSupported")
	r := insertAt(t, s, slots+"2", image)
	expect(t, "insert", r, 204, "")
	r = insertAt(t, s, slots+"2", image)
	expect(t, "insert again", r, 400, "iLO.2.14.MaxVirtualMediaConnectionEstablished")
	if e, _ := r.body["error"].(map[string]any); e["code"] != "iLO.0.10.ExtendedInfo" {
		t.Errorf("%v", r.body)
	}
	expect(t, "eject without a body", ask(t, s, "POST", slots+"2/Actions/VirtualMedia.EjectMedia", ""), 400,
		"Base.1.8.MalformedJSON")
	start(t, s, fake)
	expect(t, "boot settings in POST", ask(t, s, "PATCH", systemPath, onceCd), 400,
		"iLO.2.14.UnableToModifyDuringSystemPOST")
	expect(t, "eject", ask(t, s, "POST", slots+"2/Actions/VirtualMedia.EjectMedia", "{}"), 204, "")
	fake.Advance(16 * time.Second)
	expect(t, "boot settings", ask(t, s, "PATCH", systemPath, onceCd), 204, "")
	expect(t, "on again", reset(t, s, "On"), 400, "iLO.2.14.InvalidOperationForSystemState")
}

func TestSupermicro(t *testing.T) {
	s, fake := controlled(t, "x12", nil)
	url := bmctest.Images(t, "a").URL
	slot := systemPath + "/VirtualMedia/VirtualMedia1"
	expect(t, "with Inserted", insertAt(t, s, slot, fmt.Sprintf(`{"Image":"%s/a.iso","Inserted":true}`, url)), 400,
		"Base.1.10.ActionParameterUnknown")
	insert := func(name string) reply {
		r := insertAt(t, s, slot, fmt.Sprintf(`{"Image":"%s/%s.iso"}`, url, name))
		if r.status != 202 || r.body["TaskState"] != "Running" {
			t.Fatalf("%+v", r)
		}
		monitor := r.header.Get("Location")
		r = ask(t, s, "GET", monitor, "")
		if r.status != 202 || r.header.Get("Retry-After") == "" {
			t.Errorf("the task runs: %+v", r)
		}
		fake.Advance(time.Second)
		for end := time.Now().Add(time.Minute); r.status == 202 && time.Now().Before(end); {
			r = ask(t, s, "GET", monitor, "")
		}
		return r
	}
	expect(t, "no such file", insert("b"), 400, "Base.1.10.CouldNotEstablishConnection")
	if state := ask(t, s, "GET", "/redfish/v1/TaskService/Tasks/1", "").body["TaskState"]; state != "Exception" {
		t.Errorf("the task is %v", state)
	}
	expect(t, "insert", insert("a"), 204, "")
	s.Host.Install()
	expect(t, "without the mode", ask(t, s, "PATCH", systemPath, onceCd), 400, "Base.1.10.PropertyMissing")
	for i, target := range []string{"Cd", "UsbCd"} {
		body := strings.Replace(onceCd, `"Cd"}`, `"`+target+`","BootSourceOverrideMode":"UEFI"}`, 1)
		expect(t, target, ask(t, s, "PATCH", systemPath, body), 204, "")
		start(t, s, fake)
		if got, want := s.Host.Started()[i], map[string]string{"Cd": "disk", "UsbCd": "a"}[target]; got != want {
			t.Errorf("%s started %s", target, got)
		}
		boot, _ := ask(t, s, "GET", systemPath, "").body["Boot"].(map[string]any)
		if boot["BootSourceOverrideEnabled"] != "Disabled" {
			t.Errorf("%v", boot)
		}
		expect(t, "off", reset(t, s, "ForceOff"), 204, "")
		fake.Advance(time.Second)
		untilPower(t, s, "Off")
	}
	expect(t, "eject", ask(t, s, "POST", slot+"/Actions/VirtualMedia.EjectMedia", ""), 204, "")
	o := ask(t, s, "GET", slot, "").body
	if o["Inserted"] != false || o["Image"] != url+"/a.iso" || o["ConnectedVia"] != "NotConnected" {
		t.Errorf("%v", o)
	}
}

func TestLenovo(t *testing.T) {
	s, _ := controlled(t, "xcc", nil)
	slot := systemPath + "/VirtualMedia/EXT1"
	r := ask(t, s, "GET", slot, "")
	if r.body["Actions"] != nil || !strings.Contains(r.header.Get("Allow"), "PATCH") {
		t.Errorf("%+v", r)
	}
	image := fmt.Sprintf(`{"Image":"%s/a.iso","Inserted":true}`, bmctest.Images(t, "a").URL)
	expect(t, "without If-Match", ask(t, s, "PATCH", slot, image), 428, "Base.1.12.PreconditionRequired")
	patch := func(body string) reply {
		return ask(t, s, "PATCH", slot, body, "If-Match", ask(t, s, "GET", slot, "").header.Get("ETag"))
	}
	expect(t, "without Inserted", patch(`{"Image":"http://h/a.iso"}`), 400, "Base.1.12.PropertyMissing")
	expect(t, "without Image", patch(`{"Inserted":true}`), 400, "Base.1.12.PropertyMissing")
	expect(t, "what cannot be changed", patch(`{"ConnectedVia":"URI"}`), 400, "Base.1.12.PropertyNotWritable")
	expect(t, "insert", patch(image), 204, "")
	expect(t, "on", reset(t, s, "ForceOff"), 204, "") // succeeds although it is off
	expect(t, "eject", patch(`{"Image":null,"Inserted":false}`), 204, "")
	if m := s.Host.Medium(); m.Inserted {
		t.Errorf("%+v", m)
	}
}

// TestSettings has the cases of a persistent override and of pending settings.
func TestSettings(t *testing.T) {
	s, fake := controlled(t, "ami", nil)
	url := bmctest.Images(t, "a").URL
	slot := systemOf(s) + "/VirtualMedia/CD1"
	expect(t, "without the protocol", insertAt(t, s, slot, fmt.Sprintf(`{"Image":"%s/a.iso"}`, url)), 400,
		"Base.1.5.ActionParameterMissing")
	as := `{"Image":"%s/a.iso","TransferProtocolType":"%s"}`
	expect(t, "with another one", insertAt(t, s, slot, fmt.Sprintf(as, url, "HTTPS")), 400,
		"Base.1.5.PropertyValueNotInList")
	expect(t, "with it", insertAt(t, s, slot, fmt.Sprintf(as, url, "HTTP")), 204, "")
	s.Host.Install()
	expect(t, "at the system", ask(t, s, "PATCH", systemOf(s), onceCd), 400, "Base.1.5.PropertyNotWritable")
	forever := strings.Replace(onceCd, "Once", "Continuous", 1)
	expect(t, "at the settings", ask(t, s, "PATCH", systemOf(s)+"/SD", forever), 204, "")
	for range 2 {
		start(t, s, fake)
		expect(t, "off", reset(t, s, "ForceOff"), 204, "")
		fake.Advance(time.Second)
		untilPower(t, s, "Off")
	}
	disabled := `{"Boot":{"BootSourceOverrideEnabled":"Disabled"}}`
	expect(t, "disabled", ask(t, s, "PATCH", systemOf(s)+"/SD", disabled), 204, "")
	start(t, s, fake)
	if got := fmt.Sprint(s.Host.Started()); got != "[a a disk]" {
		t.Errorf("it started %s", got)
	}
}

// TestFetch has the servers that images are on.
func TestFetch(t *testing.T) {
	var requests, broken atomic.Int32
	iso := bmctest.ISO("a")
	plain := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(iso) } // no ranges, no size for HEAD
	mux := http.NewServeMux()
	mux.HandleFunc("/plain.iso", plain)
	mux.HandleFunc("/breaks.iso", func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Method == http.MethodGet && broken.Add(1) < 3 { // a part only, then the connection is closed
			from := int(broken.Load()-1) * 1000
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(iso)-1, len(iso)))
			w.Header().Set("Content-Length", fmt.Sprint(len(iso)-from))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(iso[from : from+1000])
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(iso)))
	})
	mux.HandleFunc("/page.iso", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	mux.HandleFunc("/login.iso", func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "u" || password != "p" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		plain(w, r)
	})
	for _, c := range []struct {
		profile, name, more string
		status              int
	}{
		{"openbmc", "plain", "", 204}, {"openbmc", "breaks", "", 204}, {"openbmc", "page", "", 400},
		{"openbmc", "none", "", 400}, {"openbmc", "login", "", 400},
		{"openbmc", "login", `,"UserName":"u","Password":"p","TransferMethod":"Stream"`, 204},
		{"ami", "plain", `,"TransferProtocolType":"HTTP"`, 400}, // it needs ranges
	} {
		s, _ := controlled(t, c.profile, func(p *vendor.Profile) { p.Media.Manager = "VirtualMedia" })
		server := httptest.NewServer(mux)
		slot := "/redfish/v1/Managers/" + s.Profile().Manager + "/VirtualMedia/"
		slot += map[string]string{"openbmc": "Slot_1", "ami": "CD1"}[c.profile]
		r := insertAt(t, s, slot, fmt.Sprintf(`{"Image":"%s/%s.iso"%s}`, server.URL, c.name, c.more))
		if r.status != c.status || s.Host.Medium().Inserted != (c.status == 204) {
			t.Errorf("%s %s: %d %s", c.profile, c.name, r.status, r.message())
		}
		server.Close()
	}
	if n := requests.Load(); n != 4 { // HEAD, and each part until it broke off
		t.Errorf("%d requests for an image whose server breaks connections", n)
	}
}

func TestVerifyCertificate(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bmctest.ISO("a"))
	}))
	defer secure.Close()
	pool := x509.NewCertPool()
	pool.AddCert(secure.Certificate())
	for _, c := range []struct {
		verify string
		roots  *x509.CertPool
		patch  string
		set    int
		status int
	}{
		{"never", nil, `{"VerifyCertificate":true}`, 405, 204},
		{"off", nil, `{"VerifyCertificate":false}`, 204, 204},
		{"off", nil, `{"VerifyCertificate":true}`, 204, 400},
		{"off", pool, `{"VerifyCertificate":true}`, 204, 204},
		{"on", nil, `{"VerifyCertificate":true}`, 204, 400},
		{"on", nil, `{"VerifyCertificate":false}`, 204, 204},
		{"always", nil, `{"VerifyCertificate":false}`, 405, 400},
		{"always", pool, `{"VerifyCertificate":false}`, 405, 204},
	} {
		s := bmctest.Serve(t, "openbmc", func(cfg *bmc.Config) { cfg.Profile.Media.Verify, cfg.Roots = c.verify, c.roots })
		slot := "/redfish/v1/Managers/bmc/VirtualMedia/Slot_1"
		if r := ask(t, s, "PATCH", slot, c.patch); r.status != c.set {
			t.Errorf("%+v: %d %s", c, r.status, r.message())
		}
		if r := insertAt(t, s, slot, fmt.Sprintf(`{"Image":"%s/a.iso"}`, secure.URL)); r.status != c.status {
			t.Errorf("%+v: %d %s", c, r.status, r.message())
		}
	}
}

func TestFaults(t *testing.T) {
	s, fake := controlled(t, "ilo6", nil)
	add := func(text string) {
		t.Helper()
		if err := s.Break(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{
		"bmc-", "bmc-slow", "bmc-slow=x", "bmc-slow=-1s", "bmc-errors=0", "bmc-errors=1:404", "bmc-drop=1:500", "bmc-off=1",
		"dead-disk=sda", "bmc-ejected", "bmc-errors",
	} {
		if err := s.Break(t.Context(), bad); err == nil {
			t.Errorf("%s is a fault", bad)
		}
	}
	add("bmc-errors=2:503")
	for range 2 {
		expect(t, "errors", ask(t, s, "GET", systemPath, ""), 503, "Base.1.17.InternalError")
	}
	expect(t, "no more errors", ask(t, s, "GET", systemPath, ""), 200, "")
	add("bmc-drop=1")
	if _, err := request(t, s, "GET", systemPath, ""); err == nil {
		t.Error("there is an answer")
	}
	add("bmc-session-limit")
	login := fmt.Sprintf(`{"UserName":%q,"Password":%q}`, bmctest.User, bmctest.Password)
	expect(t, "session", ask(t, s, "POST", sessionPath, login), 503, "Base.1.17.SessionLimitExceeded")
	s.Mend()
	token := ask(t, s, "POST", sessionPath, login).header.Get("X-Auth-Token")
	add("bmc-expire-sessions")
	expect(t, "expired", ask(t, s, "GET", systemPath, "", "X-Auth-Token", token), 401, "Base.1.17.NoValidSession")
	add("bmc-etag=1")
	tag := ask(t, s, "GET", systemPath, "").header.Get("ETag")
	expect(t, "ETag", ask(t, s, "PATCH", systemPath, onceCd, "If-Match", tag), 412, "Base.1.17.PreconditionFailed")
	add("bmc-strong-etags")
	expect(t, "weak ETag", ask(t, s, "PATCH", systemPath, onceCd, "If-Match", tag), 412, "Base.1.17.PreconditionFailed")
	strong := strings.TrimPrefix(tag, "W/")
	expect(t, "strong ETag", ask(t, s, "PATCH", systemPath, onceCd, "If-Match", strong), 204, "")
	add("bmc-slow=1m")
	answered := make(chan reply, 1)
	go func() { answered <- ask(t, s, "GET", systemPath, "") }()
	for fake.Waiters() == 0 {
		time.Sleep(time.Millisecond)
	}
	select {
	case <-answered:
		t.Error("it is not slow")
	default:
	}
	fake.Advance(time.Minute)
	expect(t, "slow", <-answered, 200, "")
	s.Mend()
	if len(s.Faults()) != 0 {
		t.Error(s.Faults())
	}
	checkHostFaults(t, s, fake, add)
}

// checkHostFaults has the faults that concern power and media.
func checkHostFaults(t *testing.T, s *bmctest.Server, fake *clock.Fake, add func(string)) {
	t.Helper()
	slot := systemPath + "/VirtualMedia/2"
	image := fmt.Sprintf(`{"Image":"%s/a.iso"}`, bmctest.Images(t, "a").URL)
	add("bmc-media-unreachable")
	expect(t, "unreachable", insertAt(t, s, slot, image), 400, "Base.1.17.CouldNotEstablishConnection")
	s.Mend()
	add("bmc-lost=1")
	_, err := request(t, s, "POST", slot+"/Actions/VirtualMedia.InsertMedia", image)
	if err == nil || !s.Host.Medium().Inserted {
		t.Errorf("the answer is not lost: %v", err)
	}
	add("bmc-ejected")
	if r := ask(t, s, "GET", slot, ""); r.body["Inserted"] != false || s.Host.Medium().Inserted {
		t.Errorf("%v", r.body)
	}
	expect(t, "insert", insertAt(t, s, slot, image), 204, "")
	add("bmc-stuck-power")
	expect(t, "on", reset(t, s, "On"), 204, "")
	fake.Advance(time.Hour)
	if got := powerState(t, s); got != "Off" {
		t.Errorf("stuck power is %s", got)
	}
	s.Mend()
	add("bmc-slow-power=10m")
	expect(t, "on", reset(t, s, "On"), 204, "")
	fake.Advance(9 * time.Minute)
	if got := powerState(t, s); got != "Off" {
		t.Errorf("slow power is %s", got)
	}
	fake.Advance(2 * time.Minute)
	untilPower(t, s, "On")
	s.Mend()
	s.Host.Install()
	fake.Advance(time.Minute)
	add("bmc-ignore-once")
	expect(t, "boot", ask(t, s, "PATCH", systemPath, onceCd), 204, "")
	expect(t, "restart", reset(t, s, "ForceRestart"), 204, "")
	fake.Advance(time.Second)
	untilStarted(t, s, 2)
	if got := s.Host.Started()[1]; got != "disk" {
		t.Errorf("a firmware that ignores the override started %s", got)
	}
	add("bmc-wrong-certificate")
	var unknown *tls.CertificateVerificationError
	if _, err := request(t, s, "GET", "/redfish/v1", ""); !errors.As(err, &unknown) {
		t.Errorf("the certificate is right: %v", err)
	}
	add("bmc-off")
	s.Mend()
	expect(t, "mended", ask(t, s, "GET", systemPath, ""), 200, "")
}

func TestProfiles(t *testing.T) {
	want := "ami idrac10 idrac9 ilo5 ilo6 openbmc x11 x12 x13 xcc"
	if got := strings.Join(vendor.Names(), " "); got != want {
		t.Errorf("%s", got)
	}
	if _, err := vendor.Load("defaults"); err == nil || !strings.Contains(err.Error(), "openbmc") {
		t.Errorf("%v", err)
	}
	for _, name := range vendor.Names() {
		if p, err := vendor.Load(name); err != nil || p.Name != name {
			t.Errorf("%v", err)
		}
	}
}
