package manifests

import (
	"errors"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validation"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// Parse reads a file of manifests, which users edit and add. The path is that below Dir or below the
// asset directory; it says which step the objects belong to. A file may have several documents.
// Findings name file and line; a *report.Error has all of them.
func Parse(file string, data []byte) ([]Manifest, error) {
	r := report.New(file)
	at := strings.TrimPrefix(path.Clean(file), Dir+"/")
	step := ""
	for _, s := range steps {
		if s.dir() == path.Dir(at) {
			step = s.name
		}
	}
	if step == "" {
		r.Add(report.Finding{Type: report.NotFound, Detail: "no step has this directory; steps are " +
			strings.Join(Dirs(), ", ")})
		return nil, r.Err()
	}
	var list []Manifest
	decode.Each(data, decode.Options{}, r, func(i int, document *map[string]any) {
		o := plain(*document).(object)
		checkObject(r.Field(report.Path{}.Index(i)), o)
		list = append(list, Manifest{Step: step, Path: at, Object: o})
	})
	if err := r.Err(); err != nil {
		return nil, err
	}
	return list, nil
}

// ParseAll reads files by their paths. The result is in the order in which objects are applied. No
// object may be there twice.
func ParseAll(files map[string][]byte) ([]Manifest, error) {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	all := report.New(Dir)
	var list []Manifest
	found := map[string]string{}
	for _, name := range names {
		some, err := Parse(name, files[name])
		if err != nil {
			var bad *report.Error
			if !errors.As(err, &bad) {
				return nil, err
			}
			for _, f := range bad.Report.Findings() {
				f.File = name
				all.Add(f)
			}
			continue
		}
		for _, m := range some {
			group, _, _ := strings.Cut(m.APIVersion(), "/")
			id := strings.Join([]string{group, m.Kind(), m.Namespace(), m.Name()}, " ")
			if before, is := found[id]; is {
				all.Add(report.Finding{File: name, Type: report.Duplicate,
					Detail: m.Kind() + " " + m.Name() + " is in " + before + " as well"})
			}
			found[id] = name
		}
		list = append(list, some...)
	}
	return list, all.Err()
}

// checkObject refuses what no API server could take, or what we could not find again.
func checkObject(f report.Field, o object) {
	for _, key := range []string{"apiVersion", "kind"} {
		switch v, is := o[key]; {
		case !is:
			f.Child(key).Required("which kind of object this is")
		default:
			if s, ok := v.(string); !ok || s == "" {
				f.Child(key).Invalid(v, "must be text")
			}
		}
	}
	if kind := text(o, "kind"); strings.HasSuffix(kind, "List") && o["items"] != nil {
		f.Child("kind").Invalid(kind, "write the objects of the list as documents, separated by ---")
	}
	m := f.Child("metadata")
	meta, ok := o["metadata"].(object)
	switch {
	case o["metadata"] == nil:
		m.Required("with the object's name")
		return
	case !ok:
		m.Invalid(o["metadata"], "must be a mapping of keys to values")
		return
	}
	name, _ := meta["name"].(string)
	switch {
	case meta["generateName"] != nil:
		m.Child("generateName").Forbidden("the object would be made again by every run; give it a name")
	case meta["name"] == nil:
		m.Child("name").Required("the object's name")
	case name == "":
		m.Child("name").Invalid(meta["name"], "must be text; put it in quotes")
	default:
		for _, bad := range validation.NameIsDNSSubdomain(strings.ReplaceAll(name, ":", "-"), false) {
			m.Child("name").Invalid(name, "%s", bad) // RBAC's names have colons
		}
	}
	if ns, is := meta["namespace"]; is {
		if s, ok := ns.(string); !ok {
			m.Child("namespace").Invalid(ns, "must be text; put it in quotes")
		} else {
			for _, bad := range validation.ValidateNamespaceName(s, false) {
				m.Child("namespace").Invalid(s, "%s", bad)
			}
		}
	}
	for _, key := range []string{"labels", "annotations"} {
		values, is := meta[key]
		if !is {
			continue
		}
		marks, ok := values.(object)
		if !ok {
			m.Child(key).Invalid(values, "must be a mapping of keys to values")
			continue
		}
		for k, v := range marks {
			if _, ok := v.(string); !ok {
				m.Child(key, k).Invalid(v, "must be text; put it in quotes")
			}
		}
	}
}

// plain is the data with the numbers that JSON has in Go.
func plain(value any) any {
	switch v := value.(type) {
	case object:
		if v == nil {
			return object{}
		}
		for key, item := range v {
			v[key] = plain(item)
		}
	case []any:
		for i, item := range v {
			v[i] = plain(item)
		}
	case uint64:
		return float64(v)
	case int:
		return int64(v)
	}
	return value
}
