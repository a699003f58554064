package gather_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/gather"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/sshclient/sshtest"
)

func hosts(list ...gather.Host) []gather.Host { return list }

// apiNodes is what the API says of the nodes.
const apiNodes = `{"items":[
	{"metadata":{"name":"w0","labels":{"node-role.kubernetes.io/worker":""}},
	 "status":{"addresses":[{"type":"InternalIP","address":"127.0.0.31"}]}},
	{"metadata":{"name":"m0","labels":{"node-role.kubernetes.io/master":""}},
	 "status":{"addresses":[{"type":"Hostname","address":"m0"},{"type":"InternalIP","address":"127.0.0.21"}]}}]}`

// fleet is a bootstrap host and masters that answer as the scripts do, which
// TestBundle runs.
func fleet(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, dir: t.TempDir(), behind: map[string]*sshtest.Server{}}
	answer := func(s sshtest.Session, files map[string]string) int {
		compress := gzip.NewWriter(s.Stdout)
		archive := tar.NewWriter(compress)
		for name, text := range files {
			h.must(archive.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o600}))
			_, err := archive.Write([]byte(text))
			h.must(err)
		}
		h.must(errors.Join(archive.Close(), compress.Close()))
		return 0
	}
	h.shell = func(_ context.Context, s sshtest.Session) int {
		script, err := io.ReadAll(s.Stdin)
		if s.Agent != nil || err != nil || s.Command != "sudo -n bash -s" ||
			!strings.HasPrefix(string(script), "#!/usr/bin/env bash\n# Collects the logs and state of one host") {
			t.Errorf("a master is asked to run %q with %.40q, agent %v, error %v", s.Command, script, s.Agent, err)
		}
		return answer(s, map[string]string{"./journals/kubelet.log": "kubelet", "../../escape": "x", "./x.key": privateKey})
	}
	h.server = sshtest.New(t, func(_ context.Context, s sshtest.Session) int {
		return answer(s, map[string]string{
			"log-bundle-x/gather.log": "begun\n", "log-bundle-x/resources/nodes.json": apiNodes,
		})
	})
	h.server.Forward = h.forward
	var err error
	h.users, err = pki.NewSSHKey("user@desk")
	h.must(err)
	h.master("127.0.0.21", false)
	return h
}

// TestMasters: without an agent, each master is asked where it can be reached;
// whichever is missing is named with the reason.
func TestMasters(t *testing.T) {
	const direct, behind, nowhere = "127.0.0.22", "127.0.0.21", "127.0.0.66"
	tests := []struct {
		name    string
		change  func(h *host, o *gather.Options)
		logs    []string // addresses of masters whose logs are in the bundle
		missing []string // each with a reason
		log     []string // lines of gather.log
	}{
		{"those that the API lists", func(*host, *gather.Options) {}, []string{behind}, nil,
			[]string{"control-plane host m0 (127.0.0.21): gathering, reached through the bootstrap host"}},
		{"directly", func(_ *host, o *gather.Options) {
			o.Masters = hosts(gather.Host{Name: "m1", Addresses: []string{direct}})
		},
			[]string{behind, direct}, nil, []string{"control-plane host m1 (127.0.0.22): gathering, reached directly"}},
		{"without a bootstrap host", func(_ *host, o *gather.Options) {
			o.Bootstrap, o.Masters = nil, hosts(
				gather.Host{Name: "m1", Addresses: []string{direct}}, gather.Host{Name: "m0", Addresses: []string{behind}})
		}, []string{direct}, []string{
			"bootstrap host: its address is not known", "control-plane host m0 (127.0.0.21): connect to 127.0.0.21:",
		}, nil},
		{"those that the user names, and no others", func(_ *host, o *gather.Options) {
			o.Masters, o.Only = hosts(gather.Host{Addresses: []string{direct}}), true
		}, []string{direct}, nil, nil},
		{"one that nobody reaches", func(_ *host, o *gather.Options) {
			o.Only, o.Masters = true, hosts(
				gather.Host{Name: "m9", Addresses: []string{nowhere}}, gather.Host{Name: "m0", Addresses: []string{behind}})
		}, []string{behind}, []string{
			"control-plane host m9 (127.0.0.66): directly: connect to 127.0.0.66", "through the bootstrap host: ",
			"no route to host",
		}, nil},
		{"one by its second address", func(_ *host, o *gather.Options) {
			o.Masters = hosts(gather.Host{Name: "m0", Addresses: []string{nowhere, behind}})
		}, []string{behind}, nil, nil},
		{"one whose address only the API knows", func(_ *host, o *gather.Options) {
			o.Masters = hosts(gather.Host{Name: "m0"}, gather.Host{Name: "m2"})
		}, []string{behind}, []string{"control-plane host m2: no address of it is known"}, nil},
		{"one that got another address", func(_ *host, o *gather.Options) {
			o.Masters = hosts(gather.Host{Name: "m0", Addresses: []string{nowhere}})
		}, []string{behind}, nil, nil},
		{"no key", func(_ *host, o *gather.Options) {
			o.MasterSSH.Keys, o.NoKey = nil, "the private half of SHA256:abc (user@desk) was not found: looked in ~/.ssh"
			o.Masters = hosts(gather.Host{Name: "m1", Addresses: []string{direct}})
		}, nil, []string{
			"control-plane host m1 (127.0.0.22): directly: the host lets none of the keys in: " +
				"the private half of SHA256:abc (user@desk) was not found: looked in ~/.ssh",
			"control-plane host m0 (127.0.0.21): directly: connect to",
			"through the bootstrap host: the host lets none of the keys in: the private half of SHA256:abc",
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := fleet(t)
			h.master(direct, true)
			o := h.options()
			tt.change(h, &o)
			path, err := gather.Bootstrap(t.Context(), o)
			var incomplete *gather.Incomplete
			if err != nil && !errors.As(err, &incomplete) || (err != nil) != (len(tt.missing) > 0) {
				t.Fatalf("error %v", err)
			}
			if incomplete != nil && incomplete.Empty {
				t.Error("the bundle is said to be empty")
			}
			got := contents(t, path)
			for _, part := range tt.missing {
				lacks(t, err, part)
				if strings.HasPrefix(part, "control-plane") && (!strings.Contains(got["missing.txt"], part) ||
					!strings.Contains(got["gather.log"], "missing: "+part)) {
					t.Errorf("neither missing.txt nor gather.log may lack %q:\n%s\n%s", part, got["missing.txt"], got["gather.log"])
				}
			}
			for _, line := range tt.log {
				if !strings.Contains(got["gather.log"], line+"\n") {
					t.Errorf("gather.log lacks %q:\n%s", line, got["gather.log"])
				}
			}
			asked := map[string]bool{}
			for name := range got {
				if strings.HasSuffix(name, ".key") {
					t.Errorf("%s is in the bundle", name)
				}
				address, ok := strings.CutPrefix(name, "control-plane/")
				if ok && strings.HasSuffix(name, "/journals/kubelet.log") {
					address, _, _ = strings.Cut(address, "/")
					asked[address] = true
				}
			}
			if logs := slices.Sorted(maps.Keys(asked)); !slices.Equal(logs, tt.logs) && len(logs)+len(tt.logs) > 0 {
				t.Errorf("logs of %v, want %v", logs, tt.logs)
			}
		})
	}
}
