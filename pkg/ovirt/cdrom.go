package ovirt

import (
	"context"

	sdk "github.com/ovirt/go-ovirt"
)

// theDrive is the ID of the drive that every machine has, and the only one.
const theDrive = BlankTemplate

// Drive is what is in the drive of a machine: the IDs of disks, empty without a medium.
type Drive struct {
	Now  string // while it runs; empty if it is down
	Next string // at its next start
}

// GetDrive reads what is in the drive of a machine.
func (c *Client) GetDrive(ctx context.Context, vm VM) (Drive, error) {
	next, err := c.disc(ctx, vm, false)
	if err != nil {
		return Drive{}, err
	}
	now, err := c.disc(ctx, vm, true)
	return Drive{Now: now, Next: next}, err
}

func (c *Client) disc(ctx context.Context, vm VM, current bool) (string, error) {
	op := "read the drive of virtual machine " + vm.Name
	return call(ctx, c, op, repeatable, func(e *engine) *sdk.VmCdromServiceGetRequest {
		return drive(e, vm).Get().Current(current)
	}, one((*sdk.VmCdromServiceGetResponse).Cdrom, func(cd *sdk.Cdrom) string { return val(part(cd.File()).Id()) }))
}

func drive(e *engine, vm VM) *sdk.VmCdromService {
	return e.VmsService().VmService(vm.ID).CdromsService().CdromService(theDrive)
}

// Insert puts a disk with an ISO image into the drive for the next start of a machine; without a disk the drive will be
// empty. Doing so twice is the same as once.
func (c *Client) Insert(ctx context.Context, vm VM, diskID string) error {
	return c.changeDisc(ctx, "change the drive of virtual machine "+vm.Name, vm, diskID, false)
}

// Eject empties the drive of a machine that runs.
func (c *Client) Eject(ctx context.Context, vm VM) error {
	return c.changeDisc(ctx, "empty the drive of virtual machine "+vm.Name, vm, "", true)
}

func (c *Client) changeDisc(ctx context.Context, op string, vm VM, diskID string, current bool) error {
	return order(ctx, c, op, repeatable, func(e *engine) *sdk.VmCdromServiceUpdateRequest {
		cd := sdk.NewCdromBuilder().FileBuilder(sdk.NewFileBuilder().Id(diskID)).MustBuild()
		return drive(e, vm).Update().Cdrom(cd).Current(current)
	})
}

// StartFromDrive powers a machine on for one run in which its drive with a disk comes before its disks.
func (c *Client) StartFromDrive(ctx context.Context, vm VM, diskID string) error {
	return order(ctx, c, "start virtual machine "+vm.Name, single, func(e *engine) *sdk.VmServiceStartRequest {
		return e.VmsService().VmService(vm.ID).Start().Vm(sdk.NewVmBuilder().
			OsBuilder(booting(sdk.BOOTDEVICE_CDROM, sdk.BOOTDEVICE_HD)).
			CdromsBuilderOfAny(*sdk.NewCdromBuilder().FileBuilder(sdk.NewFileBuilder().Id(diskID))).MustBuild())
	})
}

func booting(devices ...sdk.BootDevice) *sdk.OperatingSystemBuilder {
	return sdk.NewOperatingSystemBuilder().BootBuilder(sdk.NewBootBuilder().Devices(devices))
}
