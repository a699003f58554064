package node

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/service"
	"github.com/okd-install/okd-install/pkg/records"
)

// The services of the bootstrap that write records, in the order in which they run.
const (
	progressService = "progress"
	bootkubeService = "bootkube"
)

var followed = []string{"node-image-pull", "release-image", bootkubeService, progressService}

// maxRecords limits a file of records (bytes).
const maxRecords = 4 << 20

// follower looks at the bootstrap of this host.
type follower struct {
	root  string
	nodes func(ctx context.Context, kubeconfig []byte) ([]service.Node, error)
	// known are the nodes when the API answered last.
	known []service.Node
}

// look says how far the bootstrap is.
func (f *follower) look(ctx context.Context) service.Cluster {
	var c service.Cluster
	c.Bootkube = f.exists(bootkubeDone)
	for _, name := range followed {
		raw, err := f.read(filepath.Join(recordsDir, name+".json"))
		if err != nil {
			continue // it has not run
		}
		s := records.Replay(name, records.Parse(raw))
		f.add(&c, s)
	}
	c.Nodes = f.askNodes(ctx)
	return c
}

// add adds what a service has done.
func (f *follower) add(c *service.Cluster, s *records.Service) {
	for _, stage := range s.Stages {
		if !stage.End.IsZero() && stage.Result == records.Success {
			c.Stages = append(c.Stages, s.Name+": "+stage.Name)
		}
	}
	if s.Name == progressService {
		c.Progress = s.Succeeded
	}
	running := s.Running()
	switch {
	case running != nil:
		c.Present = s.Name + ": " + running.Name
		c.Stages = append(c.Stages, c.Present)
	case s.Succeeded:
		c.Present = s.Name + " is done"
	default:
		c.Present = s.Name
	}
	if s.Failure == nil || s.Succeeded || s.Name == bootkubeService && c.Bootkube {
		return
	}
	c.Present += "; last error: " + s.Failure.Why
	if p := failing(s); p != nil {
		c.Problem = p
	}
}

// failing is the problem of a service that has failed and is tried again, nil if its
// failures are no news: progress waits for the masters by trying, stages of bootkube may
// fail without ending it, and a first failure may be the API's address on its way to a master.
func failing(s *records.Service) *agent.Problem {
	switch {
	case s.Name == progressService:
		return nil
	case s.Name == bootkubeService && s.Starts < 2 && s.Running() != nil:
		return nil
	case s.Failure.Times < 2:
		return nil
	}
	where := s.Name
	if s.Failure.Stage != "" {
		where += ", stage " + s.Failure.Stage
	}
	return &agent.Problem{
		Message: fmt.Sprintf("%s fails: %s", where, strings.TrimSpace(s.Failure.Why)),
		Next:    "it is tried again; log in to the rendezvous host and see: journalctl -u " + s.Name,
	}
}

// kubeconfigs lead to the API at its address, and to that of this host, which ends with
// the bootstrap.
var kubeconfigs = []string{assetsDir + "/auth/kubeconfig", assetsDir + "/auth/kubeconfig-loopback"}

// askNodes asks the API. If it does not answer, no node is taken for Ready.
func (f *follower) askNodes(ctx context.Context) []service.Node {
	for _, name := range kubeconfigs {
		raw, err := f.read(name)
		if err != nil {
			continue
		}
		if nodes, err := f.nodes(ctx, raw); err == nil {
			f.known = nodes
			return nodes
		}
	}
	unknown := slices.Clone(f.known)
	for i := range unknown {
		unknown[i].Ready = false
	}
	return unknown
}

func (f *follower) exists(path string) bool {
	_, err := os.Stat(filepath.Join(f.root, path))
	return err == nil
}

func (f *follower) read(path string) ([]byte, error) {
	file, err := os.Open(filepath.Join(f.root, path))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxRecords))
}
