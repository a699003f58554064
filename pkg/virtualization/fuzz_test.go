package virtualization

import (
	"encoding/json"
	"testing"
)

// What the cluster says may have any form.
func FuzzObjects(f *testing.F) {
	for _, seed := range []string{
		`{"kind":"Pod","status":{"containerStatuses":[{"state":{"waiting":{"reason":"ErrImagePull"}}}]}}`,
		`{"status":{"conditions":[{"type":"Available","status":"False","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}`,
		`{"metadata":{"managedFields":[{"manager":"okd-install","operation":"Apply","fieldsV1":{"f:metadata":{}}}]}}`,
		`{"metadata":{"annotations":{"virtualization.okd-install.io/sources":"{\"before\":[]}"}},"data":{"brought":"[]"}}`,
		`{"status":{"plan":[{"status":"Unknown","resource":{"kind":"X"}}]},"metadata":{"labels":7}}`,
		`{"metadata":null,"status":[],"spec":"x"}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var o object
		if json.Unmarshal(data, &o) != nil {
			return
		}
		_, _ = podTrouble(o, "")
		_, _ = usual(t.Context(), nil, o)
		_, _ = lvmReady(t.Context(), nil, o)
		_, _ = healthCheckEnabled(t.Context(), nil, o)
		_, _ = ansibleDone(t.Context(), nil, o)
		_, _ = providerReady(t.Context(), nil, o)
		_, _ = readNote(o)
		_, _ = recorded(o)
		_ = planProgress(o) + going(o, "") + o.String() + o.condition("Available").String()
		_ = owned(o) || imported(o) || isRecord(o) || lacksCPU(o) || isDefault(o)
		if o != nil && !json.Valid(mustMarshal(t, comparable(o))) {
			t.Error("no JSON comes out")
		}
		unmark(copied(o))
	})
}

func mustMarshal(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
