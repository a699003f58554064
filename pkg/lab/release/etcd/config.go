package etcd

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// serverFiles are the TLS files of a member.
type serverFiles struct {
	CA, ServingCert, ServingKey, PeerCert, PeerKey string
}

// masterFiles is where the installer puts them.
func masterFiles(node string) serverFiles {
	base := "/etc/kubernetes/static-pod-resources/" + certDir
	pair := func(kind, ext string) string {
		return base + "/secrets/" + allCerts + "/etcd-" + kind + "-" + node + ext
	}
	return serverFiles{
		CA:          base + "/configmaps/" + bundle + "/" + bundleKey,
		ServingCert: pair("serving", ".crt"), ServingKey: pair("serving", ".key"),
		PeerCert: pair("peer", ".crt"), PeerKey: pair("peer", ".key"),
	}
}

// serverSettings are the settings of a member, by the names that etcd's flags
// and its configuration file share.
func serverSettings(name, ip, initialCluster, clusterState string, f serverFiles) map[string]string {
	any := "0.0.0.0"
	if a, err := netip.ParseAddr(ip); err == nil && a.Is6() {
		any = "::"
	}
	return map[string]string{
		"name":                        name,
		"data-dir":                    "/var/lib/etcd",
		"initial-cluster":             initialCluster,
		"initial-cluster-state":       clusterState,
		"initial-advertise-peer-urls": PeerURL(ip),
		"advertise-client-urls":       ClientURL(ip),
		"listen-peer-urls":            url(any, peerPort),
		"listen-client-urls":          url(any, clientPort),
		"listen-metrics-urls":         url(any, metricsPort) + ",http://127.0.0.1:" + healthPort,
		"cert-file":                   f.ServingCert,
		"key-file":                    f.ServingKey,
		"trusted-ca-file":             f.CA,
		"client-cert-auth":            "true",
		"peer-cert-file":              f.PeerCert,
		"peer-key-file":               f.PeerKey,
		"peer-trusted-ca-file":        f.CA,
		"peer-client-cert-auth":       "true",
		"logger":                      "zap",
		"log-level":                   "info",
		"quota-backend-bytes":         "8589934592",
	}
}

// arguments renders settings as flags in a stable order.
func arguments(settings map[string]string) []string {
	var out []string
	for k, v := range settings {
		out = append(out, "--"+k+"="+v)
	}
	slices.Sort(out)
	return out
}

// configFile renders settings as etcd's configuration file, which nests the
// TLS settings.
func configFile(settings map[string]string) ([]byte, error) {
	doc := map[string]any{}
	client, peer := map[string]any{}, map[string]any{}
	for k, v := range settings {
		switch k {
		case "cert-file", "key-file", "trusted-ca-file":
			client[k] = v
		case "client-cert-auth":
			client[k] = v == "true"
		case "peer-cert-file", "peer-key-file", "peer-trusted-ca-file":
			peer[strings.TrimPrefix(k, "peer-")] = v
		case "peer-client-cert-auth":
			peer["client-cert-auth"] = v == "true"
		case "quota-backend-bytes":
			var n int64
			if _, err := fmt.Sscan(v, &n); err != nil {
				return nil, fmt.Errorf("render etcd setting %s: %w", k, err)
			}
			doc[k] = n
		default:
			doc[k] = v
		}
	}
	doc["client-transport-security"], doc["peer-transport-security"] = client, peer
	out, err := yaml.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("render etcd configuration: %w", err)
	}
	return out, nil
}
