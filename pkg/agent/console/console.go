// Package console shows on a host's consoles who the host is, how far the others are, and
// what the installation waits for. A monitor in a rack has no scrollback and 80 columns, and
// a serial console may be a log file: so a page fits on one, is drawn in place on a
// terminal, and is printed only when it changes elsewhere.
package console

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/clock"
)

// The size of a page, that of the smallest terminals.
const (
	width  = 80
	height = 24
)

// Options say where the page goes and what it is about.
type Options struct {
	Out io.Writer
	// Terminal: the page is drawn in place.
	Terminal bool
	// StateDir has what the host knows of itself.
	StateDir string
	Config   *agent.Config
	// Status asks the service of the rendezvous host.
	Status func(ctx context.Context) (agent.Status, error)
	Clock  clock.Clock
	Every  time.Duration
}

// View is what a page is made of.
type View struct {
	Config *agent.Config
	Self   *agent.Self   // nil until the agent has looked at the host
	Status *agent.Status // nil if the rendezvous host does not answer
	Error  error         // why it does not
	Now    time.Time
}

// Run shows the page until ctx ends.
func Run(ctx context.Context, o Options) error {
	d := &drawer{Options: o}
	for {
		if err := d.show(Page(o.look(ctx))); err != nil {
			return fmt.Errorf("write to the console: %w", err)
		}
		if o.Clock.Sleep(ctx, o.Every) != nil {
			return nil
		}
	}
}

func (o *Options) look(ctx context.Context) View {
	v := View{Config: o.Config, Now: o.Clock.Now().UTC()}
	if raw, err := os.ReadFile(filepath.Join(o.StateDir, agent.SelfFile)); err == nil {
		var self agent.Self
		if json.Unmarshal(raw, &self) == nil {
			v.Self = &self
		}
	}
	s, err := o.Status(ctx)
	if v.Error = err; err == nil {
		v.Status = &s
	}
	return v
}

// drawer shows pages, one after the other.
type drawer struct {
	Options
	last []string
}

const (
	home      = "\x1b[H"
	clearAll  = "\x1b[2J"
	clearLine = "\x1b[K"
	clearRest = "\x1b[J"
)

func (d *drawer) show(page []string) error {
	if !d.Terminal {
		return d.print(page)
	}
	var out strings.Builder
	if d.last == nil {
		out.WriteString(clearAll)
	}
	d.last = page
	out.WriteString(home)
	for i, line := range page {
		if i > 0 {
			out.WriteString("\r\n")
		}
		out.WriteString(line + clearLine)
	}
	out.WriteString(clearRest)
	_, err := io.WriteString(d.Out, out.String())
	return err
}

// print prints the lines that are new since the last page, apart from the clock's.
func (d *drawer) print(page []string) error {
	known := map[string]bool{}
	for _, line := range d.last {
		known[line] = true
	}
	var out strings.Builder
	for _, line := range page[1:] {
		if line != "" && !known[line] {
			out.WriteString(line + "\n")
		}
	}
	d.last = page
	if out.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(d.Out, page[0]+"\n"+out.String())
	return err
}
