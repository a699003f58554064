package data

import _ "embed" // for the directive below

//go:embed agent/agent-config.yaml
var agentConfig []byte

// AgentConfig is an agent-config.yaml to begin with, with every field as a comment.
func AgentConfig() []byte { return agentConfig }
