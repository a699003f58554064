package bmc

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/bmc/fetch"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/bmc/wire"
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
func mediaCollections(p vendor.Profile) []string {
	var list []string
	if p.Media.System != "" {
		list = append(list, systemPath(p)+"/"+p.Media.System)
	}
	if p.Media.Manager != "" {
		list = append(list, managerPath(p)+"/"+p.Media.Manager)
	}
	return list
}

func (b *BMC) mediaTree(t map[string]resource) {
	for _, dir := range mediaCollections(b.p) {
		var members []string
		for i, s := range b.p.Media.Slots {
			where := dir + "/" + s.ID
			members = append(members, where)
			r := shown(func() wire.Object { return b.slot(where, i) })
			if b.p.Media.Patch || b.p.Media.Verify == vendor.VerifyOff || b.p.Media.Verify == vendor.VerifyOn {
				r.patch = func(c *call) (answer, error) { return b.patchMedia(c, i) }
			}
			t[where] = r
			if !b.p.Media.Patch {
				t[where+insertAction] = resource{post: func(c *call) (answer, error) { return b.insert(c, i) }}
				t[where+ejectAction] = resource{post: func(c *call) (answer, error) { return b.eject(c, i) }}
			}
		}
		list := wire.Collection(dir, "VirtualMediaCollection", "Virtual Media", members...)
		t[dir] = shown(func() wire.Object { return list })
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

func (b *BMC) slot(where string, i int) wire.Object {
	s, m := b.p.Media.Slots[i], b.medium(i)
	o := wire.Head(where, "VirtualMedia.v1_4_0.VirtualMedia", s.ID, "Virtual Media")
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
	if b.p.Media.Verify != vendor.VerifyNever {
		b.locked(func() { o["VerifyCertificate"] = b.drive.verify })
	}
	if !b.p.Media.Patch {
		o["Actions"] = wire.Object{
			"#VirtualMedia.InsertMedia": wire.Object{
				"target": where + insertAction, "TransferProtocolType@Redfish.AllowableValues": protocols(b.p.Media.Schemes),
			},
			"#VirtualMedia.EjectMedia": wire.Object{"target": where + ejectAction},
		}
	}
	return o
}

// protocols are the schemes of URLs in the words of the specification.
func protocols(schemes []string) (list []string) {
	for _, s := range schemes {
		list = append(list, strings.ToUpper(s))
	}
	return list
}

// insertFields are the parameters of an insertion.
var insertFields = []string{
	"Image", "Inserted", "WriteProtected", "UserName", "Password", "TransferMethod", "TransferProtocolType", "MediaType",
}

// insert is the action VirtualMedia.InsertMedia.
func (b *BMC) insert(c *call, i int) (answer, error) {
	for _, name := range b.p.Media.Refused {
		if _, there := c.fields[name]; there {
			return answer{}, vendor.Wrong(vendor.UnknownParam, name)
		}
	}
	if err := wire.Only(c.fields, vendor.UnknownParam, insertFields...); err != nil {
		return answer{}, err
	}
	if err := wire.Need(c.fields, append([]string{"Image"}, b.p.Media.Required...)...); err != nil {
		return answer{}, err
	}
	want, err := b.image(c.fields)
	if err != nil {
		return answer{}, err
	}
	return b.load(c.Context(), want, i)
}

// image reads which image is to be inserted.
func (b *BMC) image(fields wire.Fields) (fetch.Image, error) {
	var want fetch.Image
	text := map[string]string{}
	for _, name := range []string{"Image", "UserName", "Password", "TransferMethod", "TransferProtocolType", "MediaType"} {
		var err error
		if text[name], _, err = wire.Field[string](fields, name); err != nil {
			return want, err
		}
	}
	for _, name := range []string{"Inserted", "WriteProtected"} {
		yes, there, err := wire.Field[bool](fields, name)
		if err != nil {
			return want, err
		}
		if there && !yes { // a disc is inserted at once, and cannot be written to
			return want, vendor.Wrong(vendor.NotInList, name, "false")
		}
	}
	u, err := url.Parse(text["Image"])
	if err != nil || u.Host == "" || len(text["Image"]) > maxURL || !slices.Contains(b.p.Media.Schemes, u.Scheme) {
		return want, vendor.Wrong(vendor.NotInList, "Image", text["Image"])
	}
	for name, allowed := range map[string][]string{
		"TransferMethod": {"Stream", ""}, "MediaType": {"CD", "DVD", ""},
		"TransferProtocolType": {strings.ToUpper(u.Scheme), ""},
	} {
		if !slices.Contains(allowed, text[name]) {
			return want, vendor.Wrong(vendor.NotInList, name, text[name])
		}
	}
	return fetch.Image{URL: text["Image"], User: text["UserName"], Password: text["Password"]}, nil
}

// load fetches an image and puts it into the drive.
func (b *BMC) load(ctx context.Context, want fetch.Image, i int) (answer, error) {
	switch {
	case !b.p.Media.Slots[i].Disc():
		return answer{}, vendor.Wrong(vendor.WrongSlot, "Image")
	case b.cfg.Host.Medium().Inserted || b.medium(b.slotInUse()).Inserted:
		return answer{}, vendor.Refuse(vendor.Inserted)
	}
	var other bool
	b.locked(func() { other, b.drive.loading = b.drive.loading, true })
	if other {
		return answer{}, vendor.Refuse(vendor.Changing)
	}
	do := func(ctx context.Context) error {
		defer b.locked(func() { b.drive.loading = false })
		return b.loadNow(ctx, want, i)
	}
	switch b.p.Media.Answer {
	case vendor.AnswerTask:
		return b.newTask("Insert Media", func() error { return do(b.life) }, http.StatusNoContent)
	case vendor.AnswerEarly:
		b.later(0, func(ctx context.Context) {
			if err := do(ctx); err != nil {
				b.cfg.Log.Warn("a medium was not inserted", "url", want.URL, "error", err)
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

func (b *BMC) loadNow(ctx context.Context, want fetch.Image, i int) error {
	var verify, cut bool
	b.locked(func() { verify, cut = b.drive.verify, b.faults.mediaUnreachable })
	if cut {
		return &vendor.Failure{Kind: vendor.Unreachable, Args: []string{want.URL}, Cause: errors.New("fault of the lab")}
	}
	file, err := fetch.File(ctx, b.client(verify), want, b.cfg.Dir, b.p.Media.NeedsRanges)
	if err != nil {
		kind := vendor.Unreachable
		if errors.Is(err, fetch.ErrFormat) {
			kind = vendor.BadImage
		}
		return &vendor.Failure{Kind: kind, Args: []string{want.URL}, Cause: err}
	}
	if err := b.cfg.Host.Insert(ctx, want.URL, file); err != nil {
		return errors.Join(err, os.RemoveAll(file))
	}
	b.locked(func() { b.drive.slot, b.drive.ejected = i, time.Time{} })
	b.emit("ResourceUpdated", "ResourceEvent.1.0.ResourceChanged", "Virtual media was inserted.", mediaCollections(b.p)[0])
	return nil
}

// eject is the action VirtualMedia.EjectMedia.
func (b *BMC) eject(c *call, i int) (answer, error) {
	if c.empty && b.p.Media.EjectBody {
		return answer{}, vendor.Refuse(vendor.NoBody)
	}
	if err := wire.Only(c.fields, vendor.UnknownParam); err != nil {
		return answer{}, err
	}
	return noContent, b.unload(c.Context(), i)
}

func (b *BMC) unload(ctx context.Context, i int) error {
	m := b.cfg.Host.Medium()
	if !m.Inserted || i != b.slotInUse() {
		if b.p.Media.EjectEmpty {
			return vendor.Refuse(vendor.Empty)
		}
		return nil
	}
	if err := b.cfg.Host.Eject(ctx); err != nil {
		return err
	}
	b.locked(func() { b.drive.last, b.drive.ejected = m.URL, b.now() })
	b.emit("ResourceUpdated", "ResourceEvent.1.0.ResourceChanged", "Virtual media was ejected.", mediaCollections(b.p)[0])
	return nil
}

// patchMedia changes whether certificates are checked and, where there are no actions,
// inserts and ejects.
func (b *BMC) patchMedia(c *call, i int) (answer, error) {
	known := []string{}
	if b.p.Media.Verify == vendor.VerifyOff || b.p.Media.Verify == vendor.VerifyOn {
		known = append(known, "VerifyCertificate")
	}
	if b.p.Media.Patch {
		known = append(known, insertFields...)
	}
	now := b.slot("", i)
	for name := range c.fields {
		if _, shown := now[name]; shown && !slices.Contains(known, name) {
			return answer{}, vendor.Wrong(vendor.ReadOnly, name)
		}
	}
	if err := wire.Only(c.fields, vendor.UnknownField, known...); err != nil {
		return answer{}, err
	}
	verify, there, err := wire.Field[bool](c.fields, "VerifyCertificate")
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
		return answer{}, vendor.Wrong(vendor.Incomplete, "Inserted")
	case !hasImage || string(raw) == "null" || string(raw) == `""`:
		yes, _, err := wire.Field[bool](c.fields, "Inserted")
		if err != nil {
			return answer{}, err
		}
		if yes {
			return answer{}, vendor.Wrong(vendor.Incomplete, "Image")
		}
		return noContent, b.unload(c.Context(), i)
	}
	want, err := b.image(c.fields)
	if err != nil {
		return answer{}, err
	}
	return b.load(c.Context(), want, i)
}
