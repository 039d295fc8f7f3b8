// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/test/bench/sink"
	"metallb.io/metallb/test/bench/wire"
	"metallb.io/metallb/test/programs"
)

// options are what the command line says.
type options struct {
	sizes        []int
	subjects     []string
	only         []string
	clusters     []size
	peers        []int
	routes       int
	samples      int
	rate         float64
	workers      int
	floorTells   bool
	json         string
	page         string
	bin          string
	crds         string
	keep         bool
	timeout      time.Duration
	phaseTimeout time.Duration
	binaries     binaries
}

func main() {
	options, err := parseOptions(os.Args[1:], os.Stderr)
	if err != nil {
		os.Exit(2)
	}
	ctrl.SetLogger(logr.Discard()) // envtest's
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	err = run(ctx, options, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseOptions(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(out)
	sizes := flags.String("services", "500,2000,8000", "numbers of services, with commas between")
	subjects := flags.String("subjects", floorName+","+productName, "what is measured")
	only := flags.String("only", strings.Join(parts(), ","),
		"parts to run: services, all at once and one at a time; changes, one thing in a full cluster; asking, the plugin of kubectl; sessions, what peers are told; bfd, BFD sessions (root)")
	clusters := flags.String("clusters", "100/10/10,10000/1000/1000", "services/waiting of them/nodes of the clusters in which one thing changes")
	peers := flags.String("peers", "1,2,4,8", "numbers of peers that routes are announced to, with commas between")
	flags.IntVar(&o.routes, "routes", 10_000, "routes that each of these peers is told of")
	flags.IntVar(&o.samples, "samples", 100, "services created one at a time")
	flags.Float64Var(&o.rate, "rate", 0, "services created each second, as long as the API server accepts so many; 0 is as many as it accepts")
	flags.IntVar(&o.workers, "floor-workers", 8, "services that the floor patches at the same time")
	flags.BoolVar(&o.floorTells, "floor-tells", false, "have the floor write an event and a condition of each service too, as the product does")
	flags.StringVar(&o.json, "json", "", "file to write all figures to")
	flags.StringVar(&o.page, "page", "", "page of the documentation whose table to replace by the most important figures, such as docs/performance.md")
	flags.StringVar(&o.bin, "k8s-bin", programs.Dir(), "folder with etcd and kube-apiserver")
	flags.StringVar(&o.crds, "crds", "config/crd/bases", "folder with the CRDs")
	flags.BoolVar(&o.keep, "keep", false, "keep the folder with the programs' logs and the audit log")
	flags.DurationVar(&o.timeout, "timeout", time.Hour, "limit of the whole run")
	flags.DurationVar(&o.phaseTimeout, "phase-timeout", 5*time.Minute, "limit of each phase")
	flags.StringVar(&o.binaries.floor, "floor", "", "floor to measure against; built if not given")
	flags.StringVar(&o.binaries.controller, "controller", "", "controller to measure; built if not given")
	flags.StringVar(&o.binaries.speaker, "speaker", "", "speaker to measure; built if not given")
	flags.StringVar(&o.binaries.fanout, "fanout", "", "program with the speaker's sessions to measure; built if not given")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.subjects = strings.Split(*subjects, ",")
	o.only = strings.Split(*only, ",")
	var err error
	if o.sizes, err = parseNumbers("--services", *sizes, maxServices); err == nil {
		o.peers, err = parseNumbers("--peers", *peers, maxPeers)
	}
	if err == nil {
		o.clusters, err = parseClusters(*clusters)
	}
	if err == nil {
		err = o.validate()
	}
	if err != nil {
		fmt.Fprintln(out, "bench:", err)
	}
	return o, err
}

// parseNumbers reads ascending numbers, up to the largest, with commas between.
func parseNumbers(name, s string, largest int) ([]int, error) {
	var numbers []int
	for field := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || n < 1 || n > largest {
			return nil, fmt.Errorf("%s: %q is not a number from 1 to %d", name, field, largest)
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers), nil
}

const (
	// maxServices leaves the pool room: the floor takes each address but once.
	maxServices = 50_000
	maxPeers    = 100
)

func (o *options) validate() error {
	for _, s := range o.subjects {
		if s != floorName && s != productName {
			return fmt.Errorf("--subjects: %q is neither %s nor %s", s, floorName, productName)
		}
	}
	for _, p := range o.only {
		if !slices.Contains(parts(), p) {
			return fmt.Errorf("--only: %q is none of %s", p, strings.Join(parts(), ", "))
		}
	}
	if o.samples < 1 || o.workers < 1 {
		return errors.New("--samples and --floor-workers must be at least 1")
	}
	if o.rate < 0 {
		return fmt.Errorf("--rate: %v is negative", o.rate)
	}
	if o.routes < 1 || o.routes > maxServices {
		return fmt.Errorf("--routes: %d is not from 1 to %d", o.routes, maxServices)
	}
	return nil
}

// run measures all sizes and tells the results. What was measured before an error is told, too.
func run(ctx context.Context, o options, out, progress io.Writer) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("the run took longer than %s (--timeout)", o.timeout))
	defer cancel()
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer func() {
		if o.keep || err != nil {
			fmt.Fprintln(progress, "logs are in", dir)
			return
		}
		err = os.RemoveAll(dir)
	}()
	o.skipBuilds()
	if err := o.binaries.build(ctx, dir); err != nil {
		return err
	}
	r := newReport(o.sizes, o.workers, o.rate)
	r.Commit, r.Kubernetes = revision(ctx), kubernetes(ctx, o.bin)
	for _, part := range []struct {
		name string
		run  func(context.Context, options, *report, string, io.Writer) error
	}{{partServices, runServices}, {partChanges, runClusters}, {partAsking, runAsking}, {partSessions, runSessions}, {partBFD, runBFD}} {
		if o.runs(part.name) && err == nil {
			err = part.run(ctx, o, r, dir, progress)
		}
	}
	if r.empty() {
		return err
	}
	if o.json != "" {
		err = errors.Join(err, r.writeJSON(o.json))
	}
	if o.page != "" && err == nil {
		err = r.writePage(o.page)
	}
	return errors.Join(err, r.write(out))
}

// runs reports whether a part is to be run. The floor does not know all of them.
func (o *options) runs(part string) bool {
	return slices.Contains(o.only, part) && (part == partServices || slices.Contains(o.subjects, productName))
}

// skipBuilds gives programs that are not measured a path, so that they are not built.
func (o *options) skipBuilds() {
	const none = "-"
	product := slices.Contains(o.subjects, productName)
	if !o.runs(partServices) {
		o.binaries.floor = none
	}
	if !o.runs(partServices) || !product {
		o.binaries.speaker = none
	}
	if !o.runs(partServices) && !o.runs(partChanges) && !o.runs(partAsking) || !product {
		o.binaries.controller = none
	}
	if !o.runs(partAsking) {
		o.binaries.plugin = none
	}
	if !o.runs(partSessions) {
		o.binaries.fanout = none
	}
	if !o.runs(partBFD) || runtime.GOOS != "linux" {
		o.binaries.bfd = none
	}
}

// Parts of the benchmark.
const (
	partServices = "services"
	partChanges  = "changes"
	partAsking   = "asking"
	partSessions = "sessions"
	partBFD      = "bfd"
)

func parts() []string { return []string{partServices, partChanges, partAsking, partSessions, partBFD} }

// runServices measures all subjects at all numbers of services.
func runServices(ctx context.Context, o options, r *report, dir string, progress io.Writer) error {
	for _, n := range o.sizes {
		results, err := runSize(ctx, o, n, dir, progress)
		r.Measurements = append(r.Measurements, results...)
		if err != nil {
			return err
		}
	}
	return nil
}

// runClusters measures small changes in clusters of all sizes.
func runClusters(ctx context.Context, o options, r *report, dir string, progress io.Writer) error {
	for _, s := range o.clusters {
		own := changesDir(dir, s)
		if err := os.Mkdir(own, 0o700); err != nil {
			return err
		}
		results, err := runChanges(ctx, o, s, own, func(what string) { fmt.Fprintf(progress, "%16s: %s\n", s.name(), what) })
		r.Changes.Sizes = append(r.Changes.Sizes, s.name())
		r.Changes.Measurements[s.name()] = results
		if err != nil {
			return err
		}
	}
	return nil
}

// parseClusters reads sizes of clusters as services/waiting/nodes with commas between.
func parseClusters(s string) ([]size, error) {
	var clusters []size
	for field := range strings.SplitSeq(s, ",") {
		var c size
		n, err := fmt.Sscanf(strings.TrimSpace(field), "%d/%d/%d", &c.services, &c.waiting, &c.nodes)
		if n != 3 || err != nil || c.waiting < 1 || c.services <= c.waiting || c.services > maxServices || c.nodes < 1 {
			return nil, fmt.Errorf("--clusters: %q is not services/waiting/nodes, such as 10000/1000/1000", field)
		}
		clusters = append(clusters, c)
	}
	return clusters, nil
}

// runSize measures all subjects at one number of services.
func runSize(ctx context.Context, o options, n int, dir string, progress io.Writer) (results []*measurement, err error) {
	for _, name := range o.subjects {
		measured, err := runSubject(ctx, o, name, n, filepath.Join(dir, fmt.Sprintf("%s-%d", name, n)), progress)
		results = append(results, measured...)
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

// runSubject measures one subject on a new cluster.
func runSubject(ctx context.Context, o options, name string, n int, dir string, progress io.Writer) (results []*measurement, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	router, err := sink.Listen(ctx, loopback, wire.Open{ASN: asn, ID: sinkID})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, router.Close()) }()
	c, err := startCluster(o.bin, o.crds, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	if err := c.prepare(ctx, makePeer(router.Addr())); err != nil {
		return nil, fmt.Errorf("preparing the cluster: %w", err)
	}
	t := trackServices(ctx, c.client)
	defer t.stop()
	b := &bench{
		cluster: c, sink: router, tracker: t, services: n, samples: o.samples, rate: o.rate, phaseTimeout: o.phaseTimeout, progress: progress,
	}
	if name == floorName {
		b.subject, err = floorSubject(ctx, c, o.binaries, router.Addr(), o.workers, o.floorTells)
	} else {
		b.subject, err = productSubject(ctx, c, o.binaries)
	}
	if err != nil {
		return nil, err
	}
	err = b.run(ctx)
	return b.results, err
}
