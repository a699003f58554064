package storage

import (
	"cmp"
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

func transferXML(c *rest.Call, t *model.Transfer) *api.Element {
	direction := "download"
	if t.Upload {
		direction = "upload"
	}
	out := api.Object("image_transfer", "imagetransfers", t.ID).
		Actions("cancel", "extend", "finalize", "pause", "resume").
		Set("active", t.Phase == model.PhaseTransferring).Set("direction", direction).
		Refer("disk", "disks", t.Disk).Set("format", t.Format).Refer("host", "hosts", t.Host).
		Set("image", api.Ref{ID: t.Disk}).Set("inactivity_timeout", int(t.Timeout/time.Second)).
		Set("phase", t.Phase)
	if !finished(t.Phase) {
		out.Set("proxy_url", c.Config.ProxyURL+"/images/"+t.Ticket)
	}
	out.Set("shallow", false).Set("timeout_policy", t.Policy)
	if !finished(t.Phase) {
		out.Set("transfer_url", c.Config.TransferURL+"/images/"+t.Ticket)
	}
	return out.Set("transferred", t.Moved)
}

func showTransfer(c *rest.Call, t *model.Transfer) (*api.Element, error) {
	return transferXML(c, t), nil
}

func finished(phase string) bool {
	return phase == model.PhaseFinishedSuccess || phase == model.PhaseFinishedFailure
}

func listTransfers(c *rest.Call) (*api.Element, error) {
	list := api.New("image_transfers")
	for _, t := range model.Sorted(c.State.Transfers, func(t *model.Transfer) string { return t.ID }) {
		if !finished(t.Phase) {
			list.Add(transferXML(c, t))
		}
	}
	return list, nil
}

func transferOf(c *rest.Call) (*model.Transfer, error) {
	return rest.Known(c.State.Transfers[c.ID("id")])
}

func addTransfer(c *rest.Call, in *api.ImageTransfer) (*api.Element, error) {
	const action refuse.Action = "transfer Virtual Disk"
	id := cmp.Or(api.Val(in.Image).ID, api.Val(in.Disk).ID)
	if id == "" {
		return nil, refuse.Incomplete("ImageTransfer [image.id|disk.id|snapshot.id]", "add")
	}
	d, ok := c.State.Disks[id]
	if !ok {
		return nil, action.Invalid("The disk does not exist.")
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

func transferable(c *rest.Call, action refuse.Action, d *model.Disk, upload bool, format string) error {
	if format != model.FormatRaw && format != model.FormatCow {
		return action.Invalid("Image format %q is not supported.", format)
	}
	if err := datacenter.DiskReady(action, d); err != nil && (!upload || d.Status == model.StatusLocked) {
		return err // an illegal disk may be uploaded once more
	}
	if upload && d.Template != "" {
		return action.Conflict("This disk is a part of a template.")
	}
	if vm, _ := c.DiskUser(d.ID); vm != nil && vm.Status != model.VMDown {
		return action.Conflict("The disk is in use by a running VM: %s.", vm.Name)
	}
	if !upload && format != d.Content {
		// A real engine converts on the way; the lab hands out what it holds.
		return action.Invalid("The content of disk %s is %s and cannot be read as %s.", d.Alias, d.Content, format)
	}
	return nil
}

func transferHost(c *rest.Call, action refuse.Action, want *api.Ref) (*datacenter.KnownHost, error) {
	for _, h := range c.Layout.Hosts {
		wanted := want == nil || want.Means(h.ID, h.Name)
		if wanted && c.HostStatus(h) == datacenter.HostUp {
			return h, nil
		}
	}
	return nil, action.Conflict("There is no active host in the Data Center.")
}

func finalizeTransfer(c *rest.Call, t *model.Transfer) (*api.Element, error) {
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

func cancelTransfer(c *rest.Call, t *model.Transfer) (*api.Element, error) {
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
	return rest.Act(transferOf, func(c *rest.Call, t *model.Transfer) (*api.Element, error) {
		if !slices.Contains(from, t.Phase) {
			return nil, refuse.Conflict("Cannot change image transfer. The transfer is in phase %s.", t.Phase)
		}
		t.Phase, t.Activity = to, c.Clock.Now()
		return rest.Complete(nil), nil
	})
}
