package machines

import (
	"errors"
	"fmt"
	"testing"

	"github.com/okd-install/okd-install/pkg/plan"
)

func TestRemaining(t *testing.T) {
	broken := errors.New("broken")
	left := []plan.Ref{{Kind: plan.KindVM, Name: "demo-master-0", ID: "1"}, {Kind: plan.KindTag, Name: "demo"}}
	tests := []struct {
		name string
		left []plan.Ref
		err  error
		want string
	}{
		{"all gone", nil, nil, ""},
		{"cannot look", nil, broken, "broken"},
		{"something stays", left, nil, "2 objects are still there: vm demo-master-0, tag demo"},
		{"something stays, and why", left[:1], broken, "1 object is still there: vm demo-master-0: broken"},
	}
	for _, tt := range tests {
		got := Remaining(tt.left, tt.err)
		if text := fmt.Sprint(got); tt.want == "" && got != nil || tt.want != "" && text != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, got, tt.want)
		}
		if tt.err != nil && !errors.Is(got, tt.err) {
			t.Errorf("%s: lost the cause", tt.name)
		}
	}
}
