package ovirt

import (
	"context"
	"fmt"
	"strings"
	"time"

	ovirtsdk "github.com/ovirt/go-ovirt"
)

// States of a disk.
const (
	DiskOK      = "ok"
	DiskLocked  = "locked"
	DiskIllegal = "illegal"
)

// Disk is a disk as the engine has it.
type Disk struct {
	ID, Alias, Description string
	Status, Format         string
	Sparse                 bool
	Shareable              bool  // may be in several machines
	Bytes                  int64 // what the guest sees
	ActualBytes            int64 // what it takes from its storage domain
	StorageDomains         []string
}

// DiskSpec is a disk to be created.
type DiskSpec struct {
	Alias, Description string
	StorageDomainID    string
	Format             string // cow or raw
	Sparse             bool
	Bytes              int64
	InitialBytes       int64 // reserved at once on block storage
}

// Attachment is a disk in a machine or template.
type Attachment struct {
	DiskID           string
	Bootable, Active bool
}

// DisksByAlias returns all disks of that name; names of disks are not unique.
func (c *Client) DisksByAlias(ctx context.Context, alias string) ([]Disk, error) {
	return c.searchDisks(ctx, "name="+alias, func(d Disk) bool { return d.Alias == alias })
}

// DisksByPrefix returns the disks whose names begin so.
func (c *Client) DisksByPrefix(ctx context.Context, prefix string) ([]Disk, error) {
	return c.searchDisks(ctx, "name="+prefix+"*", func(d Disk) bool { return strings.HasPrefix(d.Alias, prefix) })
}

func (c *Client) searchDisks(ctx context.Context, query string, keep func(Disk) bool) ([]Disk, error) {
	return ask(ctx, c, "search disks", func(s *session) ([]Disk, error) {
		var out []Disk
		resp, err := s.api.DisksService().List().Search(query).Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.Disks(); ok {
			for _, d := range list.Slice() {
				if disk := diskFrom(d); keep(disk) {
					out = append(out, disk)
				}
			}
		}
		return out, nil
	})
}

// GetDisk returns the disk with that ID.
func (c *Client) GetDisk(ctx context.Context, id string) (Disk, error) {
	return ask(ctx, c, "read disk "+id, func(s *session) (Disk, error) {
		var out Disk
		resp, err := s.api.DisksService().DiskService(id).Get().Send()
		if err != nil {
			return out, err
		}
		if d, ok := resp.Disk(); ok {
			out = diskFrom(d)
		}
		return out, nil
	})
}

func diskFrom(d *ovirtsdk.Disk) Disk {
	disk := Disk{}
	disk.ID, _ = d.Id()
	disk.Alias, _ = d.Alias()
	disk.Description, _ = d.Description()
	if s, ok := d.Status(); ok {
		disk.Status = string(s)
	}
	if f, ok := d.Format(); ok {
		disk.Format = string(f)
	}
	disk.Sparse, _ = d.Sparse()
	disk.Shareable, _ = d.Shareable()
	disk.ActualBytes, _ = d.ActualSize()
	disk.Bytes, _ = d.ProvisionedSize()
	if list, ok := d.StorageDomains(); ok {
		for _, sd := range list.Slice() {
			if id, ok := sd.Id(); ok {
				disk.StorageDomains = append(disk.StorageDomains, id)
			}
		}
	}
	return disk
}

// CreateDisk asks for a disk; it is locked until it is there.
func (c *Client) CreateDisk(ctx context.Context, spec DiskSpec) (Disk, error) {
	op := "create disk " + spec.Alias
	return send(ctx, c, op, func(s *session) (Disk, error) {
		var out Disk
		b := ovirtsdk.NewDiskBuilder().
			Alias(spec.Alias).Description(spec.Description).
			Format(ovirtsdk.DiskFormat(spec.Format)).Sparse(spec.Sparse).
			ProvisionedSize(spec.Bytes).
			StorageDomainsBuilderOfAny(*ovirtsdk.NewStorageDomainBuilder().Id(spec.StorageDomainID))
		if spec.InitialBytes > 0 {
			b.InitialSize(spec.InitialBytes)
		}
		resp, err := s.api.DisksService().Add().Disk(b.MustBuild()).Send()
		if err != nil {
			return out, err
		}
		d, ok := resp.Disk()
		if !ok {
			return out, &Error{Op: op, Kind: Broken, Detail: "the answer holds no disk"}
		}
		out = diskFrom(d)
		return out, nil
	})
}

// WaitDisk waits until a disk is ok.
func (c *Client) WaitDisk(ctx context.Context, id string, limit time.Duration) (Disk, error) {
	var out Disk
	err := c.wait(ctx, limit, "disk to be ok", func(ctx context.Context) (bool, string, error) {
		d, err := c.GetDisk(ctx, id)
		if err != nil {
			return false, err.Error(), permanent(err)
		}
		out = d
		switch d.Status {
		case DiskOK:
			return true, "", nil
		case DiskIllegal:
			return false, "", &Error{Op: "use disk " + d.Alias, Kind: Refused, Detail: "the disk is illegal"}
		}
		return false, fmt.Sprintf("disk %s is %s", d.Alias, d.Status), nil
	})
	return out, err
}

// ResizeDisk grows a disk.
func (c *Client) ResizeDisk(ctx context.Context, id string, bytes int64) error {
	return c.read(ctx, "resize disk "+id, func(s *session) error {
		_, err := s.api.DisksService().DiskService(id).Update().
			Disk(ovirtsdk.NewDiskBuilder().ProvisionedSize(bytes).MustBuild()).Send()
		return err
	})
}

// DescribeDisk replaces a disk's description.
func (c *Client) DescribeDisk(ctx context.Context, id, description string) error {
	return c.read(ctx, "describe disk "+id, func(s *session) error {
		_, err := s.api.DisksService().DiskService(id).Update().
			Disk(ovirtsdk.NewDiskBuilder().Description(description).MustBuild()).Send()
		return err
	})
}

// DeleteDisk removes a disk. One that is gone is fine.
func (c *Client) DeleteDisk(ctx context.Context, d Disk) error {
	return gone(c.read(ctx, "delete disk "+d.Alias, func(s *session) error {
		_, err := s.api.DisksService().DiskService(d.ID).Remove().Send()
		return err
	}))
}

// Attachments lists the disks of a machine.
func (c *Client) Attachments(ctx context.Context, vmID string) ([]Attachment, error) {
	return ask(ctx, c, "list disks of virtual machine", func(s *session) ([]Attachment, error) {
		var out []Attachment
		resp, err := s.api.VmsService().VmService(vmID).DiskAttachmentsService().List().Send()
		if err != nil {
			return nil, err
		}
		if list, ok := resp.Attachments(); ok {
			for _, a := range list.Slice() {
				out = append(out, attachmentFrom(a))
			}
		}
		return out, nil
	})
}

func attachmentFrom(a *ovirtsdk.DiskAttachment) Attachment {
	out := Attachment{}
	if d, ok := a.Disk(); ok {
		out.DiskID, _ = d.Id()
	} else {
		out.DiskID, _ = a.Id()
	}
	out.Bootable, _ = a.Bootable()
	out.Active, _ = a.Active()
	return out
}

// AttachDisk puts a disk into a machine, to boot from.
func (c *Client) AttachDisk(ctx context.Context, vmID, diskID string) error {
	return c.write(ctx, "attach disk "+diskID, func(s *session) error {
		a := ovirtsdk.NewDiskAttachmentBuilder().
			DiskBuilder(ovirtsdk.NewDiskBuilder().Id(diskID)).
			Interface(ovirtsdk.DISKINTERFACE_VIRTIO_SCSI).Bootable(true).Active(true).MustBuild()
		_, err := s.api.VmsService().VmService(vmID).DiskAttachmentsService().Add().Attachment(a).Send()
		return err
	})
}

// DetachDisk takes a disk out of a machine. The disk stays; one that is not in
// the machine is fine.
func (c *Client) DetachDisk(ctx context.Context, vm VM, d Disk) error {
	return gone(c.read(ctx, "detach disk "+d.Alias+" from virtual machine "+vm.Name, func(s *session) error {
		_, err := s.api.VmsService().VmService(vm.ID).DiskAttachmentsService().AttachmentService(d.ID).
			Remove().DetachOnly(true).Send()
		return err
	}))
}

// AttachedDisks returns the IDs of all disks that are in some machine, with the
// ID of that machine.
func (c *Client) AttachedDisks(ctx context.Context) (map[string]string, error) {
	return ask(ctx, c, "list disks of all virtual machines", func(s *session) (map[string]string, error) {
		resp, err := s.api.VmsService().List().Follow("disk_attachments").Send()
		if err != nil {
			return nil, err
		}
		out := map[string]string{}
		vms, ok := resp.Vms()
		if !ok {
			return out, nil
		}
		for _, vm := range vms.Slice() {
			list, ok := vm.DiskAttachments()
			if !ok {
				continue
			}
			for _, a := range list.Slice() {
				out[attachmentFrom(a).DiskID], _ = vm.Id()
			}
		}
		return out, nil
	})
}
