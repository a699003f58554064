package runtimecfg

// ID is the router id that OKD's nodes compute for a name: Fletcher's checksum
// with 4-bit sums, moved from 0-238 to 1-239.
func ID(name string) int {
	var a, b int
	for _, c := range []byte(name) {
		a = (a + int(c)) % 15
		b = (b + a) % 15
	}
	return (b<<4 | a) + 1
}

// IDs are the router ids of a cluster's API and ingress addresses; they always
// differ.
func IDs(cluster string) (api, ingress int) {
	api, ingress = ID(cluster+"-api"), ID(cluster+"-ingress")
	if api == ingress {
		ingress++
	}
	return api, ingress
}
