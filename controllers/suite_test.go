// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/programs"
)

var (
	shared envtest.Shared
	// server is the API server that all specs use, one after another.
	server *envtest.Server
	// program is the path of the controller's binary: specs run the real thing, so that they can kill it.
	program string
)

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

func TestController(t *testing.T) {
	server = shared.Get(t)
	program = filepath.Join(programs.Product(t), "controllers")
	RegisterFailHandler(Fail)
	log.SetLogger(GinkgoLogr)
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	SetDefaultConsistentlyDuration(time.Second)
	RunSpecs(t, "Controller")
}
