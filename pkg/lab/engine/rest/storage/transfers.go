package storage

import (
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

// defaultInactivity is how long a ticket may rest before the engine pauses
// its transfer.
const defaultInactivity = 60 * time.Second

func transferXML(c *rest.Call, t *model.Transfer) *api.ImageTransfer {
	direction := "download"
	if t.Upload {
		direction = "upload"
	}
	active := t.Phase == model.PhaseTransferring
	base := rest.Href("imagetransfers", t.ID)
	out := &api.ImageTransfer{
		Href: base, ID: t.ID, Active: &active, Direction: &direction, Format: &t.Format, Phase: &t.Phase,
		Actions:           rest.Actions(base, "cancel", "extend", "finalize", "pause", "resume"),
		InactivityTimeout: api.Ptr(int(t.Timeout / time.Second)), TimeoutPolicy: &t.Policy, Shallow: api.Ptr(false),
		Disk: &api.Disk{Href: rest.Href("disks", t.Disk), ID: t.Disk}, Image: &api.Ref{ID: t.Disk},
		Host: &api.Host{Href: rest.Href("hosts", t.Host), ID: t.Host}, Transferred: &t.Moved,
	}
	if !finished(t.Phase) {
		out.TransferURL = api.Ptr(c.Config.TransferURL + "/images/" + t.Ticket)
		out.ProxyURL = api.Ptr(c.Config.ProxyURL + "/images/" + t.Ticket)
	}
	return out
}

func finished(phase string) bool {
	return phase == model.PhaseFinishedSuccess || phase == model.PhaseFinishedFailure
}

func listTransfers(c *rest.Call) (any, error) {
	var out []*api.ImageTransfer
	for _, t := range model.Sorted(c.State.Transfers, func(t *model.Transfer) string { return t.ID }) {
		if !finished(t.Phase) {
			out = append(out, transferXML(c, t))
		}
	}
	return api.List[*api.ImageTransfer]{Name: "image_transfers", Items: out}, nil
}

func transferOf(c *rest.Call) (*model.Transfer, error) { return rest.Find(c, c.State.Transfers) }

func addTransfer(c *rest.Call, in *api.ImageTransfer) (any, error) {
	const action = "transfer Virtual Disk"
	id := api.RefID(in.Image)
	if id == "" && in.Disk != nil {
		id = in.Disk.ID
	}
	if id == "" {
		return nil, refuse.Incomplete("ImageTransfer [image.id|disk.id|snapshot.id]", "add")
	}
	d, ok := c.State.Disks[id]
	if !ok {
		return nil, refuse.Invalid("Cannot %s. The disk does not exist.", action)
	}
	upload := in.Direction == nil || *in.Direction == "upload"
	format := d.Format
	rest.Set(&format, in.Format)
	if err := transferable(c, action, d, upload, format); err != nil {
		return nil, err
	}
	host, err := transferHost(c, action, in.Host)
	if err != nil {
		return nil, err
	}
	timeout := defaultInactivity
	if s := api.Val(in.InactivityTimeout); s > 0 {
		timeout = time.Duration(s) * time.Second
	}
	policy := "legacy"
	rest.Set(&policy, in.TimeoutPolicy)
	verb := "Downloading"
	if upload {
		verb = "Uploading"
	}
	job := c.Job("%s disk image %s", verb, d.Alias)
	t := &model.Transfer{
		ID: datacenter.NewID(), Ticket: datacenter.NewID(), Disk: d.ID, Upload: upload, Format: format,
		Phase: model.PhaseInitializing, Timeout: timeout, Policy: policy, Host: host.ID, Job: job.ID,
		Activity: c.Clock.Now(),
	}
	c.State.Transfers[t.ID] = t
	d.Status = model.StatusLocked
	c.Begin(&model.Task{Kind: datacenter.TaskOpen, Transfer: t.ID}, c.Config.Delays.Transfer)
	return transferXML(c, t), nil
}

func transferable(c *rest.Call, action string, d *model.Disk, upload bool, format string) error {
	if format != model.FormatRaw && format != model.FormatCow {
		return refuse.Invalid("Cannot %s. Image format %q is not supported.", action, format)
	}
	if err := datacenter.DiskReady(action, d); err != nil && (!upload || d.Status == model.StatusLocked) {
		return err // an illegal disk may be uploaded once more
	}
	if upload && d.Template != "" {
		return refuse.Conflict("Cannot %s. This disk is a part of a template.", action)
	}
	if vm, _ := c.DiskUser(d.ID); vm != nil && vm.Status != model.VMDown {
		return refuse.Conflict("Cannot %s. The disk is in use by a running VM: %s.", action, vm.Name)
	}
	if !upload && format != d.Content {
		// A real engine converts on the way; the lab hands out what it holds.
		return refuse.Invalid("Cannot %s. The content of disk %s is %s and cannot be read as %s.",
			action, d.Alias, d.Content, format)
	}
	return nil
}

func transferHost(c *rest.Call, action string, want *api.Host) (*datacenter.KnownHost, error) {
	for _, h := range c.Layout.Hosts {
		wanted := want == nil || (&api.Ref{ID: want.ID, Name: want.Name}).Means(h.ID, h.Name)
		if wanted && c.HostStatus(h) == datacenter.HostUp {
			return h, nil
		}
	}
	return nil, refuse.Conflict("Cannot %s. There is no active host in the Data Center.", action)
}

func finalizeTransfer(c *rest.Call, t *model.Transfer) (any, error) {
	switch t.Phase {
	case model.PhaseTransferring, model.PhasePausedSystem, model.PhasePausedUser:
	case model.PhaseFinalizingSuccess, model.PhaseFinishedSuccess:
		return rest.Complete(nil), nil // said twice
	default:
		return nil, refuse.Conflict("Cannot finalize image transfer. The transfer is in phase %s.", t.Phase)
	}
	t.Phase = model.PhaseFinalizingSuccess
	job := c.Job("Finalizing transfer of disk %s", t.Disk)
	task := &model.Task{Kind: datacenter.TaskFinalize, Transfer: t.ID, Disk: t.Disk, Job: job.ID}
	c.Begin(task, c.Config.Delays.Transfer)
	return rest.Complete(job), nil
}

func cancelTransfer(c *rest.Call, t *model.Transfer) (any, error) {
	switch t.Phase {
	case model.PhaseFinalizingFailure, model.PhaseFinishedFailure:
		return rest.Complete(nil), nil
	case model.PhaseFinalizingSuccess, model.PhaseFinishedSuccess:
		return nil, refuse.Conflict("Cannot cancel image transfer. The transfer is in phase %s.", t.Phase)
	}
	t.Phase = model.PhaseFinalizingFailure
	job := c.Job("Cancelling transfer of disk %s", t.Disk)
	c.Begin(&model.Task{Kind: datacenter.TaskCancel, Transfer: t.ID, Job: job.ID}, c.Config.Delays.Transfer)
	return rest.Complete(job), nil
}

// shift changes the phase of a transfer when it is one of from.
func shift(to string, from ...string) rest.Handler {
	return rest.Act(transferOf, func(c *rest.Call, t *model.Transfer) (any, error) {
		if !slices.Contains(from, t.Phase) {
			return nil, refuse.Conflict("Cannot change image transfer. The transfer is in phase %s.", t.Phase)
		}
		t.Phase, t.Activity = to, c.Clock.Now()
		return rest.Complete(nil), nil
	})
}
