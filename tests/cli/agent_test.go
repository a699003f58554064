package cli

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/lab/engine"
)

// agentHosts are the hosts of an agent-based installation, as far as the rendezvous host's
// service shows them.
type agentHosts struct {
	mu     sync.Mutex
	config *agent.Config
	status []byte
	server *http.Server
}

// hosts boots hosts from an image, lets them say a status in a file, or takes their service away:
// hosts boot ISO, hosts say FILE, hosts gone. What the image has for the bootstrap is the cluster's:
// hosts bootstrap ISO.
func hosts(ts *testscript.TestScript, _ bool, args []string) {
	h := worldOf(ts).hosts
	switch args[0] {
	case "boot":
		c, err := agent.Decode(imageFile(ts, args[1], agent.ConfigFile))
		ts.Check(err)
		ts.Check(h.boot(c, ts.Getenv("RENDEZVOUS")))
	case "bootstrap":
		config := imageFile(ts, args[1], agent.Dir+"/"+agent.BootstrapIgnition)
		worldOf(ts).cluster.boot(engine.Hardware{UserData: config})
	case "say":
		text := []byte(ts.ReadFile(args[1]))
		var s agent.Status
		ts.Check(json.Unmarshal(text, &s))
		h.mu.Lock()
		h.status = text
		h.mu.Unlock()
	case "gone":
		h.stop()
	default:
		ts.Fatalf("unknown word %q", args[0])
	}
}

// imageFile is a file of the live system in an image.
func imageFile(ts *testscript.TestScript, image, name string) []byte {
	var config []byte
	ts.Check(iso.View(ts.MkAbs(image), func(i *iso.Image) (err error) {
		config, err = i.Ignition()
		return err
	}))
	data, err := ignitionFile(config, name)
	ts.Check(err)
	if r, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
		data, err = io.ReadAll(r)
		ts.Check(err)
	}
	return data
}

// boot serves at an address, which is that of the rendezvous host or of a host that is on its own.
func (h *agentHosts) boot(c *agent.Config, address string) error {
	pair, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.Key.Reveal()))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(agent.Port)))
	if err != nil {
		return err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.server != nil {
		return errors.Join(errors.New("the hosts have booted already"), l.Close())
	}
	h.config, h.server = c, s
	go func() { _ = s.ServeTLS(l, "", "") }()
	return nil
}

func (h *agentHosts) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.server != nil {
		_ = h.server.Close()
		h.server = nil
	}
}

// ServeHTTP answers watchers, as docs/dev/agent.md says.
func (h *agentHosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != "Bearer "+h.config.WatcherToken.Reveal():
		w.WriteHeader(http.StatusUnauthorized)
	case r.Method != http.MethodGet || r.URL.Path != "/v1/status":
		w.WriteHeader(http.StatusNotFound)
	default:
		_, _ = w.Write(h.status)
	}
}
