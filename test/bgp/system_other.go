// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package bgptest

import (
	"errors"
	"syscall"
)

const NoDAD = 0

func unshare() error { return errors.New("network namespaces need Linux") }

func inNewNetwork() *syscall.SysProcAttr { return nil }
