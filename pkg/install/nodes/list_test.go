package nodes

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

func TestList(t *testing.T) {
	w := joinedWorld(t)
	w.Set(bmhPath+"worker-7", map[string]any{
		"metadata": map[string]any{"name": "worker-7"},
		"spec": map[string]any{"bmc": map[string]any{
			"address": "redfish-virtualmedia://192.0.2.207/redfish/v1/Systems/1"}},
		"status": map[string]any{"poweredOn": true, "provisioning": map[string]any{"state": "externally provisioned"}},
	})
	l, err := List(t.Context(), w.env, "")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := l.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/list.txt", out.String()+"\n"+string(text)+"\n")
	if writes := w.Writes(); len(writes) > 0 {
		t.Errorf("wrote %q", writes)
	}
}
