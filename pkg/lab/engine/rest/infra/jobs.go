package infra

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func allJobs(c *rest.Call) ([]*model.Job, error) { return c.State.Jobs, nil }

func jobOf(c *rest.Call) (*model.Job, error) {
	if j := model.Find(c.State.Jobs, func(j *model.Job) bool { return j.ID == c.ID("id") }); j != nil {
		return j, nil
	}
	return nil, refuse.NotFound()
}

func jobFields(_ *rest.Call, j *model.Job) search.Fields {
	return rest.Fields(map[string]string{
		"correlation_id": j.Correlation, "status": j.Status, "description": j.Description,
		"name": j.Description, "id": j.ID,
	})
}

func jobXML(_ *rest.Call, j *model.Job) *api.Job {
	last := j.Started
	if !j.Ended.IsZero() {
		last = j.Ended
	}
	base := rest.Href("jobs", j.ID)
	return &api.Job{
		Href: base, ID: j.ID, Links: rest.Links(base, "steps"), AutoCleared: true, Description: j.Description,
		StartTime: rest.Stamp(j.Started), EndTime: rest.StampOrNil(j.Ended), LastUpdated: rest.Stamp(last),
		Status: j.Status,
	}
}
