package bmc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/bmc/wire"
)

// maxTasks is how many tasks are remembered; the oldest are forgotten first.
const maxTasks = 32

// tasks are what runs in the background, and what has run.
type tasks struct {
	list []*task
	made int
}

type task struct {
	id, name string
	status   int // of the monitor's answer if it succeeded
	begun    time.Time
	ended    time.Time
	failed   *vendor.Failure
}

func (b *BMC) taskService() wire.Object {
	o := wire.Head(taskService, "TaskService.v1_2_0.TaskService", "TaskService", "Task Service")
	o["ServiceEnabled"], o["Status"] = true, wire.Healthy
	o["CompletedTaskOverWritePolicy"], o["LifeCycleEventOnTaskStateChange"] = "Oldest", false
	o["Tasks"] = wire.Link(tasksPath)
	return o
}

func (b *BMC) taskCollection() wire.Object {
	var paths []string
	b.locked(func() {
		for _, t := range b.tasks.list {
			paths = append(paths, tasksPath+"/"+t.id)
		}
	})
	return wire.Collection(tasksPath, "TaskCollection", "Tasks", paths...)
}

// newTask begins a task and says where it can be watched.
func (b *BMC) newTask(name string, do func() error, status int) (answer, error) {
	b.mu.Lock()
	b.tasks.made++
	t := &task{id: fmt.Sprintf("%s%d", b.p.Tasks.Prefix, b.tasks.made), name: name, status: status, begun: b.now()}
	if len(b.tasks.list) >= maxTasks {
		b.tasks.list = slices.Delete(b.tasks.list, 0, 1)
	}
	b.tasks.list = append(b.tasks.list, t)
	body := b.taskBody(t)
	b.mu.Unlock()
	b.later(b.p.Tasks.Took, func(context.Context) {
		err := do()
		b.locked(func() {
			t.ended = b.now()
			if err != nil && !errors.As(err, &t.failed) {
				t.failed = &vendor.Failure{Kind: vendor.Broken, Cause: err}
			}
		})
	})
	where := tasksPath + "/" + t.id
	if b.p.Tasks.Monitor {
		where = monitorsPath + "/" + t.id
	}
	return at(http.StatusAccepted, where, body), nil
}

// taskBody is a task as a resource. The caller holds the lock.
func (b *BMC) taskBody(t *task) wire.Object {
	o := wire.Head(tasksPath+"/"+t.id, "Task.v1_5_0.Task", t.id, t.name)
	o["StartTime"], o["TaskState"], o["TaskStatus"], o["PercentComplete"] = t.begun.UTC(), "Running", "OK", 0
	o["Messages"] = []wire.Object{}
	if b.p.Tasks.Monitor {
		o["TaskMonitor"] = monitorsPath + "/" + t.id
	}
	switch {
	case t.ended.IsZero():
	case t.failed != nil:
		_, info := b.p.Message(t.failed)
		o["TaskState"], o["TaskStatus"], o["EndTime"] = "Exception", "Critical", t.ended.UTC()
		o["Messages"], o["PercentComplete"] = []wire.Object{info}, 100
	default:
		o["TaskState"], o["EndTime"], o["PercentComplete"] = "Completed", t.ended.UTC(), 100
	}
	return o
}

func (b *BMC) findTask(id string) (*task, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.tasks.list, func(t *task) bool { return t.id == id })
	if i < 0 {
		return nil, false
	}
	return b.tasks.list[i], true
}

func (b *BMC) task(id string) (resource, bool) {
	t, ok := b.findTask(id)
	return shown(func() (o wire.Object) {
		b.locked(func() { o = b.taskBody(t) })
		return o
	}), ok
}

// monitor answers 202 while the task runs, and then as the request would have been
// answered.
func (b *BMC) monitor(id string) (resource, bool) {
	t, ok := b.findTask(id)
	if !b.p.Tasks.Monitor {
		return resource{}, false
	}
	return resource{get: func(*call) (answer, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch {
		case t.ended.IsZero():
			a := at(http.StatusAccepted, monitorsPath+"/"+id, b.taskBody(t))
			a.header.Set("Retry-After", "1")
			return a, nil
		case t.failed != nil:
			return answer{}, t.failed
		case t.status == http.StatusNoContent:
			return noContent, nil
		}
		return answer{status: t.status, body: b.taskBody(t)}, nil
	}}, ok
}
