package cli

import (
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/okd-install/okd-install/pkg/kube/kubetest"
)

// runningCluster is the API of a cluster that somebody has installed.
type runningCluster struct {
	mu      sync.Mutex
	objects kubetest.Objects
}

// running starts the cluster and writes its kubeconfig: running start KUBECONFIG. It takes an object
// away: running without PATH, or adds a node: running node NAME ADDRESS STATUS-OF-READY.
func running(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	switch args[0] {
	case "start":
		w.runs = &runningCluster{objects: kubetest.Running()}
		l, err := net.Listen("tcp", net.JoinHostPort(w.addr(31), "0"))
		ts.Check(err)
		s := &http.Server{Handler: w.runs, ReadHeaderTimeout: time.Minute}
		w.servers = append(w.servers, s)
		go func() { _ = s.Serve(l) }()
		text := strings.ReplaceAll(kubeconfig, "URL", "http://"+l.Addr().String())
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
	case "without":
		w.runs.change(func(o kubetest.Objects) { delete(o, args[1]) })
	case "node":
		w.runs.change(func(o kubetest.Objects) {
			nodes := maps.Clone(o["/api/v1/nodes"].(object))
			nodes["items"] = append(nodes["items"].([]object), object{
				"metadata": object{"name": args[1]},
				"status": object{
					"addresses":  []object{{"type": "InternalIP", "address": args[2]}},
					"conditions": []object{{"type": "Ready", "status": args[3], "message": "no network yet"}},
				},
			})
			o["/api/v1/nodes"] = nodes
		})
	default:
		ts.Fatalf("unknown word %q", args[0])
	}
}

const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: demo, cluster: {server: URL}}]
users: [{name: admin, user: {token: kube-secret}}]
contexts: [{name: admin, context: {cluster: demo, user: admin}}]
current-context: admin
`

func (c *runningCluster) change(do func(kubetest.Objects)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do(c.objects)
}

// ServeHTTP answers as the API does.
func (c *runningCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.objects.ServeHTTP(w, r)
}
