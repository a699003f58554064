//go:build integration

package runtimecfg

// The integration tests run the real keepalived, haproxy and nft with what is
// rendered here, in network namespaces of their own. They need root and the
// packages keepalived, haproxy, nftables and iproute2.

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// network is a bridge with one namespace per machine; machine i has address
// 198.18.77.<i>.
type network struct {
	t      *testing.T
	prefix string
}

func newNetwork(t *testing.T, machines ...int) network {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root")
	}
	n := network{t, fmt.Sprintf("rc%d", os.Getpid()%10000)}
	n.run("ip", "netns", "add", n.prefix+"sw")
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", n.prefix+"sw").Run() })
	n.run("ip", "-n", n.prefix+"sw", "link", "add", "br0", "type", "bridge")
	n.run("ip", "-n", n.prefix+"sw", "link", "set", "br0", "up")
	for _, m := range machines {
		ns := n.ns(m)
		n.run("ip", "netns", "add", ns)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
		port := fmt.Sprintf("p%d", m)
		n.run("ip", "-n", n.prefix+"sw", "link", "add", port, "type", "veth", "peer", "name", "host0", "netns", ns)
		n.run("ip", "-n", n.prefix+"sw", "link", "set", port, "master", "br0", "up")
		n.run("ip", "-n", ns, "link", "set", "lo", "up")
		n.run("ip", "-n", ns, "addr", "add", addr(m)+"/24", "dev", "host0")
		n.run("ip", "-n", ns, "link", "set", "host0", "up")
	}
	return n
}

func addr(machine int) string { return fmt.Sprintf("198.18.77.%d", machine) }

func (n network) ns(machine int) string { return fmt.Sprintf("%sm%d", n.prefix, machine) }

func (n network) run(argv ...string) string {
	n.t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

// cut takes the machine off the network, as a power cut does.
func (n network) cut(machine int) {
	n.run("ip", "-n", n.prefix+"sw", "link", "set", fmt.Sprintf("p%d", machine), "down")
}

// holders are the machines that have ip, among those asked for.
func (n network) holders(ip string, machines ...int) []int {
	var out []int
	for _, m := range machines {
		if strings.Contains(n.run("ip", "-n", n.ns(m), "-4", "-o", "addr"), " "+ip+"/32 ") {
			out = append(out, m)
		}
	}
	return out
}

// within runs f on a thread inside a machine's namespace.
func (n network) within(machine int, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		ns, err := os.Open("/run/netns/" + n.ns(machine))
		if err == nil {
			defer ns.Close()
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// listen opens a port on a machine.
func (n network) listen(machine int, address string) net.Listener {
	n.t.Helper()
	var l net.Listener
	err := n.within(machine, func() (err error) {
		l, err = net.Listen("tcp", address)
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { l.Close() })
	return l
}

// greet answers every connection with a word, then hangs up.
func greet(l net.Listener, word string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		fmt.Fprintln(c, word)
		c.Close()
	}
}

// ask connects from a machine and returns the word.
func (n network) ask(machine int, address string) (string, error) {
	var word string
	err := n.within(machine, func() error {
		c, err := net.DialTimeout("tcp", address, 250*time.Millisecond)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		_, err = fmt.Fscanln(c, &word)
		return err
	})
	return word, err
}

// eventually polls for a condition and returns how long it took.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > limit {
			t.Fatalf("%s: not within %s", what, limit)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(start)
}
