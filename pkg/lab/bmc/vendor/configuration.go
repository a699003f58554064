package vendor

import "encoding/xml"

// configuration is one of Dell's server configuration profiles, as far as it matters here.
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

// BootDevice is the boot device in a server configuration profile, in the component of
// the controller, and whether it is for the next start only.
func BootDevice(text, controller string) (device string, once bool, err error) {
	var conf configuration
	if err := xml.Unmarshal([]byte(text), &conf); err != nil {
		return "", false, &Failure{Kind: NotInList, Field: "ImportBuffer", Args: []string{"ImportBuffer", "XML"}, Cause: err}
	}
	for _, component := range conf.Components {
		for _, a := range component.Attributes {
			switch {
			case component.FQDD != controller:
			case a.Name == "ServerBoot.1#BootOnce":
				once = a.Value == "Enabled"
			case a.Name == "ServerBoot.1#FirstBootDevice":
				device = a.Value
			}
		}
	}
	return device, once, nil
}
