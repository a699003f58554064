package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// console runs the program at a terminal, and answers it like a user.
type console struct {
	t    *testing.T
	cmd  *exec.Cmd
	tty  *os.File // the program's end
	pty  *os.File
	done chan error

	mu   sync.Mutex
	out  []byte
	news chan struct{} // has a value when there is more to read
	seen int           // offset in the plain text up to which expect has looked
}

// atTerminal starts the program with the given environment.
func atTerminal(t *testing.T, env []string, args ...string) *console {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: 50, Cols: 160}); err != nil {
		t.Fatal(err)
	}
	c := &console{
		t: t, cmd: exec.Command(program, args...), tty: slave, pty: master, done: make(chan error, 1),
		news: make(chan struct{}, 1),
	}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = slave, slave, slave
	c.cmd.Env = append(env, "TERM=xterm")
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.read()
	go func() { c.done <- c.cmd.Wait() }()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		_ = slave.Close()
		_ = master.Close()
	})
	return c
}

const whereIsTheCursor = "\x1b[6n"

// read takes what the program writes. Like a terminal, it answers requests for the
// position of the cursor: the corner, if the program moved the cursor there to learn
// the size, else the first column.
func (c *console) read() {
	buf := make([]byte, 4096)
	for answered := 0; ; {
		n, err := c.pty.Read(buf)
		if err != nil {
			return
		}
		c.mu.Lock()
		c.out = append(c.out, buf[:n]...)
		for {
			i := bytes.Index(c.out[answered:], []byte(whereIsTheCursor))
			if i < 0 {
				break
			}
			reply := "\x1b[1;1R"
			if bytes.HasSuffix(c.out[:answered+i], []byte("\x1b[999;999f")) {
				reply = "\x1b[50;160R"
			}
			answered += i + len(whereIsTheCursor)
			_, _ = c.pty.WriteString(reply)
		}
		c.mu.Unlock()
		select {
		case c.news <- struct{}{}:
		default:
		}
	}
}

var control = regexp.MustCompile(`\x1b(\[[0-9;?]*[a-zA-Z]|[78])`)

func (c *console) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return control.ReplaceAllString(string(c.out), "")
}

// patience is long because the tests run in parallel on few cores.
const patience = time.Minute

// expect waits for text behind what it found before.
func (c *console) expect(want string) {
	c.t.Helper()
	late := time.After(patience)
	for {
		text := c.text()
		if i := strings.Index(text[min(c.seen, len(text)):], want); i >= 0 {
			c.seen += i + len(want)
			return
		}
		select {
		case <-c.news:
		case <-time.After(200 * time.Millisecond): // the text may have been read together with the one before it
		case <-late:
			c.t.Fatalf("timed out waiting for %q; output:\n%s", want, text)
		}
	}
}

// answer waits for a question, types an answer and presses Enter.
func (c *console) answer(question, typed string) {
	c.t.Helper()
	c.press(question, typed+"\r")
}

// press waits for a question of one line and types, without Enter. Before it reads such
// a line, the library asks for the position of the cursor, and loses what arrives
// together with the reply. So press types Backspace until the bell rings, because there
// is nothing to delete: then the library reads.
func (c *console) press(question, typed string) {
	c.t.Helper()
	c.expect("? " + question)
	for late := time.Now().Add(patience); !c.rings(question); {
		if time.Now().After(late) {
			c.t.Fatalf("the program does not read the answer to %q:\n%s", question, c.text())
		}
		c.write("\x7f")
		for range 100 {
			if time.Sleep(5 * time.Millisecond); c.rings(question) {
				break
			}
		}
	}
	c.write(typed)
}

// rings reports whether the bell has rung since the question was asked.
func (c *console) rings(question string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := bytes.LastIndex(c.out, []byte(question))
	return at >= 0 && bytes.IndexByte(c.out[at:], '\a') >= 0
}

// choose waits for a list and types an answer.
func (c *console) choose(question, typed string) {
	c.t.Helper()
	c.expect("? " + question)
	c.write(typed)
}

func (c *console) write(typed string) {
	c.t.Helper()
	if _, err := c.pty.WriteString(typed); err != nil {
		c.t.Fatal(err)
	}
}

// end waits for the program, and checks its exit code and that the terminal echoes
// again.
func (c *console) end(code int) {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		c.t.Fatalf("does not end:\n%s", c.text())
	}
	if got := c.cmd.ProcessState.ExitCode(); got != code {
		c.t.Fatalf("exit code %d, want %d:\n%s", got, code, c.text())
	}
	if !echoes(c.t, c.tty) {
		c.t.Error("the terminal is left without echo")
	}
}

// echoes reports whether a terminal shows what is typed.
func echoes(t *testing.T, tty *os.File) bool {
	t.Helper()
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := term.MakeRaw(int(tty.Fd())); err != nil {
		t.Fatal(err)
	}
	raw, err := term.GetState(int(tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v", *before) != fmt.Sprintf("%+v", *raw)
}
