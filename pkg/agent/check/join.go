package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/disk"
)

// joins and installs report what the image is for: to add nodes to a cluster, or to install one.
func joins(in *Input) bool    { return in.Config.Join != nil }
func installs(in *Input) bool { return in.Config.Join == nil }

// api connects to the cluster's API, where the kubelet will. Which certificate it has the kubelet
// finds out itself: its authorities come with the node's configuration.
func api(ctx context.Context, in *Input, w *World) agent.Check {
	var silent []string
	for _, address := range in.Config.Join.API {
		if err := w.Connect(ctx, address); err != nil {
			silent = append(silent, fmt.Sprintf("%s: %v", address, err))
		}
	}
	if len(silent) > 0 {
		return fail("see that the cluster runs, that the host is in the right network, that its name servers know the "+
			"cluster and that firewalls allow TCP port 6443", "the API of the cluster cannot be reached: %s",
			strings.Join(silent, "; "))
	}
	return pass("the API of the cluster answers at %s", join(in.Config.Join.API))
}

// configServer asks the server from which the node fetches its configuration when it first boots
// from its disk. There, a node that cannot reach it waits forever.
func configServer(ctx context.Context, in *Input, w *World) agent.Check {
	const next = "allow TCP port 22623 from this host to the hosts of the control plane, or to their load balancer"
	base, err := url.Parse(in.Config.Join.ConfigServer)
	if err != nil || base.Host == "" {
		return fail("make a new image", "the URL of the machine config server, %q, is not valid", in.Config.Join.ConfigServer)
	}
	health := url.URL{Scheme: base.Scheme, Host: base.Host, Path: "/healthz"}
	at, err := w.AskTime(ctx, health.String(), []byte(in.Config.Join.ConfigServerCA))
	if err != nil {
		return fail(next, "the machine config server of the cluster cannot be used: %s", err)
	}
	now := w.Clock.Now()
	if skew := now.Sub(at).Abs().Round(time.Second); !at.IsZero() && skew > maxSkew {
		return fail("set the clock in the firmware, or add time servers that the host reaches to the cluster",
			"the clock of this host says %s and that of the cluster %s: %v apart, at most %v are allowed",
			now.UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339), skew, maxSkew)
	}
	return pass("the machine config server answers at %s", base.Host)
}

func disksKey(in *Input) string {
	var keys []string
	for _, d := range in.Inventory.Disks {
		keys = append(keys, d.Path+" "+d.Serial)
	}
	return strings.Join(keys, "\n")
}

// writtenBefore finds out whether this host was installed from this image already. If it is a node
// that has booted the medium again by accident, its data must not be lost.
func writtenBefore(ctx context.Context, in *Input, w *World) agent.Check {
	for _, d := range in.Inventory.Disks {
		if d.Removable {
			continue
		}
		image, err := disk.ImageOn(ctx, w.Runner, d)
		if err != nil {
			continue // it has no system of CoreOS that could be a node
		}
		if image == in.Config.Join.Image {
			return fail("remove the medium, put the disk first in the boot order, and boot the host again; to install it "+
				"once more, make a new image", "%s was written from this image already, and the host has booted the medium "+
				"again", disk.Describe(d))
		}
	}
	return pass("no disk was written from this image yet")
}

// timeOf is how World.AskTime works on a host. The proxy is not asked: nodes reach the server
// directly.
func timeOf(ctx context.Context, address string, authorities []byte) (time.Time, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		return time.Time{}, errors.New("the image has no certificate of its authority")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return time.Time{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return time.Time{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusInternalServerError {
		return time.Time{}, fmt.Errorf("%s answers %s", address, resp.Status)
	}
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}, nil // it does not say
	}
	return at, nil
}
