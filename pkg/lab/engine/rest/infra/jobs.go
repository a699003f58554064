package infra

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func jobFields(_ *rest.Call, j *model.Job) search.Fields {
	return rest.Fields(map[string][]string{
		"correlation_id": rest.One(j.Correlation), "status": rest.One(j.Status), "description": rest.One(j.Description),
		"name": rest.One(j.Description), "id": rest.One(j.ID),
	})
}

func jobXML(j *model.Job) *api.Job {
	last := j.Started
	if !j.Ended.IsZero() {
		last = j.Ended
	}
	base := rest.Href("jobs", j.ID)
	return &api.Job{Href: base, ID: j.ID, Links: rest.Links(base, "steps"), AutoCleared: true, Description: j.Description,
		StartTime: rest.Stamp(j.Started), EndTime: rest.StampOrNil(j.Ended), LastUpdated: rest.Stamp(last), Status: j.Status}
}

func listJobs(c *rest.Call) (any, error) {
	jobs, err := rest.Found(c, c.State.Jobs, jobFields)
	if err != nil {
		return nil, err
	}
	out := make([]*api.Job, len(jobs))
	for i, j := range jobs {
		out[i] = jobXML(j)
	}
	return rest.List("jobs", out)
}

func getJob(c *rest.Call) (any, error) {
	for _, j := range c.State.Jobs {
		if j.ID == c.ID("id") {
			return jobXML(j), nil
		}
	}
	return nil, refuse.NotFound()
}
