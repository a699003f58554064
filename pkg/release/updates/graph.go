// Package updates queries an update service (Cincinnati protocol) for the releases of a channel.
package updates

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/okd-install/okd-install/pkg/release/versions"
)

// Graph is the releases of a channel. Its edges, which say what can be updated to what, are ignored.
type Graph struct{ Nodes []Node }

// Node is one release.
type Node struct {
	Version  versions.Version
	Payload  string // pull spec of the release image
	Metadata map[string]string
}

// Limits of an answer. The largest public graph has a few hundred nodes.
const (
	maxAnswer = 16 << 20
	maxNodes  = 20000
	maxText   = 1024
)

// Parse reads a graph. It ignores nodes without a semantic version; anything else that is wrong is an error.
func Parse(raw []byte) (Graph, error) {
	if len(raw) > maxAnswer {
		return Graph{}, fmt.Errorf("the graph is larger than %d MiB", maxAnswer>>20)
	}
	var answer struct {
		Nodes *[]struct {
			Version, Payload string
			Metadata         map[string]any
		}
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return Graph{}, fmt.Errorf("the answer is not a graph: %w", err)
	}
	if answer.Nodes == nil {
		return Graph{}, errors.New("the answer is not a graph: it has no nodes")
	}
	if n := len(*answer.Nodes); n > maxNodes {
		return Graph{}, fmt.Errorf("the graph has %d nodes, more than the limit of %d", n, maxNodes)
	}
	var g Graph
	for i, n := range *answer.Nodes {
		v, err := versions.Parse(n.Version)
		if err != nil {
			continue
		}
		if !plain(n.Payload) {
			return Graph{}, fmt.Errorf("node %d of the graph, %s, has no pull spec", i, v)
		}
		node := Node{Version: v, Payload: n.Payload, Metadata: map[string]string{}}
		for key, value := range n.Metadata {
			if text, ok := value.(string); ok && len(text) <= maxText {
				node.Metadata[key] = text
			}
		}
		g.Nodes = append(g.Nodes, node)
	}
	return g, nil
}

// plain reports whether a pull spec is printable ASCII without spaces, so that it can be shown and pasted safely.
func plain(spec string) bool {
	unsafe := func(r rune) bool { return r <= ' ' || r > '~' }
	return spec != "" && len(spec) <= maxText && !strings.ContainsFunc(spec, unsafe)
}

// Versions returns the versions of all nodes.
func (g Graph) Versions() []versions.Version {
	list := make([]versions.Version, len(g.Nodes))
	for i, n := range g.Nodes {
		list[i] = n.Version
	}
	return list
}

// Node finds the release of a version.
func (g Graph) Node(version string) (Node, bool) {
	for _, n := range g.Nodes {
		if n.Version.String() == version {
			return n, true
		}
	}
	return Node{}, false
}
