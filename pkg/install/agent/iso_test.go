package agent

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/iso/isotest"
)

// An image whose hosts let go of it differs from others by one kernel argument.
func TestFullInMemory(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "live.iso")
	if err := isotest.Write(from, isotest.Layout{}); err != nil {
		t.Fatal(err)
	}
	kargs := map[string]string{}
	for name, more := range map[string][]string{"plain": nil, "memory": {inMemory}} {
		target := filepath.Join(dir, name+".iso")
		if err := full(t.Context(), from, target, []iso.Part{iso.Bytes("archive")}, more...); err != nil {
			t.Fatal(err)
		}
		err := iso.View(target, func(i *iso.Image) (err error) {
			kargs[name], err = i.Kargs()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(kargs["plain"], inMemory) || kargs["memory"] != kargs["plain"]+" "+inMemory {
		t.Errorf("%q", kargs)
	}
}
