// Package source talks to the registries of catalogs, by gRPC as all lifecycle
// managers do.
package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"k8s.io/apimachinery/pkg/types"

	"github.com/okd-install/okd-install/pkg/lab/release/olm/registry"
)

// Catalog is what a registry serves.
type Catalog struct {
	Packages []registry.Package
	Bundles  []registry.Bundle // one per channel that has it; without the CSV
	// Heads are the CSVs at the heads of channels, by package and channel.
	Heads map[string]map[string]v1alpha1.ClusterServiceVersion
}

// Pool has the connections to registries.
type Pool struct {
	mu    sync.Mutex
	conns map[types.NamespacedName]*connection
}

type connection struct {
	conn    *grpc.ClientConn
	address string
	serving string // what served the catalog
	catalog *Catalog
}

const (
	callLimit = 20 * time.Second
	// maxMessage is for CSVs with everything in them.
	maxMessage = 64 << 20
)

// Connect makes the pool connect to the registry of a catalog, and returns the state
// of the connection as gRPC names it.
func (p *Pool) Connect(key types.NamespacedName, address string) (connectivity.State, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		p.conns = map[types.NamespacedName]*connection{}
	}
	c := p.conns[key]
	if c != nil && c.address != address {
		_ = c.conn.Close() // only an idle connection is lost
		c = nil
	}
	if c == nil {
		wait := backoff.DefaultConfig
		wait.MaxDelay = 3 * time.Second
		conn, err := grpc.NewClient("passthrough:///"+address,
			grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: wait, MinConnectTimeout: 5 * time.Second}),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
		if err != nil {
			return connectivity.Shutdown, fmt.Errorf("connect to catalog %s: %w", key, err)
		}
		c = &connection{conn: conn, address: address}
		p.conns[key] = c
	}
	state := c.conn.GetState()
	if state == connectivity.Idle {
		c.conn.Connect()
		state = connectivity.Connecting
	}
	return state, nil
}

// Keep closes the connections to catalogs that are not in the list.
func (p *Pool) Keep(list map[types.NamespacedName]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, c := range p.conns {
		if !list[key] {
			_ = c.conn.Close()
			delete(p.conns, key)
		}
	}
}

// Catalog reads a catalog, once for what serves it. The error is gRPC's.
func (p *Pool) Catalog(ctx context.Context, key types.NamespacedName, serving string) (*Catalog, error) {
	p.mu.Lock()
	c := p.conns[key]
	p.mu.Unlock()
	if c == nil {
		return nil, errors.New("no connection")
	}
	if c.catalog != nil && c.serving == serving {
		return c.catalog, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	catalog, err := read(ctx, registry.Client{Conn: c.conn})
	if err != nil {
		return nil, err
	}
	c.catalog, c.serving = catalog, serving
	return catalog, nil
}

// Known is a catalog as it was read last, nil if it has not been.
func (p *Pool) Known(key types.NamespacedName) *Catalog {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.conns[key]; c != nil {
		return c.catalog
	}
	return nil
}

func read(ctx context.Context, client registry.Client) (*Catalog, error) {
	c := &Catalog{Heads: map[string]map[string]v1alpha1.ClusterServiceVersion{}}
	var err error
	if c.Bundles, err = client.Bundles(ctx); err != nil {
		return nil, err
	}
	names, err := client.Packages(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		p, err := client.Package(ctx, n)
		if err != nil {
			return nil, err
		}
		c.Packages = append(c.Packages, p)
		heads := map[string]v1alpha1.ClusterServiceVersion{}
		for _, ch := range p.Channels {
			b, err := client.Bundle(ctx, p.Name, ch.Name, ch.CSV)
			if err != nil {
				return nil, err
			}
			var csv v1alpha1.ClusterServiceVersion
			if b.CSVJSON != "" {
				if err := json.Unmarshal([]byte(b.CSVJSON), &csv); err != nil {
					return nil, fmt.Errorf("read CSV %s: %w", ch.CSV, err)
				}
			}
			heads[ch.Name] = csv
		}
		c.Heads[p.Name] = heads
	}
	return c, nil
}
