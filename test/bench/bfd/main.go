// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/bfd"
	"metallb.io/metallb/test/lifetime"
)

// Roles of the process.
const (
	launcher = "launcher"
	speaker  = "speaker"
	router   = "router"
)

// settings are what the command line says.
type settings struct {
	role       string
	sessions   int
	interval   time.Duration
	multiplier int
	lasts      time.Duration
	heap       int
	garbage    bool
	compile    bool
}

func main() {
	var s settings
	flag.StringVar(&s.role, "role", launcher, "what this process is: not for people")
	flag.IntVar(&s.sessions, "sessions", 64, "number of sessions")
	flag.DurationVar(&s.interval, "interval", 50*time.Millisecond, "interval between packets, in both directions")
	flag.IntVar(&s.multiplier, "multiplier", 3, "detect multiplier")
	flag.DurationVar(&s.lasts, "time", 20*time.Second, "how long it is measured")
	flag.IntVar(&s.heap, "heap", 0, "MiB of small objects that the speaker's process holds")
	flag.BoolVar(&s.garbage, "garbage", false, "have every processor of the speaker's process make garbage")
	flag.BoolVar(&s.compile, "compile", false, "compile Go's library on all processors meanwhile")
	flag.Parse()
	runs := map[string]func(settings) error{launcher: launch, speaker: speak, router: route}
	if err := runs[s.role](s); err != nil {
		log.Fatalf("%s: %v", s.role, err)
	}
}

// again is a process of this program in a network namespace of its own, and a session of its own: the kernel shares processors out among sessions
// first, as it does among pods.
func again(role string) *exec.Cmd {
	c := exec.CommandContext(context.Background(), "/proc/self/exe", append(slices.Clone(os.Args[1:]), "-role", role)...)
	c.Stderr = os.Stderr
	lifetime.Bind(c, syscall.SIGKILL)
	c.SysProcAttr.Cloneflags, c.SysProcAttr.Setsid = unix.CLONE_NEWNET, true
	return c
}

// launch leaves the machine's network alone.
func launch(settings) error {
	runtime.LockOSThread() // What is bound to this thread's life ends with it.
	c := again(speaker)
	c.Stdout = os.Stdout
	return c.Run()
}

var (
	speakerAddress = netip.MustParseAddr("10.0.0.1")
	// routerAddresses are those from here on.
	routerAddresses = netip.MustParseAddr("10.0.1.0")
)

func routerAddress(i int) netip.Addr {
	a := routerAddresses.As4()
	a[3] = byte(i + 1)
	return netip.AddrFrom4(a)
}

func (s settings) profile() bgp.BFDProfile {
	return bgp.BFDProfile{TransmitInterval: s.interval, ReceiveInterval: s.interval, DetectMultiplier: uint8(s.multiplier), MinimumTTL: 254}
}

// result is what is printed, as JSON.
type result struct {
	// CPU is the share of one processor that the speaker's process used.
	CPU float64 `json:"cpu"`
	// Downs is how often a session of the speaker went down, and RouterDowns one of the router's.
	Downs       int64 `json:"downs"`
	RouterDowns int64 `json:"routerDowns"`
	// Packets is the number of packets that the speaker has sent, and the gaps are the times between two of a session, as the router's kernel has
	// seen them: the median, those that one of a hundred and one of a thousand exceeds, and the longest.
	Packets int           `json:"packets"`
	Gap50   time.Duration `json:"gap50"`
	Gap99   time.Duration `json:"gap99"`
	Gap999  time.Duration `json:"gap999"`
	Longest time.Duration `json:"longest"`
	// Collections is the number of garbage collections.
	Collections uint32 `json:"collections"`
}

// speak measures.
func speak(s settings) error {
	runtime.LockOSThread()
	r := again(router)
	in, err := r.StdinPipe()
	if err != nil {
		return err
	}
	out, err := r.StdoutPipe()
	if err != nil {
		return err
	}
	if err := r.Start(); err != nil {
		return err
	}
	if err := connect(r.Process.Pid); err != nil {
		return err
	}
	if _, err := io.WriteString(in, "go\n"); err != nil {
		return err
	}
	live := hold(s.heap)
	var downs atomic.Int64
	sessions, err := open(s, &downs, func(i int) bfd.Config {
		return bfd.Config{Peer: routerAddress(i), Profile: s.profile()}
	})
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	if s.garbage {
		for range runtime.GOMAXPROCS(0) {
			go litter(stop)
		}
	}
	if s.compile {
		stopCompiler, err := compile()
		if err != nil {
			return err
		}
		defer stopCompiler()
	}
	result := measure(s, &downs)
	close(stop)
	runtime.KeepAlive(live)
	// The router tells what it has seen before it can see this side go.
	if err := errors.Join(in.Close(), json.NewDecoder(out).Decode(&result), sessions.Close(context.Background()), r.Wait()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func measure(s settings, downs *atomic.Int64) result {
	var before, after syscall.Rusage
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	collections := memory.NumGC
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	begin := time.Now()
	<-time.After(s.lasts)
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	runtime.ReadMemStats(&memory)
	seconds := time.Since(begin).Seconds()
	used := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	return result{
		CPU: used.Seconds() / seconds, Downs: downs.Load(), Collections: memory.NumGC - collections,
	}
}

// open opens all sessions, and waits until they are up.
func open(s settings, downs *atomic.Int64, config func(i int) bfd.Config) (*bfd.Sessions, error) {
	sessions, err := bfd.New(nil)
	if err != nil {
		return nil, err
	}
	ups := make(chan struct{}, s.sessions)
	for i := range s.sessions {
		was := bfd.Status{}
		sessions.Open(config(i), func(is bfd.Status) {
			switch {
			case is.State == bfd.Up && was.State != bfd.Up:
				select {
				case ups <- struct{}{}:
				default:
				}
			case is.Failed(was):
				downs.Add(1)
			}
			was = is
		})
	}
	late := time.After(30 * time.Second)
	for i := range s.sessions {
		select {
		case <-ups:
		case <-late:
			return nil, fmt.Errorf("%d of %d sessions have come up", i, s.sessions)
		}
	}
	return sessions, nil
}

// connect makes the link to the router's namespace.
func connect(pid int) error {
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "router"}, PeerName: "speaker", PeerNamespace: netlink.NsPid(pid)}); err != nil {
		return fmt.Errorf("making the link: %w", err)
	}
	return address("router", speakerAddress)
}

// address sets a link up with addresses of one subnet.
func address(name string, addresses ...netip.Addr) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(16, 32)}}); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(link)
}

// route is the router, until its input ends.
func route(s settings) error {
	if _, err := fmt.Scanln(new(string)); err != nil {
		return err
	}
	addresses := make([]netip.Addr, 0, s.sessions)
	for i := range s.sessions {
		addresses = append(addresses, routerAddress(i))
	}
	if err := address("speaker", addresses...); err != nil {
		return err
	}
	var downs atomic.Int64
	// They end with the process.
	if _, err := open(s, &downs, func(i int) bfd.Config {
		return bfd.Config{Peer: speakerAddress, Source: routerAddress(i), Profile: s.profile()}
	}); err != nil {
		return err
	}
	seen, err := watch()
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	gaps := seen.stop()
	slices.Sort(gaps)
	if len(gaps) == 0 {
		return errors.New("no packets were seen")
	}
	at := func(share float64) time.Duration { return gaps[int(share*float64(len(gaps)-1))] }
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"routerDowns": downs.Load(), "packets": len(gaps), "gap50": at(0.5), "gap99": at(0.99), "gap999": at(0.999), "longest": at(1),
	})
}
