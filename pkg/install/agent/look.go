package agent

import (
	"context"
	"strings"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/install"
)

// Look asks the rendezvous host of the directory's installation once, and says of each host in a line how far it is.
// The error is why it does not answer, which means nothing once its disk is written.
func Look(ctx context.Context, e *install.Env) ([]string, error) {
	key, err := e.StateKey()
	if err != nil {
		return nil, err
	}
	access, err := assets.StoredWatcher(e.Dir, key)
	if err != nil {
		return nil, err
	}
	service, err := install.DialService(access)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, apiLimit)
	defer cancel()
	s, err := service.Status(ctx)
	if err != nil {
		return nil, err
	}
	return hostLines(s), nil
}

func hostLines(s Status) []string {
	var out []string
	for _, h := range s.Hosts {
		line := nameOf(h) + described(h) + " " + stageText(h)
		if blocking := failing(h); len(blocking) > 0 {
			line += "; it has to pass " + checkNames(blocking)
		}
		if h.Problem != nil {
			line += ": " + h.Problem.Message
		}
		if h.Silent {
			line += "; it was last heard of at " + h.LastHeard.UTC().Format("15:04:05") + " UTC"
		}
		out = append(out, line)
	}
	if len(s.MissingNames) > 0 {
		out = append(out, "not registered: "+strings.Join(s.MissingNames, ", "))
	}
	return out
}
