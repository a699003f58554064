package tests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/nmstate"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

const repository = ".."

// page is one Markdown file.
type page struct {
	path string // from the root of the repository
	text string
}

// block is fenced text of a page.
type block struct {
	page     string
	line     int // of its first line
	language string
	text     string
}

func (b block) at() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// pages returns the README and all pages below docs.
func pages(t *testing.T) []page {
	t.Helper()
	paths := []string{"README.md"}
	err := filepath.WalkDir(filepath.Join(repository, "docs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".md" {
			rel, _ := filepath.Rel(repository, path)
			paths = append(paths, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []page
	for _, p := range paths {
		b, err := os.ReadFile(filepath.Join(repository, p))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, page{p, string(b)})
	}
	if len(out) < 4 {
		t.Fatalf("only %d pages were found", len(out))
	}
	return out
}

var fence = regexp.MustCompile("^\\s*```+(\\w*)\\s*$")

// blocks returns the fenced blocks of a page, and the rest of it.
func (p page) blocks() (list []block, prose string) {
	var open *block
	var rest strings.Builder
	for n, line := range strings.Split(p.text, "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case m != nil && open == nil:
			open = &block{page: p.path, line: n + 2, language: m[1]}
		case m != nil:
			list = append(list, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		default:
			rest.WriteString(line + "\n")
		}
	}
	return list, rest.String()
}

func blocksOf(t *testing.T, language string) []block {
	t.Helper()
	var out []block
	for _, p := range pages(t) {
		list, _ := p.blocks()
		for _, b := range list {
			if b.language == language {
				out = append(out, b)
			}
		}
	}
	if len(out) == 0 {
		t.Fatalf("no page has a block of %s", language)
	}
	return out
}

// agentPages are about agent-based installations.
var agentPages = []string{"docs/user/agent.md", "docs/user/layouts.md", "docs/user/disconnected.md"}

// TestDocsYAML reads every example in YAML like the program that it is for.
func TestDocsYAML(t *testing.T) {
	installConfigs, logins, networks := 0, 0, 0
	for _, b := range blocksOf(t, "yaml") {
		var keys map[string]any
		if err := yaml.Unmarshal([]byte(b.text), &keys); err != nil {
			if err := parses(b.text); err != nil {
				t.Errorf("%s: %v", b.at(), err)
			}
			continue
		}
		switch {
		case keys["apiVersion"] == "v1" && keys["platform"] != nil:
			installConfigs++
			// Examples for hosts that register themselves do not list them.
			o := types.Options{Platforms: platforms.All().Kinds(), Agent: slices.Contains(agentPages, b.page)}
			if _, r := o.Load(b.at(), []byte(b.text)); r.Failed() {
				t.Errorf("%s: the example is not a valid install-config:\n%v", b.at(), r)
			}
		case keys["kind"] == "AgentConfig":
			if _, r := agent.Load(b.at(), []byte(b.text)); r.Failed() {
				t.Errorf("%s: the example is not a valid agent-config:\n%v", b.at(), r.Err())
			}
		case keys["kind"] == "NodesConfig":
			if _, r := agent.LoadNodes(b.at(), []byte(b.text)); r.Failed() {
				t.Errorf("%s: the example is not a valid nodes-config: %v", b.at(), r.Err())
			}
		case keys["interfaces"] != nil || keys["hosts"] != nil:
			networks++
			if err := translates(b); err != nil {
				t.Errorf("the example is not a valid network configuration: %v", err)
			}
		case keys["ovirt_url"] != nil:
			logins++
			if _, err := ovirt.ParseConfig([]byte(b.text)); err != nil {
				t.Errorf("%s: the example is not a valid ovirt-config.yaml: %v", b.at(), err)
			}
		}
	}
	if installConfigs == 0 || logins == 0 || networks == 0 {
		t.Errorf("%d install-configs, %d engine logins and %d network configurations in the pages, "+
			"want at least one of each", installConfigs, logins, networks)
	}
}

// translates translates an example of network configuration: of one host, or of several with
// their network cards. A warning is an error, too.
func translates(b block) error {
	type host struct {
		Hostname   string `json:"hostname,omitempty"`
		Interfaces []struct {
			Name string `json:"name"`
			MAC  string `json:"macAddress"`
		} `json:"interfaces,omitempty"`
		NetworkConfig *nmstate.Config `json:"networkConfig,omitempty"`
	}
	var one nmstate.Config
	several := struct {
		Hosts []host `json:"hosts"`
	}{}
	r := report.New(b.at())
	if !strings.Contains(b.text, "networkConfig:") {
		decode.Into(&one, []byte(b.text), decode.Options{}, r)
		nmstate.Translate(&one, nil, r, report.Path{})
	} else if decode.Into(&several, []byte(b.text), decode.Options{}, r) {
		for i, h := range several.Hosts {
			var nics []keyfile.NIC
			for _, n := range h.Interfaces {
				nics = append(nics, keyfile.NIC{Name: n.Name, MAC: n.MAC})
			}
			nmstate.Translate(h.NetworkConfig, nics, r, report.NewPath("hosts").Index(i).Child("networkConfig"))
		}
	}
	if lines := append(r.Lines(false), r.Lines(true)...); len(lines) > 0 {
		return errors.New(strings.Join(lines, "\n"))
	}
	return nil
}

// parses accepts any number of documents of any shape.
func parses(text string) error {
	d := yaml.NewDecoder(strings.NewReader(text))
	for {
		var v any
		switch err := d.Decode(&v); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// TestDocsExampleConfig loads the example that the README and the pages name. Tests in
// pkg/explain cover the settings that are commented out in it.
func TestDocsExampleConfig(t *testing.T) {
	const name = "install-config.example.yaml"
	b, err := os.ReadFile(filepath.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, r := platforms.All().Load(name, b); r.Failed() {
		t.Errorf("%v", r)
	}
}

// TestDocsAgentConfig loads the example and the template for agent-based installations. In the
// template every field is a comment: without the "#", the fields are valid, too.
func TestDocsAgentConfig(t *testing.T) {
	example, err := os.ReadFile(filepath.Join(repository, "docs/user/examples/agent/agent-config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	template := data.AgentConfig()
	for name, text := range map[string][]byte{
		"example": example, "template": template,
		"template without #": regexp.MustCompile(`(?m)^#([a-z-]|  )`).ReplaceAll(template, []byte("$1")),
	} {
		c, r := agent.Load(name, text)
		if c == nil {
			t.Errorf("%v", r.Err())
			continue
		}
		if got, want := len(c.Hosts), map[string]int{"example": 3, "template without #": 1}[name]; got != want {
			t.Errorf("%s: %d hosts, want %d", name, got, want)
		}
		cluster, r := types.Options{Platforms: platforms.All().Kinds(), Agent: true}.Load("install-config.yaml", []byte(`
apiVersion: v1
metadata: {name: rack1}
baseDomain: example.org
compute: [{name: worker, replicas: 0}]
networking: {machineNetwork: [{cidr: 192.168.111.0/24}]}
platform: {none: {}}
pullSecret: '{"auths":{"registry.example.org":{"auth":"dXNlcjpwYXNzd29yZA=="}}}'
`))
		if cluster == nil {
			t.Fatal(r.Err())
		}
		if _, r := agent.NewInventory(cluster, c); r.Failed() {
			t.Errorf("%s: %v", name, r.Err())
		}
	}
}

var link = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)

// TestDocsLinks checks that the targets of links within the repository exist.
func TestDocsLinks(t *testing.T) {
	found := 0
	for _, p := range pages(t) {
		_, prose := p.blocks()
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			found++
			path := p.path
			if target != "" {
				path = filepath.Join(filepath.Dir(p.path), target)
			}
			b, err := os.ReadFile(filepath.Join(repository, path))
			if err != nil && !isDir(path) {
				t.Errorf("%s: the target of link %s does not exist", p.path, m[1])
			} else if anchor != "" && !slices.Contains(anchors(string(b)), anchor) {
				t.Errorf("%s: %s has no heading for #%s", p.path, path, anchor)
			}
		}
	}
	if found == 0 {
		t.Error("no link was found")
	}
}

func isDir(path string) bool {
	info, err := os.Stat(filepath.Join(repository, path))
	return err == nil && info.IsDir()
}

var (
	heading   = regexp.MustCompile(`(?m)^#+ +(.+?)\s*$`)
	unanchord = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// anchors returns the anchors of a page's headings.
func anchors(text string) []string {
	var out []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		name := unanchord.ReplaceAllString(strings.ToLower(m[1]), "")
		out = append(out, strings.ReplaceAll(name, " ", "-"))
	}
	return out
}

// TestDocsCommands checks that every command in a page, and its flags, are in the help
// of the programs.
func TestDocsCommands(t *testing.T) {
	programs := build(t)
	seen := map[string]int{}
	for _, b := range blocksOf(t, "sh") {
		for n, line := range strings.Split(strings.ReplaceAll(b.text, "\\\n", " "), "\n") {
			for _, argv := range commands(line) {
				name := filepath.Base(argv[0])
				seen[name]++
				if err := understood(t.Context(), programs[name], argv[1:]); err != nil {
					t.Errorf("%s:%d: %s: %v", b.page, b.line+n, strings.Join(argv, " "), err)
				}
			}
		}
	}
	for _, p := range pages(t) {
		if !slices.Contains(slices.Concat(agentPages, virtualizationPages), p.path) {
			// others show text that only looks like a command
			continue
		}
		_, prose := p.blocks()
		for _, m := range inline.FindAllStringSubmatch(prose, -1) {
			for _, argv := range commands(m[1]) {
				if err := understood(t.Context(), programs[filepath.Base(argv[0])], argv[1:]); err != nil {
					t.Errorf("%s: %s: %v", p.path, m[1], err)
				}
			}
		}
	}
	for _, wrong := range []string{
		"okd-install creat cluster", "okd-install create clustr --dir x", "okd-install --dir x plan --nonsense",
		"okd-lab --lab x upp", "okd-lab machines list --no", "okd-lab fault add --speed 1 --path x",
	} {
		argv := strings.Fields(wrong)
		if understood(t.Context(), programs[argv[0]], argv[1:]) == nil {
			t.Errorf("%s was accepted", wrong)
		}
	}
	for name := range programs {
		if seen[name] == 0 {
			t.Errorf("no page shows a command of %s", name)
		}
	}
}

// inline finds commands in the text of a page.
var inline = regexp.MustCompile("`((?:okd-install|okd-lab) [^`\n]+)`")

// TestDocsCommandsAreRead checks that TestDocsCommands finds the commands in a line, and
// flags in the help.
func TestDocsCommandsAreRead(t *testing.T) {
	for _, c := range []struct {
		line string
		want string
	}{
		{"okd-install plan --dir demo   # what", "okd-install plan --dir demo"},
		{"bin/okd-lab exec -- okd-install status --dir x", "bin/okd-lab exec --|okd-install status --dir x"},
		{"until okd-install status --quiet; do sleep 1; done", "okd-install status --quiet"},
		{"A=1 okd-lab up && echo okd-lab", "okd-lab up"},
		{"bin/okd-lab install-config >_demo/install-config.yaml", "bin/okd-lab install-config"},
		{"make demo # okd-install plan", ""},
		{"go test ./cmd/okd-install", ""},
	} {
		var got []string
		for _, argv := range commands(c.line) {
			got = append(got, strings.Join(argv, " "))
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s: read as %q", c.line, got)
		}
	}
	const text = "Usage:\n  p verb [flags]\n\n" +
		"Flags:\n  -o, --output string   form\n      --dir string      x\n      --quiet           y\n"
	for arg, want := range map[string][2]bool{
		"--output": {true, true}, "-o": {true, true}, "--dir=x": {true, true}, "--quiet": {true, false},
		"--out": {false, false}, "-x": {false, false}, "--dirs": {false, false},
	} {
		if got := [2]bool{hasFlag(text, arg), takesValue(text, arg)}; got != want {
			t.Errorf("flag %s: exists, takes a value: %v", arg, got)
		}
	}
}

// shellWords may stand before a command.
var shellWords = []string{"until", "while", "if", "do", "then", "sudo", "time", "!"}

var ourPrograms = []string{"okd-install", "okd-lab"}

// separators end one command of a line and begin another.
var separators = regexp.MustCompile(`&&|\|\||[;|]| -- `)

// commands returns the commands of our programs in a line of shell. Words are split at
// spaces: no page has a quoted word with spaces.
func commands(line string) [][]string {
	if i := strings.Index(" "+line, " #"); i >= 0 {
		line = line[:i]
	}
	var out [][]string
	ends := append(separators.FindAllStringIndex(line, -1), []int{len(line), len(line)})
	start := 0
	for _, end := range ends {
		part, sep := line[start:end[0]], line[end[0]:end[1]]
		start = end[1]
		words := strings.Fields(part)
		for len(words) > 0 && (strings.Contains(words[0], "=") || slices.Contains(shellWords, words[0])) {
			words = words[1:]
		}
		if len(words) == 0 || !slices.Contains(ourPrograms, strings.Trim(filepath.Base(words[0]), `"`)) {
			continue
		}
		if i := slices.IndexFunc(words, func(w string) bool { return strings.ContainsAny(w, "<>") }); i >= 0 {
			words = words[:i] // redirections come last
		}
		if sep == " -- " {
			words = append(words, "--")
		}
		out = append(out, words)
	}
	return out
}

// understood returns an error unless program has the subcommands and flags of argv.
func understood(ctx context.Context, program string, argv []string) error {
	var path, flags []string
	text, err := help(ctx, program)
	if err != nil {
		return err
	}
	for i := 0; i < len(argv) && argv[i] != "--"; i++ {
		a := argv[i]
		switch group := strings.Contains(text, "Available Commands:"); {
		case a == "-": // standard input, an argument
		case strings.HasPrefix(a, "-"):
			flags = append(flags, a)
			if flag.MatchString(a) && takesValue(text, a) {
				i++ // the next word is its value
			}
		case group && !hasCommand(text, a):
			return fmt.Errorf("there is no command %q", strings.Join(append(path, a), " "))
		case group:
			path = append(path, a)
			if text, err = help(ctx, program, path...); err != nil {
				return err
			}
		}
	}
	for _, f := range flags {
		if !hasFlag(text, f) {
			return fmt.Errorf("%q has no flag %s", strings.Join(path, " "), f)
		}
	}
	return nil
}

// flag matches a flag whose value, if it takes one, is the next word.
var flag = regexp.MustCompile(`^-[^=]+$`)

// flagLine finds the line of a flag in the help. The third group is the type of its
// value.
func flagLine(help, arg string) []string {
	name, _, _ := strings.Cut(arg, "=")
	return regexp.MustCompile(`(?m)^ +(-\w, )?(--[\w-]+)( [\w]+)?  ` + `.*$`).FindStringSubmatch(pick(help, name))
}

// pick returns the line of the help that begins with a flag. Lines of examples may begin
// with one, too.
func pick(help, name string) string {
	_, list, _ := strings.Cut(help, "\nFlags:\n")
	for line := range strings.Lines(list) {
		f := strings.Fields(strings.Replace(line, ",", " ", 1))
		if len(f) > 0 && strings.HasPrefix(f[0], "-") && (f[0] == name || len(f) > 1 && f[1] == name) {
			return line
		}
	}
	return ""
}

func hasFlag(help, arg string) bool { return flagLine(help, arg) != nil }

func takesValue(help, arg string) bool {
	m := flagLine(help, arg)
	return m != nil && m[3] != ""
}

func hasCommand(help, name string) bool {
	_, list, ok := strings.Cut(help, "Available Commands:\n")
	if !ok {
		return false
	}
	list, _, _ = strings.Cut(list, "\n\n")
	for line := range strings.Lines(list) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == name {
			return true
		}
	}
	return false
}

var (
	helpLock sync.Mutex
	helpText = map[string]string{} // pages use the same few commands
)

func help(ctx context.Context, program string, path ...string) (string, error) {
	helpLock.Lock()
	defer helpLock.Unlock()
	key := program + " " + strings.Join(path, " ")
	if text, ok := helpText[key]; ok {
		return text, nil
	}
	out, err := exec.CommandContext(ctx, program, append(path, "--help")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	helpText[key] = string(out)
	return string(out), nil
}

// build compiles both programs.
func build(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", "../cmd/okd-install", "../cmd/okd-lab")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as in a release, even when the tests run with -race
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("build programs: %v\n%s", err, out)
	}
	return map[string]string{"okd-install": filepath.Join(dir, "okd-install"), "okd-lab": filepath.Join(dir, "okd-lab")}
}
