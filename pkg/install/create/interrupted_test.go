package create

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
)

func TestAfterInterruption(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(exit.ErrInterrupted)
	broken := errors.New("broken")
	tests := []struct {
		name     string
		metadata string
		left     []string
		want     []string
		not      string
	}{
		{"before anything", "", nil, []string{"before anything was created"}, "Remove"},
		{"with a cluster", `{"infraID":"demo-1"}`, []string{"vm demo-1-master-0", "tag demo-1"},
			[]string{"Cluster demo-1 is left as it is", "Left:    vm demo-1-master-0, tag demo-1",
				"Go on:   okd-install create cluster --dir ", "Remove:  okd-install destroy cluster --dir "}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &install.Env{Dir: t.TempDir(), Clock: clock.Real(), Sink: event.Discard}
			if tt.metadata != "" {
				if err := os.WriteFile(e.Path(install.MetadataFile), []byte(tt.metadata), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := command{Env: e}.afterInterruption(ctx, tt.left, broken)
			if !errors.Is(err, broken) {
				t.Errorf("lost the cause: %v", err)
			}
			text := strings.Join(install.AfterInterruption(err), "\n")
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if tt.not != "" && strings.Contains(text, tt.not) {
				t.Errorf("%q in\n%s", tt.not, text)
			}
		})
	}
	var wrapped *install.Interrupted
	if err := (command{}).afterInterruption(t.Context(), nil, broken); errors.As(err, &wrapped) {
		t.Errorf("a failure is not an interruption: %v", err)
	}
	lines := install.AfterInterruption(broken)
	if len(lines) != 1 || !strings.Contains(lines[0], "Run the same command again") {
		t.Errorf("of a command that changes nothing: %q", lines)
	}
}
