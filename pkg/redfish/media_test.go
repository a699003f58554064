package redfish_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/redfish/redfishtest"
)

const (
	systemMedia = redfishtest.System + "/VirtualMedia"
	other       = "http://192.0.2.9/old.iso"
)

// insert is the request of a variant. The names are in the order of JSON.
func insert(path, before, after string) string {
	return fmt.Sprintf(`POST %s/Actions/VirtualMedia.InsertMedia {"Image":"%s"%s%s}`, path, image, before, after)
}

const (
	flags    = `,"Inserted":true`
	protect  = `,"WriteProtected":true`
	protocol = `,"TransferProtocolType":"HTTPS"`
	stream   = `,"TransferMethod":"Stream"`
	user     = `,"UserName":"none"`
)

func TestInsert(t *testing.T) {
	r := newRig(t)
	got, err := r.connect(t).InsertMedia(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	if got.Path != redfishtest.CD || !got.Inserted || got.Image != image {
		t.Errorf("slot %+v", got)
	}
	checkChanges(t, r, insert(redfishtest.CD, "", ""))
}

func without(names ...string) func(doc) bool {
	return func(body doc) bool {
		for _, n := range names {
			if _, has := body[n]; !has {
				return true
			}
		}
		return false
	}
}

// Each rung of the ladder is for a BMC that refuses all those before it.
func TestInsertLadder(t *testing.T) {
	cd := redfishtest.CD
	all := []string{
		insert(cd, "", ""),
		insert(cd, flags, protect),
		insert(cd, protocol, ""),
		insert(cd, stream, protocol),
		fmt.Sprintf(`POST %s {"Image":"%s","Password":"none"%s%s%s}`, redfishtest.Insert, image, stream, protocol, user),
		fmt.Sprintf(`POST %s {"Image":"%s"%s,"Password":"none"%s%s%s%s}`,
			redfishtest.Insert, image, flags, stream, protocol, user, protect),
	}
	tests := []struct {
		name     string
		needs    []string
		requests int
	}{
		{"Inserted", []string{"Inserted"}, 2},
		{"WriteProtected", []string{"WriteProtected"}, 2},
		{"TransferProtocolType", []string{"TransferProtocolType"}, 3},
		{"TransferMethod", []string{"TransferProtocolType", "TransferMethod"}, 4},
		{"credentials", []string{"UserName", "Password"}, 5},
		{"everything", []string{"Inserted", "UserName"}, 6},
	}
	for _, tt := range tests {
		for _, status := range []int{http.StatusBadRequest, http.StatusUnprocessableEntity} {
			t.Run(fmt.Sprint(tt.name, status), func(t *testing.T) {
				r := newRig(t)
				r.RefuseIf(http.MethodPost, redfishtest.Insert, status, "ActionParameterMissing",
					"The action requires a parameter.", without(tt.needs...))
				if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
					t.Fatal(err)
				}
				checkChanges(t, r, all[:tt.requests]...)
			})
		}
	}
	t.Run("HTTP", func(t *testing.T) {
		r := newRig(t)
		r.RefuseIf(http.MethodPost, redfishtest.Insert, 400, "PropertyMissing", "No.",
			func(body doc) bool { return body["TransferProtocolType"] != "HTTP" })
		if _, err := r.connect(t).InsertMedia(t.Context(), other); err != nil {
			t.Fatal(err)
		}
	})
}

func TestInsertRefusedByAll(t *testing.T) {
	r := newRig(t)
	r.Refuse(http.MethodPost, redfishtest.Insert, -1, 400, "InsufficientLicense", "A licence is required.")
	_, err := r.connect(t).InsertMedia(t.Context(), image)
	r.checkFails(t, err, redfish.Refused, "insert media", "A licence is required.", "licence includes it")
	if n := len(r.Changes()); n != 6 {
		t.Errorf("%d requests, want one for each variant", n)
	}
}

// A BMC that could not read the image is not asked again in other ways: each of them takes minutes.
func TestInsertNotFetched(t *testing.T) {
	for _, words := range []string{
		"Unable to locate the ISO or IMG image file or folder in the network share location.",
		"Failed to mount the remote image.",
		"The server was not reachable at the given URL: connection timed out",
	} {
		r := newRig(t)
		r.AddSlot(redfishtest.Media, "CD2", "CD")
		r.Refuse(http.MethodPost, redfishtest.Insert, -1, 400, "RAC0720", words)
		_, err := r.connect(t).InsertMedia(t.Context(), image)
		r.checkFails(t, err, redfish.Refused, words, "reaches "+image, "127.0.0.1")
		checkChanges(t, r, insert(redfishtest.CD, "", ""))
	}
}

// accept answers requests to insert with success, without inserting anything.
func accept(r *rig, image any, inserted bool) {
	r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
		if q.Path != redfishtest.Insert || q.Body["Inserted"] != nil {
			return false
		}
		r.Edit(redfishtest.CD, doc{"Image": image, "Inserted": inserted})
		w.WriteHeader(http.StatusNoContent)
		return true
	})
}

func TestInsertWithoutEffect(t *testing.T) {
	t.Run("empty", func(t *testing.T) {
		r := newRig(t)
		accept(r, nil, false)
		_, err := r.connect(t).InsertMedia(t.Context(), image)
		r.checkFails(t, err, redfish.NoMedium, "slot CD is empty 40s later", "reaches "+image)
		checkChanges(t, r, insert(redfishtest.CD, "", ""))
	})
	t.Run("another image", func(t *testing.T) {
		r := newRig(t)
		accept(r, other, true)
		_, err := r.connect(t).InsertMedia(t.Context(), image)
		r.checkFails(t, err, redfish.NoMedium, "slot CD holds another image: "+other)
	})
	t.Run("known, but to be told to insert it", func(t *testing.T) {
		r := newRig(t)
		accept(r, image, false)
		if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, insert(redfishtest.CD, "", ""), insert(redfishtest.CD, flags, protect))
	})
}

// BMCs show the image's URL, its name, or nothing.
func TestInsertShown(t *testing.T) {
	for _, shown := range []doc{
		{"Image": nil, "ImageName": nil},
		{"Image": "", "ImageName": "agent.x86_64.iso"},
		{"Image": "/tmp/agent.x86_64.iso"},
	} {
		r := newRig(t)
		r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
			if q.Path != redfishtest.Insert {
				return false
			}
			r.Edit(redfishtest.CD, shown)
			r.Edit(redfishtest.CD, doc{"Inserted": true})
			w.WriteHeader(http.StatusOK)
			return true
		})
		if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
			t.Errorf("%v: %v", shown, err)
		}
	}
}

// The answer may come late or be lost, although the medium is there.
func TestInsertUnknownOutcome(t *testing.T) {
	for _, done := range []bool{true, false} {
		r := newRig(t)
		r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
			if q.Path != redfishtest.Insert {
				return false
			}
			r.Edit(redfishtest.CD, doc{"Image": image, "Inserted": done})
			redfishtest.Fail(w, http.StatusInternalServerError, "InternalError", "Something broke.")
			return true
		})
		_, err := r.connect(t).InsertMedia(t.Context(), image)
		if done && err != nil {
			t.Error(err)
		}
		if !done {
			r.checkFails(t, err, redfish.Unavailable, "Something broke.")
		}
		checkChanges(t, r, insert(redfishtest.CD, "", ""))
	}
}

func TestInsertEjectsFirst(t *testing.T) {
	eject := "POST " + redfishtest.Eject + " {}"
	t.Run("another image, or the same", func(t *testing.T) {
		for _, old := range []string{other, image} {
			r := newRig(t)
			r.Edit(redfishtest.CD, doc{"Image": old, "Inserted": true})
			if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
				t.Fatal(err)
			}
			checkChanges(t, r, eject, insert(redfishtest.CD, "", ""))
		}
	})
	t.Run("Dell says for ever that there is one", func(t *testing.T) {
		r := newRig(t)
		r.Edit(redfishtest.CD, doc{"Inserted": true})
		r.Refuse(http.MethodPost, redfishtest.Eject, -1, 500, "VRM0009", "No media is attached.")
		if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, eject, insert(redfishtest.CD, "", ""))
	})
}

func TestInsertSlots(t *testing.T) {
	t.Run("DVD only", func(t *testing.T) {
		r := newRig(t)
		r.Edit(redfishtest.CD, doc{"MediaTypes": []any{"DVD"}})
		if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("that of the system first", func(t *testing.T) {
		r := newRig(t)
		r.AddSlot(systemMedia, "1", "CD")
		r.Edit(redfishtest.System, doc{"VirtualMedia": doc{"@odata.id": systemMedia}})
		if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, insert(systemMedia+"/1", "", ""))
	})
	t.Run("that of the manager if the system has no CD", func(t *testing.T) {
		r := newRig(t)
		r.AddSlot(systemMedia, "1", "USBStick")
		r.Edit(redfishtest.System, doc{"VirtualMedia": doc{"@odata.id": systemMedia}})
		if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
			t.Fatal(err)
		}
		checkChanges(t, r, insert(redfishtest.CD, "", ""))
	})
	t.Run("a link to nowhere", func(t *testing.T) {
		r := newRig(t)
		r.Edit(redfishtest.System, doc{"VirtualMedia": doc{"@odata.id": systemMedia}})
		if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
			t.Fatal(err)
		}
	})
	for _, status := range []int{http.StatusMethodNotAllowed, http.StatusBadRequest, http.StatusNotFound} {
		t.Run(fmt.Sprint("the next one after ", status), func(t *testing.T) {
			r := newRig(t)
			r.AddSlot(redfishtest.Media, "CD2", "CD")
			r.Refuse(http.MethodPost, redfishtest.Insert, -1, status, "ActionNotSupported", "Not this one.")
			got, err := r.connect(t).InsertMedia(t.Context(), image)
			if err != nil || got.ID != "CD2" {
				t.Errorf("slot %+v, %v", got, err)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		r := newRig(t)
		r.Edit(redfishtest.System, doc{"Manufacturer": "Dell Inc."})
		r.Set(redfishtest.Media, redfishtest.Collection(redfishtest.Media+"/Floppy1"))
		_, err := r.connect(t).InsertMedia(t.Context(), image)
		r.checkFails(t, err, redfish.Unsupported, "no virtual CD or DVD", "iDRAC Enterprise")
	})
}

func TestInsertURL(t *testing.T) {
	r := newRig(t)
	b := r.connect(t)
	for _, u := range []string{"", "nfs://h/x.iso", "agent.iso", "https:///x", "\x00"} {
		_, err := b.InsertMedia(t.Context(), u)
		r.checkFails(t, err, redfish.Unsupported, "HTTP or HTTPS URL")
	}
	checkChanges(t, r)
	r.RefuseIf(http.MethodPost, redfishtest.Insert, 500, "InternalError", "Cannot read "+image+"?key=hunter22222",
		func(doc) bool { return true })
	_, err := b.InsertMedia(t.Context(), image+"?key=hunter22222")
	if err == nil || strings.Contains(err.Error()+r.log.String(), "hunter22222") {
		t.Errorf("error %v\n%s", err, r.log)
	}
}

// Lenovo's drives have no actions: they are changed like any other resource, with an ETag.
func TestInsertPatch(t *testing.T) {
	r := newRig(t)
	r.Edit(redfishtest.System, doc{"Manufacturer": "Lenovo"})
	ext := redfishtest.Media + "/EXT1"
	r.AddSlot(redfishtest.Media, "EXT1", "CD", "DVD")
	r.Edit(ext, doc{"Actions": nil, "Image": other, "Inserted": true})
	r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
		refused := q.Method == http.MethodPatch && q.Header.Get("If-Match") == ""
		if refused {
			redfishtest.Fail(w, http.StatusPreconditionRequired, "PreconditionRequired", "An ETag is required.")
		}
		return refused
	})
	b := r.connect(t)
	got, err := b.InsertMedia(t.Context(), image)
	if err != nil || got.ID != "EXT1" {
		t.Fatalf("slot %+v, %v", got, err)
	}
	if err := b.EjectMedia(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	put := "PATCH " + ext + ` {"Image":"` + image + `","Inserted":true,"WriteProtected":true}`
	eject := "PATCH " + ext + ` {"Image":null,"Inserted":false}`
	checkChanges(t, r, eject, put, eject)
}

// A BMC that compares ETags wrongly gets the strong form, and then none.
func TestPreconditionFailed(t *testing.T) {
	for want, accepts := range map[string]func(string) bool{
		"the strong form": func(tag string) bool { return tag != "" && !strings.HasPrefix(tag, "W/") },
		"none":            func(tag string) bool { return tag == "" },
	} {
		t.Run(want, func(t *testing.T) {
			r := newRig(t)
			r.Edit(redfishtest.CD, doc{"Actions": nil})
			r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
				if q.Method != http.MethodPatch {
					return false
				}
				if !accepts(q.Header.Get("If-Match")) {
					redfishtest.Fail(w, http.StatusPreconditionFailed, "PreconditionFailed", "Changed.")
					return true
				}
				r.Edit(q.Path, q.Body)
				w.WriteHeader(http.StatusNoContent)
				return true
			})
			if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
				t.Fatal(err)
			}
		})
	}
	r := newRig(t) // iDRAC 10 refuses ETags with actions
	r.Quirk(func(_ http.ResponseWriter, q redfishtest.Request) bool {
		if q.Method == http.MethodPost && q.Header.Get("If-Match") != "" {
			t.Errorf("%s has an ETag", q)
		}
		return false
	})
	if _, err := r.connect(t).InsertMedia(t.Context(), image); err != nil {
		t.Fatal(err)
	}
}

func TestEject(t *testing.T) {
	t.Run("all that are full", func(t *testing.T) {
		r := newRig(t)
		r.AddSlot(redfishtest.Media, "CD2", "CD")
		r.AddSlot(redfishtest.Media, "USB", "USBStick")
		for _, s := range []string{redfishtest.CD, redfishtest.Media + "/CD2", redfishtest.Media + "/USB"} {
			r.Edit(s, doc{"Image": other, "Inserted": true})
		}
		b := r.connect(t)
		for range 2 {
			if err := b.EjectMedia(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		checkChanges(t, r, "POST "+redfishtest.Eject+" {}",
			"POST "+redfishtest.Media+"/CD2/Actions/VirtualMedia.EjectMedia {}")
	})
	t.Run("refused", func(t *testing.T) {
		r := newRig(t)
		r.Edit(redfishtest.CD, doc{"Image": other, "Inserted": true})
		r.Refuse(http.MethodPost, redfishtest.Eject, -1, 400, "ActionNotSupported", "A console holds it.")
		r.checkFails(t, r.connect(t).EjectMedia(t.Context(), nil), redfish.Refused, "eject media", "A console holds it.")
	})
	t.Run("without effect", func(t *testing.T) {
		r := newRig(t)
		r.Edit(redfishtest.CD, doc{"Image": other, "Inserted": true})
		r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
			if q.Path == redfishtest.Eject {
				w.WriteHeader(http.StatusNoContent)
			}
			return q.Path == redfishtest.Eject
		})
		r.checkFails(t, r.connect(t).EjectMedia(t.Context(), nil), redfish.Stuck, "still a medium in slot CD")
	})
}
