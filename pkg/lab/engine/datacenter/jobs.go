package datacenter

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

// maxJobs bounds the history.
const maxJobs = 1000

// StartJob registers a job. The lock is held.
func (dc *DataCenter) StartJob(correlation, description string) *model.Job {
	if correlation == "" {
		correlation = NewID()
	}
	j := &model.Job{ID: NewID(), Correlation: correlation, Description: description,
		Status: model.JobStarted, Started: dc.Clock.Now()}
	dc.State.Jobs = append(dc.State.Jobs, j)
	if n := len(dc.State.Jobs); n > maxJobs {
		kept := make([]*model.Job, 0, n)
		for i, old := range dc.State.Jobs {
			if old.Status == model.JobStarted || i >= n-maxJobs/2 {
				kept = append(kept, old)
			}
		}
		dc.State.Jobs = kept
	}
	return j
}

// EndJob closes a job. The lock is held.
func (dc *DataCenter) EndJob(id string, err error) {
	for _, j := range dc.State.Jobs {
		if j.ID != id || j.Status != model.JobStarted {
			continue
		}
		j.Ended = dc.Clock.Now()
		j.Status = model.JobFinished
		if err != nil {
			j.Status = model.JobFailed
		}
	}
}
