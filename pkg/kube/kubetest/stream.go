package kubetest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/websocket"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// upgrade is a subresource that is a WebSocket.
type upgrade struct {
	suffix, protocol string
	serve            func(path string, conn *websocket.Conn)
}

// Upgrade serves paths with a suffix, such as /console, as WebSockets of a protocol. The connection is closed when
// serve returns.
func (c *Cluster) Upgrade(suffix, protocol string, serve func(path string, conn *websocket.Conn)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.upgrades = append(c.upgrades, upgrade{suffix, protocol, serve})
}

// upgradeOf finds the WebSocket that a path is.
func (c *Cluster) upgradeOf(path string) (upgrade, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.upgrades, func(u upgrade) bool { return strings.HasSuffix(path, u.suffix) })
	if i < 0 || c.down {
		return upgrade{}, false
	}
	return c.upgrades[i], true
}

func (u upgrade) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(websocket.Subprotocols(r), u.protocol) {
		fail(w, http.StatusBadRequest, metav1.StatusReasonBadRequest)
		return
	}
	upgrader := websocket.Upgrader{Subprotocols: []string{u.protocol}}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has been answered
	}
	defer conn.Close()
	u.serve(r.URL.Path, conn)
}
