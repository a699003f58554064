package data

import (
	"embed"
	"io/fs"
)

//go:embed agent/agent-config.yaml
var agentConfig []byte

//go:embed agent/live
var agentLive embed.FS

// AgentConfig is an agent-config.yaml to begin with, with every field as a comment.
func AgentConfig() []byte { return agentConfig }

// AgentLive is what the live system of an agent-based installation gets: the hook of its
// initramfs, and its units.
func AgentLive() fs.FS {
	sub, err := fs.Sub(agentLive, "agent/live")
	if err != nil {
		panic(err) // the embed directive above names the directory
	}
	return sub
}
