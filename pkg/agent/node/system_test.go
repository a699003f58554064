package node

import (
	"reflect"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/check"
)

func TestWithoutOthers(t *testing.T) {
	results := []agent.Check{
		{ID: check.Connectivity, Result: agent.Fail}, {ID: check.MTU, Result: agent.Pending},
		{ID: check.Memory, Result: agent.Fail},
	}
	withoutOthers(results)
	want := []agent.Check{
		{ID: check.Connectivity, Result: agent.Warn}, {ID: check.MTU, Result: agent.Warn},
		{ID: check.Memory, Result: agent.Fail},
	}
	if !reflect.DeepEqual(results, want) {
		t.Errorf("%+v", results)
	}
}

func TestRun(t *testing.T) {
	s := &System{}
	if err := s.Run(t.Context(), "one\ntwo\n", "cat"); err != nil {
		t.Error(err)
	}
	err := s.Run(t.Context(), "", "sh", "-c", "echo first; echo last words >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "sh: exit status 3: first last words") {
		t.Errorf("error %v", err)
	}
	if err := s.Run(t.Context(), "", "no-such-program"); err == nil {
		t.Error("no error without a program")
	}
	out, err := s.Output(t.Context(), 10, "sh", "-c", "echo 0123456789abcdef; echo noise >&2")
	if err != nil || string(out) != "789abcdef\n" {
		t.Errorf("%q, %v", out, err)
	}
}
