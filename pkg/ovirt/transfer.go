package ovirt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/ovirt/go-ovirt"
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

// Open reports whether the transfer still holds its disk.
func (t Transfer) Open() bool {
	return t.Phase != "" && !strings.HasPrefix(t.Phase, "finished_") && t.Phase != "cancelled"
}

// Transfers lists the transfers of some disks.
func (c *Client) Transfers(ctx context.Context, diskIDs ...string) ([]Transfer, error) {
	if len(diskIDs) == 0 {
		return nil, nil
	}
	resp, err := call(ctx, c, "list image transfers", repeatable,
		func(e *engine) *sdk.ImageTransfersServiceListRequest {
			return e.ImageTransfersService().List()
		})
	if err != nil {
		return nil, err
	}
	list, ok := resp.ImageTransfer()
	of := func(t Transfer) bool { return slices.Contains(diskIDs, t.DiskID) }
	return slices.DeleteFunc(all(list, ok, transferFrom), func(t Transfer) bool { return !of(t) }), nil
}

func transferFrom(t *sdk.ImageTransfer) Transfer {
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
	out, err := c.addUpload(ctx, diskID, format)
	if Is(err, Unavailable) {
		// The answer was lost; the transfer may be there nevertheless.
		open, lerr := c.Transfers(ctx, diskID)
		for _, t := range open {
			if t.Open() {
				out, err = t, nil
			}
		}
		if lerr == nil && err != nil && ctx.Err() == nil {
			out, err = c.addUpload(ctx, diskID, format)
		}
	}
	if err != nil {
		return out, err
	}
	out.DiskID = diskID
	return out, c.waitTransfer(ctx, out.ID, limit, TransferReady)
}

func (c *Client) addUpload(ctx context.Context, diskID, format string) (Transfer, error) {
	const op = "start image transfer"
	resp, err := call(ctx, c, op, single, func(e *engine) *sdk.ImageTransfersServiceAddRequest {
		return e.ImageTransfersService().Add().ImageTransfer(sdk.NewImageTransferBuilder().
			ImageBuilder(sdk.NewImageBuilder().Id(diskID)).
			Direction(sdk.IMAGETRANSFERDIRECTION_UPLOAD).
			Format(sdk.DiskFormat(format)).MustBuild())
	})
	if err != nil {
		return Transfer{}, err
	}
	created, ok := resp.ImageTransfer()
	return one(op, created, ok, transferFrom)
}

func (c *Client) getTransfer(ctx context.Context, id string) (Transfer, error) {
	const op = "read image transfer"
	resp, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.ImageTransferServiceGetRequest {
		return e.ImageTransfersService().ImageTransferService(id).Get()
	})
	if err != nil {
		return Transfer{}, err
	}
	t, ok := resp.ImageTransfer()
	return one(op, t, ok, transferFrom)
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
			return false, "", &Error{Op: "transfer image", Kind: Refused, Detail: "the engine ended the transfer (" +
				t.Phase + "); see the engine's events for the reason"}
		}
		return false, fmt.Sprintf("image transfer is %s", t.Phase), nil
	})
}

func (c *Client) finalize(ctx context.Context, id string) error {
	const op = "finalize image transfer"
	return ignore(call(ctx, c, op, repeatable, func(e *engine) *sdk.ImageTransferServiceFinalizeRequest {
		return e.ImageTransfersService().ImageTransferService(id).Finalize()
	}))
}

func (c *Client) resume(ctx context.Context, id string) error {
	const op = "resume image transfer"
	return ignore(call(ctx, c, op, repeatable, func(e *engine) *sdk.ImageTransferServiceResumeRequest {
		return e.ImageTransfersService().ImageTransferService(id).Resume()
	}))
}

// CancelTransfer ends a transfer and waits until the engine is done with it.
// The disk may be gone afterwards, or illegal.
func (c *Client) CancelTransfer(ctx context.Context, t Transfer, limit time.Duration) error {
	const op = "cancel image transfer"
	err := ignore(call(ctx, c, op, repeatable, func(e *engine) *sdk.ImageTransferServiceCancelRequest {
		return e.ImageTransfersService().ImageTransferService(t.ID).Cancel()
	}))
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
