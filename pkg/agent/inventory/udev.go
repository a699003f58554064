package inventory

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// device is what udev knows of a block device.
type device struct {
	links      []string // below /dev
	properties map[string]string
}

// parseDevice reads an entry of udev's database: lines of a letter, a colon and a value. Those
// with other letters than S, a symbolic link, and E, a property, do not matter here.
func parseDevice(b []byte) device {
	d := device{properties: map[string]string{}}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if link, ok := strings.CutPrefix(line, "S:"); ok && link != "" {
			d.links = append(d.links, link)
		}
		if property, ok := strings.CutPrefix(line, "E:"); ok {
			if key, value, ok := strings.Cut(property, "="); ok && key != "" {
				d.properties[key] = value
			}
		}
	}
	return d
}

// first returns the first property that is not empty.
func (d device) first(keys ...string) string {
	for _, k := range keys {
		if v := strings.TrimSpace(d.properties[k]); v != "" {
			return clean([]byte(v))
		}
	}
	return ""
}

// text returns a property that udev has encoded, as in ID_MODEL_ENC, or else the plain one,
// in which udev has replaced spaces.
func (d device) text(key string) string {
	return cmp.Or(clean([]byte(decodeHex(d.properties[key+"_ENC"]))), clean([]byte(d.properties[key])))
}

// decodeHex replaces \x20 and the like.
func decodeHex(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	var out []byte
	for i := 0; i < len(s); i++ {
		if i+4 <= len(s) && s[i] == '\\' && s[i+1] == 'x' {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				out = append(out, byte(n))
				i += 3
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// parseUnitSerial reads a Unit Serial Number page of SCSI (SPC-4, 7.8.15): its second byte is
// 80h, and the next two are the length of the text that follows.
func parseUnitSerial(b []byte) string {
	const header = 4
	if len(b) < header || b[1] != 0x80 {
		return ""
	}
	n := int(b[2])<<8 | int(b[3])
	return clean(b[header:min(header+n, len(b))])
}

// wwnOf translates a name of sysfs, such as naa.5000c500a1b2c3d4, to udev's words for it.
// Names of type t10 hold model and serial number, and are none.
func wwnOf(wwid string) string {
	if digits, ok := strings.CutPrefix(wwid, "naa."); ok {
		return "0x" + digits
	}
	if strings.HasPrefix(wwid, "eui.") || strings.HasPrefix(wwid, "nvme.") || strings.HasPrefix(wwid, "uuid.") {
		return wwid
	}
	return ""
}

// address is a SCSI address, host:channel:target:LUN.
var address = regexp.MustCompile(`^\d+:\d+:\d+:\d+$`)
