package network

import (
	"context"
	"fmt"
	"html/template"
	"net/http"

	routev1 "github.com/openshift/api/route/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/operand"
)

// consoleAdmitted waits for a router to serve the installer's route.
func consoleAdmitted(ctx context.Context, client *api.Client, _ operand.Cluster) (string, error) {
	var r routev1.Route
	err := client.Get(ctx, kube.Routes.Ref("openshift-console", "console"), &r)
	if kube.NotFound(err) {
		return "there is no route openshift-console/console", nil
	}
	for _, in := range r.Status.Ingress {
		for _, c := range in.Conditions {
			if c.Type == routev1.RouteAdmitted && c.Status == "True" {
				return "", nil
			}
		}
	}
	return "no router has admitted route openshift-console/console", err
}

var page = template.Must(template.ParseFS(files, "console.html.tmpl"))

// serveConsole serves one page that names the cluster.
func serveConsole(ctx context.Context, args []string) error {
	f := contract.Flags("console")
	var about struct{ Cluster, Version string }
	f.StringVar(&about.Cluster, "cluster", "", "name of the cluster")
	f.StringVar(&about.Version, "version", "", "version of the release")
	listen := f.String("listen", ":8080", "address")
	if err := contract.Parse(f, args); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		// A client that went away is its own problem.
		_ = page.Execute(w, about)
	})
	return program.Serve(ctx, &http.Server{Addr: *listen, Handler: mux})
}
