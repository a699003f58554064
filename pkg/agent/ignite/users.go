package ignite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/coreos/ignition/v2/config/v3_5/types"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/secret"
)

// user is one who gets keys or a password.
type user struct {
	name string
	home string
	keys []string
	hash secret.String
	owner
}

// names are the users and groups of the system.
type names struct {
	users  map[string]account
	groups map[string]int
}

type account struct {
	owner
	home string
}

// readNames reads them. CoreOS has those of the system below /usr/lib.
func readNames(root string) (*names, error) {
	n := &names{users: map[string]account{}, groups: map[string]int{}}
	for _, dir := range []string{"usr/lib", "etc"} { // the later one has precedence
		for _, file := range []string{"passwd", "group"} {
			raw, err := os.ReadFile(filepath.Join(root, dir, file))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			for line := range strings.Lines(string(raw)) {
				n.add(file, strings.Split(strings.TrimSpace(line), ":"))
			}
		}
	}
	return n, nil
}

func (n *names) add(file string, fields []string) {
	if len(fields) < 3 {
		return
	}
	id, err := strconv.Atoi(fields[2])
	if err != nil {
		return
	}
	if file == "group" {
		n.groups[fields[0]] = id
		return
	}
	if len(fields) < 6 {
		return
	}
	if gid, err := strconv.Atoi(fields[3]); err == nil {
		n.users[fields[0]] = account{owner{id, gid}, fields[5]}
	}
}

// owner is who gets a file. Without a name or a number it is root.
func (n *names) owner(node types.Node) (owner, error) {
	var o owner
	if node.User.ID != nil {
		o.uid = *node.User.ID
	} else if name := value(node.User.Name); name != "" && name != "root" {
		account, known := n.users[name]
		if !known {
			return o, fmt.Errorf("%s: there is no user %s", node.Path, name)
		}
		o.uid = account.uid
	}
	if node.Group.ID != nil {
		o.gid = *node.Group.ID
	} else if name := value(node.Group.Name); name != "" && name != "root" {
		gid, known := n.groups[name]
		if !known {
			return o, fmt.Errorf("%s: there is no group %s", node.Path, name)
		}
		o.gid = gid
	}
	return o, nil
}

func (p *Plan) addUser(u types.PasswdUser, n *names) error {
	out := user{name: u.Name, hash: secret.New(value(u.PasswordHash))}
	for _, key := range u.SSHAuthorizedKeys {
		if line := strings.TrimSpace(string(key)); line != "" {
			out.keys = append(out.keys, line)
		}
	}
	account, known := n.users[u.Name]
	switch {
	case !known:
		return fmt.Errorf("there is no user %s", u.Name)
	case !filepath.IsAbs(account.home):
		return fmt.Errorf("user %s has no home", u.Name)
	case strings.ContainsAny(out.hash.Reveal(), ":\n"):
		return fmt.Errorf("the password of user %s is not a hash", u.Name)
	}
	out.owner, out.home = account.owner, account.home
	p.users = append(p.users, out)
	return nil
}

// login gives a user keys and password.
func (p *Plan) login(ctx context.Context, u user) error {
	if len(u.keys) > 0 {
		if err := p.authorize(u); err != nil {
			return err
		}
	}
	if u.hash.IsZero() {
		return nil
	}
	// On standard input, where other users cannot see it.
	return p.o.Run(ctx, u.name+":"+u.hash.Reveal()+"\n", "chpasswd", "-e")
}

// keysFile is where the keys of a user are, and its directory. CoreOS's sshd reads the
// files of a directory, others' read one file.
func (p *Plan) keysFile(u user) (ssh, name string) {
	ssh = filepath.Join(u.home, ".ssh")
	if _, err := os.Stat(p.at(filepath.Join(ssh, "authorized_keys.d"))); err == nil {
		return ssh, filepath.Join(ssh, "authorized_keys.d", "ignition")
	}
	return ssh, filepath.Join(ssh, "authorized_keys")
}

// authorize adds the keys to those that the user has.
func (p *Plan) authorize(u user) error {
	ssh, name := p.keysFile(u)
	ssh, name = p.at(ssh), p.at(name)
	have, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := strings.FieldsFunc(string(have), func(r rune) bool { return r == '\n' })
	for _, key := range u.keys {
		if !slices.Contains(lines, key) {
			lines = append(lines, key)
		}
	}
	if err := os.MkdirAll(ssh, 0o700); err != nil {
		return err
	}
	if err := chown(ssh, u.owner); err != nil {
		return err
	}
	if err := atomicfile.Write(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	return chown(name, u.owner)
}
