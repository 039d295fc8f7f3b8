// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"metallb.io/metallb/test/programs"
)

// startServing starts the process that runs Serve, and waits until the rack router's page is there.
func (p *Playground) startServing(ctx context.Context) error {
	if err := programs.Build(ctx, programs.Options{}, p.path("bin")+"/", "./test/router", "./test/playground/cmd/playground"); err != nil {
		return err
	}
	log, err := os.Create(p.path("serve.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(p.path("bin", "playground"), p.serveArgs()...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C in the terminal is not meant for it
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting the routers' pages: %w", err)
	}
	if err := os.WriteFile(p.path("serve.pid"), []byte(strconv.Itoa(command.Process.Pid)), 0o600); err != nil {
		return errors.Join(err, command.Process.Kill())
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	return p.awaitRackPage(ctx, ended)
}

func (p *Playground) serveArgs() []string { return []string{"serve", "--state", p.state} }

// awaitRackPage waits until the rack router's page answers, or the process that serves it has ended.
func (p *Playground) awaitRackPage(ctx context.Context, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		wrong := getOK(ctx, "http://"+RackRouterPage+"/healthz")
		if wrong == nil {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the rack router ended: %w\n%s", err, p.serveLog())
		case <-ctx.Done():
			return fmt.Errorf("the rack router's page does not answer: %w\n%s", wrong, p.serveLog())
		case <-tick.C:
		}
	}
}

func getOK(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
		return fmt.Errorf("%s: %s", response.Status, body)
	}
	return nil
}

func (p *Playground) serveLog() string {
	text, err := os.ReadFile(p.path("serve.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// stopServing ends the process that startServing started, if it runs yet.
func (p *Playground) stopServing() error {
	text, err := os.ReadFile(p.path("serve.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("reading %s: %w", p.path("serve.pid"), err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for range 100 {
			if !p.serves(pid) {
				return nil
			}
			if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("ending process %d: %w", pid, err)
			}
			<-time.After(100 * time.Millisecond)
		}
	}
	return fmt.Errorf("process %d, which serves the routers' pages, does not end", pid)
}

// serves reports whether the process is the one that startServing started, and not a later one of the same id.
func (p *Playground) serves(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.HasSuffix(text, []byte("\x00"+strings.Join(p.serveArgs(), "\x00")+"\x00"))
}
