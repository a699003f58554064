package redfish

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	gofish "github.com/stmcginnis/gofish/redfish"

	"github.com/okd-install/okd-install/pkg/secret"
)

// Slot is a drive of virtual media that takes CDs or DVDs.
type Slot struct {
	Path     string
	ID       string
	Types    []gofish.VirtualMediaType
	Inserted bool
	Image    string // for people: without what may be secret
	Name     string // of the image's file, empty if the BMC does not show it
	// NoHTTPS is why the slot does not take an image over HTTPS from a server whose certificate nobody knows; empty if
	// the BMC says nothing of the kind.
	NoHTTPS string
}

// slot is what is needed of a drive, beyond what gofish has.
type slot struct {
	gofish.VirtualMedia
	path  string
	etag  string
	extra struct {
		Actions struct {
			Insert struct {
				Target    string
				Protocols []string `json:"TransferProtocolType@Redfish.AllowableValues"`
			} `json:"#VirtualMedia.InsertMedia"`
			Eject struct{ Target string } `json:"#VirtualMedia.EjectMedia"`
		}
	}
}

// UnmarshalJSON reads both parts.
func (s *slot) UnmarshalJSON(b []byte) error {
	if err := s.VirtualMedia.UnmarshalJSON(b); err != nil {
		return err
	}
	return unmarshal(b, &s.extra)
}

func (s *slot) public() Slot {
	out := Slot{Path: s.path, ID: s.ID, Types: s.MediaTypes, Inserted: s.Inserted, NoHTTPS: s.noHTTPS()}
	if s.Image != "" {
		out.Image = secret.URL(s.Image)
	}
	if out.Name = s.ImageName; out.Name == "" && s.Image != "" {
		if u, err := url.Parse(s.Image); err == nil {
			out.Name = path.Base(u.Path)
		}
	}
	return out
}

func (s *slot) noHTTPS() string {
	protocols := s.extra.Actions.Insert.Protocols
	has := func(t gofish.TransferProtocolType) bool {
		return slices.ContainsFunc(protocols, func(p string) bool { return strings.EqualFold(p, string(t)) })
	}
	switch {
	case has(gofish.HTTPTransferProtocolType) && !has(gofish.HTTPSTransferProtocolType):
		return "slot " + s.ID + " takes " + join(protocols) + " only"
	case s.VerifyCertificate:
		return "slot " + s.ID + " has VerifyCertificate set, and the BMC does not know the certificate of this machine"
	}
	return ""
}

// optical reports whether a slot takes ISO images. One that does not say what it takes may.
func (s *slot) optical() bool {
	return len(s.MediaTypes) == 0 || slices.Contains(s.MediaTypes, gofish.CDMediaType) ||
		slices.Contains(s.MediaTypes, gofish.DVDMediaType)
}

// holds reports whether an image is in the slot. BMCs show its URL, only its name, or nothing of it.
func (s *slot) holds(image string) bool {
	if !s.Inserted {
		return false
	}
	name := path.Base(image)
	return s.Image == "" || s.Image == image || path.Base(s.Image) == name || s.ImageName == name
}

// full reports whether there may be something to eject.
func (s *slot) full() bool { return s.Inserted || s.Image != "" }

// Media are the slots of the machine, in the order in which they are tried.
func (b *BMC) Media(ctx context.Context) ([]Slot, error) {
	const action = "read the virtual media"
	sys, err := b.read(ctx, action)
	if err != nil {
		return nil, err
	}
	return b.publicSlots(ctx, action, sys)
}

func (b *BMC) publicSlots(ctx context.Context, action string, sys *system) ([]Slot, error) {
	found, err := b.slotsBy(ctx, action, sys)
	var out []Slot
	for _, s := range found {
		out = append(out, s.public())
	}
	return out, err
}

// slots are those of the system and then those of the manager, each with the ones first that the vendor wants.
func (b *BMC) slots(ctx context.Context, action string) ([]*slot, error) {
	sys, err := b.read(ctx, action)
	if err != nil {
		return nil, err
	}
	return b.slotsBy(ctx, action, sys)
}

func (b *BMC) slotsBy(ctx context.Context, action string, sys *system) ([]*slot, error) {
	var out []*slot
	for _, collection := range []string{sys.extra.VirtualMedia.ID, b.manager.extra.VirtualMedia.ID} {
		found, err := b.slotsOf(ctx, action, collection)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			if !slices.ContainsFunc(out, func(o *slot) bool { return o.path == s.path }) {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

func (b *BMC) slotsOf(ctx context.Context, action, collection string) ([]*slot, error) {
	if collection == "" {
		return nil, nil
	}
	if known := b.drives.of(collection); len(known) > 0 {
		var out []*slot
		for _, p := range known {
			s, err := b.readSlot(ctx, action, p)
			if Is(err, NotFound) { // it has others now
				b.drives.set(collection, nil)
				return b.slotsOf(ctx, action, collection)
			}
			if err != nil {
				return nil, err
			}
			out = append(out, s)
		}
		return out, nil
	}
	paths, err := b.members(ctx, action, collection)
	if Is(err, NotFound) || status(err) == http.StatusNotImplemented { // a link to nowhere, which some BMCs have
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []*slot
	for _, p := range paths {
		s, err := b.readSlot(ctx, action, p)
		if err != nil {
			return nil, err
		}
		if s.optical() {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(x, y *slot) int { return b.profile.rank(x.ID) - b.profile.rank(y.ID) })
	found := make([]string, 0, len(out))
	for _, s := range out {
		found = append(found, s.path)
	}
	b.drives.set(collection, found)
	return out, nil
}

// drives are the paths of the slots for CDs, by collection, in order: which there are does not change, and half of the
// requests would be for them.
type drives struct {
	mu    sync.Mutex
	paths map[string][]string
}

func (d *drives) of(collection string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.paths[collection]
}

func (d *drives) set(collection string, paths []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.paths == nil {
		d.paths = map[string][]string{}
	}
	d.paths[collection] = paths
}

func (b *BMC) readSlot(ctx context.Context, action, path string) (*slot, error) {
	s := &slot{path: path}
	etag, err := b.conn.get(ctx, action, path, s)
	s.etag = etag
	return s, err
}

// rank is the place of a slot among those that the vendor wants.
func (p *profile) rank(id string) int {
	if i := slices.IndexFunc(p.Slots, func(s *pattern) bool { return s.MatchString(id) }); i >= 0 {
		return i
	}
	return len(p.Slots)
}

const (
	mediaPoll  = 2 * time.Second
	mediaLimit = 40 * time.Second
)

// EjectMedia empties the slots that take CDs or DVDs and hold what is to go; nil empties all.
func (b *BMC) EjectMedia(ctx context.Context, goes func(Slot) bool) error {
	const action = "eject media"
	found, err := b.slots(ctx, action)
	if err != nil {
		return err
	}
	for _, s := range found {
		if goes != nil && !goes(s.public()) {
			continue
		}
		if err := b.eject(ctx, action, s); err != nil {
			return err
		}
	}
	return nil
}

// eject empties a slot, and looks whether it is empty. What the BMC answers does not count if it is. Some go on showing
// the image that was in it; others show one that is only chosen, which ejecting takes away.
func (b *BMC) eject(ctx context.Context, action string, s *slot) error {
	if !s.full() {
		return nil
	}
	failed := b.sendEject(ctx, action, s)
	switch {
	case ctx.Err() != nil: // also between the answer and here
		return cmp.Or(failed, b.conn.stopped(ctx, action))
	case !s.Inserted:
		return nil
	}
	limit := mediaLimit
	if failed != nil {
		limit = 0
	}
	empty, err := b.until(ctx, action, mediaPoll, limit, func() (bool, error) {
		now, err := b.readSlot(ctx, action, s.path)
		return err == nil && !now.Inserted, err
	})
	switch {
	case err != nil, empty:
		return err
	case failed != nil:
		return failed
	}
	return b.fail(action, &Error{
		Kind: Stuck, Detail: "there is still a medium in slot " + s.ID,
		Advice: "close remote consoles that hold the medium, or reset the BMC",
	})
}

func (b *BMC) sendEject(ctx context.Context, action string, s *slot) error {
	var a *answer
	var err error
	if to := s.extra.Actions.Eject.Target; to != "" {
		a, err = b.conn.post(ctx, action, to, struct{}{}) // HPE wants a body
	} else {
		a, err = b.conn.patch(ctx, action, s.path, s.etag, map[string]any{"Image": nil, "Inserted": false})
	}
	if err != nil {
		return err
	}
	return b.follow(ctx, action, a)
}
