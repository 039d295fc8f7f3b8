// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package transport

import (
	"errors"
	"net/netip"
	"time"
)

// errNoLinux is the answer of another system's kernel. The speaker builds there, for those who work on it, but connects to nobody.
var errNoLinux = errors.New("sessions need Linux")

func limitHops(int, netip.Addr, int, int) error { return errNoLinux }

func bind(int, string) error { return errNoLinux }

func setPassword(int, netip.Addr, string) error { return errNoLinux }

func setDead(int, time.Duration) error { return errNoLinux }

// Beside knows no other address than own.
func Beside(own, _ netip.Addr) netip.Addr { return own }
