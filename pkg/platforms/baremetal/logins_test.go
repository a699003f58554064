package baremetal

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/metal"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// What nobody has written down is asked for, once; spare hosts are left alone.
func TestComplete(t *testing.T) {
	file := filepath.Join(t.TempDir(), "logins.yaml")
	if err := os.WriteFile(file, []byte("redfish://b: {username: other, password: two}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := cluster(2, 0, 0, types.MasterPool, types.MasterPool, types.WorkerPool)
	hosts := config.Of(c).Hosts
	for i, address := range []string{"redfish://a", "redfish://b", "redfish://spare"} {
		hosts[i].BMC = config.BMC{Address: address, Username: "root"}
	}
	meta, err := json.Marshal(metal.Metadata{Hosts: []metal.Recorded{
		{Name: "a", BMCAddress: "redfish://a", Username: "root"},
		{Name: "gone", BMCAddress: "redfish://gone", Username: "admin"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	a := machines.Access{Config: c, Metadata: meta, Hide: func(...secret.String) {},
		Getenv: func(string) string { return file },
		Password: func(address, user string) (secret.String, error) {
			asked = append(asked, user+" at "+address)
			return secret.New("typed"), nil
		}}
	if err := complete(&a); err != nil {
		t.Fatal(err)
	}
	logins, err := metal.ParseLogins(a.Login)
	if err != nil || !slices.Equal(asked, []string{"root at redfish://a", "admin at redfish://gone"}) || len(logins) != 3 ||
		logins["redfish://b"].Password.Reveal() != "two" || logins["redfish://gone"].Password.Reveal() != "typed" {
		t.Errorf("%v; asked %q; %d logins", err, asked, len(logins))
	}
	unknown := errors.New("nobody knows")
	a.Password = func(string, string) (secret.String, error) { return secret.String{}, unknown }
	if err := complete(&a); !errors.Is(err, unknown) {
		t.Error(err)
	}
	if p, err := password(a.Getenv, "redfish://b"); err != nil || p.Reveal() != "two" {
		t.Error(err)
	}
}
