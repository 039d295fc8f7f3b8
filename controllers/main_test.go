// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"testing"
)

func TestTheControllerUsesOneProcessorUnlessToldOtherwise(t *testing.T) { //nolint:paralleltest // it changes the whole process
	before := runtime.GOMAXPROCS(0)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	runtime.GOMAXPROCS(3)
	useProcessors(func(string) string { return "3" })
	if n := runtime.GOMAXPROCS(0); n != 3 {
		t.Errorf("told to use 3, it uses %d", n)
	}
	useProcessors(func(string) string { return "" })
	if n := runtime.GOMAXPROCS(0); n != 1 {
		t.Errorf("it uses %d", n)
	}
}
