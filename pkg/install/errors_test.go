package install

import (
	"errors"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/workdir"
)

func findings(n int) error {
	r := report.New("install-config.yaml")
	for range n {
		r.Field(report.NewPath("baseDomain")).Required("give one")
	}
	return r.Err()
}

func TestExplain(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name string
		err  error
		code int
		says string
		next string
	}{
		{"one finding", findings(1), 3,
			"failed to create install config: 1 finding:\ninstall-config.yaml: baseDomain: Required value",
			"explain installconfig"},
		{"several findings", findings(2), 3, "failed to create install config: 2 findings:\n", "explain installconfig"},
		{"no install-config", &asset.MissingError{Path: "install-config.yaml"}, 1, "failed to fetch Install Config: ",
			"some/dir/install-config.yaml"},
		{"another run", &workdir.LockedError{Dir: "some/dir", Holder: workdir.Holder{PID: 7}}, 1, "process 7",
			"status --dir some/dir"},
		{"no release", assets.ErrNoReleaseImage, 1, "no release image", "OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE"},
		{"anything else", broken, 1, "broken", ""},
	}
	e := &Env{Dir: "some/dir"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := e.Explain(tt.err)
			if exit.Code(got) != tt.code || !errors.Is(got, tt.err) || !strings.Contains(got.Error(), tt.says) {
				t.Errorf("code %d, error %v", exit.Code(got), got)
			}
			if next := exit.Next(got); !strings.Contains(next, tt.next) || (next == "") != (tt.next == "") {
				t.Errorf("next step %q, want %q", next, tt.next)
			}
		})
	}
}

func TestCleanHidesEverySecret(t *testing.T) {
	e := &Env{}
	if got := e.Clean("plain"); got != "plain" {
		t.Errorf("%q", got)
	}
	e.Hide(secret.New("first-secret"))
	e.Hide(secret.New("second-secret"), secret.New(""))
	if got := e.Clean("first-secret and second-secret"); strings.Contains(got, "-secret") {
		t.Errorf("%q", got)
	}
}

func TestReleaseOverride(t *testing.T) {
	if got := ReleaseOverride(func(string) string { return " quay.io/okd@sha256:1\n" }); got != "quay.io/okd@sha256:1" {
		t.Errorf("%q", got)
	}
}
