package redfish

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/secret"
)

// InsertMedia makes an ISO image that the BMC fetches from a URL the CD of the machine, and returns the slot that it
// is in. What was there before is ejected, the same image too, because it may be a connection that is long dead.
func (b *BMC) InsertMedia(ctx context.Context, image string) (Slot, error) {
	const action = "insert media"
	u, err := url.Parse(image)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Slot{}, b.fail(action, &Error{Kind: Unsupported, Detail: "the image must have an HTTP or HTTPS URL"})
	}
	b.conn.hideAlso(secret.InURL(image))
	found, err := b.slots(ctx, action)
	if err != nil {
		return Slot{}, err
	}
	if len(found) == 0 {
		return Slot{}, b.fail(action, &Error{
			Kind: Unsupported, Detail: "the BMC has no virtual CD or DVD for this machine", Advice: b.licenceAdvice(),
		})
	}
	for i, s := range found {
		var done *slot
		done, err = b.insertInto(ctx, action, s, image)
		if err == nil {
			return done.public(), nil
		}
		if i == len(found)-1 || ctx.Err() != nil || !wrongSlot(err) || b.cannotFetch(err) {
			break
		}
		b.log.Debug("the BMC does not take the image in this slot", "slot", s.ID, "err", err)
	}
	return Slot{}, b.explain(err, image)
}

// wrongSlot reports whether another slot may take what this one has refused.
func wrongSlot(err error) bool { return refusedBody(err) || Is(err, Unsupported, NotFound, Stuck) }

// refusedBody reports whether the BMC may accept the same with another body.
func refusedBody(err error) bool {
	return slices.Contains([]int{
		http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType,
	}, status(err))
}

// insertInto tries the variants of the request in the vendor's order.
func (b *BMC) insertInto(ctx context.Context, action string, s *slot, image string) (*slot, error) {
	if err := b.eject(ctx, action, s); err != nil {
		// Some say for ever that there is a medium. Inserting shows whether that is so.
		b.log.Debug("the old medium is not ejected", "slot", s.ID, "err", err)
		if ctx.Err() != nil {
			return nil, err
		}
	}
	ways := b.ways(s)
	if len(ways) == 0 {
		return nil, b.fail(action, &Error{Kind: Unsupported, Detail: "slot " + s.ID + " has no action to insert media"})
	}
	var err error
	for _, way := range ways {
		var now *slot
		if now, err = b.insertAs(ctx, action, s, way, image); err == nil {
			b.log.Debug("inserted", "slot", s.ID, "variant", way)
			return now, nil
		}
		// A BMC that knows the image and has not inserted it wants to be told to.
		hesitates := Is(err, NoMedium) && now != nil && !now.Inserted && now.Image != ""
		if ctx.Err() != nil || b.cannotFetch(err) || !refusedBody(err) && !hesitates {
			return nil, err
		}
		b.log.Debug("the BMC does not take this variant of the request", "slot", s.ID, "variant", way, "err", err)
	}
	return nil, err
}

// ways are the names of the variants that a slot can be sent.
func (b *BMC) ways(s *slot) []string {
	if s.extra.Actions.Insert.Target == "" {
		return []string{patchMedia}
	}
	return b.profile.Insert
}

// insertAs sends one variant, and looks whether the medium is there afterwards.
func (b *BMC) insertAs(ctx context.Context, action string, s *slot, way, image string) (*slot, error) {
	failed := b.sendInsert(ctx, action, s, way, image)
	if ctx.Err() != nil { // also between the answer and here
		return nil, cmp.Or(failed, b.conn.stopped(ctx, action))
	}
	if failed != nil && !Is(failed, Unavailable, Stuck) { // of these it may have been done
		return nil, failed
	}
	var now *slot
	there, err := b.until(ctx, action, mediaPoll, mediaLimit, func() (bool, error) {
		var err error
		now, err = b.readSlot(ctx, action, s.path)
		return err == nil && now.holds(image), err
	})
	switch {
	case err != nil:
		return nil, err
	case there:
		return now, nil
	case failed != nil:
		return now, failed
	}
	detail := "the BMC accepted the image, and slot " + s.ID + " is empty " + mediaLimit.String() + " later"
	if now.Inserted {
		detail = "slot " + s.ID + " holds another image: " + now.public().Image
	}
	return now, b.fail(action, &Error{Kind: NoMedium, Detail: detail})
}

func (b *BMC) sendInsert(ctx context.Context, action string, s *slot, way, image string) error {
	var a *answer
	var err error
	if way == patchMedia {
		etag := s.etag
		if now, err := b.readSlot(ctx, action, s.path); err == nil { // ejecting has changed it
			etag = now.etag
		}
		a, err = b.conn.patch(ctx, action, s.path, etag,
			map[string]any{"Image": image, "Inserted": true, "WriteProtected": true})
	} else {
		a, err = b.conn.post(ctx, action, s.extra.Actions.Insert.Target, b.variant(way, image))
	}
	if err != nil {
		return err
	}
	return b.follow(ctx, action, a)
}

// variant is the body of a request to insert an image.
func (b *BMC) variant(way, image string) map[string]any {
	protocol, _, _ := strings.Cut(image, ":")
	placeholders := strings.NewReplacer("{protocol}", strings.ToUpper(protocol))
	body := map[string]any{"Image": image}
	for name, value := range b.vendors.Variants[way] {
		body[name] = fill(value, placeholders)
	}
	return body
}

// cannotFetch reports whether the BMC says that it could not read the image.
func (b *BMC) cannotFetch(err error) bool {
	var e *Error
	return errors.As(err, &e) && b.vendors.notFetched(e.Detail)
}

// explain adds what to do about an image that is not inserted.
func (b *BMC) explain(err error, image string) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case b.vendors.Licence.MatchString(e.Detail):
		e.Advice = b.licenceAdvice()
	case e.Kind == NoMedium, b.cannotFetch(err):
		e.Advice = "check that the BMC at " + e.BMC + " reaches " + secret.URL(image) +
			": addresses, routes, firewalls; with HTTPS it must trust the server's certificate"
	case e.Kind == Refused, e.Kind == Unsupported:
		e.Advice = "update the BMC's firmware, or insert the image by hand. " + b.licenceAdvice()
	}
	return err
}

func (b *BMC) licenceAdvice() string {
	if b.profile.Licence == "" {
		return "check that virtual media is enabled in the BMC's settings, and that its licence includes it"
	}
	return "check that virtual media is enabled in the BMC's settings; " + b.profile.Licence
}
