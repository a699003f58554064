package report

import "testing"

func TestClosest(t *testing.T) {
	known := []string{"networking", "network", "pullSecret", "sshKey"}
	for name, want := range map[string]string{
		"netwroking": "networking", "pullsecret": "pullSecret", "sshkye": "sshKey",
		"netwrk": "network", "coffee": "", "": "",
	} {
		if got := Closest(name, known); got != want {
			t.Errorf("the closest to %q is %q, want %q", name, got, want)
		}
	}
}
