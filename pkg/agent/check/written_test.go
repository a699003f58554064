package check

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
)

func TestWrittenBefore(t *testing.T) {
	const hosts, host = "remove the medium from all hosts", "boot the host again"
	const renew = "agent create certificates"
	disk := func(name string) agent.Disk {
		return agent.Disk{Path: "/dev/" + name, Serial: "S-" + name, SizeBytes: 200e9}
	}
	for _, c := range []struct {
		name       string
		change     func(*scene)
		result     agent.Result
		says, next []string
	}{
		{"nothing", func(s *scene) { s.marks = nil }, agent.Pass, nil, nil},
		{"an image without a name", func(s *scene) { s.marks, s.in.Config.Image = nil, "" }, agent.Pass, nil, nil},
		{"the rendezvous host", func(s *scene) { s.in.Rendezvous = true }, agent.Fail,
			[]string{"/dev/sda", "serial S-sda", "the cluster is installed"}, []string{hosts, renew}},
		{"the rendezvous host has another address", func(*scene) {}, agent.Fail, []string{"/dev/sda"}, []string{hosts}},
		{"a single node", func(s *scene) { s.in.Config.Masters, s.in.Config.Workers = 1, 0 }, agent.Fail,
			[]string{"/dev/sda"}, []string{host, renew}},
		{"a node that was added", func(s *scene) { s.joining() }, agent.Fail, []string{"/dev/sda"},
			[]string{host, "make a new image"}},
		{"another cluster's disk", func(s *scene) { s.marks["/dev/sda"] = "OTHER" }, agent.Pass, nil, nil},
		{"a disk that hints do not mean", func(s *scene) {
			s.in.Inventory.Disks = append(s.in.Inventory.Disks, disk("sdb"))
			s.marks = map[string]string{"/dev/sdb": "IMAGE"}
		}, agent.Fail, []string{"/dev/sdb"}, nil},
		{"a disk that cannot be installed to", func(s *scene) { s.in.Inventory.Disks[0].Unusable = "read-only" }, agent.Fail,
			[]string{"/dev/sda"}, nil},
		{"a USB stick", func(s *scene) { s.in.Inventory.Disks[0].Removable = true }, agent.Pass, nil, nil},
		{"a dead disk", func(s *scene) { s.broken = map[string]error{"/dev/sda": syscall.EIO} }, agent.Warn,
			[]string{"/dev/sda: input/output error"}, []string{"see to the disk"}},
		{"a dead disk before the marked one", func(s *scene) {
			s.in.Inventory.Disks = append(s.in.Inventory.Disks, disk("sdb"))
			s.marks = map[string]string{"/dev/sdb": "IMAGE"}
			s.broken = map[string]error{"/dev/sda": errors.New("timeout")}
		}, agent.Fail, []string{"/dev/sdb"}, nil},
		{"the cluster runs", func(s *scene) { s.in.Rendezvous, s.in.Order.Running = true, true }, agent.Fail,
			[]string{"/dev/sda"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene()
			s.in.Config.Image, s.in.Inventory.Disks = "IMAGE", []agent.Disk{disk("sda")}
			s.marks = map[string]string{"/dev/sda": "IMAGE"}
			c.change(s)
			got := s.results(t)[Written]
			if got.Result != c.result || got.Blocks() != (c.result == agent.Fail) {
				t.Errorf("got %+v", got)
			}
			for _, want := range c.says {
				if !strings.Contains(got.Message, want) {
					t.Errorf("%q is not in %q", want, got.Message)
				}
			}
			for _, want := range c.next {
				if !strings.Contains(got.Next, want) {
					t.Errorf("%q is not in %q", want, got.Next)
				}
			}
		})
	}
}

// Disks that nobody has looked at yet keep the host from being installed.
func TestWrittenBeforeInterrupted(t *testing.T) {
	s := newScene()
	s.in.Config.Image = "IMAGE"
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := writtenBefore(ctx, &s.in, s.world); !got.Blocks() {
		t.Errorf("got %+v", got)
	}
}
