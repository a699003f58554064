package redfish

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestWords(t *testing.T) {
	tests := []struct{ name, body, id, text string }{
		{
			"standard", `{"error":{"code":"Base.1.8.GeneralError","message":"See below.","@Message.ExtendedInfo":[
			{"MessageId":"IDRAC.2.8.SYS518","Message":"Job is running."},
			{"MessageId":"Base.1.8.Other","Message":"And more."}]}}`,
			"SYS518", "Job is running. And more.",
		},
		{
			"HPE, without texts", `{"error":{"code":"iLO.0.10.ExtendedInfo","message":"See @Message.ExtendedInfo.",` +
				`"@Message.ExtendedInfo":[{"MessageId":"iLO.2.14.UnableToModifyDuringSystemPOST"}]}}`,
			"UnableToModifyDuringSystemPOST", "See @Message.ExtendedInfo.",
		},
		{"one in place of a list", `{"error":{"@Message.ExtendedInfo":{"MessageId":"A.1.B","Message":"No."}}}`, "B", "No."},
		{"at the top", `{"@Message.ExtendedInfo":[{"MessageId":"A.1.B","Message":"No."}]}`, "B", "No."},
		{"of a task", `{"Messages":[{"MessageId":"A.1.B","Message":"No."}]}`, "B", "No."},
		{"general", `{"error":{"code":"Base.1.0.X","message":"No."}}`, "X", "No."},
		{"only a name", `{"error":{"@Message.ExtendedInfo":[{"MessageId":"A.1.B"}]}}`, "B", "B"},
		{"plain", "try\tagain\n\x1b[31mlater", "", "try again [31mlater"},
		{"a page", " <html><body>Error</body></html>", "", ""},
		{"empty", "", "", ""},
		{"other types", `{"error":"no","@Message.ExtendedInfo":7,"Messages":"x"}`, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ids, text := words([]byte(tt.body))
			if text != tt.text || tt.id != "" && !slices.Contains(ids, tt.id) {
				t.Errorf("got %q and %q, want %q and %q", ids, text, tt.id, tt.text)
			}
		})
	}
}

func FuzzWords(f *testing.F) {
	f.Add([]byte(`{"error":{"code":"a.b","message":"m","@Message.ExtendedInfo":[{"MessageId":"x.y","Message":"é"}]}}`))
	f.Add([]byte(strings.Repeat("é", 1000)))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, text := words(body)
		if len(text) > maxMessage+len("…") {
			t.Errorf("%d bytes", len(text))
		}
		for _, r := range text {
			if !unicode.IsPrint(r) && r != unicode.ReplacementChar {
				t.Fatalf("%q is not printable", text)
			}
		}
	})
}

// FuzzResources reads what a BMC may send as each of the resources, and uses what is derived from it.
func FuzzResources(f *testing.F) {
	f.Add([]byte(`{"PowerState":"On","Boot":{"BootOrder":["a"],"BootSourceOverrideTarget@Redfish.AllowableValues":["Cd"]},
		"@Redfish.Settings":{"SettingsObject":{"@odata.id":"/x"}},"Links":{"ManagedBy":[{"@odata.id":"/m"}]}}`))
	f.Add([]byte(`{"MediaTypes":["CD"],"Inserted":true,"Image":"http://h/x.iso",
		"Actions":{"#VirtualMedia.InsertMedia":7}}`))
	f.Add([]byte(`{"Model":"iLO 5","Actions":{"Oem":{"x#y":{"target":"/z"}}},"VirtualMedia":{"@odata.id":"/v"}}`))
	known, err := loadVendors()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		sys, m, sl := &system{}, &manager{}, &slot{}
		sysErr, mErr := json.Unmarshal(b, sys), json.Unmarshal(b, m)
		if sysErr == nil && mErr == nil {
			if p := known.match(sys, m, ""); p == nil {
				t.Fatal("no profile")
			}
			for _, body := range bodies(sys, override{target: "Cd", mode: UEFI}) {
				if _, err := json.Marshal(body); err != nil {
					t.Fatalf("boot: %v", err)
				}
			}
			choose(sys, "On")
		}
		if json.Unmarshal(b, sl) == nil {
			sl.holds("http://h/x.iso")
			sl.public()
			sl.optical()
		}
		_ = unmarshal(b, &task{})
	})
}

func TestVendorsRefused(t *testing.T) {
	const head = "licence: x\nuefiTarget: x\nvariants: {plain: {}}\nprofiles:\n"
	const last = "- {name: standard, insert: [plain], boot: [redfish], targets: [Cd]}\n"
	if _, err := parseVendors([]byte(head + "- {name: a, vendor: b}\n" + last)); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                                     "it needs profiles",
		head + "- {name: a}\n" + last:          "no other one does",
		head + "- {name: a, vendor: '('}\n":    "missing closing",
		head + "- {name: a, vendr: x}\n":       "unknown field",
		head + last + "- {name: a, vendor: b}": "",
		head + "- {name: a, vendor: b, insert: [x]}\n" + last: `no variant "x"`,
		head + "- {name: a, vendor: b, boot: [x]}\n" + last:   `no way "x"`,
		head + "- {name: a, vendor: b, boot: [oem]}\n" + last: "needs the action",
		head + "- {vendor: b}\n" + last:                       "it needs name",
	} {
		if _, err := parseVendors([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q of:\n%s", err, want, text)
		}
	}
}
