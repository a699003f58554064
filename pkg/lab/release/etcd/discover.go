package etcd

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/wait"
)

// discovery writes a member's configuration before etcd starts. A new member waits
// until the operator has added it; one that has its data starts at once, because
// after a power cut there may be nobody to ask.
type discovery struct {
	name          string
	ip            string
	dataDir       string
	configFile    string // written
	endpointsFile string // client URLs, separated by commas or white space
	caCert        string
	cert, key     string
	clock         clock.Clock
	log           *slog.Logger
}

// run writes the configuration file.
func (d *discovery) run(ctx context.Context) error {
	dial, endpoints, err := d.dialer()
	if err != nil {
		return err
	}
	defer dial.close()
	if d.hasData() {
		members, err := dial.members(ctx, endpoints)
		if err != nil || contains(members, d.ip) {
			d.log.Info("member has its data", "dir", d.dataDir, "checked", err == nil)
			if err := d.free(ctx); err != nil {
				return err
			}
			return d.write(d.name + "=" + PeerURL(d.ip))
		}
		// The others removed this member; its data will never be valid again.
		if err := d.setAside(); err != nil {
			return err
		}
	}
	var cluster string
	err = wait.Until(ctx, d.clock, 300*time.Millisecond, func(ctx context.Context) (bool, string, error) {
		members, err := dial.members(ctx, endpoints)
		if err != nil {
			return false, err.Error(), nil
		}
		if !contains(members, d.ip) {
			return false, fmt.Sprintf("the etcd operator has not added %s yet", d.ip), nil
		}
		cluster = d.initialCluster(members)
		return true, "", nil
	})
	if err != nil {
		return fmt.Errorf("wait to become an etcd member: %w", err)
	}
	d.log.Info("member was added", "initial-cluster", cluster)
	return d.write(cluster)
}

// initialCluster lists every member. etcd compares the peer URLs and takes names
// later, so a member that has not published its name gets a unique one.
func (d *discovery) initialCluster(members []member) string {
	var out []string
	for _, m := range members {
		name := m.Name
		switch {
		case m.IP == d.ip:
			name = d.name
		case name == "":
			name = "member-" + strconv.FormatUint(m.ID, 16)
		}
		out = append(out, name+"="+PeerURL(m.IP))
	}
	return strings.Join(out, ",")
}

func (d *discovery) write(cluster string) error {
	s := settingsAt(d.ip)
	s.Name, s.DataDir, s.Cluster = d.name, d.dataDir, cluster
	data, err := program.FillFile(templates, "templates/etcd.yaml.tmpl", s)
	if err == nil {
		err = os.WriteFile(d.configFile, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write etcd configuration: %w", err)
	}
	return nil
}

// free waits until nobody uses the data: on a node that bootstrapped in place
// another pod runs the same member, and may take a while to end.
func (d *discovery) free(ctx context.Context) error {
	dialer := net.Dialer{Timeout: time.Second}
	err := wait.Until(ctx, d.clock, 300*time.Millisecond, func(ctx context.Context) (bool, string, error) {
		conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("localhost", peerPort))
		if err != nil {
			return true, "", nil
		}
		_ = conn.Close() // only its success mattered
		return false, "another etcd still runs on this node", nil
	})
	if err != nil {
		return fmt.Errorf("wait for the last etcd to end: %w", err)
	}
	return nil
}

func (d *discovery) hasData() bool {
	_, err := os.Stat(filepath.Join(d.dataDir, "member", "wal"))
	return err == nil
}

func (d *discovery) setAside() error {
	old := filepath.Join(d.dataDir, "member")
	aside := old + "-removed-" + d.clock.Now().UTC().Format("20060102150405")
	d.log.Warn("member was removed from the cluster; its old data is set aside", "dir", aside)
	if err := os.Rename(old, aside); err != nil {
		return fmt.Errorf("set old etcd data aside: %w", err)
	}
	return nil
}

func (d *discovery) dialer() (*dialer, []string, error) {
	var pem [3][]byte
	for i, path := range []string{d.caCert, d.cert, d.key} {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, fmt.Errorf("read etcd certificates: %w", err)
		}
		pem[i] = data
	}
	text, err := os.ReadFile(d.endpointsFile)
	if err != nil {
		return nil, nil, fmt.Errorf("read etcd endpoints: %w", err)
	}
	endpoints := strings.FieldsFunc(string(text), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
	dial, err := newDialer(pem[0], pem[1], pem[2])
	return dial, endpoints, err
}

func contains(members []member, ip string) bool {
	for _, m := range members {
		if m.IP == ip {
			return true
		}
	}
	return false
}
