package ovirt

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

// media is what a provider knows of the ISO images that machines are started from.
type media struct {
	mu    sync.Mutex // is held while images are looked for, uploaded or removed
	image plan.Image // as it was fetched
	boots int        // under way: they need an image that is in no drive yet
	used  bool       // there may be images
}

// begin keeps images from being removed until end.
func (m *media) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.boots++
	m.used = true
}

func (m *media) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.boots--
}

// mediumName is the name of the disk with an ISO image.
func mediumName(infraID, sum string) string { return infraID + "-" + sum[:12] + ".iso" }

func mediumNotes(image plan.Image, domain string) []string {
	return []string{"medium " + imageNote(image), "domain " + domain}
}

// ensureMedium returns the disk with the ISO image, which machines share. It is uploaded unless it is there.
func (p *Provider) ensureMedium(ctx context.Context, infraID string, spec plan.Medium) (api.Disk, error) {
	p.media.mu.Lock()
	defer p.media.mu.Unlock()
	image, err := p.fetchMedium(ctx, spec.Image)
	if err != nil {
		return api.Disk{}, err
	}
	disks, err := p.mediaDisks(ctx, infraID)
	if err != nil {
		return api.Disk{}, err
	}
	disks = slices.DeleteFunc(disks, func(d api.Disk) bool {
		return note(d.Description, "medium") != imageNote(image) || note(d.Description, "domain") != spec.StorageDomainID
	})
	for _, d := range disks {
		if d.Status == api.OK && note(d.Description, "upload") == complete {
			return d, nil
		}
	}
	// A run that was killed has left these.
	if err := p.discardOthers(ctx, infraID, disks, ""); err != nil {
		return api.Disk{}, err
	}
	return p.uploadMedium(ctx, infraID, image, spec.StorageDomainID)
}

// fetchMedium gets the file of the image, once.
func (p *Provider) fetchMedium(ctx context.Context, image plan.Image) (plan.Image, error) {
	if p.media.image.Path != "" {
		return p.media.image, nil
	}
	if image.Path == "" {
		if p.Fetch == nil {
			return image, errors.New("upload the medium: the plan names no file")
		}
		var err error
		if image, err = p.Fetch(ctx, image); err != nil {
			return image, err
		}
	}
	f, err := os.Open(image.Path)
	if err != nil {
		return image, fmt.Errorf("upload the medium: %w", err)
	}
	defer f.Close()
	// Its own sum, whatever the image came with: the file may have been made anew.
	sum := sha256.New()
	if image.Size, err = io.Copy(sum, f); err != nil {
		return image, fmt.Errorf("upload the medium: read %s: %w", image.Path, err)
	}
	image.SHA256 = hex.EncodeToString(sum.Sum(nil))
	p.media.image = image
	return image, nil
}

// mediaDisks are the disks with ISO images of a cluster, complete or not.
func (p *Provider) mediaDisks(ctx context.Context, infraID string) ([]api.Disk, error) {
	disks, err := p.Engine.DisksByPrefix(ctx, infraID+"-")
	return slices.DeleteFunc(disks, func(d api.Disk) bool {
		return !marked(infraID, d.Description) || note(d.Description, "medium") == ""
	}), err
}

// blockSize is what sizes of disks are multiples of.
const blockSize = 4096

func (p *Provider) uploadMedium(
	ctx context.Context, infraID string, image plan.Image, domain string,
) (api.Disk, error) {
	sd, err := p.Engine.GetStorageDomain(ctx, domain)
	if err != nil {
		return api.Disk{}, err
	}
	want := describe(infraID, mediumNotes(image, domain)...)
	spec := api.DiskSpec{
		Alias: mediumName(infraID, image.SHA256), Description: want, StorageDomainID: domain, Format: "raw",
		Sparse: !sd.Block(), ISO: true, Bytes: max((image.Size+blockSize-1)/blockSize*blockSize, 1<<20),
	}
	disk, err := ensure(ctx, p, func(ctx context.Context) (*api.Disk, error) {
		disks, err := p.Engine.DisksByAlias(ctx, spec.Alias)
		i := slices.IndexFunc(disks, func(d api.Disk) bool { return d.Description == want })
		if err != nil || i < 0 {
			return nil, err
		}
		return &disks[i], nil
	}, func(ctx context.Context) (api.Disk, error) { return p.Engine.CreateDisk(ctx, spec) })
	if err != nil {
		return disk, err
	}
	if disk, err = p.Engine.WaitDisk(ctx, disk.ID, p.Limit); err == nil {
		err = p.fillMedium(ctx, disk, image, want)
	}
	if err != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return disk, errors.Join(err, p.discardDisk(clean, infraID, disk, time.Minute))
	}
	return disk, nil
}

// fillMedium uploads the image, and then marks the disk as complete.
func (p *Provider) fillMedium(ctx context.Context, disk api.Disk, image plan.Image, description string) error {
	f, err := os.Open(image.Path)
	if err != nil {
		return fmt.Errorf("upload the medium: %w", err)
	}
	defer f.Close()
	event.Info(p.Events, "uploading the medium that machines are started from", "disk", disk.Alias, "bytes", image.Size)
	report := every(p.Clock.Now, 5*time.Second, func(sent, total int64) {
		event.ProgressOf(p.Events, fmt.Sprintf("upload of the medium %d%%", sent*100/max(total, 1)), "sent", sent, "total",
			total)
	})
	err = p.Engine.Upload(ctx, api.Upload{DiskID: disk.ID, Format: "raw", Source: f, Size: image.Size, Limit: p.Limit,
		Progress: report})
	if err != nil {
		return err
	}
	return p.repeat(ctx, p.Limit, func(ctx context.Context) error {
		return p.Engine.DescribeDisk(ctx, disk.ID, description+"; upload "+complete)
	})
}

// sweep removes the ISO images of a cluster that are in no drive of its machines. One that is being uploaded stays.
func (p *Provider) sweep(ctx context.Context, infraID string) error {
	p.media.mu.Lock()
	defer p.media.mu.Unlock()
	if p.media.boots > 0 {
		return nil
	}
	disks, err := p.mediaDisks(ctx, infraID)
	if err != nil || len(disks) == 0 {
		return err
	}
	vms, err := p.clusterVMs(ctx, infraID)
	if err != nil {
		return err
	}
	for _, vm := range vms {
		drive, err := p.Engine.GetDrive(ctx, vm)
		if api.Is(err, api.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		disks = slices.DeleteFunc(disks, func(d api.Disk) bool { return has(drive.Now, d) || has(drive.Next, d) })
	}
	var ids []string
	for _, d := range disks {
		ids = append(ids, d.ID)
	}
	transfers, err := p.Engine.Transfers(ctx, ids...)
	if err != nil {
		return err
	}
	for _, d := range disks {
		if slices.ContainsFunc(transfers, func(t api.Transfer) bool { return t.DiskID == d.ID && t.Open() }) {
			continue
		}
		event.Debug(p.Events, "removing a medium that no machine needs any more", "disk", d.Alias)
		if err := p.discardDisk(ctx, infraID, d, p.Limit); err != nil {
			return err
		}
	}
	return nil
}
