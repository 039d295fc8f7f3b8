// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package bfd

import (
	"errors"

	"metallb.io/metallb/api/bgp"
)

// end of a session is nothing: the speaker builds on other systems than Linux, for those who work on it, but has no sessions there.
type end struct{}

type loop struct{}

func newLoop(*Sessions) (*loop, error) { return nil, errors.New("BFD needs Linux") }

func (*loop) run() {}

func (*loop) put(func(*loop)) {}

func (*loop) waiting() bool { return false }

func (*loop) add(*Session) {}

func (*loop) configure(*Session, bgp.BFDProfile) {}

func (*loop) disable(*Session) {}
