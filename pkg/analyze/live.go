package analyze

import (
	"cmp"
	"context"
	"encoding/json"
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

// HostState is what the bootstrap host knows of itself.
type HostState struct {
	Records map[string][]byte // record files by service
	Failed  []string          // units
}

// Live says where to look at an installation of which there is no bundle. What is nil is not looked at.
type Live struct {
	Dir string // with the installer's journal
	API API
	// Host asks the bootstrap host.
	Host func(ctx context.Context) (HostState, error)
	// Limit is how long API and host have to answer, default 8 s.
	Limit time.Duration
	Now   time.Time
}

// liveKinds are what the API is asked for; a bundle has the same in resources/.
var liveKinds = []kube.Kind{
	kube.Nodes, kube.Pods, kube.Events, kube.CSRs, kube.ClusterVersions, kube.ClusterOperators, kube.Etcds,
}

// Installation analyzes an installation as it is now. It changes nothing, and may be used while another command works
// on it.
func Installation(ctx context.Context, l Live) (*Report, error) {
	ev := &evidence{files: map[string][]byte{}, taken: l.Now}
	raw, err := os.ReadFile(filepath.Join(l.Dir, phase.JournalName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	if err == nil {
		ev.files[journalFile] = raw
	}
	limited, cancel := context.WithTimeout(ctx, cmp.Or(l.Limit, 8*time.Second))
	defer cancel()
	var mu sync.Mutex // of ev
	var reads sync.WaitGroup
	if l.API != nil {
		reads.Go(func() { ev.readAPI(limited, l.API, &mu) })
	}
	if l.Host != nil {
		reads.Go(func() { ev.readHost(limited, l.Host, &mu) })
	}
	reads.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return newReport(l.Dir, ev), nil
}

func (ev *evidence) readAPI(ctx context.Context, api API, mu *sync.Mutex) {
	// First alone: an API that does not answer once will not answer seven times.
	if _, err := api.Raw(ctx, "/version", nil); err != nil {
		mu.Lock()
		defer mu.Unlock()
		ev.gap("resources: the API does not answer: " + kube.Cause(err))
		ev.files[answerFile], _ = json.Marshal(map[string]string{"error": kube.Cause(err)}) // a string never fails
		return
	}
	var reads sync.WaitGroup
	for _, kind := range liveKinds {
		reads.Go(func() {
			raw, err := api.Raw(ctx, kind.Path(), nil)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				ev.gap("resources " + kind.Plural + ": " + err.Error())
				return
			}
			ev.files[resourcesDir+kind.Plural+".json"] = raw
		})
	}
	reads.Wait()
}

func (ev *evidence) readHost(ctx context.Context, ask func(context.Context) (HostState, error), mu *sync.Mutex) {
	state, err := ask(ctx)
	mu.Lock()
	defer mu.Unlock()
	if err != nil {
		ev.gap(bootstrapHost + ": " + err.Error())
		return
	}
	for service, raw := range state.Records {
		ev.files[servicesDir+service+".json"] = raw
	}
	ev.files[failedUnitsFile] = []byte(strings.Join(state.Failed, "\n"))
}
