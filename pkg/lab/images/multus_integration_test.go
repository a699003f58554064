//go:build integration

package images

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/okd-install/okd-install/pkg/lab/netns"
	"github.com/okd-install/okd-install/pkg/lab/release/crds"
)

// TestMultusOnRealAPIServer gives containers second interfaces as a node does: the
// compiled multus, called as by a container runtime, reads pods and network definitions
// from a real API server and calls the compiled plugins. It needs root.
func TestMultusOnRealAPIServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	n := startNode(ctx, t)
	n.definition(ctx, "lan", map[string]any{
		"type": "bridge", "bridge": "brlan",
		"ipam": map[string]any{"type": "host-local", "subnet": "198.18.250.0/24", "dataDir": n.file("leases")},
	})
	n.definition(ctx, "pool", map[string]any{
		"type": "macvlan", "mode": "bridge",
		"ipam": map[string]any{
			"type": "whereabouts", "range": "198.18.251.0/24", "configuration_path": n.file("whereabouts.conf"),
		},
	})
	server, client := n.container(ctx, "vms", "server"), n.container(ctx, "vms", "client")
	for _, c := range []container{server, client} {
		if out, err := n.multus("ADD", c); err != nil {
			t.Fatalf("container %s: %v: %s", c.name, err, out)
		}
	}
	for link, subnet := range map[string]string{"eth0": "198.18.249.", "net1": "198.18.250.", "net2": "198.18.251."} {
		address := server.address(t, link)
		if !strings.HasPrefix(address, subnet) {
			t.Errorf("%s of the server has address %q, want %s*", link, address, subnet)
			continue
		}
		if link != "eth0" && !n.reported(ctx, "server", link, address) {
			t.Errorf("the server's pod does not say that %s has address %s", link, address)
		}
		server.serve(t, address)
		if got, err := client.ask(address); got != "hello\n" {
			t.Errorf("the client got %q from %s: %v", got, address, err)
		}
	}
	stranger := n.container(ctx, "default", "stranger")
	if out, err := n.multus("ADD", stranger); err == nil || !strings.Contains(out, "namespace isolation enabled") {
		t.Errorf("a pod got a network of another namespace: %v: %s", err, out)
	}
	if out, err := n.multus("DEL", server); err != nil {
		t.Errorf("delete: %v: %s", err, out)
	}
	if a := server.address(t, "net1"); a != "" {
		t.Errorf("net1 still has address %s", a)
	}
	pool := n.get(ctx, "whereabouts.cni.cncf.io/v1alpha1", "IPPool", "kube-system", "198.18.251.0-24")
	if text := fmt.Sprint(pool); strings.Contains(text, "vms/server") || !strings.Contains(text, "vms/client") {
		t.Errorf("the pool is wrong after the server's end: %s", text)
	}
}

// cniNode is a network namespace that stands for a node, with an API server.
type cniNode struct {
	*world
	netns string
}

// container is a network namespace that stands for a pod's.
type container struct{ namespace, name, netns string }

func startNode(ctx context.Context, t *testing.T) *cniNode {
	// The servers end with the thread that started them, and threads that change their
	// namespace end.
	runtime.LockOSThread()
	n := &cniNode{world: newWorld(ctx, t)}
	n.define(ctx, crds.Select(func(k crds.Kind) bool { return strings.HasSuffix(k.Group, "cni.cncf.io") }))
	n.apply(ctx, "v1", "Namespace", "vms", nil)
	n.netns = n.namespace("node")
	n.relayAPI()
	n.assemble()
	return n
}

func (n *cniNode) file(name string) string { return filepath.Join(n.dir, name) }

// namespace makes a network namespace with its loopback up.
func (n *cniNode) namespace(name string) string {
	path := n.file("netns-" + name)
	err := netns.Create(path)
	if err == nil {
		n.t.Cleanup(func() {
			if err := netns.Delete(path); err != nil {
				n.t.Error(err)
			}
		})
		err = netns.Do(path, func() error {
			lo, err := netlink.LinkByName("lo")
			if err != nil {
				return err
			}
			return netlink.LinkSetUp(lo)
		})
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return path
}

// relayAPI lets programs in the node's namespace reach the API server, under the
// address that the kubeconfig has.
func (n *cniNode) relayAPI() {
	data, err := os.ReadFile(n.kubeconfig)
	if err != nil {
		n.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "https://")
	address, _, _ := strings.Cut(rest, `"`)
	serveIn(n.t, n.netns, address, func(c net.Conn) {
		to, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		defer to.Close()
		go func() { _, _ = io.Copy(to, c) }()
		_, _ = io.Copy(c, to)
	})
	// Macvlan interfaces hang on the one with the default route.
	err = netns.Do(n.netns, func() error {
		veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "ens3"}, PeerName: "wire"}
		if err := netlink.LinkAdd(veth); err != nil {
			return err
		}
		for _, name := range []string{"ens3", "wire"} {
			l, err := netlink.LinkByName(name)
			if err == nil {
				err = netlink.LinkSetUp(l)
			}
			if err != nil {
				return err
			}
		}
		l, err := netlink.LinkByName("ens3")
		if err != nil {
			return err
		}
		a, err := netlink.ParseAddr("198.18.248.2/24")
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(l, a); err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Gw: net.IPv4(198, 18, 248, 1)})
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// assemble makes the node's directory of plugins and multus's configuration.
func (n *cniNode) assemble() {
	bin := n.file("bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		n.t.Fatal(err)
	}
	all := map[string]string{"whereabouts": "multus", "multus": filepath.Join(n.programs.MultusCNI, "multus")}
	plugins, err := os.ReadDir(n.programs.CNIPlugins)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, p := range plugins {
		all[p.Name()] = filepath.Join(n.programs.CNIPlugins, p.Name())
	}
	for name, target := range all {
		if err := os.Symlink(target, filepath.Join(bin, name)); err != nil {
			n.t.Fatal(err)
		}
	}
	n.writeJSON("whereabouts.conf", map[string]any{
		"datastore": "kubernetes", "kubernetes": map[string]any{"kubeconfig": n.kubeconfig},
	})
	n.writeJSON("00-multus.conf", map[string]any{
		"cniVersion": "0.4.0", "name": "multus-cni-network", "type": "multus", "kubeconfig": n.kubeconfig,
		"cniDir": n.file("state"), "namespaceIsolation": true, "logToStderr": true,
		"delegates": []any{map[string]any{
			"cniVersion": "0.4.0", "name": "okd-lab", "plugins": []any{map[string]any{
				"type": "bridge", "bridge": "cni0",
				"ipam": map[string]any{"type": "host-local", "subnet": "198.18.249.0/24", "dataDir": n.file("leases")},
			}},
		}},
	})
}

func (n *cniNode) writeJSON(name string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		n.t.Fatal(err)
	}
	n.write(name, string(data))
}

// definition makes a NetworkAttachmentDefinition.
func (n *cniNode) definition(ctx context.Context, name string, config map[string]any) {
	config["cniVersion"], config["name"] = "0.4.0", name
	data, err := json.Marshal(config)
	if err != nil {
		n.t.Fatal(err)
	}
	o := object("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", "vms", name,
		map[string]any{"spec": map[string]any{"config": string(data)}})
	n.eventually(ctx, "definition of network "+name, func() (bool, string) {
		err := n.client.ApplyObject(ctx, o)
		return err == nil, fmt.Sprint(err)
	})
}

// container makes a pod that wants both networks, and the namespace of its sandbox.
func (n *cniNode) container(ctx context.Context, namespace, name string) container {
	pod := object("v1", "Pod", namespace, name, map[string]any{
		"spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": "none"}}},
	})
	pod.SetAnnotations(map[string]string{"k8s.v1.cni.cncf.io/networks": "vms/lan, vms/pool"})
	if err := n.client.CreateObject(ctx, pod); err != nil {
		n.t.Fatal(err)
	}
	return container{namespace, name, n.namespace(name)}
}

// multus calls the plugin as a container runtime does.
func (n *cniNode) multus(command string, c container) (string, error) {
	config, err := os.ReadFile(n.file("00-multus.conf"))
	if err != nil {
		return "", err
	}
	// The namespace outlives the command's own file system.
	cmd := exec.Command("nsenter", "--net="+n.netns, filepath.Join(n.dir, "bin", "multus"))
	cmd.Stdin = bytes.NewReader(config)
	cmd.Env = append(os.Environ(),
		"CNI_COMMAND="+command, "CNI_CONTAINERID="+c.name, "CNI_NETNS="+c.netns, "CNI_IFNAME=eth0",
		"CNI_PATH="+n.file("bin"), "CNI_ARGS=IgnoreUnknown=true;K8S_POD_NAMESPACE="+c.namespace+";K8S_POD_NAME="+c.name+
			";K8S_POD_INFRA_CONTAINER_ID="+c.name)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// reported reports whether the pod's annotation has an interface's address.
func (n *cniNode) reported(ctx context.Context, pod, link, address string) bool {
	var all []struct {
		Interface string
		IPs       []string
	}
	text := n.get(ctx, "v1", "Pod", "vms", pod).GetAnnotations()["k8s.v1.cni.cncf.io/network-status"]
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		n.t.Fatalf("annotation %q: %v", text, err)
	}
	for _, s := range all {
		if s.Interface == link {
			return slices.Contains(s.IPs, address)
		}
	}
	return false
}

// address is an interface's, or empty.
func (c container) address(t *testing.T, link string) string {
	t.Helper()
	found := ""
	err := netns.Do(c.netns, func() error {
		l, err := netlink.LinkByName(link)
		if err != nil {
			return nil //nolint:nilerr // there is none
		}
		all, err := netlink.AddrList(l, netlink.FAMILY_V4)
		if len(all) > 0 {
			found = all[0].IP.String()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (c container) serve(t *testing.T, address string) {
	serveIn(t, c.netns, net.JoinHostPort(address, "8080"), func(c net.Conn) { fmt.Fprintln(c, "hello") })
}

func (c container) ask(address string) (string, error) {
	var got []byte
	err := netns.Do(c.netns, func() error {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, "8080"), 5*time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		got, err = io.ReadAll(conn)
		return err
	})
	return string(got), err
}

// serveIn answers connections to an address of a namespace until the test ends.
func serveIn(t *testing.T, namespace, address string, answer func(net.Conn)) {
	t.Helper()
	var l net.Listener
	err := netns.Do(namespace, func() (err error) {
		l, err = net.Listen("tcp", address)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				answer(c)
			}()
		}
	}()
}
