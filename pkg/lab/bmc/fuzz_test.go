package bmc_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/secret"
)

// FuzzRequest sends anything to anywhere: there is always an answer, in JSON, that does
// not blame the service, and one that is refused has changed nothing.
func FuzzRequest(f *testing.F) {
	image := `{"Image":"http://127.0.0.1:1/a.iso","Inserted":true,"WriteProtected":true}`
	for i, seed := range []struct{ method, path, body string }{
		{"PATCH", systemPath, onceCd},
		{"PATCH", systemPath, `{"Boot":{"BootOrder":["Boot0002","Boot0001"]}}`},
		{"PATCH", systemPath + "/VirtualMedia/EXT1", image},
		{"POST", systemPath + "/VirtualMedia/2/Actions/VirtualMedia.InsertMedia", image},
		{"POST", systemPath + "/VirtualMedia/2/Actions/VirtualMedia.EjectMedia", `{}`},
		{"POST", resetPath, `{"ResetType":"On"}`},
		{"POST", sessionPath, `{"UserName":"admin","Password":"x"}`},
		{"POST", "/redfish/v1/EventService/Subscriptions",
			`{"Destination":"http://127.0.0.1:1/","HttpHeaders":[{"a":"b"}],"EventTypes":["Alert"]}`},
		{"POST", "/redfish/v1/EventService/Actions/EventService.SubmitTestEvent", `{"EventType":"Alert"}`},
		{"POST", "/redfish/v1/Managers/iDRAC.Embedded.1/Actions/Oem/EID_674_Manager.ImportSystemConfiguration",
			`{"ShareParameters":{"Target":"ALL"},"ImportBuffer":"<SystemConfiguration/>"}`},
		{"DELETE", "/redfish/v1/EventService/Subscriptions/1", ""},
		{"GET", "/redfish/v1/../..//redfish/v1/Systems/1/", ""},
	} {
		f.Add(uint8(i), seed.method, seed.path, []byte(seed.body), `W/"x"`)
	}
	names := vendor.Names()
	f.Fuzz(func(t *testing.T, profile uint8, method, path string, body []byte, match string) {
		if strings.ContainsAny(method+path, " \x00\r\n%?#") || !strings.HasPrefix(path, "/") || method == "" {
			return
		}
		p, err := vendor.Load(names[int(profile)%len(names)])
		if err != nil {
			t.Fatal(err)
		}
		host := bmctest.NewHost("metal", p)
		b := bmc.New(bmc.Config{
			Profile: p, Host: host, User: bmctest.User, Password: secret.New(bmctest.Password), Dir: t.TempDir(),
			Clock: clock.Real(), Log: slog.New(slog.DiscardHandler),
			Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("there is no network") },
		})
		defer b.Close()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://bmc"+path, strings.NewReader(string(body)))
		if err != nil {
			return
		}
		req.SetBasicAuth(bmctest.User, bmctest.Password)
		req.Header.Set("Content-Type", "application/json")
		if match != "" {
			req.Header.Set("If-Match", match)
		}
		before := host.Boot()
		w := httptest.NewRecorder()
		b.ServeHTTP(w, req)
		var o map[string]any
		text := w.Body.Bytes()
		if len(text) > 0 && json.Unmarshal(text, &o) != nil {
			t.Fatalf("%d: not JSON: %q", w.Code, text)
		}
		if w.Code >= 400 {
			e, _ := o["error"].(map[string]any)
			if infos, _ := e["@Message.ExtendedInfo"].([]any); method != http.MethodHead && len(infos) != 1 {
				t.Fatalf("%d: no message: %s", w.Code, text)
			}
			if strings.Contains(string(text), "InternalError") {
				t.Fatalf("%d: %s", w.Code, text)
			}
			if after := host.Boot(); after.Once != before.Once || after.Order[0] != before.Order[0] {
				t.Fatalf("%d, but the boot settings are %+v", w.Code, after)
			}
		}
	})
}
