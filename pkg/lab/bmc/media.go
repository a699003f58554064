package bmc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// maxURL is the length of an image's URL.
const maxURL = 2048

// drive is what the controller knows of the host's only drive.
type drive struct {
	slot    int // in which the medium is
	verify  bool
	loading bool // an image is being fetched
	// last is the URL of the medium that was ejected, and when.
	last    string
	ejected time.Time
}

// slotPaths are the paths of the slots, by collection.
func (p Profile) mediaCollections() []string {
	var list []string
	if p.Media.System != "" {
		list = append(list, p.systemPath()+"/"+p.Media.System)
	}
	if p.Media.Manager != "" {
		list = append(list, p.managerPath()+"/"+p.Media.Manager)
	}
	return list
}

func (b *BMC) mediaTree(t map[string]resource) {
	for _, dir := range b.p.mediaCollections() {
		var members []string
		for i, s := range b.p.Media.Slots {
			where := dir + "/" + s.ID
			members = append(members, where)
			r := shown(func() object { return b.slot(where, i) })
			if b.p.Media.Patch || b.p.Media.Verify == verifyOff || b.p.Media.Verify == verifyOn {
				r.patch = func(c *call) (answer, error) { return b.patchMedia(c, i) }
			}
			t[where] = r
			if !b.p.Media.Patch {
				t[where+insertAction] = resource{post: func(c *call) (answer, error) { return b.insert(c, i) }}
				t[where+ejectAction] = resource{post: func(c *call) (answer, error) { return b.eject(c, i) }}
			}
		}
		t[dir] = shown(func() object { return collection(dir, "VirtualMediaCollection", "Virtual Media", members...) })
	}
}

const (
	insertAction = "/Actions/VirtualMedia.InsertMedia"
	ejectAction  = "/Actions/VirtualMedia.EjectMedia"
)

// medium is what the controller reports of a slot.
func (b *BMC) medium(i int) (m Medium) {
	m = b.cfg.Host.Medium()
	b.mu.Lock()
	defer b.mu.Unlock()
	_, stale := b.since(b.drive.ejected, b.p.Media.Stale)
	switch {
	case i != b.drive.slot:
		return Medium{}
	case !m.Inserted && stale:
		return Medium{Inserted: true, URL: b.drive.last}
	case !m.Inserted && b.p.Media.KeepsImage:
		m.URL = b.drive.last
	}
	return m
}

func (b *BMC) slot(where string, i int) object {
	s, m := b.p.Media.Slots[i], b.medium(i)
	o := head(where, "VirtualMedia.v1_4_0.VirtualMedia", s.ID, "Virtual Media")
	o["MediaTypes"], o["Inserted"], o["WriteProtected"] = s.Types, m.Inserted, true
	o["Image"], o["ImageName"], o["ConnectedVia"] = nil, nil, "NotConnected"
	if m.URL != "" {
		o["Image"], o["ImageName"] = m.URL, path.Base(m.URL)
	}
	switch {
	case m.Inserted && m.URL != "":
		o["ConnectedVia"] = "URI"
	case m.Inserted:
		o["ConnectedVia"] = "Applet"
	}
	if b.p.Media.Verify != verifyNever {
		b.locked(func() { o["VerifyCertificate"] = b.drive.verify })
	}
	if !b.p.Media.Patch {
		o["Actions"] = object{
			"#VirtualMedia.InsertMedia": object{"target": where + insertAction},
			"#VirtualMedia.EjectMedia":  object{"target": where + ejectAction},
		}
	}
	return o
}

// insertFields are the parameters of an insertion.
var insertFields = []string{
	"Image", "Inserted", "WriteProtected", "UserName", "Password", "TransferMethod", "TransferProtocolType", "MediaType",
}

// insert is the action VirtualMedia.InsertMedia.
func (b *BMC) insert(c *call, i int) (answer, error) {
	for _, name := range b.p.Media.Refused {
		if _, there := c.fields[name]; there {
			return answer{}, wrong(unknownParam, name)
		}
	}
	if err := only(c.fields, unknownParam, insertFields...); err != nil {
		return answer{}, err
	}
	for _, name := range append([]string{"Image"}, b.p.Media.Required...) {
		if _, there := c.fields[name]; !there {
			return answer{}, wrong(missing, name)
		}
	}
	want, err := b.image(c.fields)
	if err != nil {
		return answer{}, err
	}
	return b.load(c.Context(), want, i)
}

// image reads which image is to be inserted.
func (b *BMC) image(fields map[string]json.RawMessage) (image, error) {
	var want image
	text := map[string]string{}
	for _, name := range []string{"Image", "UserName", "Password", "TransferMethod", "TransferProtocolType", "MediaType"} {
		var err error
		if text[name], _, err = field[string](fields, name); err != nil {
			return want, err
		}
	}
	for _, name := range []string{"Inserted", "WriteProtected"} {
		yes, there, err := field[bool](fields, name)
		if err != nil {
			return want, err
		}
		if there && !yes { // a disc is inserted at once, and cannot be written to
			return want, wrong(notInList, name, "false")
		}
	}
	u, err := url.Parse(text["Image"])
	if err != nil || u.Host == "" || len(text["Image"]) > maxURL || !slices.Contains(b.p.Media.Schemes, u.Scheme) {
		return want, wrong(notInList, "Image", text["Image"])
	}
	for name, allowed := range map[string][]string{
		"TransferMethod": {"Stream", ""}, "TransferProtocolType": {strings.ToUpper(u.Scheme), ""}, "MediaType": {"CD", "DVD", ""},
	} {
		if !slices.Contains(allowed, text[name]) {
			return want, wrong(notInList, name, text[name])
		}
	}
	return image{url: text["Image"], user: text["UserName"], password: text["Password"]}, nil
}

// load fetches an image and puts it into the drive.
func (b *BMC) load(ctx context.Context, want image, i int) (answer, error) {
	switch {
	case !b.p.Media.Slots[i].disc():
		return answer{}, wrong(wrongSlot, "Image")
	case b.cfg.Host.Medium().Inserted || b.medium(b.slotInUse()).Inserted:
		return answer{}, fail(inserted)
	}
	var other bool
	b.locked(func() { other, b.drive.loading = b.drive.loading, true })
	if other {
		return answer{}, fail(changing)
	}
	do := func(ctx context.Context) error {
		defer b.locked(func() { b.drive.loading = false })
		return b.loadNow(ctx, want, i)
	}
	switch b.p.Media.Answer {
	case answerTask:
		return b.newTask("Insert Media", func() error { return do(b.life) }, http.StatusNoContent)
	case answerEarly:
		b.later(0, func(ctx context.Context) {
			if err := do(ctx); err != nil {
				b.cfg.Log.Warn("a medium was not inserted", "url", want.url, "error", err)
			}
		})
		return noContent, nil
	}
	return noContent, do(ctx)
}

func (b *BMC) slotInUse() (i int) {
	b.locked(func() { i = b.drive.slot })
	return i
}

func (b *BMC) loadNow(ctx context.Context, want image, i int) error {
	var verify, cut bool
	b.locked(func() { verify, cut = b.drive.verify, b.faults.mediaUnreachable })
	if cut {
		return &failure{kind: unreachable, args: []string{want.url}, cause: errors.New("fault of the lab")}
	}
	file, err := b.fetch(ctx, want, verify)
	if err != nil {
		return err
	}
	if err := b.cfg.Host.Insert(ctx, want.url, file); err != nil {
		return errors.Join(err, os.RemoveAll(file))
	}
	b.locked(func() { b.drive.slot, b.drive.ejected = i, time.Time{} })
	b.emit("ResourceUpdated", "ResourceEvent.1.0.ResourceChanged", "Virtual media was inserted.", b.p.mediaCollections()[0])
	return nil
}

// eject is the action VirtualMedia.EjectMedia.
func (b *BMC) eject(c *call, i int) (answer, error) {
	if c.empty && b.p.Media.EjectBody {
		return answer{}, fail(noBody)
	}
	if err := only(c.fields, unknownParam); err != nil {
		return answer{}, err
	}
	return noContent, b.unload(c.Context(), i)
}

func (b *BMC) unload(ctx context.Context, i int) error {
	m := b.cfg.Host.Medium()
	if !m.Inserted || i != b.slotInUse() {
		if b.p.Media.EjectEmpty {
			return fail(empty)
		}
		return nil
	}
	if err := b.cfg.Host.Eject(ctx); err != nil {
		return err
	}
	b.locked(func() { b.drive.last, b.drive.ejected = m.URL, b.now() })
	b.emit("ResourceUpdated", "ResourceEvent.1.0.ResourceChanged", "Virtual media was ejected.", b.p.mediaCollections()[0])
	return nil
}

// patchMedia changes whether certificates are checked and, where there are no actions,
// inserts and ejects.
func (b *BMC) patchMedia(c *call, i int) (answer, error) {
	known := []string{}
	if b.p.Media.Verify == verifyOff || b.p.Media.Verify == verifyOn {
		known = append(known, "VerifyCertificate")
	}
	if b.p.Media.Patch {
		known = append(known, insertFields...)
	}
	now := b.slot("", i)
	for name := range c.fields {
		if _, shown := now[name]; shown && !slices.Contains(known, name) {
			return answer{}, wrong(readOnly, name)
		}
	}
	if err := only(c.fields, unknownField, known...); err != nil {
		return answer{}, err
	}
	verify, there, err := field[bool](c.fields, "VerifyCertificate")
	if err != nil {
		return answer{}, err
	}
	if there {
		b.locked(func() { b.drive.verify = verify })
	}
	raw, hasImage := c.fields["Image"]
	_, hasInserted := c.fields["Inserted"]
	switch {
	case !hasImage && !hasInserted:
		return noContent, nil
	case !hasInserted: // without it the medium would be chosen and not attached
		return answer{}, wrong(incomplete, "Inserted")
	case !hasImage || string(raw) == "null" || string(raw) == `""`:
		yes, _, err := field[bool](c.fields, "Inserted")
		if err != nil {
			return answer{}, err
		}
		if yes {
			return answer{}, wrong(incomplete, "Image")
		}
		return noContent, b.unload(c.Context(), i)
	}
	want, err := b.image(c.fields)
	if err != nil {
		return answer{}, err
	}
	return b.load(c.Context(), want, i)
}
