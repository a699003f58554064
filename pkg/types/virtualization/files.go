package virtualization

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
)

// MaxFile is the largest size in bytes of a file that virtualization.yaml names. The release manifest of Tekton is a
// fifth of it.
const MaxFile = 4 << 20

// ReadFiles reads the files that the config names, and puts the logins that they hold where those of the config are.
// The function gets their paths as the file has them, relative to its directory, and reads at most MaxFile bytes.
func (c *Config) ReadFiles(read func(path string) ([]byte, error)) *report.Report {
	r := c.report()
	k := r.Field(report.Path{})
	if b := c.Backup; b != nil && b.Credentials.File != "" {
		at := k.Child("backup", "credentials", "file")
		readInto(at, b.Credentials.File, read, func(data []byte) (err error) {
			b.Credentials.AccessKeyID, b.Credentials.SecretAccessKey, err = parseAWS(data)
			return err
		})
	}
	if c.Migration != nil {
		for i := range c.Migration.Providers {
			p := &c.Migration.Providers[i].Credentials
			if p.PasswordFile == "" {
				continue
			}
			at := k.Child("migration", "providers").Index(i).Child("credentials", "passwordFile")
			readInto(at, p.PasswordFile, read, func(data []byte) error {
				line, _, _ := strings.Cut(string(data), "\n")
				if line = strings.TrimSuffix(line, "\r"); line == "" {
					return errors.New("has no password in its first line")
				}
				p.Password = secret.New(line)
				return nil
			})
		}
	}
	if p := c.Pipelines; p != nil {
		keep := func(into *[]byte) func([]byte) error {
			return func(data []byte) error {
				if len(bytes.TrimSpace(data)) == 0 {
					return errors.New("is empty")
				}
				*into = data
				return nil
			}
		}
		readInto(k.Child("pipelines", "tasksFile"), p.TasksFile, read, keep(&p.tasks))
		if p.TektonFile != "" {
			readInto(k.Child("pipelines", "tektonFile"), p.TektonFile, read, keep(&p.tekton))
		}
	}
	return r
}

func readInto(at report.Field, path string, read func(string) ([]byte, error), use func([]byte) error) {
	data, err := read(path)
	if err == nil && len(data) > MaxFile {
		err = fmt.Errorf("has more than %d bytes", MaxFile)
	}
	if err == nil {
		err = use(data)
	}
	if err != nil {
		at.Invalid(path, "%v", err)
	}
}

// Tasks is the manifest of the tasks, once ReadFiles has read it.
func (p *Pipelines) Tasks() []byte { return p.tasks }

// Tekton is the manifest of Tekton Pipelines, nil if the cluster has it.
func (p *Pipelines) Tekton() []byte { return p.tekton }

// Secrets must not be shown.
func (c *Config) Secrets() []secret.String {
	var out []secret.String
	if c.Backup != nil {
		out = append(out, c.Backup.Credentials.SecretAccessKey)
	}
	if c.Migration != nil {
		for _, p := range c.Migration.Providers {
			out = append(out, p.Credentials.Password)
		}
	}
	return slices.DeleteFunc(out, secret.String.IsZero)
}

// parseAWS reads profile default of a file of credentials of the AWS command line.
func parseAWS(data []byte) (id string, key secret.String, err error) {
	section, secretKey := "", ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = strings.TrimSpace(line[1 : len(line)-1])
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if !found || section != "default" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			id = strings.TrimSpace(value)
		case "aws_secret_access_key":
			secretKey = strings.TrimSpace(value)
		}
	}
	if id == "" || secretKey == "" {
		return "", secret.String{}, errors.New("must have aws_access_key_id and aws_secret_access_key below [default]")
	}
	return id, secret.New(secretKey), nil
}
