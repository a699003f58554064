package ovirt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/report"
)

var platformPath = report.NewPath("platform", config.Name)

// Preflight looks for everything in the engine that would stop the plan.
func (p *Provider) Preflight(ctx context.Context, pl plan.Plan) (*report.Report, error) {
	c := &checker{Provider: p, pl: pl, r: report.New("install-config.yaml")}
	if err := c.run(ctx); err != nil {
		return c.r, fmt.Errorf("preflight on oVirt: %w", err)
	}
	return c.r, nil
}

type checker struct {
	*Provider
	pl      plan.Plan
	r       *report.Report
	cluster api.Cluster
	hosts   []api.Host // up
}

func (c *checker) run(ctx context.Context) error {
	found, err := c.checkCluster(ctx)
	if err != nil {
		return err
	}
	steps := []func(context.Context) error{c.checkStorage, c.checkInstanceTypes, c.checkTemplate, c.checkNames}
	if found {
		steps = append(steps, c.checkCPU, c.checkHosts, c.checkNetwork, c.checkGroupNames, c.checkImageio)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) vms() []plan.VM {
	return specs[plan.VM](c.pl, plan.KindVM)
}

// specs are those of all objects of a kind.
func specs[S plan.Spec](pl plan.Plan, kind plan.Kind) []S {
	var out []S
	for _, o := range pl.Of(kind) {
		if spec, ok := o.Spec.(S); ok {
			out = append(out, spec)
		}
	}
	return out
}

// choices lists what there is to choose from.
func choices[T any](all []T, facts func(T) (id, name string)) string {
	var out []string
	for _, item := range all {
		id, name := facts(item)
		out = append(out, id+" ("+name+")")
	}
	return strings.Join(out, ", ")
}

// absent reports whether err is the engine's word that there is no such ID. An ID
// that is no UUID is refused instead of not found.
func absent(err error) bool { return api.Is(err, api.NotFound, api.Refused) }

func (c *checker) checkCluster(ctx context.Context) (bool, error) {
	vms := c.vms()
	if len(vms) == 0 {
		return false, nil
	}
	id := vms[0].ClusterID
	got, err := c.Engine.GetCluster(ctx, id)
	if err == nil {
		c.cluster = got
		return true, nil
	}
	if !absent(err) {
		return false, err
	}
	all, err := c.Engine.Clusters(ctx)
	if err != nil {
		return false, err
	}
	c.r.Field(platformPath.Child("ovirt_cluster_id")).NotFound(id, "the engine has the clusters %s",
		choices(all, func(cl api.Cluster) (id, name string) { return cl.ID, cl.Name }))
	return false, nil
}

func (c *checker) checkStorage(ctx context.Context) error {
	at := platformPath.Child("ovirt_storage_domain_id")
	var id string
	for _, vm := range c.vms() {
		if vm.StorageDomainID != "" {
			id = vm.StorageDomainID
		}
	}
	sd, err := c.Engine.GetStorageDomain(ctx, id)
	if absent(err) {
		all, err := c.Engine.StorageDomains(ctx)
		if err != nil {
			return err
		}
		c.r.Field(at).NotFound(id, "the engine has the storage domains %s",
			choices(all, func(s api.StorageDomain) (id, name string) { return s.ID, s.Name }))
		return nil
	}
	if err != nil {
		return err
	}
	if !sd.Usable() {
		c.r.Field(at).Invalid(id, "storage domain %s is %s; it must be active", sd.Name,
			cmp.Or(sd.Status, "not attached"))
	}
	if len(sd.DataCenters) > 0 && c.cluster.DataCenterID != "" &&
		!slices.Contains(sd.DataCenters, c.cluster.DataCenterID) {
		c.r.Field(at).Invalid(id, "storage domain %s does not belong to the data centre of cluster %s", sd.Name,
			c.cluster.Name)
	}
	if err := c.checkSpace(ctx, at, sd); err != nil {
		return err
	}
	for _, vm := range c.vms() {
		if sd.Block() && vm.Format == "raw" && (vm.Sparse == nil || *vm.Sparse) {
			c.r.Field(poolPath(vm.Role).Child("platform", config.Name, "format")).Invalid(vm.Format,
				"storage domain %s is %s, where raw disks cannot be sparse; set sparse: false or format: cow",
				sd.Name, sd.Type)
			break
		}
	}
	return nil
}

func (c *checker) checkInstanceTypes(ctx context.Context) error {
	seen := map[string]bool{}
	for _, vm := range c.vms() {
		id := vm.InstanceTypeID
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		ok, err := c.Engine.InstanceTypeExists(ctx, id)
		if err != nil && !absent(err) {
			return err
		}
		if !ok {
			c.r.Field(poolPath(vm.Role).Child("platform", config.Name, "instanceTypeID")).NotFound(id,
				"the engine has no such instance type")
		}
	}
	return nil
}

func poolPath(role string) report.Path {
	if role == "worker" {
		return report.NewPath("compute").Index(0)
	}
	return report.NewPath("controlPlane")
}

func (c *checker) checkTemplate(ctx context.Context) error {
	for _, o := range c.pl.Of(plan.KindTemplate) {
		if !o.Existing {
			continue
		}
		t, err := c.Engine.FindTemplate(ctx, o.Name)
		if err != nil {
			return err
		}
		finding := report.Finding{Path: report.NewPath("OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE"), Elsewhere: true,
			Value: strconv.Quote(o.Name)}
		if t == nil {
			finding.Type, finding.Detail = report.NotFound, "the engine has no template of this name"
			c.r.Add(finding)
		} else if err := checkTemplate(*t); err != nil {
			finding.Type, finding.Detail = report.Invalid, err.Error()
			c.r.Add(finding)
		}
	}
	return nil
}

// checkNames looks for objects of others that have planned names.
func (c *checker) checkNames(ctx context.Context) error {
	for _, o := range c.pl.Objects {
		if o.Existing {
			continue
		}
		what, err := c.takenBy(ctx, o)
		if err != nil {
			return err
		}
		if what != "" {
			c.r.Field(report.NewPath("metadata", "name")).Duplicate(o.Name, "%s exists and is not of this cluster", what)
		}
	}
	return nil
}

// takenBy is somebody else's object of a planned name, empty if there is none.
func (c *checker) takenBy(ctx context.Context, o plan.Object) (string, error) {
	switch o.Spec.(type) {
	case plan.VM:
		vm, err := c.Engine.FindVM(ctx, o.Name)
		if err != nil || vm == nil {
			return "", err
		}
		if ours, err := c.owns(ctx, c.pl.InfraID, *vm, o.Tags); err != nil || ours {
			return "", err
		}
		return fmt.Sprintf("virtual machine %s (%s)", o.Name, vm.ID), nil
	case plan.Template:
		t, err := c.Engine.FindTemplate(ctx, o.Name)
		if err != nil || t == nil || marked(c.pl.InfraID, t.Description) {
			return "", err
		}
		return fmt.Sprintf("template %s (%s)", o.Name, t.ID), nil
	case plan.Tag:
		t, err := c.Engine.FindTag(ctx, o.Name)
		if err != nil || t == nil || marked(c.pl.InfraID, t.Description) {
			return "", err
		}
		return "tag " + o.Name, nil
	}
	return "", nil
}

func (c *checker) checkHosts(ctx context.Context) error {
	all, err := c.Engine.Hosts(ctx, c.cluster.ID)
	if err != nil {
		return err
	}
	c.hosts = slices.DeleteFunc(all, func(h api.Host) bool { return h.Status != "up" })
	if len(c.hosts) == 0 {
		c.r.Field(platformPath.Child("ovirt_cluster_id")).Invalid(c.cluster.ID, "no host of cluster %s is up",
			c.cluster.Name)
		return nil
	}
	members := map[string]int{}
	for _, vm := range c.vms() {
		for _, g := range vm.AffinityGroups {
			members[g]++
		}
	}
	for i, o := range c.pl.Of(plan.KindAffinityGroup) {
		spec, ok := o.Spec.(plan.AffinityGroup)
		if !ok || members[o.Name] <= len(c.hosts) {
			continue
		}
		at := platformPath.Child("affinityGroups").Index(i)
		name := strings.TrimPrefix(o.Name, c.pl.InfraID+"-")
		text := fmt.Sprintf("group keeps %d machines on different hosts, but cluster %s has %d up", members[o.Name],
			c.cluster.Name, len(c.hosts))
		if spec.Enforcing {
			c.r.Field(at).Invalid(name, "%s; add hosts or set enforcing: false", text)
		} else {
			c.r.Field(at).Warn(name, "%s", text)
		}
	}
	return nil
}

func (c *checker) checkNetwork(ctx context.Context) error {
	_, err := c.profile(ctx, c.vms()[0]) // there is one, in the cluster; all are on the same network
	if unfit := (*profileError)(nil); errors.As(err, &unfit) {
		c.r.Add(unfit.Finding)
		return nil
	}
	return err
}

// checkGroupNames keeps the reference's rule: no group may have the bare name,
// because people would take one for the other.
func (c *checker) checkGroupNames(ctx context.Context) error {
	groups, err := c.Engine.Groups(ctx, c.cluster.ID, "")
	if err != nil {
		return err
	}
	for i, o := range c.pl.Of(plan.KindAffinityGroup) {
		bare := strings.TrimPrefix(o.Name, c.pl.InfraID+"-")
		for _, g := range groups {
			if g.Name == bare {
				c.r.Field(platformPath.Child("affinityGroups").Index(i).Child("name")).Duplicate(bare,
					"cluster %s has an affinity group of this name", c.cluster.Name)
			}
		}
	}
	return nil
}

// checkImageio finds out whether the upload could reach a host or the engine's
// proxy. It is not needed once the template is there.
func (c *checker) checkImageio(ctx context.Context) error {
	if len(c.pl.Of(plan.KindDisk)) == 0 {
		return nil
	}
	if made, err := c.made(ctx, c.pl, plan.KeyOf(plan.KindTemplate, ImageName(c.pl.InfraID))); err != nil || made {
		return err
	}
	var addresses, failed []string
	for _, h := range c.hosts {
		if h.Address != "" {
			addresses = append(addresses, net.JoinHostPort(h.Address, c.HostImagePort))
		}
	}
	addresses = append(addresses, net.JoinHostPort(c.Engine.EngineHost(), c.ProxyImagePort))
	for _, a := range addresses {
		err := c.Engine.ProbeImage(ctx, a)
		if err == nil {
			return nil
		}
		failed = append(failed, err.Error())
	}
	c.r.Field(platformPath.Child("ovirt_cluster_id")).Invalid(c.cluster.ID,
		"the image cannot be uploaded to cluster %s: %s; open one of these ports from here",
		c.cluster.Name, strings.Join(failed, "; "))
	return nil
}
