package install

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/client"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// AccessTo is Access to the platform of a cluster that exists, with what the directory knows of it: nothing if the
// files here are of another one.
func (e *Env) AccessTo(infraID string) (machines.Access, error) {
	a := e.Access()
	key, err := e.StateKey()
	if err != nil || !e.Describes(infraID, key) {
		return a, err
	}
	if meta, err := e.Metadata(); err == nil {
		a.Metadata = meta.PlatformData
	} else if meta, err := assets.StoredMetadata(e.Dir, key); err == nil {
		a.Metadata = meta.PlatformData
	}
	if a.Config, err = assets.StoredConfig(e.Dir, key, e.Platforms.Assets()); err != nil {
		event.Debug(e.Sink, "the state has no install-config", "err", err)
		a.Config = e.writtenConfig()
	}
	if a.Disks, err = assets.StoredDisks(e.Dir, key); err != nil {
		event.Debug(e.Sink, "the state does not say which disks were installed to", "err", err)
	}
	if a.Config != nil {
		e.Hide(a.Config.Secrets()...)
	}
	if access, err := assets.StoredWatcher(e.Dir, key); err == nil {
		a.Registered = func(ctx context.Context, macs []string) (bool, error) { return hasRegistered(ctx, access, macs) }
	}
	api, _, err := e.DialIfAny()
	if err != nil || api == nil {
		return a, nil // then nothing asks it
	}
	a.Node = func(ctx context.Context, systemUUID string) (bool, error) { return hasNode(ctx, api, systemUUID) }
	return a, nil
}

// writtenConfig is install-config.yaml as far as it can be read, nil if it cannot.
func (e *Env) writtenConfig() *types.InstallConfig {
	text, err := os.ReadFile(e.Path(ConfigFile))
	if err != nil {
		return nil
	}
	options := types.Options{Platforms: e.Platforms.Kinds(), AllowUnknown: true, SkipHostCrypt: true}
	cfg, _ := options.Load(ConfigFile, text)
	return cfg
}

// nodeLimit is how long the API has to list the nodes, and the service of the rendezvous host its hosts.
const nodeLimit = 10 * time.Second

func hasNode(ctx context.Context, api *kube.Client, systemUUID string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, nodeLimit)
	defer cancel()
	var list corev1.NodeList
	if err := api.List(ctx, kube.Nodes, "", &list); err != nil {
		return false, fmt.Errorf("ask %s for its nodes: %s", api.URL(), kube.Cause(err))
	}
	for _, n := range list.Items {
		if strings.EqualFold(n.Status.NodeInfo.SystemUUID, systemUUID) {
			return true, nil
		}
	}
	return false, nil
}

// DialService prepares to ask the service of the rendezvous host.
func DialService(access assets.WatcherAccess) (*client.Client, error) {
	return client.New(client.Config{
		Address: netip.AddrPortFrom(access.Rendezvous, agent.Port), CA: access.CA, Token: access.Token,
	})
}

// hasRegistered asks the service, which knows the image by its token, for a host with one of the MAC addresses.
func hasRegistered(ctx context.Context, access assets.WatcherAccess, macs []string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, nodeLimit)
	defer cancel()
	service, err := DialService(access)
	if err != nil {
		return false, err
	}
	status, err := service.Status(ctx)
	if err != nil {
		return false, err
	}
	for _, h := range status.Hosts {
		for _, mac := range h.MACs {
			if slices.Contains(macs, values.PlainMAC(mac)) {
				return true, nil
			}
		}
	}
	return false, nil
}
