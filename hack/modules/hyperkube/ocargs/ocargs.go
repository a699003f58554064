// Package ocargs turns command lines of oc into those of kubectl.
package ocargs

import "slices"

// admin are the verbs that oc keeps under `adm` and kubectl at the top.
var admin = []string{"certificate", "cordon", "uncordon", "drain", "taint", "top"}

// Kubectl returns args (with the program's name first) for kubectl: `adm` goes
// away in front of a verb that kubectl has. Everything else stays as it is.
func Kubectl(args []string) []string {
	out := slices.Clone(args)
	out[0] = "kubectl"
	for i := 1; i+1 < len(out); i++ {
		if out[i] == "--" {
			break
		}
		if out[i] == "adm" && slices.Contains(admin, out[i+1]) {
			return slices.Delete(out, i, i+1)
		}
	}
	return out
}
