package keyfile_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
)

func TestFormat(t *testing.T) {
	yes, n := true, uint32(7)
	var s keyfile.Settings
	s.Add("id", "eth%d", 0)
	s.AddText("none", "")
	s.AddText("text", " a\\b\nc\td\r=;")
	s.AddFlag("flag", &yes)
	s.AddFlag("no-flag", nil)
	s.AddNumber("number", &n)
	s.AddNumber("no-number", nil)
	var p keyfile.Profile
	p.Add("connection", s)
	p.Add("empty", nil)
	p.Add("ipv4", keyfile.Settings{{Key: "method", Value: "auto"}})
	want := "[connection]\nid=eth0\ntext=\\sa\\\\b\\nc\\td\\r=;\nflag=true\nnumber=7\n\n[ipv4]\nmethod=auto\n"
	if got := string(p.Format()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	again, err := keyfile.Parse(p.Format())
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Get("connection", "text"); got != " a\\b\nc\td\r=;" {
		t.Errorf("after reading it, the text is %q", got)
	}
	if again.Get("ipv4", "id") != "" || again.Get("ipv4", "method") != "auto" {
		t.Error("a key was found in another section")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"id=eth0\n", "[connection]\nid\n", "text"} {
		if p, err := keyfile.Parse([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, p)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("[connection]\nid=eth0\n\n[user]\na=\\s\\\\n\n"))
	f.Add([]byte("[a]\n[b]\nc=\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := keyfile.Parse(data)
		if err != nil {
			return
		}
		once := p.Format()
		again, err := keyfile.Parse(once)
		if err != nil || !bytes.Equal(again.Format(), once) {
			t.Fatalf("not the same after reading it: %v\n%q", err, once)
		}
	})
}

func TestNICs(t *testing.T) {
	nics := []keyfile.NIC{{Name: "eth0", MAC: "52-54-00-AA-BB-01"}, {Name: "eth1", MAC: "52:54:00:aa:bb:02"}}
	text := keyfile.FormatNICs(nics)
	if want := "52:54:00:aa:bb:01=eth0\n52:54:00:aa:bb:02=eth1\n"; string(text) != want {
		t.Errorf("got %q, want %q", text, want)
	}
	again, err := keyfile.ParseNICs(append([]byte("\n"), text...))
	if err != nil || len(again) != 2 || again[1] != nics[1] {
		t.Errorf("got %v, %v", again, err)
	}
	for _, wrong := range []string{"eth0=52:54:00:aa:bb:01", "52:54:00:aa:bb:01", "52:54:00:aa:bb:01="} {
		nics, err := keyfile.ParseNICs([]byte(wrong))
		if err == nil || !strings.Contains(err.Error(), "mac_interface.ini:1") {
			t.Errorf("%q gave %v, %v", wrong, nics, err)
		}
	}
}

func TestDirectory(t *testing.T) {
	files := keyfile.Directory(2, []keyfile.NIC{{Name: "eth0", MAC: "52:54:00:aa:bb:01"}},
		[]keyfile.File{{Name: "eth0.nmconnection", Data: []byte("x")}})
	if len(files) != 2 || files[0].Name != "host2/eth0.nmconnection" || files[1].Name != "host2/mac_interface.ini" ||
		string(files[1].Data) != "52:54:00:aa:bb:01=eth0\n" {
		t.Errorf("got %v", files)
	}
}

func TestMatch(t *testing.T) {
	dirs := map[string][]keyfile.NIC{
		"host0": {{Name: "eth0", MAC: "52:54:00:AA:BB:01"}, {Name: "eth1", MAC: "52:54:00:aa:bb:02"}},
		"host1": {{Name: "eth0", MAC: "52:54:00:aa:bb:11"}},
	}
	for _, c := range []struct {
		name  string
		cards map[string]string
		want  string
		fails bool
	}{
		{"all cards", map[string]string{"52:54:00:aa:bb:01": "ens3", "52:54:00:aa:bb:02": "ens4"}, "host0", false},
		{"one card", map[string]string{"52-54-00-AA-BB-02": "ens4", "52:54:00:00:00:99": "ens5"}, "host0", false},
		{"another host", map[string]string{"52:54:00:aa:bb:11": "ens3"}, "host1", false},
		{"unknown host", map[string]string{"52:54:00:00:00:99": "ens3"}, "", false},
		{"cards of two hosts", map[string]string{"52:54:00:aa:bb:01": "ens3", "52:54:00:aa:bb:11": "ens4"}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if dir, err := keyfile.Match(dirs, c.cards); dir != c.want || (err != nil) != c.fails {
				t.Errorf("got %q, %v", dir, err)
			}
		})
	}
}
