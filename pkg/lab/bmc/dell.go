package bmc

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
)

// importPath is Dell's action for server configuration profiles.
func (p Profile) importPath() string {
	return p.managerPath() + "/Actions/Oem/EID_674_Manager.ImportSystemConfiguration"
}

// configuration is a server configuration profile, as far as it is understood.
type configuration struct {
	XMLName    xml.Name `xml:"SystemConfiguration"`
	Components []struct {
		FQDD       string `xml:"FQDD,attr"`
		Attributes []struct {
			Name  string `xml:"Name,attr"`
			Value string `xml:",chardata"`
		} `xml:"Attribute"`
	} `xml:"Component"`
}

// importConfiguration takes the boot device of the next start from a server
// configuration profile, in a task.
func (b *BMC) importConfiguration(c *call) (answer, error) {
	known := []string{"ImportBuffer", "ShareParameters", "ShutdownType", "HostPowerState", "TimeToWait", "ExecutionMode"}
	if err := only(c.fields, unknownParam, known...); err != nil {
		return answer{}, err
	}
	text, there, err := field[string](c.fields, "ImportBuffer")
	if err != nil {
		return answer{}, err
	}
	if !there {
		return answer{}, wrong(missing, "ImportBuffer")
	}
	share, there, err := field[map[string]json.RawMessage](c.fields, "ShareParameters")
	if err != nil {
		return answer{}, err
	}
	if _, target := share["Target"]; !there || !target {
		return answer{}, wrong(missing, "ShareParameters")
	}
	var conf configuration
	if err := xml.Unmarshal([]byte(text), &conf); err != nil {
		return answer{}, &failure{kind: notInList, field: "ImportBuffer", args: []string{"ImportBuffer", "XML"}, cause: err}
	}
	var device, once string
	for _, component := range conf.Components {
		for _, a := range component.Attributes {
			switch {
			case component.FQDD != b.p.Manager:
			case a.Name == "ServerBoot.1#BootOnce":
				once = a.Value
			case a.Name == "ServerBoot.1#FirstBootDevice":
				device = a.Value
			}
		}
	}
	want := override{}
	switch {
	case device == "VCD-DVD":
		want = override{enabled: "Continuous", imported: true}
		if once == "Enabled" {
			want.enabled = "Once"
		}
	case device != "Normal":
		return answer{}, wrong(notInList, "ImportBuffer", device)
	}
	return b.newTask("Import Configuration", func() error { return b.setOverride(b.life, want) }, http.StatusOK)
}
