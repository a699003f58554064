// Package network is the lab's network operator, which runs those of DNS, ingress,
// console, configuration and bare machines too; the node's agent; and the console, one page.
package network

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"os"
	"reflect"
	"sync"

	configv1 "github.com/openshift/api/config/v1"
	routev1 "github.com/openshift/api/route/v1"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/ingress"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/metal"
	"github.com/okd-install/okd-install/pkg/lab/release/operand"
)

const name = "cluster-network-operator"

//go:embed *.tmpl
var files embed.FS

// Commands are the programs of this package.
func Commands() []program.Command {
	return []program.Command{
		program.Verbs(name, program.Command{Name: "start", Run: start}),
		{Name: "network-node", Run: runAgent},
		{Name: "console", Run: serveConsole},
	}
}

func start(ctx context.Context, args []string) error {
	if err := contract.Parse(contract.Flags(name+" start"), args); err != nil {
		return err
	}
	// Outside a pod, as in tests, the variable names a kubeconfig.
	client, err := api.Connect(name, os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	manifests, err := fs.Sub(data.Lab(), "operands")
	if err != nil {
		return err
	}
	r := operand.Runner{
		Client: client, Clock: clock.Real(), News: program.News{Log: program.Logger()},
		Files: manifests, Images: os.Getenv, Version: os.Getenv(contract.VersionVariable),
		Operators: operators(clock.Real()),
	}
	hosts := metal.Operator{
		Client: client, Clock: clock.Real(), News: program.News{Log: program.Logger()}, Version: r.Version,
	}
	// Its BMCs may take long to answer, which is nothing to the network.
	var g sync.WaitGroup
	g.Go(func() { hosts.Run(ctx) })
	r.Run(ctx)
	g.Wait()
	return nil
}

// operators are those of the process, each with its ClusterOperator.
func operators(clk clock.Clock) []operand.Operator {
	return []operand.Operator{
		{
			Name:      "network",
			Manifests: "network.yaml",
			Workloads: []operand.Workload{
				{Kind: "DaemonSet", Namespace: "openshift-sdn", Name: "network-node"},
				{Kind: "DaemonSet", Namespace: "openshift-multus", Name: "multus"},
				{Kind: "DaemonSet", Namespace: "openshift-multus", Name: "multus-additional-cni-plugins"},
			},
			After: publishNetwork,
		},
		{
			Name:      "dns",
			Manifests: "dns.yaml",
			Workloads: []operand.Workload{{Kind: "DaemonSet", Namespace: "openshift-dns", Name: "dns-default"}},
		},
		ingress.Operator(clk),
		{
			Name:      "console",
			Manifests: "console.yaml",
			Workloads: []operand.Workload{{Kind: "Deployment", Namespace: "openshift-console", Name: "console"}},
			After:     consoleAdmitted,
		},
		{Name: "config-operator", After: configuration},
	}
}

// configuration names what the cluster lacks of the installer's objects.
func configuration(ctx context.Context, client *api.Client, _ operand.Cluster) (string, error) {
	for _, plural := range []string{"infrastructures", "networks", "ingresses", "dnses", "featuregates", "proxies"} {
		ref := api.Config(plural).Ref("", "cluster")
		err := client.Get(ctx, ref, new(any))
		if kube.NotFound(err) {
			return "there is no " + ref.String(), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

// publishNetwork copies the networks to the status, which is no subresource here.
func publishNetwork(ctx context.Context, client *api.Client, _ operand.Cluster) (string, error) {
	ref := api.Config("networks").Ref("", "cluster")
	var n configv1.Network
	if err := client.Get(ctx, ref, &n); kube.NotFound(err) {
		return "there is no Network cluster", nil
	} else if err != nil {
		return "", err
	}
	want := configv1.NetworkStatus{
		ClusterNetwork: n.Spec.ClusterNetwork, ServiceNetwork: n.Spec.ServiceNetwork, NetworkType: n.Spec.NetworkType,
	}
	if reflect.DeepEqual(n.Status, want) {
		return "", nil
	}
	return "", client.Apply(ctx, ref, name, map[string]any{
		"apiVersion": n.APIVersion, "kind": n.Kind, "metadata": map[string]any{"name": n.Name}, "status": want,
	})
}

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
