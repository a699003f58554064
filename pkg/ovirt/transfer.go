package ovirt

import (
	"cmp"
	"context"
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
	transferGone     = "gone" // no phase of the engine's, which has forgotten the transfer
)

// Transfer is an image transfer.
type Transfer struct {
	ID, DiskID, Phase string
	URL, ProxyURL     string
}

// Open reports whether the transfer still holds its disk.
func (t Transfer) Open() bool {
	ended := t.Phase == "" || t.Phase == "cancelled" || t.Phase == transferGone
	return !ended && !strings.HasPrefix(t.Phase, "finished_")
}

// Transfers lists the transfers of some disks.
func (c *Client) Transfers(ctx context.Context, diskIDs ...string) ([]Transfer, error) {
	if len(diskIDs) == 0 {
		return nil, nil
	}
	transfers, err := call(ctx, c, "list image transfers", repeatable,
		func(e *engine) *sdk.ImageTransfersServiceListRequest {
			return e.ImageTransfersService().List()
		}, all((*sdk.ImageTransfersServiceListResponse).ImageTransfer, transferFrom))
	return only(transfers, func(t Transfer) bool { return slices.Contains(diskIDs, t.DiskID) }), err
}

func transferFrom(t *sdk.ImageTransfer) Transfer {
	return Transfer{
		ID: val(t.Id()), Phase: string(val(t.Phase())),
		DiskID: cmp.Or(val(part(t.Image()).Id()), val(part(t.Disk()).Id())),
		URL:    val(t.TransferUrl()), ProxyURL: val(t.ProxyUrl()),
	}
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
	return call(ctx, c, "start image transfer", single, func(e *engine) *sdk.ImageTransfersServiceAddRequest {
		return e.ImageTransfersService().Add().ImageTransfer(sdk.NewImageTransferBuilder().
			ImageBuilder(sdk.NewImageBuilder().Id(diskID)).
			Direction(sdk.IMAGETRANSFERDIRECTION_UPLOAD).
			Format(sdk.DiskFormat(format)).MustBuild())
	}, one((*sdk.ImageTransfersServiceAddResponse).ImageTransfer, transferFrom))
}

// getTransfer reads a transfer. Engines forget those that have ended soon after.
func (c *Client) getTransfer(ctx context.Context, id string) (Transfer, error) {
	t, err := call(ctx, c, "read image transfer", repeatable, func(e *engine) *sdk.ImageTransferServiceGetRequest {
		return e.ImageTransfersService().ImageTransferService(id).Get()
	}, one((*sdk.ImageTransferServiceGetResponse).ImageTransfer, transferFrom))
	if Is(err, NotFound) {
		return Transfer{ID: id, Phase: transferGone}, nil
	}
	return t, err
}

// waitTransfer waits for a phase. A transfer that is gone counts as finished.
func (c *Client) waitTransfer(ctx context.Context, id string, limit time.Duration, phase string) error {
	what := "image transfer to be " + phase
	_, err := until(ctx, c, limit, what, c.getTransfer, id, func(t Transfer) (bool, string, error) {
		switch {
		case t.Phase == phase, t.Phase == transferGone && phase == TransferFinished:
			return true, "", nil
		case !t.Open(), strings.Contains(t.Phase, "cancelled"), t.Phase == "finalizing_failure":
			return false, "", &Error{Op: "transfer image", Kind: Refused, Detail: "the engine ended the transfer (" +
				t.Phase + "); see the engine's events for the reason"}
		}
		return false, "image transfer is " + t.Phase, nil
	})
	return err
}

func (c *Client) finalize(ctx context.Context, id string) error {
	const op = "finalize image transfer"
	return order(ctx, c, op, repeatable, func(e *engine) *sdk.ImageTransferServiceFinalizeRequest {
		return e.ImageTransfersService().ImageTransferService(id).Finalize()
	})
}

func (c *Client) resume(ctx context.Context, id string) error {
	return order(ctx, c, "resume image transfer", repeatable, func(e *engine) *sdk.ImageTransferServiceResumeRequest {
		return e.ImageTransfersService().ImageTransferService(id).Resume()
	})
}

// CancelTransfer ends a transfer and waits until the engine is done with it.
// The disk may be gone afterwards, or illegal.
func (c *Client) CancelTransfer(ctx context.Context, t Transfer, limit time.Duration) error {
	err := order(ctx, c, "cancel image transfer", repeatable, func(e *engine) *sdk.ImageTransferServiceCancelRequest {
		return e.ImageTransfersService().ImageTransferService(t.ID).Cancel()
	})
	if gone(err) != nil && !Is(err, Conflict, Locked) {
		return err
	}
	_, err = until(ctx, c, limit, "image transfer to end", c.getTransfer, t.ID, func(now Transfer) (bool, string, error) {
		return !now.Open(), "image transfer is " + now.Phase, nil
	})
	return err
}
