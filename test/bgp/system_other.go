// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package bgptest

import "errors"

const NoDAD = 0

func unshare() error { return errors.New("network namespaces need Linux") }
