// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package namespace

import (
	"errors"
	"os"
)

func setns(*os.File) error { return errors.New("network namespaces need Linux") }
