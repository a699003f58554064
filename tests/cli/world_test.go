package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/engine/enginetest"
	"github.com/okd-install/okd-install/pkg/lab/updates"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/virtualization/stacktest"
)

const (
	enginePassword   = "engine-pass-7Kq2"
	registryPassword = "registry-pass-9Xw4"
)

// world is the environment of one script: an engine, a registry with a release, a
// server of OS images and, once a bootstrap host runs, a cluster. It has a /24 of the
// loopback network of its own, because imageio and the API have fixed ports and scripts
// run in parallel.
type world struct {
	net      [2]byte
	ca       pki.Pair
	servers  []*http.Server
	engine   *engine.Engine
	machines *machines
	cluster  *cluster
	first    engine.Inventory

	engineURL string
	registry  string            // host:port
	release   string            // pull spec by digest
	releases  map[string]string // digests by version
	updates   *updateService
	hosts     *agentHosts
	runs      *runningCluster
	stack     *stacktest.Stack
	imageURL  string
	running   *process
	tb        testing.TB // of the script
}

// machines calls started when the bootstrap host starts.
type machines struct {
	*enginetest.Machines
	started func(engine.Hardware)
}

var fast = engine.Delays{
	Disk: 5 * time.Millisecond, VM: 5 * time.Millisecond, Template: 10 * time.Millisecond, Launch: 5 * time.Millisecond,
	Stop: 5 * time.Millisecond, Transfer: 5 * time.Millisecond, Poll: 10 * time.Millisecond, GiveUp: time.Second,
}

// addr returns an address in the world's network.
func (w *world) addr(host byte) string { return net.IPv4(127, w.net[0], w.net[1], host).String() }

func newWorld() (*world, error) {
	w := &world{releases: map[string]string{}, hosts: &agentHosts{}}
	images, err := w.settle()
	if err != nil {
		return nil, err
	}
	if w.ca, err = certs.NewAuthority(time.Now(), pki.Name{Common: "world CA"}, time.Hour); err != nil {
		return nil, errors.Join(err, images.Close())
	}
	return w, errors.Join(w.startEngine(images), w.startRegistry(), w.startCluster())
}

// settle finds a free network and listens for imageio in it.
func (w *world) settle() (net.Listener, error) {
	var err error
	for range 50 {
		w.net = [2]byte{byte(1 + rand.IntN(250)), byte(rand.IntN(256))}
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort(w.addr(4), "54322")); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("find a free loopback network: %w", err)
}

func (w *world) serve(l net.Listener, host byte, h http.Handler) error {
	cfg, err := certs.ServerConfig(w.ca, time.Now(), []string{"server"}, []netip.Addr{netip.MustParseAddr(w.addr(host))})
	if err != nil {
		return err
	}
	s := &http.Server{Handler: h, TLSConfig: cfg, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	w.servers = append(w.servers, s)
	go func() { _ = s.ServeTLS(l, "", "") }()
	return nil
}

func (w *world) listen(host byte) (net.Listener, string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(w.addr(host), "0"))
	if err != nil {
		return nil, "", err
	}
	return l, l.Addr().String(), nil
}

func (w *world) startEngine(images net.Listener) error {
	api, address, err := w.listen(3)
	if err != nil {
		return err
	}
	w.engineURL = "https://" + address
	imageURL := "https://" + images.Addr().String()
	w.machines = &machines{Machines: enginetest.NewMachines(), started: func(hw engine.Hardware) { w.cluster.boot(hw) }}
	w.engine, err = engine.New(engine.Config{
		FQDN: "engine.test", BaseURL: w.engineURL, TransferURL: imageURL, ProxyURL: imageURL, CA: w.ca.Cert, Delays: fast,
		Users: []engine.User{{Name: "admin@internal", Password: secret.New(enginePassword), Admin: true}},
		Hosts: []engine.Host{
			{Name: "host1", Address: w.addr(4)}, {Name: "host2", Address: w.addr(5)}, {Name: "host3", Address: w.addr(6)},
		},
		Domains: []engine.StorageDomain{{Name: "data1"}, {Name: "data2"}},
	}, w.machines, enginetest.NewVolumes())
	if err != nil {
		return err
	}
	w.first = w.engine.Inventory()
	return errors.Join(w.serve(api, 3, w.engine.Handler()), w.serve(images, 4, w.engine.ImageHandler()))
}

// startRegistry serves a release and the OS image that it names.
func (w *world) startRegistry() error {
	l, address, err := w.listen(2)
	if err != nil {
		return err
	}
	files, fileAddress, err := w.listen(2)
	if err != nil {
		return err
	}
	// The header of a QCOW2 image is all that is read.
	image := make([]byte, 64<<10)
	copy(image, "QFI\xfb")
	binary.BigEndian.PutUint32(image[4:], 3)
	binary.BigEndian.PutUint32(image[20:], 16)
	binary.BigEndian.PutUint64(image[24:], 1<<20)
	sum := sha256.Sum256(image)
	w.imageURL = "https://" + fileAddress + "/os.qcow2"
	err = w.serve(files, 2, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.ServeContent(rw, r, "os.qcow2", time.Unix(1, 0), bytes.NewReader(image))
	}))
	if err != nil {
		return err
	}
	w.registry = address
	handler, err := newRegistry()
	if err != nil {
		return err
	}
	if err := w.serve(l, 2, handler); err != nil {
		return err
	}
	for _, version := range []string{"5.0.0-okd-test.ec.1", "5.0.0-okd-test.0", "5.0.0-okd-test.1", "4.20.0-okd-test.1"} {
		contents := releaseFiles(version, w.imageURL, hex.EncodeToString(sum[:]))
		w.release, err = handler.pushRelease(address+"/okd/release", version, contents)
		if err != nil {
			return err
		}
		_, digest, _ := strings.Cut(w.release, "@")
		w.releases[version] = digest
	}
	return w.startUpdates()
}

func (w *world) stop() {
	if w.running != nil {
		_ = w.running.cmd.Process.Kill()
		<-w.running.done
	}
	for _, s := range w.servers {
		_ = s.Close()
	}
	w.hosts.stop()
	if w.cluster != nil {
		w.cluster.stop()
	}
	if w.engine != nil {
		_ = w.engine.Close()
	}
}

func pullSecret(registry, password string) string {
	login := base64.StdEncoding.EncodeToString([]byte("okd:" + password))
	return fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, registry, login)
}

// setup gives a script its world, and the files and variables that name its servers.
func setup(env *testscript.Env) error {
	w, err := newWorld()
	if w != nil {
		env.Defer(w.stop)
	}
	if err != nil {
		return err
	}
	w.tb, _ = env.T().(testing.TB) // see the documentation of T
	env.Values["world"] = w
	ids := w.engine.IDs()
	for key, value := range map[string]string{
		"HOME":                    env.WorkDir,
		"OVIRT_CONFIG":            filepath.Join(env.WorkDir, "ovirt-config.yaml"),
		"OKD_INSTALL_IMAGE_CACHE": filepath.Join(env.WorkDir, "cache"),
		"OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE": w.release,
		"ENGINE":                         w.engineURL,
		"REGISTRY":                       w.registry,
		"RELEASE":                        w.release,
		"OKD_INSTALL_UPDATE_SERVICE":     w.updates.url + updates.GraphPath,
		"OKD_INSTALL_RELEASE_REPOSITORY": w.registry + "/okd/release",
		"OKD_INSTALL_SIGNATURE_STORE":    w.updates.url + updates.SignaturePath,
		"API_VIP":                        w.addr(10),
		"OTHER_VIP":                      w.addr(12),
		"RENDEZVOUS":                     w.addr(30),
		"CLUSTER_ID":                     ids.Cluster,
		"DOMAIN_ID":                      ids.Domains["data1"],
		// The names of the cluster do not resolve; its API is reached through the
		// proxy. Go uses no proxy for loopback addresses.
		"HTTPS_PROXY": "http://" + w.cluster.proxy,
	} {
		env.Setenv(key, value)
	}
	login := fmt.Sprintf("ovirt_url: %s/ovirt-engine/api\novirt_username: admin@internal\novirt_password: %s\n"+
		"ovirt_cafile: ca.pem\n", w.engineURL, enginePassword)
	return errors.Join(
		os.WriteFile(filepath.Join(env.WorkDir, "ca.pem"), w.ca.Cert, 0o600),
		os.WriteFile(filepath.Join(env.WorkDir, "release-key.asc"), w.updates.key, 0o600),
		os.WriteFile(filepath.Join(env.WorkDir, "ovirt-config.yaml"), []byte(login), 0o600))
}
