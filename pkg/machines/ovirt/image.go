package ovirt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

// complete stands in the description of a disk whose upload is finished, and
// nowhere else. A kill can leave a disk in any state; this word is what tells.
const complete = "complete"

// ensureImageDisk uploads the image, unless a complete disk is there. There is no
// template yet, and so no copy of the disk, which would have the same name.
func (p *Provider) ensureImageDisk(ctx context.Context, infraID, name string, spec plan.Disk) error {
	disks, err := p.uploadedDisks(ctx, infraID)
	if err != nil {
		return err
	}
	usable := slices.IndexFunc(disks, func(d api.Disk) bool {
		return d.Status == api.OK && note(d.Description, "image") == imageNote(spec.Image) &&
			note(d.Description, "upload") == complete
	})
	if usable >= 0 {
		return p.discardOthers(ctx, infraID, disks, disks[usable].ID)
	}
	if err := p.discardOthers(ctx, infraID, disks, ""); err != nil {
		return err
	}
	// A machine that held a disk just removed would be made without one.
	if vm, err := p.Engine.FindVM(ctx, ImageVMName(infraID)); err != nil {
		return err
	} else if vm != nil && marked(infraID, vm.Description) {
		if _, err := p.removeVM(ctx, infraID, *vm, p.Limit); err != nil {
			return err
		}
	}
	return p.upload(ctx, infraID, name, spec)
}

// imageDisks are the disks that the cluster made of the image.
func (p *Provider) imageDisks(ctx context.Context, infraID string) ([]api.Disk, error) {
	disks, err := p.Engine.DisksByAlias(ctx, ImageName(infraID))
	return slices.DeleteFunc(disks, func(d api.Disk) bool { return !marked(infraID, d.Description) }), err
}

// uploadedDisks are those of them that no machine has but the one that becomes
// the template: somebody may have made others of an earlier template, and their
// disks have its name and mark.
func (p *Provider) uploadedDisks(ctx context.Context, infraID string) ([]api.Disk, error) {
	disks, err := p.imageDisks(ctx, infraID)
	if err != nil || len(disks) == 0 {
		return nil, err
	}
	used, err := p.Engine.AttachedDisks(ctx)
	if err != nil {
		return nil, err
	}
	vm, err := p.Engine.FindVM(ctx, ImageVMName(infraID))
	return slices.DeleteFunc(disks, func(d api.Disk) bool {
		in, attached := used[d.ID]
		return attached && (vm == nil || in != vm.ID)
	}), err
}

func imageNote(i plan.Image) string { return "sha256:" + i.SHA256 }

func (p *Provider) upload(ctx context.Context, infraID, name string, spec plan.Disk) error {
	image := spec.Image
	if image.Path == "" {
		if p.Fetch == nil {
			return errors.New("upload image: the plan names no file")
		}
		var err error
		if image, err = p.Fetch(ctx, image); err != nil {
			return err
		}
	}
	f, err := os.Open(image.Path)
	if err != nil {
		return fmt.Errorf("upload image: %w", err)
	}
	defer f.Close()
	if image.Format == "raw" { // only known once the file is here
		spec.Format = "raw"
		sd, err := p.Engine.GetStorageDomain(ctx, spec.StorageDomainID)
		if err != nil {
			return err
		}
		spec.Sparse = !sd.Block()
	}

	want := describe(infraID, "image "+imageNote(spec.Image))
	disk, err := p.createImageDisk(ctx, infraID, api.DiskSpec{
		Alias: name, Description: want, StorageDomainID: spec.StorageDomainID, Format: spec.Format, Sparse: spec.Sparse,
		Bytes: cmp.Or(image.Virtual, image.Size), InitialBytes: image.Size,
	})
	if err != nil {
		return err
	}
	event.Info(p.Events, "uploading the operating system image", "disk", name, "bytes", image.Size)
	report := every(p.Clock.Now, 5*time.Second, func(sent, total int64) {
		event.ProgressOf(p.Events, fmt.Sprintf("image upload %d%%", sent*100/max(total, 1)), "sent", sent, "total",
			total)
	})
	err = p.Engine.Upload(ctx, api.Upload{DiskID: disk.ID, Format: spec.Format, Source: f, Size: image.Size,
		Limit: p.Limit, Progress: report})
	if err == nil {
		err = p.repeat(ctx, p.Limit, func(ctx context.Context) error {
			return p.Engine.DescribeDisk(ctx, disk.ID, want+"; upload "+complete)
		})
	}
	if err == nil {
		err = p.dropTwins(ctx, infraID, disk.ID)
	}
	if err != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return errors.Join(err, p.discardDisk(clean, infraID, disk, time.Minute))
	}
	return nil
}

// discardOthers removes all disks but one, and says so.
func (p *Provider) discardOthers(ctx context.Context, infraID string, disks []api.Disk, keep string) error {
	for _, d := range disks {
		if d.ID == keep {
			continue
		}
		event.Info(p.Events, "removing an incomplete image", "disk", d.ID)
		if err := p.discardDisk(ctx, infraID, d, p.Limit); err != nil {
			return err
		}
	}
	return nil
}

// dropTwins removes disks that an order made which was given up and repeated:
// names of disks are not unique, so nothing else keeps the engine from it.
func (p *Provider) dropTwins(ctx context.Context, infraID, keep string) error {
	disks, err := p.uploadedDisks(ctx, infraID)
	if err != nil {
		return err
	}
	return p.discardOthers(ctx, infraID, disks, keep)
}

// createImageDisk makes the disk and waits for it. Disks may share a name, so
// an answer that was lost is made good by looking for the disk.
func (p *Provider) createImageDisk(ctx context.Context, infraID string, spec api.DiskSpec) (api.Disk, error) {
	disk, err := ensure(ctx, p, func(ctx context.Context) (*api.Disk, error) {
		disks, err := p.uploadedDisks(ctx, infraID)
		if err != nil || len(disks) == 0 {
			return nil, err
		}
		return &disks[0], nil
	}, func(ctx context.Context) (api.Disk, error) { return p.Engine.CreateDisk(ctx, spec) })
	if err != nil {
		return disk, err
	}
	return p.Engine.WaitDisk(ctx, disk.ID, p.Limit)
}

// discardDisk removes a disk, if it still is what it was found as.
func (p *Provider) discardDisk(ctx context.Context, infraID string, d api.Disk, limit time.Duration) error {
	now, odd, err := p.clusterDisk(ctx, infraID, d.ID)
	switch {
	case err != nil:
		return err
	case odd != nil:
		return fmt.Errorf("delete disk %s (%s): %s", d.Alias, d.ID, odd.why)
	case now == nil:
		return nil
	}
	if err := p.cancelTransfers(ctx, limit, d); err != nil {
		return err
	}
	return remove(ctx, p, limit, "disk "+d.Alias, d, d.ID, p.Engine.DeleteDisk, p.Engine.GetDisk)
}

// cancelTransfers ends what is being sent to some disks.
func (p *Provider) cancelTransfers(ctx context.Context, limit time.Duration, disks ...api.Disk) error {
	var ids []string
	for _, d := range disks {
		ids = append(ids, d.ID)
	}
	transfers, err := p.Engine.Transfers(ctx, ids...)
	errs := []error{err}
	for _, t := range transfers {
		if t.Open() {
			errs = append(errs, p.Engine.CancelTransfer(ctx, t, limit))
		}
	}
	return errors.Join(errs...)
}

// every lets a call through at most once per interval, and the last one always.
func every(now func() time.Time, interval time.Duration, fn func(sent, total int64)) func(sent, total int64) {
	var last time.Time
	return func(sent, total int64) {
		if t := now(); sent == total || t.Sub(last) >= interval {
			last = t
			fn(sent, total)
		}
	}
}
