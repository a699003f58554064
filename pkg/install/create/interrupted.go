package create

import (
	"context"
	"fmt"
	"strings"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
)

// afterInterruption says, if a signal has ended the run, what exists and how to go
// on.
func (c command) afterInterruption(ctx context.Context, left []string, err error) error {
	if err == nil || !exit.IsInterrupted(ctx) {
		return err
	}
	meta, unread := c.Metadata()
	if unread != nil {
		return &install.Interrupted{Err: err, Lines: []string{"Interrupted before anything was created."}}
	}
	lines := []string{
		fmt.Sprintf("Interrupted. Cluster %s is left as it is; its files are in %s.", meta.InfraID, c.Dir),
	}
	remove := "destroy cluster"
	if runs, _ := phase.ReadJournal(c.Dir); len(runs) > 0 {
		if n := len(runs[len(runs)-1].Phases); n > 0 {
			stopped := runs[len(runs)-1].Phases[n-1].Name
			lines = append(lines, "It stopped in phase "+stopped+".")
			if p, _ := phases.Find(stopped); p.Undo != "" {
				remove = p.Undo
			}
		}
	}
	if len(left) > 0 {
		lines = append(lines, "Left:    "+strings.Join(left, ", "))
	}
	return &install.Interrupted{Err: err, Lines: append(lines,
		"Go on:   "+c.Typed("create cluster"),
		"Look:    "+c.Typed("status"),
		"Remove:  "+c.Typed(remove),
	)}
}
