//go:build e2e

package e2e

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
)

const stateFile = ".openshift_install_state.json"

// beside is a command that is run while the cluster does not answer.
type beside struct {
	args []string
	code int
	says string // a pattern in standard error
}

// besideSilence cuts off the installer from the API of a complete cluster, and runs
// every command that might take silence for the absence of a cluster.
func besideSilence(t *testing.T, c *cluster) {
	began := time.Now()
	infra := c.infraID(t)
	c.saved(t, "metadata.json", "infrastructure-plan.json")
	before := c.inventory(t)
	reach := c.cutOff(t)
	try := func(name string, list ...beside) {
		step(t, name, func(t *testing.T) {
			for _, b := range list {
				r := c.start(t, c.dir, nil, b.args...)
				if code := r.end(t, 2*time.Minute); code != b.code {
					t.Errorf("%s: exit code %d, want %d", r, code, b.code)
				}
				if !regexp.MustCompile(b.says).MatchString(r.stderr.String() + r.stdout.String()) {
					t.Errorf("%s does not print %q:\n%s", r, b.says, last(r.stderr.String(), 8))
				}
			}
			c.sameAs(t, before)
		})
	}
	create, plan := []string{"create", "cluster", "--timeout", "3s"}, []string{"plan"}
	file, bootstrap := []string{"create", "infrastructure-plan"}, []string{"destroy", "bootstrap"}
	gone := "Bootstrap host of " + infra + " is gone"
	try("Recorded",
		beside{create, exit.Unproved, "have taken over, but its API does not answer: .*; nothing was changed"},
		beside{plan, 0, `everything is as planned(?s:.*)The masters have taken over`},
		beside{file, 0, "Infrastructure-Plan created"},
		beside{bootstrap, 0, gone})
	state := c.saved(t, stateFile)
	c.without(t, stateFile)
	const lost = "metadata.json names cluster .*, whose state is gone but which is still on the platform"
	try("StateGone",
		beside{create, exit.Unproved, lost}, beside{plan, exit.Unproved, lost}, beside{file, exit.Unproved, lost},
		beside{bootstrap, 0, gone})
	c.without(t, "metadata.json")
	rival := "cluster " + infra + " on this platform has the domain .* already"
	try("DirectoryGone", beside{create, exit.Unproved, rival}, beside{plan, exit.Unproved, rival})

	// As an older version leaves it: nothing is recorded anywhere.
	marks := regexp.MustCompile(`,"marks":\{[^}]*\}`)
	if !marks.MatchString(state) {
		t.Fatal("the state has no marks")
	}
	c.put(t, stateFile, marks.ReplaceAllString(state, ""))
	record := c.describeTag(t, infra, "okd-install cluster "+infra+";")
	before = c.inventory(t)
	const unknown = "whether the masters of cluster .* have taken over is not known: the API at https://.* does " +
		"not say: .*; nothing was changed"
	try("Unrecorded", beside{create, exit.Unproved, unknown}, beside{bootstrap, exit.Unproved, unknown})

	reach()
	step(t, "Again", func(t *testing.T) {
		c.complete(t)
		if now := c.describeTag(t, infra, ""); !strings.HasSuffix(now, "progress handed-over") {
			t.Errorf("the engine's record is %q, want %q as before", now, record)
		}
	})
	measured(t, "beside a silent API: %.0f s for all of it", time.Since(began).Seconds())
}

// saved restores files of the directory when the test ends. It returns the content of
// the first.
func (c *cluster) saved(t *testing.T, names ...string) string {
	t.Helper()
	first := ""
	for i, name := range names {
		path := filepath.Join(c.dir, name)
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			t.Cleanup(func() { _ = os.Remove(path) })
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if name != stateFile { // the last run's is the one to go on with
				_ = os.WriteFile(path, data, 0o600)
			}
		})
		if i == 0 {
			first = string(data)
		}
	}
	return first
}

func (c *cluster) without(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(c.dir, name)); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// cutOff blocks the way from the installer to the API and to the masters until the
// returned function is called.
func (c *cluster) cutOff(t *testing.T) (reach func()) {
	t.Helper()
	addresses := []string{c.vip(t)}
	for _, m := range c.own(t) {
		for _, ip := range m.Addresses {
			if strings.Contains(m.Name, "-master-") && ip.Is4() && ip.String() != addresses[0] {
				addresses = append(addresses, ip.String())
			}
		}
	}
	cut := true
	reach = func() {
		if !cut {
			return
		}
		cut = false
		for _, ip := range addresses {
			if _, err := c.inside(t, "ip", "route", "del", "blackhole", ip+"/32"); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(reach)
	for _, ip := range addresses {
		if _, err := c.inside(t, "ip", "route", "replace", "blackhole", ip+"/32"); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("cut off: %v", addresses)
	return reach
}

// describeTag replaces the description of a tag of the engine, unless the new
// one is empty, and returns the old one.
func (c *cluster) describeTag(t *testing.T, name, description string) string {
	t.Helper()
	e := c.facts(t).Engine
	// Not on the command line, which everybody can read.
	login := filepath.Join(c.work, "engine.curl")
	text := fmt.Sprintf("user = %q\ncacert = %q\nheader = \"Content-Type: application/xml\"\n", e.User+":"+e.Password,
		e.CAFile)
	if err := os.WriteFile(login, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(login) })
	curl := func(args ...string) string {
		out, err := c.inside(t, append([]string{"curl", "--silent", "--show-error", "--fail", "--config", login},
			args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	var list struct {
		Tags []struct {
			ID          string `xml:"id,attr"`
			Name        string `xml:"name"`
			Description string `xml:"description"`
		} `xml:"tag"`
	}
	if err := xml.Unmarshal([]byte(curl(e.URL+"/tags")), &list); err != nil {
		t.Fatal(err)
	}
	for _, tag := range list.Tags {
		if tag.Name != name {
			continue
		}
		if description != "" {
			curl("--request", "PUT", "--data", "<tag><description>"+description+"</description></tag>",
				e.URL+"/tags/"+tag.ID)
		}
		return tag.Description
	}
	t.Fatalf("the engine has no tag %s", name)
	return ""
}
