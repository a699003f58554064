//go:build !linux

package network

import "errors"

func setKernelHostname(string) error { return errors.ErrUnsupported }
