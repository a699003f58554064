package ovirt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/machines"
	api "github.com/okd-install/okd-install/pkg/ovirt"
)

// stranger is something that a name, a tag or a search makes look like a part
// of the cluster, and that is not proved to be one. It stays.
type stranger struct {
	what, why string
	group     api.Group // if it is one
}

// fits reports whether a name is one that machines of the cluster have.
func fits(infraID, name string) bool {
	return strings.HasPrefix(name, infraID+"-") || name == ImageVMName(infraID)
}

// owned is what is proved to be a cluster's, and what only looks like it.
type owned struct {
	vms      []api.VM
	template *api.Template
	disks    []api.Disk // in no machine and no template
	groups   []api.Group
	tags     []api.Tag
	odd      []stranger
}

// look finds what a cluster owns, or what of it serves the bootstrap alone. What
// cannot be read does not hide the rest, but while machines or template are not
// known, no disk and no group is taken for the cluster's.
func (p *Provider) look(ctx context.Context, infraID string, all bool) (owned, error) {
	var out owned
	vms, odd, err := p.findVMs(ctx, infraID, all)
	out.vms, out.odd = vms, odd
	if err == nil && !all {
		vms, err = p.clusterVMs(ctx, infraID)
	}
	errs := []error{err}
	add := func(s *stranger, err error) {
		if s != nil {
			out.odd = append(out.odd, *s)
		}
		errs = append(errs, err)
	}
	for _, name := range tagNames(infraID, all) {
		tag, s, err := p.clusterTag(ctx, infraID, name)
		if tag != nil {
			out.tags = append(out.tags, *tag)
		}
		add(s, err)
	}
	template, s, terr := p.clusterTemplate(ctx, infraID)
	if all {
		out.template = template
		add(s, terr)
	}
	if err == nil && terr == nil && template == nil && len(vms) == 0 {
		var derr error
		out.disks, derr = p.looseDisks(ctx, infraID)
		errs = append(errs, derr)
	}
	if all && err == nil {
		groups, odd, gerr := p.clusterGroups(ctx, infraID, vms)
		out.groups, out.odd = groups, append(out.odd, odd...)
		errs = append(errs, gerr)
	}
	return out, errors.Join(errs...)
}

// tagNames are the names of the cluster's tags, or of the bootstrap's alone.
func tagNames(infraID string, all bool) []string {
	if all {
		return []string{BootstrapName(infraID), infraID}
	}
	return []string{BootstrapName(infraID)}
}

// looseDisks returns disks of the cluster that are in no machine, also not in others
// that were made of its template. They can be told only when neither its machines
// nor its template are there: these have disks of the same name.
func (p *Provider) looseDisks(ctx context.Context, infraID string) ([]api.Disk, error) {
	proposed, err := p.Engine.DisksByPrefix(ctx, infraID+"-")
	if err != nil || len(proposed) == 0 {
		return nil, err
	}
	used, err := p.Engine.AttachedDisks(ctx)
	if err != nil {
		return nil, err
	}
	var out []api.Disk
	for _, one := range proposed {
		if _, in := used[one.ID]; in {
			continue
		}
		disk, _, err := p.clusterDisk(ctx, infraID, one.ID)
		if err != nil {
			return out, err
		}
		if disk != nil {
			out = append(out, *disk)
		}
	}
	return out, nil
}

// clusterVMs returns all machines that are proved to be the cluster's.
func (p *Provider) clusterVMs(ctx context.Context, infraID string) ([]api.VM, error) {
	ours, _, err := p.findVMs(ctx, infraID, true)
	return ours, err
}

// findVMs finds machines by tag, and by name those that a kill left without one. A
// search only proposes, and may find too much: each machine is read again by its
// ID and has to show a name of the cluster, and its mark or tag.
func (p *Provider) findVMs(ctx context.Context, infraID string, all bool) (ours []api.VM, odd []stranger, err error) {
	ids, tags, err := p.proposedVMs(ctx, infraID, all)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		vm, err := p.Engine.GetVM(ctx, id)
		if api.Is(err, api.NotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		r := roleOf(infraID, vm)
		if !all && r != machines.Bootstrap && r != "image" {
			continue
		}
		if r != "" && marked(infraID, vm.Description) {
			ours = append(ours, vm)
			continue
		}
		have, err := p.Engine.VMTags(ctx, id)
		if err != nil && !api.Is(err, api.NotFound) {
			return nil, nil, err
		}
		tagged := slices.ContainsFunc(have, func(t string) bool { return slices.Contains(tags, t) })
		what := fmt.Sprintf("virtual machine %s (%s)", vm.Name, vm.ID)
		switch {
		case tagged && fits(infraID, vm.Name):
			ours = append(ours, vm)
		case tagged:
			odd = append(odd, stranger{what: what,
				why: "it carries the cluster's tag, but its name is none of the cluster's"})
		case fits(infraID, vm.Name):
			odd = append(odd, stranger{what: what,
				why: "its name begins like those of the cluster, but it has neither its mark nor its tag"})
		} // anything else is what a search made up
	}
	return ours, odd, nil
}

// proposedVMs returns IDs of machines that may be ours, and the tags that prove it.
func (p *Provider) proposedVMs(ctx context.Context, infraID string, all bool) (ids, tags []string, err error) {
	add := func(vms []api.VM) {
		for _, vm := range vms {
			if !slices.Contains(ids, vm.ID) {
				ids = append(ids, vm.ID)
			}
		}
	}
	for _, name := range tagNames(infraID, all) {
		// Searching for a tag that does not exist is an error on some engines.
		tag, _, err := p.clusterTag(ctx, infraID, name)
		if err != nil {
			return nil, nil, err
		}
		if tag == nil {
			continue
		}
		tags = append(tags, name)
		vms, err := p.Engine.VMsByTag(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		add(vms)
	}
	for _, prefix := range []string{infraID + "-", ImageVMName(infraID)} {
		vms, err := p.Engine.VMsByPrefix(ctx, prefix)
		if err != nil {
			return nil, nil, err
		}
		add(vms)
	}
	return ids, tags, nil
}

const unmarked = "its name is one of the cluster's, but its description does not begin with the cluster's mark"

// clusterTag returns the tag of that name if the cluster made it. One that
// somebody else made proves nothing, and stays.
func (p *Provider) clusterTag(ctx context.Context, infraID, name string) (*api.Tag, *stranger, error) {
	return proved(ctx, infraID, "tag", name, p.Engine.FindTag, p.Engine.GetTag,
		func(t api.Tag) (id, name, description string) { return t.ID, t.Name, t.Description })
}

// clusterTemplate returns the cluster's own template, nil if there is none.
func (p *Provider) clusterTemplate(ctx context.Context, infraID string) (*api.Template, *stranger, error) {
	return proved(ctx, infraID, "template", ImageName(infraID), p.Engine.FindTemplate, p.Engine.GetTemplate,
		func(t api.Template) (id, name, description string) { return t.ID, t.Name, t.Description })
}

// proved finds an object by its name, and reads it again by its ID: it has to have
// that name and the cluster's mark.
func proved[T any](
	ctx context.Context, infraID, kind, name string, find func(context.Context, string) (*T, error),
	get func(context.Context, string) (T, error), facts func(T) (id, name, description string),
) (*T, *stranger, error) {
	found, err := find(ctx, name)
	if err != nil || found == nil {
		return nil, nil, err
	}
	id, _, _ := facts(*found)
	now, err := get(ctx, id)
	if api.Is(err, api.NotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if _, has, description := facts(now); has != name || !marked(infraID, description) {
		return nil, &stranger{what: fmt.Sprintf("%s %s (%s)", kind, name, id), why: unmarked}, nil
	}
	return &now, nil, nil
}

// clusterDisk reads a disk again: it has to have a name of the cluster and its mark.
func (p *Provider) clusterDisk(ctx context.Context, infraID, id string) (*api.Disk, *stranger, error) {
	d, err := p.Engine.GetDisk(ctx, id)
	switch {
	case api.Is(err, api.NotFound):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	case !strings.HasPrefix(d.Alias, infraID+"-"):
		return nil, nil, nil // what a search made up
	case !marked(infraID, d.Description):
		return nil, &stranger{what: fmt.Sprintf("disk %s (%s)", d.Alias, d.ID), why: unmarked}, nil
	}
	return &d, nil, nil
}

// clusterGroups returns the affinity groups that are the cluster's: those that
// carry its mark, and of those without one, which earlier versions made, the
// ones that hold nothing but its machines.
func (p *Provider) clusterGroups(ctx context.Context, infraID string, vms []api.VM) ([]api.Group, []stranger, error) {
	clusters, err := p.Engine.Clusters(ctx)
	if err != nil {
		return nil, nil, err
	}
	var ours []api.Group
	var odd []stranger
	for _, c := range clusters {
		found, err := p.Engine.Groups(ctx, c.ID, infraID+"-")
		if err != nil {
			return ours, odd, err
		}
		for _, f := range found {
			g, err := p.Engine.GetGroup(ctx, f)
			if api.Is(err, api.NotFound) {
				continue
			}
			if err != nil {
				return ours, odd, err
			}
			if why := foreignGroup(infraID, g, vms); why != "" {
				odd = append(odd, stranger{what: fmt.Sprintf("affinity group %s (%s) of cluster %s", g.Name, g.ID,
					c.Name), why: why, group: g})
				continue
			}
			ours = append(ours, g)
		}
	}
	return ours, odd, nil
}

// defaultGroups are the names of affinity groups that nobody had to choose.
var defaultGroups = []string{"compute", "controlplane"}

// foreignGroup says why a group is not proved to be the cluster's; empty if it is.
func foreignGroup(infraID string, g api.Group, vms []api.VM) string {
	ours := func(id string) bool { return slices.ContainsFunc(vms, func(vm api.VM) bool { return vm.ID == id }) }
	here := func(vm api.VM) bool { return vm.ClusterID == g.ClusterID }
	name, ok := strings.CutPrefix(g.Name, infraID+"-")
	switch {
	case !ok, name == "":
		return "its name is none of the cluster's"
	case marked(infraID, g.Description):
		return ""
	case strings.HasPrefix(g.Description, anyMark):
		return "it carries the mark of another cluster"
	case slices.ContainsFunc(g.VMs, func(id string) bool { return !ours(id) }):
		return "it has no mark, and machines in it that are not the cluster's"
	case len(g.VMs) == 0 && !slices.Contains(defaultGroups, name):
		return "it has no mark, and no machines that would show whose it is"
	case len(vms) > 0 && !slices.ContainsFunc(vms, here):
		return "it has no mark, and the cluster's machines are in another oVirt cluster"
	}
	return ""
}

// madeDisk reports whether a disk came with its machine: it has the cluster's mark
// or, in machines of earlier versions, the machine boots from it and it has the
// name of the template's disk. Whatever was attached later has neither.
func (p *Provider) madeDisk(
	ctx context.Context, infraID string, vm api.VM, a api.Attachment, d api.Disk,
) (bool, error) {
	if marked(infraID, d.Description) {
		return true, nil
	}
	if !a.Bootable {
		return false, nil
	}
	if d.Alias == ImageName(infraID) {
		return true, nil
	}
	if vm.OriginalTemplateID == "" || vm.OriginalTemplateID == api.BlankTemplate {
		return false, nil
	}
	disks, err := p.Engine.TemplateDisks(ctx, vm.OriginalTemplateID)
	if api.Is(err, api.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, t := range disks {
		of, err := p.Engine.GetDisk(ctx, t.DiskID)
		if err != nil && !api.Is(err, api.NotFound) {
			return false, err
		}
		if err == nil && of.Alias != "" && of.Alias == d.Alias {
			return true, nil
		}
	}
	return false, nil
}
