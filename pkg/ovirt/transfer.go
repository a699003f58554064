package ovirt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	ovirtsdk "github.com/ovirt/go-ovirt"
)

// Phases of an image transfer that matter here.
const (
	TransferReady    = "transferring"
	TransferPaused   = "paused_system"
	TransferFinished = "finished_success"
)

// Transfer is an image transfer.
type Transfer struct {
	ID, DiskID, Phase string
	URL, ProxyURL     string
}

// Open says whether the transfer still holds its disk.
func (t Transfer) Open() bool {
	return t.Phase != "" && !strings.HasPrefix(t.Phase, "finished_") && t.Phase != "cancelled"
}

// Transfers lists the transfers of some disks.
func (c *Client) Transfers(ctx context.Context, diskIDs ...string) ([]Transfer, error) {
	if len(diskIDs) == 0 {
		return nil, nil
	}
	return ask(ctx, c, "list image transfers", func(s *session) ([]Transfer, error) {
		var out []Transfer
		resp, err := s.api.ImageTransfersService().List().Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.ImageTransfer(); ok {
			for _, t := range list.Slice() {
				if got := transferFrom(t); slices.Contains(diskIDs, got.DiskID) {
					out = append(out, got)
				}
			}
		}
		return out, nil
	})
}

func transferFrom(t *ovirtsdk.ImageTransfer) Transfer {
	out := Transfer{}
	out.ID, _ = t.Id()
	if p, ok := t.Phase(); ok {
		out.Phase = string(p)
	}
	if i, ok := t.Image(); ok {
		out.DiskID, _ = i.Id()
	}
	if d, ok := t.Disk(); ok && out.DiskID == "" {
		out.DiskID, _ = d.Id()
	}
	out.URL, _ = t.TransferUrl()
	out.ProxyURL, _ = t.ProxyUrl()
	return out
}

// startUpload opens an upload to a disk and waits until it takes data. Only the
// first answer is sure to hold the addresses.
func (c *Client) startUpload(ctx context.Context, diskID, format string, limit time.Duration) (Transfer, error) {
	const op = "start image transfer"
	start := func(s *session) (Transfer, error) {
		t := ovirtsdk.NewImageTransferBuilder().
			ImageBuilder(ovirtsdk.NewImageBuilder().Id(diskID)).
			Direction(ovirtsdk.IMAGETRANSFERDIRECTION_UPLOAD).
			Format(ovirtsdk.DiskFormat(format)).MustBuild()
		resp, err := s.api.ImageTransfersService().Add().ImageTransfer(t).Send()
		if err != nil {
			return Transfer{}, err
		}
		created, ok := resp.ImageTransfer()
		if !ok {
			return Transfer{}, &Error{Op: op, Kind: Broken, Detail: "the answer holds no image transfer"}
		}
		return transferFrom(created), nil
	}
	out, err := send(ctx, c, op, start)
	if Is(err, Unavailable) {
		// The answer was lost; the transfer may be there nevertheless.
		open, lerr := c.Transfers(ctx, diskID)
		for _, t := range open {
			if t.Open() {
				out, err = t, nil
			}
		}
		if lerr == nil && err != nil && ctx.Err() == nil {
			out, err = send(ctx, c, op, start)
		}
	}
	if err != nil {
		return out, err
	}
	out.DiskID = diskID
	return out, c.waitTransfer(ctx, out.ID, limit, TransferReady)
}

func (c *Client) getTransfer(ctx context.Context, id string) (Transfer, error) {
	return ask(ctx, c, "read image transfer", func(s *session) (Transfer, error) {
		var out Transfer
		resp, err := s.api.ImageTransfersService().ImageTransferService(id).Get().Send()
		if err != nil {
			return out, err
		}
		if t, ok := resp.ImageTransfer(); ok {
			out = transferFrom(t)
		}
		return out, nil
	})
}

// waitTransfer waits for a phase. A transfer that is gone counts as finished:
// engines forget them soon after.
func (c *Client) waitTransfer(ctx context.Context, id string, limit time.Duration, phase string) error {
	return c.wait(ctx, limit, "image transfer to be "+phase, func(ctx context.Context) (bool, string, error) {
		t, err := c.getTransfer(ctx, id)
		switch {
		case Is(err, NotFound) && phase == TransferFinished:
			return true, "", nil
		case err != nil:
			return false, err.Error(), permanent(err)
		case t.Phase == phase:
			return true, "", nil
		case !t.Open(), strings.Contains(t.Phase, "cancelled"), t.Phase == "finalizing_failure":
			return false, "", &Error{Op: "transfer image", Kind: Refused, Detail: "the engine ended the transfer (" + t.Phase + "); see the engine's events for the reason"}
		}
		return false, fmt.Sprintf("image transfer is %s", t.Phase), nil
	})
}

func (c *Client) finalize(ctx context.Context, id string) error {
	return c.read(ctx, "finalize image transfer", func(s *session) error {
		_, err := s.api.ImageTransfersService().ImageTransferService(id).Finalize().Send()
		return err
	})
}

func (c *Client) resume(ctx context.Context, id string) error {
	return c.read(ctx, "resume image transfer", func(s *session) error {
		_, err := s.api.ImageTransfersService().ImageTransferService(id).Resume().Send()
		return err
	})
}

// CancelTransfer ends a transfer and waits until the engine is done with it.
// The disk may be gone afterwards, or illegal.
func (c *Client) CancelTransfer(ctx context.Context, t Transfer, limit time.Duration) error {
	err := c.read(ctx, "cancel image transfer", func(s *session) error {
		_, err := s.api.ImageTransfersService().ImageTransferService(t.ID).Cancel().Send()
		return err
	})
	if gone(err) != nil && !Is(err, Conflict, Locked) {
		return err
	}
	return c.wait(ctx, limit, "image transfer to end", func(ctx context.Context) (bool, string, error) {
		now, err := c.getTransfer(ctx, t.ID)
		if Is(err, NotFound) {
			return true, "", nil
		}
		if err != nil {
			return false, err.Error(), permanent(err)
		}
		return !now.Open(), "image transfer is " + now.Phase, nil
	})
}
