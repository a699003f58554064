package redfish_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/redfish/redfishtest"
)

func TestInspect(t *testing.T) {
	r := newRig(t)
	const licences, bios = "/redfish/v1/LicenseService/Licenses", redfishtest.System + "/Bios"
	r.Edit(redfishtest.Root, doc{"LicenseService": doc{"@odata.id": "/redfish/v1/LicenseService"}})
	r.Set("/redfish/v1/LicenseService", doc{"Licenses": doc{"@odata.id": licences}})
	r.Set(licences, redfishtest.Collection(licences+"/1", licences+"/gone"))
	r.Set(licences+"/1", doc{"Name": "iDRAC9 Enterprise", "LicenseType": "Production"})
	dell(r, "16G Monolithic", "7.00.00.171")
	r.Set(bios, doc{"Attributes": doc{"BootMode": "Bios", "NumLock": "On", "Cores": 4}})
	r.Edit(redfishtest.System, doc{
		"Bios": doc{"@odata.id": bios}, "Boot": doc{"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"},
		"UUID": "4C4C4544-0043-3510-8052-B9C04F4D3732",
	})
	r.Edit(redfishtest.Cards+"/2", doc{"MACAddress": "", "PermanentMACAddress": "52-54-00-AA-BB-03"})
	r.Edit(redfishtest.CD, doc{"Image": other + "?token=hunter22222", "Inserted": true})
	got, err := r.connect(t).Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &redfish.Hardware{
		Vendor: "Dell Inc.", Model: "3500", Serial: "437XR1138R2", UUID: "4c4c4544-0043-3510-8052-b9c04f4d3732",
		BIOS: "P79 v1.45", Manager: "16G Monolithic", Firmware: "7.00.00.171", Profile: "Dell iDRAC 9", Power: redfish.On,
		BootMode: "Bios", MACs: []string{"52:54:00:aa:bb:01", "52:54:00:aa:bb:03"},
		Slots: []redfish.Slot{{
			Path: redfishtest.CD, ID: "CD", Types: got.Slots[0].Types, Inserted: true, Image: other + "?token=(hidden)",
			Name: "old.iso",
		}},
		Licences: []string{"iDRAC9 Enterprise Production"},
		Hints: []string{
			"slot CD holds a medium, which inserting another one ejects", "a boot override is set: Pxe, Once",
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	checkChanges(t, r)
}

// A BMC with nothing but the system.
func TestInspectMinimal(t *testing.T) {
	r := newRig(t)
	r.Set("/redfish/v1/Managers", redfishtest.Collection())
	r.Edit(redfishtest.System, doc{"Links": doc{"ManagedBy": nil}, "EthernetInterfaces": nil})
	got, err := r.connect(t).Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.MACs) != 0 || len(got.Slots) != 0 || got.BootMode != "UEFI" {
		t.Errorf("%+v", got)
	}
	if len(got.Hints) != 1 || !strings.Contains(got.Hints[0], "no virtual CD or DVD") {
		t.Errorf("hints %q", got.Hints)
	}
}

// A long collection comes in pages.
func TestInspectPages(t *testing.T) {
	r := newRig(t)
	r.Set(redfishtest.Cards, doc{
		"Members": []any{doc{"@odata.id": redfishtest.Cards + "/1"}}, "Members@odata.nextLink": redfishtest.Cards + "/more",
	})
	r.Set(redfishtest.Cards+"/more", redfishtest.Collection(redfishtest.Cards+"/2"))
	got, err := r.connect(t).Inspect(t.Context())
	if err != nil || len(got.MACs) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestInspectWithoutPermission(t *testing.T) {
	r := newRig(t)
	r.Refuse(http.MethodGet, redfishtest.Cards, -1, http.StatusForbidden, "InsufficientPrivilege", "No.")
	if _, err := r.connect(t).Inspect(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestProfiles(t *testing.T) {
	tests := []struct{ vendor, service, manager, firmware, want string }{
		{"Dell Inc.", "Dell", "14G Monolithic", "4.40.00.00", "Dell iDRAC with firmware before 6"},
		{"Dell Inc.", "Dell", "13G Monolithic", "2.85.85.85", "Dell iDRAC with firmware before 6"},
		{"Dell Inc.", "Dell", "15G Monolithic", "6.10.30.00", "Dell iDRAC 9"},
		{"Dell Inc.", "Dell", "16G Monolithic", "7.20.10.05", "Dell iDRAC 9"},
		{"Dell Inc.", "Dell", "17G Monolithic", "1.20.25.00", "Dell iDRAC 10"},
		{"HPE", "HPE", "iLO 5", "iLO 5 v2.44", "HPE iLO"},
		{"HPE", "HPE", "iLO 6", "iLO 6 v1.30", "HPE iLO"},
		{"Hewlett Packard Enterprise", "", "iLO 5", "iLO 5 v2.44", "HPE iLO"},
		{"Supermicro", "Supermicro", "ASPEED", "01.73.06", "Supermicro"},
		{"Super Micro Computer", "", "", "", "Supermicro"},
		{"Lenovo", "Lenovo", "XClarity Controller 2", "AFBT10P", "Lenovo XClarity"},
		{"IBM", "", "OpenBmc", "2.14.0", "OpenBMC"},
		{"Giga Computing", "AMI", "AST2600", "13.06.10", "AMI"},
		{"Contoso", "", "", "", "standard"},
		{"", "", "", "", "standard"},
	}
	for _, tt := range tests {
		r := newRig(t)
		r.Edit(redfishtest.Root, doc{"Vendor": tt.service})
		r.Edit(redfishtest.System, doc{"Manufacturer": tt.vendor})
		r.Edit(redfishtest.Manager, doc{"Model": tt.manager, "FirmwareVersion": tt.firmware})
		if got := r.connect(t).Profile(); got != tt.want {
			t.Errorf("%s, %s, %s is %s, want %s", tt.vendor, tt.manager, tt.firmware, got, tt.want)
		}
	}
}

// What a vendor's profile is for.
func TestVendors(t *testing.T) {
	cd2 := redfishtest.Media + "/2"
	tests := []struct {
		name  string
		quirk func(*rig)
		want  []string
	}{
		{"HPE has its CD in slot 2", func(r *rig) {
			r.Edit(redfishtest.System, doc{"Manufacturer": "HPE"})
			r.AddSlot(redfishtest.Media, "2", "CD", "DVD")
		}, []string{insert(cd2, "", ""), boot(redfishtest.System, "Cd", "UEFI")}},
		// Its controller does not have Dell's action.
		{"iDRAC 10 has it in slot 1 of the system, and boots it in Dell's way", func(r *rig) {
			dell(r, "17G Monolithic", "1.20.25.00")
			r.AddSlot(systemMedia, "2", "CD")
			r.AddSlot(systemMedia, "1", "CD")
			r.Edit(redfishtest.System, doc{"VirtualMedia": doc{"@odata.id": systemMedia}})
		}, []string{insert(systemMedia+"/1", "", ""), dellBoot, boot(redfishtest.System, "Cd", "UEFI")}},
		{"Supermicro boots it as UsbCd, and refuses Inserted", func(r *rig) {
			r.Edit(redfishtest.System, doc{"Manufacturer": "Supermicro"})
			r.AddSlot(redfishtest.Media, "CD1", "CD", "DVD")
			targets(r, "None", "Cd", "UsbCd")
			r.RefuseIf(http.MethodPost, redfishtest.Media+"/CD1/Actions/VirtualMedia.InsertMedia", 400, "PropertyMissing",
				"No.", without("TransferProtocolType"))
		}, []string{
			insert(redfishtest.Media+"/CD1", "", ""), insert(redfishtest.Media+"/CD1", protocol, ""),
			boot(redfishtest.System, "UsbCd", "UEFI"),
		}},
		{"AMI wants the protocol", func(r *rig) {
			r.Edit(redfishtest.Root, doc{"Vendor": "AMI"})
		}, []string{insert(redfishtest.CD, protocol, ""), boot(redfishtest.System, "Cd", "UEFI")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			tt.quirk(r)
			b := r.connect(t)
			if _, err := b.InsertMedia(t.Context(), image); err != nil {
				t.Fatal(err)
			}
			if err := b.BootOnceFromMedia(t.Context(), redfish.UEFI); err != nil {
				t.Fatal(err)
			}
			checkChanges(t, r, tt.want...)
		})
	}
}

// Which slots there are is read once, unless one of them is gone.
func TestSlotsAreKept(t *testing.T) {
	r := newRig(t)
	b := r.connect(t)
	look := func() (lists int) {
		before := len(r.Requests())
		if slots, err := b.Media(t.Context()); err != nil || len(slots) != 1 {
			t.Fatalf("%v, %v", slots, err)
		}
		for _, q := range r.Requests()[before:] {
			if q.Path == redfishtest.Media {
				lists++
			}
		}
		return lists
	}
	if first, second := look(), look(); first != 1 || second != 0 {
		t.Errorf("the list was read %d times, then %d times", first, second)
	}
	r.Delete(redfishtest.CD)
	r.AddSlot(redfishtest.Media, "7", "CD")
	r.Edit(redfishtest.Media, doc{"Members": []any{doc{"@odata.id": redfishtest.Media + "/7"}}})
	if n := look(); n != 1 {
		t.Errorf("the list was read %d times after the slot had gone", n)
	}
}
