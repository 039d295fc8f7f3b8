// SPDX-License-Identifier: Apache-2.0

// Command nginx stands in for the public image of nginx in clusters without a registry. Of nginx's configuration it understands what the
// tutorial and the end-to-end tests need: the text that the site in /etc/nginx/conf.d returns to every request.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// site is where the manifests of the tutorial put the configuration.
const site = "/etc/nginx/conf.d/default.conf"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err) //nolint:gocritic // the process ends
	}
}

func run(ctx context.Context) error {
	text, err := os.ReadFile(site)
	if err != nil {
		return err
	}
	hostname, err := os.Hostname()
	if err != nil {
		return err
	}
	answer, err := answerOf(string(text), hostname)
	if err != nil {
		return fmt.Errorf("%s: %w", site, err)
	}
	server := &http.Server{Addr: ":80", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, answer)
	})}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() { stopped <- server.Shutdown(context.WithoutCancel(ctx)) }) // It lets requests end.
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// returned is the directive of nginx that answers with a text.
var returned = regexp.MustCompile(`(?m)\breturn\s+200\s+("(?:[^"\\]|\\.)*")\s*;`)

// answerOf returns the text with which a site of this configuration answers, on the host.
func answerOf(config, hostname string) (string, error) {
	match := returned.FindStringSubmatch(config)
	if match == nil {
		return "", errors.New(`no directive return 200 "text"; is there, and no other is understood`)
	}
	text, err := strconv.Unquote(match[1])
	if err != nil {
		return "", fmt.Errorf("%s: %w", match[1], err)
	}
	return strings.ReplaceAll(text, "$hostname", hostname), nil
}
