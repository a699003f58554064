package analyze

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/phase"
)

// API reads paths of a cluster's API.
type API interface {
	Raw(ctx context.Context, path string, query url.Values) ([]byte, error)
}

// Sight is what one look at the bootstrap host brings.
type Sight struct {
	Records map[string][]byte // record files by service
	Failed  []string          // units
}

// Live says where to look at an installation of which there is no bundle. What
// is nil is not looked at.
type Live struct {
	Dir string // with the installer's journal
	API API
	// Host looks at the bootstrap host.
	Host func(ctx context.Context) (Sight, error)
	// Limit is how long API and host have to answer, default 8 s.
	Limit time.Duration
	Now   time.Time
}

// paths are where the API has what a bundle has in resources/.
var paths = map[string]string{
	"nodes":                      "/api/v1/nodes",
	"pods":                       "/api/v1/pods",
	"events":                     "/api/v1/events",
	"certificatesigningrequests": "/apis/certificates.k8s.io/v1/certificatesigningrequests",
	"clusterversions":            "/apis/config.openshift.io/v1/clusterversions",
	"clusteroperators":           "/apis/config.openshift.io/v1/clusteroperators",
	"etcds":                      "/apis/operator.openshift.io/v1/etcds",
}

// Installation analyzes an installation where it stands. It changes nothing,
// there or here, and may be used while another command works on it.
func Installation(ctx context.Context, l Live) (*Report, error) {
	ev := &evidence{files: map[string][]byte{}, taken: l.Now}
	raw, err := os.ReadFile(filepath.Join(l.Dir, phase.JournalName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	if err == nil {
		ev.files[journalFile] = raw
	}
	if l.Limit == 0 {
		l.Limit = 8 * time.Second
	}
	looking, cancel := context.WithTimeout(ctx, l.Limit)
	defer cancel()
	var mu sync.Mutex // of ev, and of what else the two looks share
	var looks sync.WaitGroup
	if l.API != nil {
		looks.Go(func() { ev.ask(looking, l.API, &mu) })
	}
	if l.Host != nil {
		looks.Go(func() { ev.visit(looking, l.Host, &mu) })
	}
	looks.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r := study(ev)
	r.Source = l.Dir
	return r, nil
}

func (ev *evidence) ask(ctx context.Context, api API, mu *sync.Mutex) {
	// Alone first: an API that does not answer once will not answer seven times.
	if _, err := api.Raw(ctx, "/version", nil); err != nil {
		mu.Lock()
		defer mu.Unlock()
		ev.gaps = append(ev.gaps, "resources: the API does not answer: "+kube.Cause(err))
		ev.answer(kube.Cause(err))
		return
	}
	var questions sync.WaitGroup
	for name, path := range paths {
		questions.Go(func() {
			raw, err := api.Raw(ctx, path, nil)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				ev.gaps = append(ev.gaps, "resources "+name+": "+err.Error())
				return
			}
			ev.files[resourcesDir+name+".json"] = raw
		})
	}
	questions.Wait()
}

func (ev *evidence) visit(ctx context.Context, host func(context.Context) (Sight, error), mu *sync.Mutex) {
	sight, err := host(ctx)
	mu.Lock()
	defer mu.Unlock()
	if err != nil {
		ev.gaps = append(ev.gaps, "bootstrap host: "+err.Error())
		return
	}
	for service, raw := range sight.Records {
		ev.files[servicesDir+service+".json"] = raw
	}
	ev.files[failedUnitsFile] = []byte(strings.Join(sight.Failed, "\n"))
}
