package tests

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/types"
)

const architecture = "../docs/dev/architecture.md"

// otherMeaning are files, or directories of them, in which a word is not the name
// of a platform.
var otherMeaning = map[string]string{
	"pkg/agent/check/addresses.go":       "an empty list",
	"pkg/asset/state.go":                 "a file that is not there",
	"pkg/lab/daemon/":                    "no fault",
	"pkg/lab/engine/":                    "words of the engine's API",
	"pkg/lab/host/":                      "no fault; a scheduler of disks",
	"pkg/lab/release/mco/render/data.go": "the machine config operator's own names",
	"pkg/lab/virt/cdi/":                  "no source of a volume",
	"pkg/machines/metal/state.go":        "no medium",
	"pkg/machines/record.go":             "no record",
	"pkg/nmstate/bond.go":                "an option of bonds",
	"pkg/plan/render.go":                 "no value",
	"pkg/plan/spec.go":                   "no policy",
	"pkg/types/virtualization/":          "no storage; where VMs come from",
	"pkg/wizard/virtualization.go":       "where VMs come from",
}

// TestPlatformNames holds the list of places outside of the platforms' directories
// that know a platform, in docs/dev/architecture.md, against the source: by its
// name in quotes, or by an import of its packages.
func TestPlatformNames(t *testing.T) {
	names := types.Names(platforms.All().Kinds(), func(types.PlatformKind) bool { return true })
	listed := knownPlaces(t)
	found := map[string]string{} // by file, the first place
	for _, root := range []string{"pkg", "cmd", "data"} {
		err := filepath.WalkDir(filepath.Join("..", root), func(path string, d fs.DirEntry, err error) error {
			file := filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator)))
			source := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
			if err != nil || d.IsDir() || !source || own(file, names) {
				return err
			}
			if at := firstName(t, path, file, names); at != "" && !meansOther(file) {
				found[file] = at
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(found)) {
		if !listed[file] {
			t.Errorf("%s: knows a platform; ask the platform's value instead, or add the file to %s with a reason",
				found[file], architecture)
		}
	}
	for file := range listed {
		if found[file] == "" {
			t.Errorf("%s: %s no longer knows a platform; remove it", architecture, file)
		}
	}
}

func meansOther(file string) bool {
	for place := range otherMeaning {
		if strings.HasPrefix(file, place) {
			return true
		}
	}
	return false
}

// own reports whether a file belongs to a platform.
func own(file string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return strings.HasPrefix(file, "pkg/platforms/"+name+"/")
	})
}

// firstName is the first place in a file that knows a platform, empty if none does.
func firstName(t *testing.T, path, file string, names []string) string {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	first := ""
	ast.Inspect(parsed, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING || first != "" {
			return first == ""
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		below, imported := strings.CutPrefix(text, module+"pkg/platforms/")
		platform, _, _ := strings.Cut(below, "/")
		if slices.Contains(names, text) || imported && slices.Contains(names, platform) {
			first = fmt.Sprintf("%s:%d", file, set.Position(literal.Pos()).Line)
		}
		return true
	})
	return first
}

var placeRow = regexp.MustCompile("^\\| `([^`]+\\.go)` \\| .{8,} \\|$")

// knownPlaces are the files that architecture.md lists.
func knownPlaces(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n### Who else knows a platform\n")
	if !ok {
		t.Fatalf("%s has no section \"Who else knows a platform\"", architecture)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	out := map[string]bool{}
	for line := range strings.Lines(section) {
		if m := placeRow.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			out[m[1]] = true
		}
	}
	return out
}
