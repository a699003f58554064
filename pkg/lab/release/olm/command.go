package olm

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/bundle"
	"github.com/okd-install/okd-install/pkg/lab/release/olm/packages"
	"github.com/okd-install/okd-install/pkg/pki"
)

const (
	name            = "olm"
	packagesService = "packageserver-service"
	packagesPort    = 5443
	imageVariable   = "OPERATOR_LIFECYCLE_MANAGER_IMAGE"
	// ready is between two looks whether the API of packages is served.
	readyEvery = time.Second
)

// Commands are the programs of this package.
func Commands() []program.Command {
	return []program.Command{
		{Name: name, Run: start},
		{Name: bundle.CopyProgram, Run: copyBundle},
		{Name: bundle.ExtractProgram, Run: extract},
	}
}

func start(ctx context.Context, args []string) error {
	if err := contract.Parse(contract.Flags(name), args); err != nil {
		return err
	}
	client, err := api.Connect(name, os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	log := program.Logger()
	o := &Operator{
		Client: client, Clock: clock.Real(), News: program.News{Log: log}, packages: &packages.Server{Clock: clock.Real()},
		Version: os.Getenv(contract.VersionVariable), Image: os.Getenv(imageVariable),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return o.servePackages(ctx, fmt.Sprintf(":%d", packagesPort)) })
	g.Go(func() error { return o.Run(ctx) })
	return g.Wait()
}

// servePackages serves PackageManifests and tells the API server where.
func (o *Operator) servePackages(ctx context.Context, listen string) error {
	var front corev1.ConfigMap
	ref := kube.ConfigMaps.Ref("kube-system", "extension-apiserver-authentication")
	err := program.Wait(ctx, o.Clock, o.News.Log, "the API server's authority", readyEvery,
		func(ctx context.Context) error {
			if err := o.Client.Get(ctx, ref, &front); err != nil {
				return err
			}
			if front.Data["requestheader-client-ca-file"] == "" {
				return errors.New("it has none")
			}
			return nil
		})
	if err != nil {
		return ended(ctx, err)
	}
	var names []string
	if err := json.Unmarshal([]byte(front.Data["requestheader-allowed-names"]), &names); err != nil {
		return fmt.Errorf("read %s: %w", ref, err)
	}
	host := packagesService + "." + ownNamespace + ".svc"
	now := o.Clock.Now()
	ca, err := certs.NewAuthority(now, pki.Name{Common: host}, pki.Year)
	if err != nil {
		return err
	}
	pair, err := certs.Issue(ca, now, pki.Leaf{Name: pki.Name{Common: host}, Usage: pki.Server, Life: pki.Year}, host)
	if err != nil {
		return err
	}
	own, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		return fmt.Errorf("read own certificate: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return program.Serve(ctx, &http.Server{
			Addr: listen, Handler: o.packages,
			TLSConfig: packages.TLS(own, []byte(front.Data["requestheader-client-ca-file"]), names),
		})
	})
	g.Go(func() error {
		return ended(ctx, program.Wait(ctx, o.Clock, o.News.Log, "registration of PackageManifests", readyEvery,
			func(ctx context.Context) error { return o.Client.ApplyObject(ctx, apiService(ca.Cert)) }))
	})
	return g.Wait()
}

// ended is no error after the end of the context.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func apiService(authority []byte) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": map[string]any{"name": packages.Version + "." + packages.Group},
		"spec": map[string]any{
			"group": packages.Group, "version": packages.Version, "caBundle": string(encode(authority)),
			"groupPriorityMinimum": int64(2000), "versionPriority": int64(15),
			"service": map[string]any{"namespace": ownNamespace, "name": packagesService, "port": int64(packagesPort)},
		},
	}}
}

func encode(b []byte) []byte {
	raw, err := json.Marshal(b) // base64, in quotes
	if err != nil {
		panic(err) // it is bytes
	}
	return raw[1 : len(raw)-1]
}

// copyBundle installs this program for another container, or copies the bundle that
// it is in.
func copyBundle(_ context.Context, args []string) error {
	f := contract.Flags(bundle.CopyProgram)
	install := f.String("install", "", "copy this program to a path")
	from := f.String("from", "/", "root of the bundle's image")
	to := f.String("to", "", "copy the bundle to a directory")
	if err := contract.Parse(f, args); err != nil {
		return err
	}
	switch {
	case *install != "":
		return bundle.Install(*install)
	case *to != "":
		return bundle.Copy(*from, *to)
	}
	return errors.New("either --install or --to is required")
}

// extract puts a bundle into its ConfigMap.
func extract(ctx context.Context, args []string) error {
	f := contract.Flags(bundle.ExtractProgram)
	from := f.String("from", "", "directory with manifests and metadata")
	namespace := f.String("namespace", "", "of the ConfigMap")
	target := f.String("config-map", "", "name of the ConfigMap")
	if err := contract.Parse(f, args, "from", "namespace", "config-map"); err != nil {
		return err
	}
	client, err := api.Connect(bundle.ExtractProgram, os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	ref := kube.ConfigMaps.Ref(*namespace, *target)
	var cm corev1.ConfigMap
	if err := client.Get(ctx, ref, &cm); err != nil {
		return fmt.Errorf("read %s: %w", ref, err)
	}
	if err := bundle.Pack(os.DirFS(*from), &cm); err != nil {
		return err
	}
	if err := client.Update(ctx, ref, "", &cm); err != nil {
		return fmt.Errorf("write %s: %w", ref, err)
	}
	return nil
}
