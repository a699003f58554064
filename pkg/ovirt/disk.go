package ovirt

import (
	"context"
	"strings"
	"time"

	sdk "github.com/ovirt/go-ovirt"
)

// Disk is a disk as the engine has it.
type Disk struct {
	ID, Alias, Description string
	Status                 string
	ISO                    bool  // for drives of machines
	Shareable              bool  // may be in several machines
	Bytes                  int64 // what the guest sees
	ActualBytes            int64 // what it takes from its storage domain
}

// DiskSpec is a disk to be created.
type DiskSpec struct {
	Alias, Description string
	StorageDomainID    string
	Format             string // cow or raw
	Sparse             bool
	ISO                bool // for drives of machines
	Bytes              int64
	InitialBytes       int64 // reserved at once on block storage
}

// Attachment is a disk in a machine or template.
type Attachment struct {
	DiskID   string
	Bootable bool
}

// DisksByAlias returns all disks of that name; names of disks are not unique.
func (c *Client) DisksByAlias(ctx context.Context, alias string) ([]Disk, error) {
	return c.searchDisks(ctx, "name="+alias, func(d Disk) bool { return d.Alias == alias })
}

// DisksByPrefix returns the disks whose names begin so.
func (c *Client) DisksByPrefix(ctx context.Context, prefix string) ([]Disk, error) {
	return c.searchDisks(ctx, "name="+prefix+"*", func(d Disk) bool { return strings.HasPrefix(d.Alias, prefix) })
}

func (c *Client) searchDisks(ctx context.Context, query string, fits func(Disk) bool) ([]Disk, error) {
	disks, err := call(ctx, c, "search disks", repeatable, func(e *engine) *sdk.DisksServiceListRequest {
		return e.DisksService().List().Search(query)
	}, all((*sdk.DisksServiceListResponse).Disks, diskFrom))
	return only(disks, fits), err
}

// GetDisk returns the disk with that ID.
func (c *Client) GetDisk(ctx context.Context, id string) (Disk, error) {
	return call(ctx, c, "read disk "+id, repeatable, func(e *engine) *sdk.DiskServiceGetRequest {
		return e.DisksService().DiskService(id).Get()
	}, one((*sdk.DiskServiceGetResponse).Disk, diskFrom))
}

func diskFrom(d *sdk.Disk) Disk {
	return Disk{
		ID: val(d.Id()), Alias: val(d.Alias()), Description: val(d.Description()),
		Status: string(val(d.Status())), Shareable: val(d.Shareable()),
		ISO:   val(d.ContentType()) == sdk.DISKCONTENTTYPE_ISO,
		Bytes: val(d.ProvisionedSize()), ActualBytes: val(d.ActualSize()),
	}
}

// CreateDisk asks for a disk; it is locked until it is there.
func (c *Client) CreateDisk(ctx context.Context, spec DiskSpec) (Disk, error) {
	return call(ctx, c, "create disk "+spec.Alias, single, func(e *engine) *sdk.DisksServiceAddRequest {
		b := sdk.NewDiskBuilder().
			Alias(spec.Alias).Description(spec.Description).
			Format(sdk.DiskFormat(spec.Format)).Sparse(spec.Sparse).
			ProvisionedSize(spec.Bytes).
			StorageDomainsBuilderOfAny(*sdk.NewStorageDomainBuilder().Id(spec.StorageDomainID))
		if spec.ISO {
			b.ContentType(sdk.DISKCONTENTTYPE_ISO)
		}
		if spec.InitialBytes > 0 {
			b.InitialSize(spec.InitialBytes)
		}
		return e.DisksService().Add().Disk(b.MustBuild())
	}, one((*sdk.DisksServiceAddResponse).Disk, diskFrom))
}

// WaitDisk waits until a disk is ok.
func (c *Client) WaitDisk(ctx context.Context, id string, limit time.Duration) (Disk, error) {
	return until(ctx, c, limit, "disk to be ok", c.GetDisk, id, func(d Disk) (bool, string, error) {
		return usable("disk "+d.Alias, d.Status)
	})
}

// ResizeDisk grows a disk.
func (c *Client) ResizeDisk(ctx context.Context, id string, bytes int64) error {
	return c.updateDisk(ctx, "resize disk "+id, id, sdk.NewDiskBuilder().ProvisionedSize(bytes).MustBuild())
}

// DescribeDisk replaces a disk's description.
func (c *Client) DescribeDisk(ctx context.Context, id, description string) error {
	return c.updateDisk(ctx, "describe disk "+id, id, sdk.NewDiskBuilder().Description(description).MustBuild())
}

func (c *Client) updateDisk(ctx context.Context, op, id string, d *sdk.Disk) error {
	return order(ctx, c, op, repeatable, func(e *engine) *sdk.DiskServiceUpdateRequest {
		return e.DisksService().DiskService(id).Update().Disk(d)
	})
}

// DeleteDisk removes a disk. One that is gone is fine.
func (c *Client) DeleteDisk(ctx context.Context, d Disk) error {
	return gone(order(ctx, c, "delete disk "+d.Alias, repeatable, func(e *engine) *sdk.DiskServiceRemoveRequest {
		return e.DisksService().DiskService(d.ID).Remove()
	}))
}

// Attachments lists the disks of a machine.
func (c *Client) Attachments(ctx context.Context, vmID string) ([]Attachment, error) {
	const op = "list disks of virtual machine"
	return call(ctx, c, op, repeatable, func(e *engine) *sdk.DiskAttachmentsServiceListRequest {
		return e.VmsService().VmService(vmID).DiskAttachmentsService().List()
	}, all((*sdk.DiskAttachmentsServiceListResponse).Attachments, attachmentFrom))
}

func attachmentFrom(a *sdk.DiskAttachment) Attachment {
	out := Attachment{DiskID: val(a.Id()), Bootable: val(a.Bootable())}
	if d, ok := a.Disk(); ok {
		out.DiskID = val(d.Id())
	}
	return out
}

// AttachDisk puts a disk into a machine, to boot from.
func (c *Client) AttachDisk(ctx context.Context, vmID, diskID string) error {
	return order(ctx, c, "attach disk "+diskID, single, func(e *engine) *sdk.DiskAttachmentsServiceAddRequest {
		a := sdk.NewDiskAttachmentBuilder().
			DiskBuilder(sdk.NewDiskBuilder().Id(diskID)).
			Interface(sdk.DISKINTERFACE_VIRTIO_SCSI).Bootable(true).Active(true).MustBuild()
		return e.VmsService().VmService(vmID).DiskAttachmentsService().Add().Attachment(a)
	})
}

// DetachDisk takes a disk out of a machine; fine if it is not in it.
func (c *Client) DetachDisk(ctx context.Context, vm VM, d Disk) error {
	op := "detach disk " + d.Alias + " from virtual machine " + vm.Name
	return gone(order(ctx, c, op, repeatable, func(e *engine) *sdk.DiskAttachmentServiceRemoveRequest {
		return e.VmsService().VmService(vm.ID).DiskAttachmentsService().AttachmentService(d.ID).
			Remove().DetachOnly(true)
	}))
}

// AttachedDisks has the machine's ID for every disk that is in one.
func (c *Client) AttachedDisks(ctx context.Context) (map[string]string, error) {
	const op = "list disks of all virtual machines"
	vms, err := call(ctx, c, op, repeatable, func(e *engine) *sdk.VmsServiceListRequest {
		return e.VmsService().List().Follow("disk_attachments")
	}, all((*sdk.VmsServiceListResponse).Vms, func(vm *sdk.Vm) *sdk.Vm { return vm }))
	out := map[string]string{}
	for _, vm := range vms {
		list, ok := vm.DiskAttachments()
		for _, a := range each(list, ok, attachmentFrom) {
			out[a.DiskID] = val(vm.Id())
		}
	}
	return out, err
}
