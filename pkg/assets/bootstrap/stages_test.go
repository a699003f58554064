package bootstrap

import (
	"strings"
	"testing"
)

func TestParseStagesRefuses(t *testing.T) {
	tests := []struct{ name, yaml, saying string }{
		{"a name for the shell", "stages: [{name: 'a; rm -rf'}]", "a name is"},
		{"a name twice", "stages: [{name: a}, {name: a}]", "two of it"},
		{"a need that comes later", "stages: [{name: a, needs: [b]}, {name: b}]", "needs b, which is not before it"},
		{"image and host", "stages: [{name: a, image: etcd, host: [oc]}]", "either"},
		{"arguments for nothing", "stages: [{name: a, args: [x]}]", "no image"},
		{"a relative target", "stages: [{name: a, copies: [{from: a, to: b}]}]", "absolute path"},
		{"a source with a separator", "stages: [{name: a, copies: [{from: 'a|b', to: /b}]}]", "relative path"},
		{"an unknown field", "stages: [{name: a, imagee: etcd}]", "imagee"},
		{"an argument that is none", "stages: [{name: a, image: e, args: [[x]]}]", "neither"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parseStages([]byte(tt.yaml)); err == nil || !strings.Contains(err.Error(), tt.saying) {
				t.Errorf("error %v, should say %q", err, tt.saying)
			}
		})
	}
}

func TestStarNeedsEveryFatalStage(t *testing.T) {
	table, err := parseStages([]byte("stages: [{name: a}, {name: b, fatal: false}, {name: c, needs: ['*']}]"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(table.Stages[2].Needs, " "); got != "a" {
		t.Errorf("needs %q, want a", got)
	}
}

func FuzzParseStages(f *testing.F) {
	f.Add([]byte("stages: [{name: a, image: release, args: [{arg: x, if: y}]}]"))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = parseStages(raw) })
}
