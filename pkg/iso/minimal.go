package iso

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/iso/miniso"
)

const (
	minimalData = miniso.File
	liveArg     = "coreos.liveiso=" // says that the root file system is in the ISO
	rootfsArg   = "coreos.live.rootfs_url="
	rootfsPath  = "images/pxeboot/" + rootfsName
)

// Minimal is what a minimal ISO differs in: it downloads the root file system when it starts.
type Minimal struct {
	RootfsURL string             // from where; if empty, kernel arguments have to be added
	Rootfs    string             // new file for the root file system; not written if empty
	Change    func(*Image) error // of the minimal ISO, before it gets its name; may be nil
}

// ExtractMinimal makes a minimal ISO, in a new file, of the one at path, which must be as it was published.
func ExtractMinimal(ctx context.Context, path, output string, m Minimal) error {
	f, i, err := openFile(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := i.minimal()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if m.Rootfs != "" {
		if err := i.extractRootfs(ctx, f, m.Rootfs); err != nil {
			return fmt.Errorf("extract %s: %w", rootfsName, err)
		}
	}
	err = atomicfile.Create(output, 0o600, func(out *os.File) error {
		if err := writeMinimal(ctx, out, f, data); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return m.finish(ctx, out)
	})
	if err != nil {
		err = fmt.Errorf("write minimal ISO image: %w", err)
	}
	if m.Rootfs != "" && err != nil {
		err = errors.Join(err, os.Remove(m.Rootfs))
	}
	return taken(err)
}

func taken(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return exit.With(exit.Other, "name another file, or remove it", err)
	}
	return err
}

// minimal reads how to make a minimal ISO.
func (i *Image) minimal() (*miniso.Data, error) {
	changed, err := i.customizations()
	if err != nil {
		return nil, err
	}
	if len(changed) > 0 {
		return nil, exit.New("`coreos iso reset` removes it; embed it in the minimal ISO instead",
			"a minimal ISO can be made only of an ISO as it was published, and this one has %s", strings.Join(changed, ", "))
	}
	raw, err := i.volume.ReadFile(minimalData, miniso.MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exit.New("use the full ISO, or boot over the network: `coreos iso extract pxe`",
			"no minimal ISO can be made of the ISO image: it has no %s", minimalData)
	} else if err != nil {
		return nil, err
	}
	data, err := miniso.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s in the ISO image: %w", minimalData, err)
	}
	return data, nil
}

func (i *Image) extractRootfs(ctx context.Context, f *os.File, target string) error {
	at, err := i.volume.Find(rootfsPath)
	if err != nil {
		return err
	}
	return taken(atomicfile.Create(target, 0o644, func(out *os.File) error {
		return copyPart(ctx, out, f, at.Offset, at.Size)
	}))
}

// writeMinimal writes the minimal ISO as it was when the full one was made.
func writeMinimal(ctx context.Context, out, full *os.File, data *miniso.Data) error {
	parts, err := data.Parts()
	if err != nil {
		return fmt.Errorf("%s in the ISO image: %w", minimalData, err)
	}
	info, err := full.Stat()
	if err != nil {
		return err
	}
	total := int64(0)
	for _, p := range parts {
		if total += int64(len(p.Rest)) + p.Size; total > info.Size() {
			return fmt.Errorf("%s in the ISO image: the minimal ISO would be larger than the full one", minimalData)
		}
	}
	sum := sha256.New()
	w := io.MultiWriter(out, sum)
	for _, p := range parts {
		if p.Rest != nil {
			_, err = w.Write(p.Rest)
		} else {
			err = copyPart(ctx, w, full, p.Offset, p.Size)
		}
		if err != nil {
			return err
		}
	}
	if [32]byte(sum.Sum(nil)) != data.Digest {
		return exit.New("download the full ISO again, and compare its checksum with the published one",
			"the minimal ISO is not what it should be: the full one was changed or is damaged")
	}
	return nil
}

// finish changes the kernel arguments, and whatever else there is to change.
func (m Minimal) finish(ctx context.Context, out *os.File) error {
	if err := change(ctx, out, m.kargs); err != nil || m.Change == nil {
		return err
	}
	return change(ctx, out, m.Change)
}

// kargs says where the root file system is, and that it is not in the ISO.
func (m Minimal) kargs(i *Image) error {
	byDefault, err := i.DefaultKargs()
	if err != nil {
		return err
	}
	all := arguments(byDefault)
	list := slices.DeleteFunc(slices.Clone(all), func(arg string) bool { return strings.HasPrefix(arg, liveArg) })
	if len(list) == len(all) {
		return fmt.Errorf("the minimal ISO has no kernel argument %s…", liveArg)
	}
	if err := i.setDefaultKargs(strings.Join(list, " ")); err != nil {
		return err
	}
	if m.RootfsURL != "" {
		if strings.ContainsAny(m.RootfsURL, " \t\n\"") {
			return fmt.Errorf("the URL %q cannot be a kernel argument", m.RootfsURL)
		}
		list = append(list, rootfsArg+m.RootfsURL)
	}
	return i.SetKargs(strings.Join(list, " "))
}

// change changes an ISO in place.
func change(ctx context.Context, f *os.File, do func(*Image) error) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	i, err := Open(f, size)
	if err == nil {
		err = do(i)
	}
	if err != nil {
		return err
	}
	c, err := i.planned()
	if err != nil {
		return err
	}
	return overwrite(ctx, f, c)
}

// setDefaultKargs plans to change what ResetKargs restores. The new text must not be longer.
func (i *Image) setDefaultKargs(text string) error {
	raw, err := i.volume.ReadFile(kargsHeader, maxHeader)
	if err != nil {
		return err
	}
	at, err := i.volume.Find(kargsHeader)
	if err != nil {
		return err
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(raw, &header); err != nil {
		return fmt.Errorf("parse %s in the ISO image: %w", kargsHeader, err)
	}
	if header["default"], err = json.Marshal(text); err != nil {
		return err
	}
	data, err := json.Marshal(header)
	if err != nil {
		return err
	}
	if int64(len(data)) > at.Size {
		return fmt.Errorf("%s in the ISO image has %d bytes, and would need %d", kargsHeader, at.Size, len(data))
	}
	i.replace(patch{Area{File: kargsHeader, Offset: at.Offset, Length: at.Size}, []Part{Bytes(data)}, ' '})
	return nil
}
