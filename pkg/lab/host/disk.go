package host

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxDisks is how many fit: sda to sdx.
const maxDisks = 24

// Disk is what a disk says of itself.
type Disk struct {
	Size       int64  `json:"size"` // in bytes
	Model      string `json:"model"`
	Vendor     string `json:"vendor"`
	Serial     string `json:"serial"`
	WWN        string `json:"wwn"`  // 0x and 16 hexadecimal digits
	HCTL       string `json:"hctl"` // host:channel:target:LUN
	Rotational bool   `json:"rotational,omitempty"`
}

// DefaultDisk is the size of a host's only disk.
const DefaultDisk = 120 << 30

// DiskName is the kernel's name of a disk, the first of which is 0.
func DiskName(index int) string { return "sd" + string(rune('a'+index)) }

// ParseDisk reads a disk as in size=120G,model=MZ7LH960,rotational=true.
func ParseDisk(text string) (Disk, error) {
	d := Disk{Size: DefaultDisk}
	fields := map[string]*string{
		"model": &d.Model, "vendor": &d.Vendor, "serial": &d.Serial, "wwn": &d.WWN, "hctl": &d.HCTL,
	}
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return d, fmt.Errorf("disk %q: %q is not of the form key=value", text, part)
		}
		var err error
		switch key {
		case "size":
			d.Size, err = parseSize(value)
		case "rotational":
			d.Rotational, err = strconv.ParseBool(value)
		default:
			field, known := fields[key]
			if !known {
				err = fmt.Errorf("unknown key %q; use size, model, vendor, serial, wwn, hctl or rotational", key)
			} else {
				*field = value
			}
		}
		if err != nil {
			return d, fmt.Errorf("disk %q: %w", text, err)
		}
	}
	return d, nil
}

// units of sizes. Vendors count in thousands, but nobody installs a lab's disks.
var units = map[string]int64{"M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "GiB": 1 << 30, "GB": 1e9, "TB": 1e12}

var sizePattern = regexp.MustCompile(`^([0-9]{1,9})([A-Za-z]{1,3})$`)

// maxDisk is what ext4 of the lab's computer takes for a file.
const maxDisk = 8 << 40

func parseSize(text string) (int64, error) {
	f := sizePattern.FindStringSubmatch(text)
	if f == nil || units[f[2]] == 0 {
		return 0, fmt.Errorf("size %q: write it as 120G or 2T", text)
	}
	n, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return 0, err
	}
	size := n * units[f[2]]
	if size < 1<<20 || size > maxDisk {
		return 0, fmt.Errorf("size %q is not between 1M and 8T", text)
	}
	return size &^ 511, nil
}

var (
	wwnPattern  = regexp.MustCompile(`^0x[0-9a-f]{16}$`)
	hctlPattern = regexp.MustCompile(`^[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,3}:[0-9]{1,3}$`)
)

func (d *Disk) complete(host string, index int) error {
	seed := fmt.Sprintf("disk %d of %s", index, host)
	if d.Size == 0 {
		d.Size = DefaultDisk
	}
	fill(&d.Vendor, "LABDISK")
	fill(&d.Model, "LD-120")
	fill(&d.Serial, "S"+strings.ToUpper(digits("serial of "+seed, 11)))
	fill(&d.WWN, "0x5000c5"+digits("wwn of "+seed, 10))
	fill(&d.HCTL, fmt.Sprintf("0:0:%d:0", index))
	for _, f := range []struct {
		text string
		size int
	}{{d.Vendor, 8}, {d.Model, 40}, {d.Serial, 40}} {
		if err := checkText(f.text, f.size); err != nil {
			return err
		}
	}
	if d.Size < 1<<20 || d.Size > maxDisk || d.Size%512 != 0 {
		return fmt.Errorf("a disk cannot have %d bytes", d.Size)
	}
	if !wwnPattern.MatchString(d.WWN) {
		return fmt.Errorf("WWN %q: write it as 0x and 16 hexadecimal digits in lower case", d.WWN)
	}
	if !hctlPattern.MatchString(d.HCTL) {
		return fmt.Errorf("HCTL %q: write it as 0:0:1:0", d.HCTL)
	}
	return nil
}
