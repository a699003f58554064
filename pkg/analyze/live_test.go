package analyze

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/phase"
)

// cluster answers with the resources of a bundle.
type cluster struct {
	files files
	hangs bool
}

func (c cluster) Raw(ctx context.Context, path string, _ url.Values) ([]byte, error) {
	if c.hangs {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	if path == "/version" {
		return []byte("{}"), nil
	}
	for _, kind := range liveKinds {
		if content, ok := c.files[resourcesDir+kind.Plural+".json"]; ok && kind.Path() == path {
			return []byte(content), nil
		}
	}
	return nil, errors.New(path + " not found")
}

func installed(t *testing.T, journal string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, phase.JournalName), []byte(journal), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestLiveIsLikeABundle: the same evidence leads to the same conclusions.
func TestLiveIsLikeABundle(t *testing.T) {
	dir := installed(t, failedCluster[journalFile])
	host := func(context.Context) (HostState, error) {
		out := HostState{Records: map[string][]byte{}}
		for _, name := range []string{"release-image", "bootkube", "progress"} {
			out.Records[name] = []byte(failedCluster[servicesDir+name+".json"])
		}
		return out, nil
	}
	live, err := Installation(t.Context(), Live{Dir: dir, API: cluster{files: failedCluster}, Host: host,
		Now: t0.Add(30 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	live.Source = "log-bundle-20261121093000.tar.gz"
	if got, want := textOf(t, live, 100), textOf(t, analyzed(t, failedCluster), 100); got != want {
		t.Errorf("live:\n%s\nfrom a bundle:\n%s", got, want)
	}
}

func TestLiveWithoutAnswers(t *testing.T) {
	dir := installed(t, journalJSON("", "", "preflight"))
	begun := time.Now()
	r, err := Installation(t.Context(), Live{Dir: dir, API: cluster{hangs: true}, Limit: 50 * time.Millisecond, Now: t0,
		Host: func(ctx context.Context) (HostState, error) {
			<-ctx.Done()
			return HostState{}, errors.New("no route to host")
		}})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
	gaps := strings.Join(r.Gaps, "\n")
	if !strings.Contains(gaps, "resources: the API does not answer") || !strings.Contains(gaps,
		"bootstrap host: no route to host") {
		t.Errorf("gaps %q", r.Gaps)
	}
	stopped, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := Installation(stopped, Live{Dir: dir, API: cluster{hangs: true}}); !errors.Is(err, cause) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestLiveUnits(t *testing.T) {
	r, err := Installation(t.Context(), Live{Dir: t.TempDir(), Now: t0,
		Host: func(context.Context) (HostState, error) {
			return HostState{Records: map[string][]byte{"release-image": []byte(recs(rec(-1, "service start")))},
				Failed: []string{"kubelet.service"}}, nil
		}})
	if err != nil || !strings.Contains(r.Cause, "failed units: kubelet.service") {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestRunningInstallation(t *testing.T) {
	dir := installed(t, `{"runs":[{"command":"create cluster","started":"2026-11-21T08:50:00Z",`+
		`"phases":[{"name":"images","started":"2026-11-21T08:50:00Z","result":"running"}]}]}`)
	r, err := Installation(t.Context(), Live{Dir: dir, Now: t0,
		API: cluster{files: files{"resources/nodes.json": items()}}})
	if err != nil || r.Cause != "none found: the installation is in phase images" {
		t.Errorf("%v, %+v", err, r)
	}
	if row := r.Timeline.Groups[0].Rows[0]; row.Outcome != Running || row.Took() != 10*time.Minute {
		t.Errorf("row %+v", row)
	}
}
