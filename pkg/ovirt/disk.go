package ovirt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/ovirt/go-ovirt"
)

// States of a disk.
const (
	DiskOK      = "ok"
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
	resp, err := call(ctx, c, "search disks", repeatable, func(e *engine) *sdk.DisksServiceListRequest {
		return e.DisksService().List().Search(query)
	})
	if err != nil {
		return nil, err
	}
	list, ok := resp.Disks()
	return slices.DeleteFunc(all(list, ok, diskFrom), func(d Disk) bool { return !keep(d) }), nil
}

// GetDisk returns the disk with that ID.
func (c *Client) GetDisk(ctx context.Context, id string) (Disk, error) {
	op := "read disk " + id
	resp, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.DiskServiceGetRequest {
		return e.DisksService().DiskService(id).Get()
	})
	if err != nil {
		return Disk{}, err
	}
	d, ok := resp.Disk()
	return one(op, d, ok, diskFrom)
}

func diskFrom(d *sdk.Disk) Disk {
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
	resp, err := call(ctx, c, op, single, func(e *engine) *sdk.DisksServiceAddRequest {
		b := sdk.NewDiskBuilder().
			Alias(spec.Alias).Description(spec.Description).
			Format(sdk.DiskFormat(spec.Format)).Sparse(spec.Sparse).
			ProvisionedSize(spec.Bytes).
			StorageDomainsBuilderOfAny(*sdk.NewStorageDomainBuilder().Id(spec.StorageDomainID))
		if spec.InitialBytes > 0 {
			b.InitialSize(spec.InitialBytes)
		}
		return e.DisksService().Add().Disk(b.MustBuild())
	})
	if err != nil {
		return Disk{}, err
	}
	d, ok := resp.Disk()
	return one(op, d, ok, diskFrom)
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
	return ignore(call(ctx, c, "resize disk "+id, repeatable, func(e *engine) *sdk.DiskServiceUpdateRequest {
		return e.DisksService().DiskService(id).Update().
			Disk(sdk.NewDiskBuilder().ProvisionedSize(bytes).MustBuild())
	}))
}

// DescribeDisk replaces a disk's description.
func (c *Client) DescribeDisk(ctx context.Context, id, description string) error {
	return ignore(call(ctx, c, "describe disk "+id, repeatable, func(e *engine) *sdk.DiskServiceUpdateRequest {
		return e.DisksService().DiskService(id).Update().
			Disk(sdk.NewDiskBuilder().Description(description).MustBuild())
	}))
}

// DeleteDisk removes a disk. One that is gone is fine.
func (c *Client) DeleteDisk(ctx context.Context, d Disk) error {
	return gone(ignore(call(ctx, c, "delete disk "+d.Alias, repeatable, func(e *engine) *sdk.DiskServiceRemoveRequest {
		return e.DisksService().DiskService(d.ID).Remove()
	})))
}

// Attachments lists the disks of a machine.
func (c *Client) Attachments(ctx context.Context, vmID string) ([]Attachment, error) {
	const op = "list disks of virtual machine"
	resp, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.DiskAttachmentsServiceListRequest {
		return e.VmsService().VmService(vmID).DiskAttachmentsService().List()
	})
	if err != nil {
		return nil, err
	}
	list, ok := resp.Attachments()
	return all(list, ok, attachmentFrom), nil
}

func attachmentFrom(a *sdk.DiskAttachment) Attachment {
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
	op := "attach disk " + diskID
	return ignore(call(ctx, c, op, single, func(e *engine) *sdk.DiskAttachmentsServiceAddRequest {
		a := sdk.NewDiskAttachmentBuilder().
			DiskBuilder(sdk.NewDiskBuilder().Id(diskID)).
			Interface(sdk.DISKINTERFACE_VIRTIO_SCSI).Bootable(true).Active(true).MustBuild()
		return e.VmsService().VmService(vmID).DiskAttachmentsService().Add().Attachment(a)
	}))
}

// DetachDisk takes a disk out of a machine. The disk stays; one that is not in
// the machine is fine.
func (c *Client) DetachDisk(ctx context.Context, vm VM, d Disk) error {
	op := "detach disk " + d.Alias + " from virtual machine " + vm.Name
	return gone(ignore(call(ctx, c, op, repeatable, func(e *engine) *sdk.DiskAttachmentServiceRemoveRequest {
		return e.VmsService().VmService(vm.ID).DiskAttachmentsService().AttachmentService(d.ID).
			Remove().DetachOnly(true)
	})))
}

// AttachedDisks returns the IDs of all disks that are in some machine, with the
// ID of that machine.
func (c *Client) AttachedDisks(ctx context.Context) (map[string]string, error) {
	const op = "list disks of all virtual machines"
	resp, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.VmsServiceListRequest {
		return e.VmsService().List().Follow("disk_attachments")
	})
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
		for _, a := range all(list, ok, attachmentFrom) {
			out[a.DiskID], _ = vm.Id()
		}
	}
	return out, nil
}
