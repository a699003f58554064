package redfish_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/redfish/redfishtest"
)

const settings = redfishtest.System + "/Settings"

func boot(path, target, mode string) string {
	return fmt.Sprintf(`PATCH %s {"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideMode":"%s",`+
		`"BootSourceOverrideTarget":"%s"}}`, path, mode, target)
}

// property is one of the boot settings in the body of a request.
func property(body doc, name string) any {
	boot, _ := body["Boot"].(doc)
	return boot[name]
}

func targets(r *rig, targets ...any) {
	r.Edit(redfishtest.System, doc{"Boot": doc{"BootSourceOverrideTarget@Redfish.AllowableValues": targets}})
}

func TestBootOnce(t *testing.T) {
	for _, mode := range []redfish.BootMode{redfish.UEFI, redfish.Legacy} {
		r := newRig(t)
		if err := r.connect(t).BootOnceFromMedia(t.Context(), mode); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, boot(redfishtest.System, "Cd", string(mode)))
		if got := r.Get(redfishtest.System, "Boot", "BootSourceOverrideEnabled"); got != "Once" {
			t.Errorf("the override is %v", got)
		}
	}
}

// An override that lasts is for firmware that ignores the other; where there is none, it is that for one boot.
func TestBootFromMedia(t *testing.T) {
	lasting := strings.ReplaceAll(boot(redfishtest.System, "Cd", "UEFI"), "Once", "Continuous")
	once := boot(redfishtest.System, "Cd", "UEFI")
	for _, tt := range []struct {
		name  string
		quirk func(*rig)
		want  string
		shown string
	}{
		{"lasts", func(*rig) {}, lasting, "Continuous"},
		{"not in the list", func(r *rig) {
			r.Edit(redfishtest.System, doc{"Boot": doc{
				"BootSourceOverrideEnabled@Redfish.AllowableValues": []any{"Disabled", "Once"}}})
		}, once, "Once"},
		{"refused", func(r *rig) {
			r.RefuseIf(http.MethodPatch, redfishtest.System, 400, "PropertyValueNotInList", "Not Continuous.",
				func(body doc) bool { return property(body, "BootSourceOverrideEnabled") == "Continuous" })
		}, once, "Once"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			tt.quirk(r)
			b := r.connect(t)
			if err := b.BootFromMedia(t.Context(), redfish.UEFI); err != nil {
				t.Fatal(err)
			}
			changes := r.Changes()
			if len(changes) == 0 || changes[len(changes)-1] != tt.want {
				t.Errorf("%q", changes)
			}
			if got := r.Get(redfishtest.System, "Boot", "BootSourceOverrideEnabled"); got != tt.shown {
				t.Errorf("the override is %v", got)
			}
			if err := b.ClearBootOverride(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := r.Get(redfishtest.System, "Boot", "BootSourceOverrideEnabled"); got != "Disabled" {
				t.Errorf("the override is %v after the end", got)
			}
		})
	}
}

// Each target and each form of the request is for a BMC that does not take those before it.
func TestBootOnceLadder(t *testing.T) {
	full := `PATCH ` + redfishtest.System + ` {"Boot":{"BootOrder":["Boot0001"],"BootSourceOverrideEnabled":"Once",` +
		`"BootSourceOverrideMode":"UEFI","BootSourceOverrideTarget":"Cd"}}`
	short := `PATCH ` + redfishtest.System + ` {"Boot":{"BootSourceOverrideEnabled":"Once",` +
		`"BootSourceOverrideTarget":"Cd"}}`
	tests := []struct {
		name  string
		quirk func(*rig)
		want  []string
	}{
		{"UsbCd only", func(r *rig) { targets(r, "None", "UsbCd") }, []string{boot(redfishtest.System, "UsbCd", "UEFI")}},
		{"targets not said", func(r *rig) { targets(r) }, []string{boot(redfishtest.System, "Cd", "UEFI")}},
		{"the mode cannot be set", func(r *rig) {
			r.RefuseIf(http.MethodPatch, redfishtest.System, 400, "PropertyNotWritable", "Mode is read-only.",
				func(b doc) bool { return property(b, "BootSourceOverrideMode") != nil })
		}, []string{boot(redfishtest.System, "Cd", "UEFI"), short}},
		{"all properties are wanted", func(r *rig) {
			r.Edit(redfishtest.System, doc{"Boot": doc{"BootOrder": []any{"Boot0001"}}})
			r.RefuseIf(http.MethodPatch, redfishtest.System, 400, "PropertyMissing", "BootOrder is missing.",
				func(b doc) bool { return property(b, "BootOrder") == nil })
		}, []string{boot(redfishtest.System, "Cd", "UEFI"), short, full}},
		{"the next target", func(r *rig) {
			targets(r, "Cd", "UsbCd")
			r.RefuseIf(http.MethodPatch, redfishtest.System, 400, "PropertyValueNotInList", "Cd is not possible.",
				func(b doc) bool { return property(b, "BootSourceOverrideTarget") == "Cd" })
		}, []string{
			boot(redfishtest.System, "Cd", "UEFI"), short,
			strings.Replace(full, `"BootOrder":["Boot0001"],`, "", 1),
			boot(redfishtest.System, "UsbCd", "UEFI"),
		}},
		{"in the settings", func(r *rig) {
			r.Set(settings, doc{"Id": "Settings", "Boot": doc{"BootSourceOverrideTarget": "None"}})
			r.Edit(redfishtest.System, doc{"@Redfish.Settings": doc{"SettingsObject": doc{"@odata.id": settings}}})
		}, []string{boot(settings, "Cd", "UEFI")}},
		{"settings without it", func(r *rig) {
			r.Set(settings, doc{"Id": "Settings", "Boot": doc{}})
			r.Edit(redfishtest.System, doc{"@Redfish.Settings": doc{"SettingsObject": doc{"@odata.id": settings}}})
		}, []string{boot(redfishtest.System, "Cd", "UEFI")}},
		{"settings that are not there", func(r *rig) {
			r.Edit(redfishtest.System, doc{"@Redfish.Settings": doc{"SettingsObject": doc{"@odata.id": settings}}})
		}, []string{boot(redfishtest.System, "Cd", "UEFI")}},
		{"settings that cannot be changed", func(r *rig) {
			r.Set(settings, doc{"Id": "Settings", "Boot": doc{"BootSourceOverrideTarget": "None"}})
			r.Edit(redfishtest.System, doc{"@Redfish.Settings": doc{"SettingsObject": doc{"@odata.id": settings}}})
			r.Refuse(http.MethodPatch, settings, -1, 405, "OperationNotAllowed", "Read-only.")
		}, []string{boot(settings, "Cd", "UEFI"), boot(redfishtest.System, "Cd", "UEFI")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			tt.quirk(r)
			if err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.UEFI); err != nil {
				t.Fatal(err)
			}
			checkChanges(t, r, tt.want...)
		})
	}
}

// options gives the BMC boot options with these names.
func options(r *rig, names ...string) {
	at := redfishtest.System + "/BootOptions"
	var paths, order []any
	for i, n := range names {
		ref := fmt.Sprintf("Boot%04d", i+1)
		r.Set(at+"/"+ref, doc{"Id": ref, "BootOptionReference": ref, "DisplayName": n, "UefiDevicePath": "Path(" + ref + ")"})
		paths, order = append(paths, doc{"@odata.id": at + "/" + ref}), append(order, ref)
	}
	r.Set(at, doc{"Members": paths})
	r.Edit(redfishtest.System, doc{"Boot": doc{"BootOptions": doc{"@odata.id": at}, "BootOrder": order}})
}

func TestBootOnceUefiTarget(t *testing.T) {
	t.Run("boot option", func(t *testing.T) {
		r := newRig(t)
		targets(r, "None", "UefiTarget")
		options(r, "PXE NIC 1", "Virtual CD/DVD", "Disk")
		b := r.connect(t)
		if err := b.BootOnceFromMedia(t.Context(), redfish.UEFI); err != nil {
			t.Fatal(err)
		}
		if got := r.Get(redfishtest.System, "Boot", "UefiTargetBootSourceOverride"); got != "Path(Boot0002)" {
			t.Errorf("the target is %v", got)
		}
	})
	t.Run("allowed value", func(t *testing.T) {
		r := newRig(t)
		targets(r, "None", "UefiTarget")
		r.Edit(redfishtest.System, doc{"Boot": doc{"UefiTargetBootSourceOverride@Redfish.AllowableValues": []any{
			"HD(1)", "Acpi(1)/CDROM(0)",
		}}})
		if err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.UEFI); err != nil {
			t.Fatal(err)
		}
	})
	refusals := map[string]func(*rig) redfish.BootMode{
		"two that could be": func(r *rig) redfish.BootMode {
			options(r, "Virtual CD 1", "Virtual CD 2")
			return redfish.UEFI
		},
		"none that could be": func(*rig) redfish.BootMode { return redfish.UEFI },
		"legacy": func(r *rig) redfish.BootMode {
			options(r, "Virtual CD 1")
			return redfish.Legacy
		},
	}
	for name, quirk := range refusals {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			targets(r, "None", "UefiTarget")
			mode := quirk(r)
			err := r.connect(t).BootOnceFromMedia(t.Context(), mode)
			r.checkFails(t, err, redfish.Unsupported, "boot targets of the BMC are None, UefiTarget", "insert the medium first")
			checkChanges(t, r)
		})
	}
}

func TestBootOnceImpossible(t *testing.T) {
	t.Run("no override for one boot", func(t *testing.T) {
		r := newRig(t)
		r.Edit(redfishtest.System, doc{"Boot": doc{
			"BootSourceOverrideEnabled@Redfish.AllowableValues": []any{"Disabled", "Continuous"},
		}})
		err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.UEFI)
		r.checkFails(t, err, redfish.Unsupported, "no boot override of kind Once")
		checkChanges(t, r)
	})
	t.Run("accepted without effect", func(t *testing.T) {
		r := newRig(t)
		r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
			if q.Method == http.MethodPatch {
				w.WriteHeader(http.StatusNoContent)
			}
			return q.Method == http.MethodPatch
		})
		err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.UEFI)
		r.checkFails(t, err, redfish.Stuck, `the boot override is "Disabled", target "None"`, "boot mode to UEFI")
	})
	t.Run("the mode stays", func(t *testing.T) {
		r := newRig(t)
		r.RefuseIf(http.MethodPatch, redfishtest.System, 400, "PropertyNotWritable", "Mode is read-only.",
			func(b doc) bool { return property(b, "BootSourceOverrideMode") != nil })
		err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.Legacy)
		if err == nil {
			t.Fatal("a machine in mode UEFI is taken for one in mode Legacy")
		}
		r.checkFails(t, err, redfish.Refused, "Mode is read-only.")
	})
}

func TestClearBootOverride(t *testing.T) {
	set := doc{"Boot": doc{"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Cd"}}
	off := "PATCH " + redfishtest.System + ` {"Boot":{"BootSourceOverrideEnabled":"Disabled"}}`
	t.Run("set", func(t *testing.T) {
		r := newRig(t)
		r.Edit(redfishtest.System, set)
		b := r.connect(t)
		for range 2 { // again: nothing to do
			if err := b.ClearBootOverride(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		checkChanges(t, r, off)
	})
	t.Run("with the target", func(t *testing.T) {
		r := newRig(t)
		r.Edit(redfishtest.System, set)
		r.RefuseIf(http.MethodPatch, redfishtest.System, 400, "PropertyMissing", "The target is missing.",
			func(b doc) bool { return property(b, "BootSourceOverrideTarget") == nil })
		if err := r.connect(t).ClearBootOverride(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, off, strings.Replace(off, `"Disabled"`, `"Disabled","BootSourceOverrideTarget":"None"`, 1))
	})
	t.Run("in settings and system", func(t *testing.T) {
		r := newRig(t)
		r.Set(settings, doc{"Id": "Settings", "Boot": doc{
			"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Continuous",
		}})
		r.Edit(redfishtest.System, doc{"@Redfish.Settings": doc{"SettingsObject": doc{"@odata.id": settings}}})
		r.Edit(redfishtest.System, set)
		if err := r.connect(t).ClearBootOverride(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, strings.Replace(off, redfishtest.System, settings, 1), off)
	})
	t.Run("without effect", func(t *testing.T) {
		r := newRig(t)
		r.Edit(redfishtest.System, set)
		r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
			if q.Method == http.MethodPatch {
				w.WriteHeader(http.StatusNoContent)
			}
			return q.Method == http.MethodPatch
		})
		r.checkFails(t, r.connect(t).ClearBootOverride(t.Context()), redfish.Stuck, "still set")
	})
}

func TestBootOrder(t *testing.T) {
	r := newRig(t)
	options(r, "Disk", "PXE NIC 1")
	r.Edit(redfishtest.System, doc{"Boot": doc{"BootOrder": []any{"Boot0002", "Boot0001", "Boot0009"}}})
	got, err := r.connect(t).BootOrder(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []redfish.BootOption{
		{"Boot0002", "PXE NIC 1", "Path(Boot0002)"}, {"Boot0001", "Disk", "Path(Boot0001)"}, {Reference: "Boot0009"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// task answers requests to a path with a task, which goes through states.
func task(r *rig, method, path string, states ...doc) {
	const at = "/redfish/v1/TaskService/Tasks/JID_1"
	r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
		if q.Method != method || q.Path != path {
			return false
		}
		now := states[0]
		if states = states[1:]; len(states) == 0 {
			states = []doc{now}
		}
		r.Set(at, now)
		w.Header().Set("Location", "https://bmc.internal"+at)
		w.WriteHeader(http.StatusAccepted)
		return true
	})
}

const dellAction = redfishtest.Manager + "/Actions/Oem/EID_674_Manager.ImportSystemConfiguration"

func dell(r *rig, model, firmware string) {
	r.Edit(redfishtest.System, doc{"Manufacturer": "Dell Inc."})
	r.Edit(redfishtest.Manager, doc{"Id": "iDRAC.Embedded.1", "Model": model, "FirmwareVersion": firmware, "Actions": doc{
		"Oem": doc{"OemManager.v1_0_0#OemManager.ImportSystemConfiguration": doc{"target": dellAction}},
	}})
}

const dellBoot = `POST ` + dellAction + ` {"ImportBuffer":"\u003cSystemConfiguration\u003e\u003cComponent ` +
	`FQDD=\"iDRAC.Embedded.1\"\u003e\u003cAttribute Name=\"ServerBoot.1#BootOnce\"\u003eEnabled\u003c/Attribute\u003e` +
	`\u003cAttribute Name=\"ServerBoot.1#FirstBootDevice\"\u003eVCD-DVD\u003c/Attribute\u003e\u003c/Component\u003e` +
	`\u003c/SystemConfiguration\u003e","ShareParameters":{"Target":"ALL"}}`

func TestBootOnceDell(t *testing.T) {
	done := doc{"TaskState": "Completed", "TaskStatus": "OK"}
	busy := doc{"TaskState": "Exception", "Messages": []any{doc{"MessageId": "IDRAC.2.4.SYS518", "Message": "Busy."}}}
	t.Run("firmware 6 and 7", func(t *testing.T) {
		for _, fw := range []string{"6.10.30.00", "7.00.00.171"} {
			r := newRig(t)
			dell(r, "16G Monolithic", fw)
			if err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.UEFI); err != nil {
				t.Fatal(err)
			}
			checkChanges(t, r, boot(redfishtest.System, "Cd", "UEFI"))
		}
	})
	t.Run("before", func(t *testing.T) {
		r := newRig(t)
		dell(r, "14G Monolithic", "4.40.00.00")
		task(r, http.MethodPost, dellAction, done)
		if err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.UEFI); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, dellBoot)
	})
	t.Run("another job is running", func(t *testing.T) {
		r := newRig(t)
		dell(r, "14G Monolithic", "5.10.00.00")
		task(r, http.MethodPost, dellAction, busy, busy, done)
		if err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.UEFI); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, dellBoot, dellBoot, dellBoot)
	})
	t.Run("another job is running for ever", func(t *testing.T) {
		r := newRig(t)
		dell(r, "14G Monolithic", "5.10.00.00")
		task(r, http.MethodPost, dellAction, busy)
		err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.UEFI)
		r.checkFails(t, err, redfish.Refused, "Busy.")
		if n := len(r.Changes()); n != 10 {
			t.Errorf("%d requests, want 10", n)
		}
	})
	t.Run("it fails", func(t *testing.T) {
		r := newRig(t)
		dell(r, "14G Monolithic", "5.10.00.00")
		task(r, http.MethodPost, dellAction, doc{"TaskState": "Completed", "TaskStatus": "Critical",
			"Messages": []any{doc{"MessageId": "IDRAC.2.4.SYS051", "Message": "Not a valid value."}}})
		err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.UEFI)
		r.checkFails(t, err, redfish.Refused, "Not a valid value.")
	})
	t.Run("no such action", func(t *testing.T) {
		r := newRig(t)
		dell(r, "14G Monolithic", "3.00.00.00")
		r.Edit(redfishtest.Manager, doc{"Actions": nil})
		err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.UEFI)
		r.checkFails(t, err, redfish.Unsupported, "with firmware 3.00.00.00 ignores the boot override", "update")
	})
	t.Run("another mode", func(t *testing.T) {
		r := newRig(t)
		dell(r, "14G Monolithic", "5.10.00.00")
		err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.Legacy)
		r.checkFails(t, err, redfish.Unsupported, "boots in mode UEFI, and the host wants Legacy", "bootMode")
		checkChanges(t, r)
	})
	t.Run("iDRAC 10, without the target", func(t *testing.T) {
		r := newRig(t)
		dell(r, "17G Monolithic", "1.20.25.00")
		targets(r, "None", "Pxe")
		task(r, http.MethodPost, dellAction, done)
		if err := r.connect(t).BootOnceFromMedia(t.Context(), redfish.UEFI); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, dellBoot)
	})
	t.Run("is not shown, and cleared while the machine is off", func(t *testing.T) {
		for _, power := range []string{"On", "Off"} {
			r := newRig(t)
			dell(r, "17G Monolithic", "1.20.25.00")
			r.Edit(redfishtest.System, doc{"PowerState": power})
			task(r, http.MethodPost, dellAction, done)
			if err := r.connect(t).ClearBootOverride(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.Changes(), ""); strings.Contains(got, "Normal") != (power == "Off") {
				t.Errorf("%s: %s", power, got)
			}
		}
	})
}

func TestTasks(t *testing.T) {
	const at = "/redfish/v1/TaskService/Tasks/JID_1"
	insertTask := func(r *rig, states ...doc) {
		task(r, http.MethodPost, redfishtest.Insert, states...)
	}
	// later inserts the image and ends the task when the clock has jumped n times.
	later := func(r *rig, n int, end func()) {
		r.clock.OnSleep = func() {
			if n--; n == 0 {
				end()
			}
		}
	}
	inserted := func(r *rig) { r.Edit(redfishtest.CD, doc{"Image": image, "Inserted": true}) }

	t.Run("runs for a while", func(t *testing.T) {
		r := newRig(t)
		insertTask(r, doc{"TaskState": "Running"})
		later(r, 50, func() { inserted(r); r.Set(at, doc{"TaskState": "Completed"}) }) // longer than a medium is waited for
		if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("is gone when it has ended", func(t *testing.T) {
		r := newRig(t)
		insertTask(r, doc{"TaskState": "Running"})
		later(r, 50, func() { inserted(r); r.Delete(at) })
		if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a job of Dell", func(t *testing.T) {
		r := newRig(t)
		insertTask(r, doc{"JobState": "Running"})
		later(r, 50, func() { r.Set(at, doc{"JobState": "Failed", "Message": "Unable to mount."}) })
		_, err := r.connect(t).InsertMedia(t.Context(), image)
		r.checkFails(t, err, redfish.Refused, "Unable to mount.", "reaches "+image)
	})
	t.Run("named in the body", func(t *testing.T) {
		r := newRig(t)
		r.Set(at, doc{"TaskState": "Exception", "Messages": []any{doc{"Message": "No route to host."}}})
		r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
			if q.Path == redfishtest.Insert {
				w.WriteHeader(http.StatusAccepted)
				fmt.Fprintf(w, `{"@odata.id":%q,"TaskState":"New"}`, at)
			}
			return q.Path == redfishtest.Insert
		})
		_, err := r.connect(t).InsertMedia(t.Context(), image)
		r.checkFails(t, err, redfish.Refused, "No route to host.")
	})
	t.Run("a monitor", func(t *testing.T) {
		r := newRig(t)
		insertTask(r, doc{})
		running := true
		r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
			if q.Path == at && running {
				w.WriteHeader(http.StatusAccepted)
			} else if q.Path == at {
				w.WriteHeader(http.StatusNoContent)
			}
			return q.Path == at
		})
		later(r, 50, func() { inserted(r); running = false })
		if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("never ends", func(t *testing.T) {
		r := newRig(t)
		insertTask(r, doc{"TaskState": "Running"})
		_, err := r.connect(t).InsertMedia(t.Context(), image)
		r.checkFails(t, err, redfish.Stuck, "Tasks/JID_1 has not ended after 10m0s")
	})
	t.Run("cancelled without words", func(t *testing.T) {
		r := newRig(t)
		insertTask(r, doc{"TaskState": "Cancelled"})
		_, err := r.connect(t).InsertMedia(t.Context(), image)
		r.checkFails(t, err, redfish.Refused, "its task ended as Cancelled")
		var e *redfish.Error
		if !errors.As(err, &e) || e.Status != 0 {
			t.Errorf("error %+v", e)
		}
	})
}
