package compute

import (
	"cmp"
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

// copies are the disks of a new VM or template, made from another's.
type copies struct {
	disks       []*model.Disk
	attachments []*model.Attachment
	pairs       []model.Pair
}

// planCopies plans copies of disks, each adjusted for where it is going to be.
func planCopies(
	c *rest.Call, action refuse.Action, of []*model.Attachment, adjust func(d, original *model.Disk) error,
) (copies, error) {
	var out copies
	need := map[string]int64{}
	for _, a := range of {
		original := c.State.Disks[a.Disk]
		d, attachment := *original, *a
		d.ID, d.Image = datacenter.NewID(), datacenter.NewID()
		d.Status, d.Owner = model.StatusLocked, c.User.Name
		if err := cmp.Or(datacenter.DiskReady(action, original), adjust(&d, original)); err != nil {
			return copies{}, err
		}
		need[d.Domains[0]] += d.Allocated
		attachment.Disk = d.ID
		out.disks = append(out.disks, &d)
		out.attachments = append(out.attachments, &attachment)
		out.pairs = append(out.pairs, model.Pair{From: original.ID, To: d.ID})
	}
	for domain, bytes := range need {
		if err := c.Reserve(action, c.Layout.Domain(domain), bytes); err != nil {
			return copies{}, err
		}
	}
	return out, nil
}

// keep adds the disks to the data center and returns how they are attached.
func (k copies) keep(c *rest.Call) []*model.Attachment {
	for _, d := range k.disks {
		c.State.Disks[d.ID] = d
	}
	return k.attachments
}

// thaw adjusts a new VM's copy of a template's disk. A fully cloned disk takes
// what the original takes; a thin one starts empty and keeps the template alive.
func thaw(c *rest.Call, action refuse.Action, d, original *model.Disk, in *api.VM, fully bool) error {
	sd, err := override(c, d, original.ID, in)
	if err != nil {
		return err
	}
	d.Template, d.Domains = "", []string{sd.ID}
	d.Allocated = datacenter.Allocated(d.Format, d.Sparse, d.Size, 0)
	if fully && d.Sparse {
		d.Allocated = max(d.Allocated, min(original.Allocated, d.Size))
	}
	if !fully {
		d.Base = original.ID
	}
	return cmp.Or(
		action.InvalidIf(!fully && !slices.Contains(original.Domains, sd.ID),
			"The Template's disk %s is not on Storage Domain %s.", original.Alias, sd.Name),
		datacenter.VolumeFits(action, sd, d.Format, d.Sparse),
	)
}

// override applies what a request asks for in place of a template's disk, and
// returns the storage domain.
func override(c *rest.Call, d *model.Disk, template string, in *api.VM) (*datacenter.KnownDomain, error) {
	sd := c.Layout.Domain(d.Domains[0])
	for _, over := range in.DiskAttachments {
		if over.Disk == nil || over.ID != template && over.Disk.ID != template {
			continue
		}
		rest.Set(&d.Format, over.Disk.Format)
		d.Sparse = d.Sparse || d.Format == model.FormatCow
		rest.Set(&d.Sparse, over.Disk.Sparse)
		rest.Set(&d.Alias, over.Disk.Title())
		if over.Disk.Domain() != nil {
			var err error
			if sd, err = c.DomainOf(over.Disk); err != nil {
				return nil, err
			}
		}
	}
	return sd, nil
}
