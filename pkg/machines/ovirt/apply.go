package ovirt

import (
	"context"
	"errors"
	"fmt"
	"sync"

	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

// Apply makes one stage of the plan true.
func (p *Provider) Apply(ctx context.Context, pl plan.Plan, stage plan.Stage) error {
	if err := pl.Validate(); err != nil {
		return err
	}
	if err := checkInfraID(pl.InfraID); err != nil {
		return err
	}
	q := newQueue(pl.In(stage))
	var workers sync.WaitGroup
	for range p.Parallel {
		workers.Add(1)
		go p.work(ctx, pl, q, &workers)
	}
	workers.Wait()
	if err := q.err(); err != nil {
		return fmt.Errorf("apply stage %s: %w", stage, err)
	}
	return nil
}

// work creates or adopts objects of the queue, one after the other, until there
// are no more.
func (p *Provider) work(ctx context.Context, pl plan.Plan, q *queue, workers *sync.WaitGroup) {
	defer workers.Done()
	for o, more := q.next(); more; o, more = q.next() {
		served, err := p.made(ctx, pl, o.Until)
		switch spec, isVM := o.Spec.(plan.VM); {
		case err != nil, served:
		case isVM:
			var vm api.VM
			var tags []api.Tag
			if vm, tags, err = p.ensureVM(ctx, pl, o, spec); err == nil {
				err = p.finishVM(ctx, pl, spec, vm, tags)
			}
		default:
			err = p.ensure(ctx, pl, o)
		}
		q.finish(o, err)
	}
}

// made reports whether the object that others are only needed for is there. While
// it is being made they must stay untouched, so existence is enough. One that the
// engine failed to make is removed, and its disks, which have the image's name,
// with it.
func (p *Provider) made(ctx context.Context, pl plan.Plan, key plan.Key) (bool, error) {
	o, planned := pl.Get(key)
	if !planned || o.Kind != plan.KindTemplate {
		return false, nil
	}
	t, err := p.Engine.FindTemplate(ctx, o.Name)
	if err != nil || t == nil || !marked(pl.InfraID, t.Description) {
		return false, err
	}
	if t.Status != "illegal" {
		return true, nil
	}
	return false, p.removeTemplate(ctx, *t, p.Limit)
}

// ensure creates or adopts an object that is not a machine.
func (p *Provider) ensure(ctx context.Context, pl plan.Plan, o plan.Object) error {
	switch spec := o.Spec.(type) {
	case plan.Tag:
		_, err := p.ensureTag(ctx, pl, o.Name)
		return err
	case plan.Disk:
		return p.ensureImageDisk(ctx, pl.InfraID, o.Name, spec)
	case plan.Template:
		return p.ensureTemplate(ctx, pl, o, spec)
	case plan.AffinityGroup:
		_, err := p.ensureGroup(ctx, pl.InfraID, o.Name, spec)
		return err
	}
	return fmt.Errorf("create %s: oVirt has no such objects", o.Key)
}

// queue hands out the objects of a stage, each after those of the stage that it
// needs. After a failure it hands out nothing more, and what is under way is
// brought to its end.
type queue struct {
	mu      sync.Mutex
	changed *sync.Cond
	waiting []plan.Object
	open    map[plan.Key]bool // not finished; what is not in the list was made by an earlier stage
	failed  []error
}

func newQueue(objects []plan.Object) *queue {
	q := &queue{waiting: objects, open: map[plan.Key]bool{}}
	q.changed = sync.NewCond(&q.mu)
	for _, o := range objects {
		q.open[o.Key] = true
	}
	return q
}

// next waits for an object that can be worked on; false if there are no more.
func (q *queue) next() (plan.Object, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) > 0 && len(q.failed) == 0 {
		for i, o := range q.waiting {
			if q.ready(o) {
				q.waiting = append(q.waiting[:i:i], q.waiting[i+1:]...)
				return o, true
			}
		}
		q.changed.Wait()
	}
	return plan.Object{}, false
}

func (q *queue) ready(o plan.Object) bool {
	for _, n := range o.Needs {
		if q.open[n] {
			return false
		}
	}
	return true
}

// finish says how the work on an object ended.
func (q *queue) finish(o plan.Object, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.failed = append(q.failed, err)
	} else {
		delete(q.open, o.Key)
	}
	q.changed.Broadcast()
}

func (q *queue) err() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return errors.Join(q.failed...)
}
