package payload

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
)

func initialization(script, host string) *api.Initialization {
	return &api.Initialization{CustomScript: &script, HostName: &host}
}

func TestIgnition(t *testing.T) {
	hostFile3 := map[string]any{"path": "/etc/hostname", "mode": 420.0, "overwrite": true,
		"contents": map[string]any{"source": "data:,master-0"}}
	hostFile2 := map[string]any{"path": "/etc/hostname", "mode": 420.0, "filesystem": "root",
		"contents": map[string]any{"source": "data:,master-0"}}
	v := func(s string) map[string]any { return map[string]any{"version": s} }
	for _, c := range []struct {
		name, script, host string
		want               map[string]any
	}{
		{"as it is", `{"ignition":{"version":"3.2.0"},"storage":{"disks":[]}}`, "",
			map[string]any{"ignition": v("3.2.0"), "storage": map[string]any{"disks": []any{}}}},
		{"version is filled in", `{}`, "", map[string]any{"ignition": v("2.3.0")}},
		{"host name alone", "", "master-0",
			map[string]any{"ignition": v("2.3.0"), "storage": map[string]any{"files": []any{hostFile2}}}},
		{"host name is added", `{"ignition":{"version":"3.2.0"},"storage":{"files":[{"path":"/a"}]}}`, "master-0",
			map[string]any{"ignition": v("3.2.0"), "storage": map[string]any{"files": []any{map[string]any{"path": "/a"},
				hostFile3}}}},
		{"storage without files is lost", `{"ignition":{"version":"3.2.0"},"storage":{"disks":[{"device":"/dev/vdb"}]}}`,
			"master-0",
			map[string]any{"ignition": v("3.2.0"), "storage": map[string]any{"files": []any{hostFile3}}}},
		{"own host name stays", `{"ignition":{"version":"3.2.0"},"storage":{"files":[{"path":"/etc/hostname"}]}}`, "master-0",
			map[string]any{"ignition": v("3.2.0"),
				"storage": map[string]any{"files": []any{map[string]any{"path": "/etc/hostname"}}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, err := UserData(IgnitionOS, initialization(c.script, c.host))
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScriptThatIsNoConfig(t *testing.T) {
	if _, err := UserData(IgnitionOS, initialization("#!/bin/sh", "")); err == nil {
		t.Error("a shell script passed for an Ignition config")
	}
}

func TestOtherSystemsGetCloudConfig(t *testing.T) {
	data, err := UserData("other_linux", initialization(`{"ignition":{"version":"3.2.0"}}`, "master-0"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(data), "#cloud-config\nhostname: \"master-0\"\n") || json.Valid(data) {
		t.Errorf("got %s", data)
	}
}

func TestNoInitializationNoPayload(t *testing.T) {
	if data, err := UserData(IgnitionOS, nil); data != nil || err != nil {
		t.Errorf("got %q, %v", data, err)
	}
}
