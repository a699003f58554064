package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/okd-install/okd-install/pkg/kube"
)

const (
	consoleTime     = 2 * time.Minute // for the first byte
	consoleProtocol = "plain.kubevirt.io"
	knock           = 5 * time.Second // between two empty lines, for which a login asks again
	maxConsole      = 64 << 10        // bytes that are kept
)

// console is the serial console of the VM, read in the background.
type console struct {
	stream *kube.Stream
	done   sync.WaitGroup

	mu    sync.Mutex
	text  []byte
	total int
	err   error // why reading has ended
}

func (r *run) consolePath() string {
	return fmt.Sprintf("/apis/subresources.kubevirt.io/v1/namespaces/%s/virtualmachineinstances/%s/console", r.namespace,
		vmName)
}

func (r *run) openConsole(ctx context.Context) (*console, error) {
	stream, err := r.API.Stream(ctx, r.consolePath(), consoleProtocol)
	if err != nil {
		return nil, err
	}
	c := &console{stream: stream}
	c.done.Go(c.read)
	return c, nil
}

func (c *console) read() {
	buffer := make([]byte, 4096)
	for {
		n, err := c.stream.Read(buffer)
		c.mu.Lock()
		c.total += n
		c.text = append(c.text, buffer[:n]...)
		if over := len(c.text) - maxConsole; over > 0 {
			c.text = append([]byte(nil), c.text[over:]...)
		}
		c.err = err
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// state is how many bytes came, the last of them, and why no more come.
func (c *console) state() (total int, text string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total, string(c.text), c.err
}

func (c *console) close() {
	_ = c.stream.Close()
	c.done.Wait()
}

// consoleBytes reads the console, with an empty line every now and then.
func (r *run) consoleBytes(ctx context.Context) outcome {
	limit := consoleTime
	if r.facts.emulation || r.Options.Timeout > 0 {
		limit = r.budget()
	}
	f := r.until(ctx, limit, Console, r.lookConsole())
	if f != nil {
		f.next = "see with `virtctl console` that the guest uses its first serial port (console=ttyS0 for Linux), or name " +
			"another image with --image; if the connection is refused, look at the logs of virt-api and virt-handler"
		return under(ctx, f, "no byte came from the console")
	}
	total, text, _ := r.console.state()
	return passed("%d bytes%s", total, quoted(lastLine(text)))
}

// lookConsole opens the console, and opens it again when it closes.
func (r *run) lookConsole() func(context.Context) (seen, error) {
	var opened, knocked time.Time
	before := "" // how the last connection ended
	return func(ctx context.Context) (seen, error) {
		if r.console == nil {
			c, err := r.openConsole(ctx)
			if err != nil {
				return seen{missing: "WebSocket " + r.consolePath() + ": " + kube.Cause(err)}, nil
			}
			r.console, opened = c, r.Clock.Now()
		}
		total, _, err := r.console.state()
		if total > 0 {
			return seen{}, nil
		}
		if err != nil {
			r.console.close()
			r.console = nil
			before = " was closed: " + closed(err)
			return seen{missing: "WebSocket " + r.consolePath() + before}, nil
		}
		if now := r.Clock.Now(); now.Sub(knocked) >= knock {
			knocked = now
			_, _ = r.console.stream.Write([]byte("\r\n")) // reading says it if the stream is broken
		}
		text := "WebSocket " + r.consolePath() + ": open" + kube.Since(opened) + ", no byte yet"
		if before != "" {
			text = "WebSocket " + r.consolePath() + before + "; open again" + kube.Since(opened) + ", no byte yet"
		}
		return seen{missing: text}, nil
	}
}

func closed(err error) string {
	if errors.Is(err, io.EOF) {
		return "by the other side; another client may be connected to this console"
	}
	return kube.Cause(err)
}

// firmware begins lines that come before the guest's own system.
var firmware = []string{"SeaBIOS", "Machine UUID", "iPXE", "Booting from", "Press ", "BdsDxe", "UEFI", "Boot failed",
	"No bootable device", "gPXE", "PXE", "ROM"}

// guestLine is the last line that the guest's own system has written, empty if there is none.
func guestLine(text string) string {
	last := ""
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r", "\n"), "\n") {
		line = printable(line)
		if line == "" {
			continue
		}
		own := true
		for _, f := range firmware {
			own = own && !strings.HasPrefix(line, f)
		}
		if own {
			last = line
		}
	}
	return last
}

// lastLine is the last line with anything to read.
func lastLine(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if line := printable(lines[i]); line != "" {
			return line
		}
	}
	return ""
}

const maxLine = 240 // characters

// printable drops control sequences of terminals and what cannot be shown.
func printable(line string) string {
	var out strings.Builder
	escape := false
	for _, c := range line {
		switch {
		case c == '\x1b':
			escape = true
		case escape: // up to the letter that ends it
			escape = !unicode.IsLetter(c)
		case c != unicode.ReplacementChar && unicode.IsPrint(c):
			out.WriteRune(c)
		}
		if out.Len() >= maxLine {
			break
		}
	}
	return strings.TrimSpace(out.String())
}

func quoted(line string) string {
	if line == "" {
		return ""
	}
	return fmt.Sprintf(", the last line is %q", line)
}
