// Package console is the lab's console: one page that says which cluster it
// is, behind the route that the installer looks for.
package console

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/release/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/multicall"
	"github.com/okd-install/okd-install/pkg/lab/release/operand"

	routev1 "github.com/openshift/api/route/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Commands are the programs of this package.
func Commands() []multicall.Command {
	return []multicall.Command{{Name: "console", Run: serve}}
}

// Operator keeps the console's pod, service and route.
func Operator() operand.Operator {
	return operand.Operator{
		Name:      "console",
		Manifests: "console.yaml",
		Workloads: []operand.Workload{{Kind: "Deployment", Namespace: "openshift-console", Name: "console"}},
		After:     admitted,
	}
}

// admitted waits for a router to serve the route.
func admitted(ctx context.Context, client *kube.Client, _ operand.Cluster) (string, error) {
	o, err := client.Get(ctx, routev1.GroupVersion.WithKind("Route"), "openshift-console", "console")
	if err != nil || o == nil {
		return "there is no route openshift-console/console", err
	}
	var r routev1.Route
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &r); err != nil {
		return "", fmt.Errorf("decode route: %w", err)
	}
	for _, in := range r.Status.Ingress {
		for _, c := range in.Conditions {
			if c.Type == routev1.RouteAdmitted && c.Status == "True" {
				return "", nil
			}
		}
	}
	return "no router has admitted route openshift-console/console", nil
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{{.Cluster}}</title></head>
<body>
<h1>{{.Cluster}}</h1>
<p>OKD lab cluster, release {{.Version}}. The lab has no web console; use <code>kubectl</code>.</p>
</body>
</html>
`))

type about struct{ Cluster, Version string }

func handler(a about) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		// A client that went away is its own problem.
		_ = page.Execute(w, a)
	})
	return mux
}

func serve(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("console", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	var a about
	f.StringVar(&a.Cluster, "cluster", "", "name of the cluster")
	f.StringVar(&a.Version, "version", "", "version of the release")
	listen := f.String("listen", ":8080", "address")
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("console: %w", err)
	}
	s := &http.Server{Addr: *listen, Handler: handler(a), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		s.Close()
	}()
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve console: %w", err)
	}
	return nil
}
