package ovirt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/engine/enginetest"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/pki/pkitest"
	"github.com/okd-install/okd-install/pkg/wizard"
	"github.com/okd-install/okd-install/pkg/wizard/wizardtest"
)

var vips = []wizardtest.Line{{"Machine Network", "198.51.100.0/24"},
	{"API Virtual IP Address", "10.0.0.5", "198.51.100.10"},
	{"Ingress Virtual IP Address", "198.51.100.10", "198.51.100.11"}}

const trustIt = "Trust this certificate authority for the engine?"

func host0(e *enginetest.Engine) string { return strings.TrimPrefix(e.BaseURL, "https://") }

func newWorld(t *testing.T) *wizardtest.World {
	t.Helper()
	return wizardtest.New(t, Wizard())
}

func startEngine(t *testing.T) *enginetest.Engine {
	t.Helper()
	return enginetest.Start(t, enginetest.Config(func(c *engine.Config) {
		c.Networks = []engine.Network{{Name: "vms"}, {Name: "ovirtmgmt"}}
		c.Domains = append(c.Domains, engine.StorageDomain{Name: "asleep"})
	}))
}

func TestOvirt(t *testing.T) {
	e := startEngine(t)
	e.SetDomainStatus("asleep", "maintenance")
	w := newWorld(t)
	path := w.Home + "/.ovirt/ovirt-config.yaml"
	result, s, err := w.Run(t, wizardtest.Lines(wizardtest.Key, wizardtest.Line{"Platform", "ovirt"},
		wizardtest.Line{"Engine URL", "http://" + host0(e), "https://x:y@" + host0(e), "", host0(e)},
		wizardtest.Line{trustIt, "y"}, wizardtest.Line{"Engine Username", "admin", ""},
		wizardtest.Line{"Engine Password", "", "wrong-password"},
		wizardtest.Line{"Engine Username", ""}, wizardtest.Line{"Engine Password", enginetest.Password},
		wizardtest.Line{"Save the engine login to " + path + "?", ""},
		wizardtest.Line{"Cluster", "Default"}, wizardtest.Line{"Storage Domain", "data2"}, wizardtest.Line{"Network", ""},
		vips, wizardtest.Ends)...)
	if err != nil {
		t.Fatal(err)
	}
	w.Golden(t, "wizard.yaml", result.InstallConfig)
	domains := strings.Join(s.Offered["Storage Domain"], "; ")
	if domains != "data1 (nfs, 1024 GiB free); data2 (nfs, 1024 GiB free)" {
		t.Errorf("storage domains %q", domains)
	}
	if got := strings.Join(s.Offered["Network"], " "); got != "ovirtmgmt vms" {
		t.Errorf("networks %q", got)
	}
	said := strings.Join(s.Said, "\n")
	for _, want := range []string{"Certificate authority CN=engine test CA", "SHA-256 fingerprint ", "does not let us in",
		"login refused: Cannot authenticate"} {
		if !strings.Contains(said, want) {
			t.Errorf("did not say %q but\n%s", want, said)
		}
	}
	if l := result.Login; l == nil || !l.Save || l.Path != path {
		t.Errorf("login %+v", result.Login)
	}
	if l := parsed(t, result.Login); l.URL != e.URL || l.CABundle != string(e.CA) || l.Insecure {
		t.Errorf("login %+v", l)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the wizard itself wrote a file")
	}
	if !strings.Contains(strings.Join(s.Hidden, " "), enginetest.Password) {
		t.Error("the password is not kept out of the log")
	}
}

// parsed reads a login as other commands do.
func parsed(t *testing.T, l *wizard.Login) api.Config {
	t.Helper()
	c, err := api.ParseConfig(l.Text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func keep(t *testing.T, w *wizardtest.World, e *enginetest.Engine, password string) {
	t.Helper()
	w.Env["OVIRT_CONFIG"] = w.Write(t, "login.yaml",
		fmt.Sprintf("ovirt_url: %s\novirt_username: %s\novirt_password: %s\novirt_cafile: %s\n", e.URL, e.Username, password,
			e.CAFile))
}

func TestOvirtLoginThatIsKept(t *testing.T) {
	e := startEngine(t)
	w := newWorld(t)
	keep(t, w, e, enginetest.Password)
	result, s, err := w.Run(t,
		wizardtest.Lines(wizardtest.Key, wizardtest.Line{"Platform", "ovirt"}, wizardtest.Line{"Cluster", ""},
			wizardtest.Line{"Storage Domain", ""}, wizardtest.Line{"Network", "vms"}, vips, wizardtest.Ends)...)
	if err != nil {
		t.Fatal(err)
	}
	if result.Login != nil || !strings.Contains(string(result.InstallConfig), "ovirt_network_name: vms") ||
		strings.Contains(string(result.InstallConfig), "vnicProfileID") {
		t.Errorf("login %v\n%s", result.Login, result.InstallConfig)
	}
	if !strings.Contains(strings.Join(s.Said, "\n"), "Using the engine login in "+w.Env["OVIRT_CONFIG"]) {
		t.Errorf("said %q", s.Said)
	}
}

func TestOvirtLoginThatIsStale(t *testing.T) {
	e := startEngine(t)
	w := newWorld(t)
	keep(t, w, e, "an-old-password")
	_, _, err := w.Run(t,
		wizardtest.Lines(wizardtest.Key, wizardtest.Line{"Platform", "ovirt"},
			wizardtest.Line{"Enter another login?", "n"})...)
	if !api.Is(err, api.BadLogin) {
		t.Errorf("ended with %v", err)
	}
	result, s, err := w.Run(t,
		wizardtest.Lines(wizardtest.Key, wizardtest.Line{"Platform", "ovirt"}, wizardtest.Line{"Enter another login?", ""},
			wizardtest.Line{"Engine URL", ""}, wizardtest.Line{trustIt, "y"}, wizardtest.Line{"Engine Username", ""},
			wizardtest.Line{"Engine Password", enginetest.Password},
			wizardtest.Line{"Save the engine login to " + w.Env["OVIRT_CONFIG"] + "?", "n"},
			wizardtest.Line{"Cluster", ""}, wizardtest.Line{"Storage Domain", ""}, wizardtest.Line{"Network", ""}, vips,
			wizardtest.Ends)...)
	if err != nil {
		t.Fatal(err)
	}
	if s.Offered["Engine URL"][0] != e.URL || s.Offered["Engine Username"][0] != e.Username {
		t.Errorf("not preset: %q", s.Offered)
	}
	if result.Login == nil || result.Login.Save {
		t.Errorf("login %+v", result.Login)
	}
}

// addProfile puts a second vNIC profile on a network.
func addProfile(t *testing.T, e *enginetest.Engine, name, network string) string {
	t.Helper()
	body := fmt.Sprintf(`<vnic_profile><name>%s</name><network id="%s"/></vnic_profile>`, name, network)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.URL+"/vnicprofiles", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/xml")
	req.SetBasicAuth(e.Username, enginetest.Password)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(e.CA)
	client := http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var made struct {
		ID string `xml:"id,attr"`
	}
	if err := xml.NewDecoder(resp.Body).Decode(&made); err != nil || made.ID == "" {
		t.Fatalf("add vNIC profile: %s, %v", resp.Status, err)
	}
	return made.ID
}

// TestOvirtProfiles: the profile is asked for where there are several.
func TestOvirtProfiles(t *testing.T) {
	e := startEngine(t)
	w := newWorld(t)
	keep(t, w, e, enginetest.Password)
	second := addProfile(t, e, "without-filter", e.NetworkID)
	result, s, err := w.Run(t,
		wizardtest.Lines(wizardtest.Key, wizardtest.Line{"Platform", "ovirt"}, wizardtest.Line{"Cluster", ""},
			wizardtest.Line{"Storage Domain", ""}, wizardtest.Line{"Network", "ovirtmgmt"},
			wizardtest.Line{"vNIC Profile", "without-filter"}, vips, wizardtest.Ends)...)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(result.InstallConfig), "vnicProfileID: "+second) {
		t.Errorf("chose among %q\n%s", s.Offered["vNIC Profile"], result.InstallConfig)
	}
}

// TestDistrust rejects the engine's own certificate authority, and then names files with
// others until one is right.
func TestDistrust(t *testing.T) {
	e := startEngine(t)
	w := newWorld(t)
	foreign := httptest.NewTLSServer(http.NotFoundHandler())
	defer foreign.Close()
	authority := pkitest.ServerCA(foreign)
	const file = "File with the engine's certificate authority"
	result, s, err := w.Run(t,
		wizardtest.Lines(wizardtest.Key, wizardtest.Line{"Platform", "ovirt"}, wizardtest.Line{"Engine URL", host0(e)},
			wizardtest.Line{trustIt, ""},
			wizardtest.Line{file, w.Home + "/none", w.Write(t, "text.pem", "hello"),
				w.Write(t, "foreign.pem", string(authority)), e.CAFile},
			wizardtest.Line{"Engine Username", ""}, wizardtest.Line{"Engine Password", enginetest.Password},
			wizardtest.Line{"Save the engine login to " + w.Home + "/.ovirt/ovirt-config.yaml?", ""},
			wizardtest.Line{"Cluster", ""}, wizardtest.Line{"Storage Domain", ""}, wizardtest.Line{"Network", ""}, vips,
			wizardtest.Ends)...)
	if err != nil {
		t.Fatal(err)
	}
	if parsed(t, result.Login).CABundle != string(e.CA) {
		t.Error("another authority is trusted")
	}
	refused := strings.Join(s.Refused, "\n")
	for _, want := range []string{"no such file", "no PEM certificate", "unknown authority"} {
		if !strings.Contains(refused, want) {
			t.Errorf("%q is not among the reasons\n%s", want, refused)
		}
	}
}

// TestNotAnEngine checks that the questions begin again if the server is not an engine.
func TestNotAnEngine(t *testing.T) {
	e := startEngine(t)
	web := httptest.NewTLSServer(http.NotFoundHandler())
	defer web.Close()
	w := newWorld(t)
	_, s, err := w.Run(t, wizardtest.Lines(wizardtest.Key, wizardtest.Line{"Platform", "ovirt"},
		wizardtest.Line{"Engine URL", "127.0.0.1:1"}, wizardtest.Line{"Engine URL", strings.TrimPrefix(web.URL, "https://")},
		wizardtest.Line{"Engine URL", host0(e)}, wizardtest.Line{trustIt, "!"})...)
	if err == nil {
		t.Fatal("was not interrupted")
	}
	said := strings.Join(s.Said, "\n")
	for _, want := range []string{"there is no oVirt engine at https://127.0.0.1:1/ovirt-engine/api", "answered 404"} {
		if !strings.Contains(said, want) {
			t.Errorf("did not say %q but\n%s", want, said)
		}
	}
}

func TestEngineURL(t *testing.T) {
	const want = "https://engine.example.org/ovirt-engine/api"
	for answer, want := range map[string]string{
		"engine.example.org": want, "https://engine.example.org": want, "https://engine.example.org/": want,
		" https://engine.example.org/ovirt-engine/ ": want, want + "/": want,
		"engine.example.org:8443":              "https://engine.example.org:8443/ovirt-engine/api",
		"https://engine.example.org/other/api": "https://engine.example.org/other/api",
		"http://engine.example.org":            "", "ftp://x": "", "": "", "https://": "", "https://u:p@engine": "",
		"https://engine.example.org/ui": "", "https://engine.example.org/?x=1": "", "engine example": "",
	} {
		got, err := engineURL(answer)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", answer, got, err)
		}
	}
}

func TestPrintable(t *testing.T) {
	if got := printable("Default\x1b[2J\n größer"); got != "Default?[2J? größer" {
		t.Errorf("%q", got)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the machine goes down")
	cancel(cause)
	_, _, err := newWorld(t).RunIn(ctx, t, wizardtest.Line{"SSH Public Key", ""}, wizardtest.Line{"Platform", "ovirt"},
		wizardtest.Line{"Engine URL", "https://127.0.0.1:1"})
	if !errors.Is(err, cause) {
		t.Errorf("ended with %v", err)
	}
}
