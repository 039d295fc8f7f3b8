// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"metallb.io/metallb/test/router/namespace"
)

const (
	// exchangeEvery is how often something is sent and answered over each long connection.
	exchangeEvery = 100 * time.Millisecond
	// longPatience is how long an answer over a long connection may take: TCP sends again meanwhile, a few times.
	longPatience = 10 * time.Second
)

// Load says what a client does. The target serves HTTP/1.1.
type Load struct {
	// Namespace is the path of the client's network namespace; empty means the caller's.
	Namespace string
	Target    netip.AddrPort
	// Rate is how many connections are opened each second, with one request each.
	Rate int
	// Workers open them: so many may wait for an answer at the same time. While all wait, the rate is lower.
	Workers int
	// Long is how many connections are held open besides, with a request every 100 ms. One that is lost is opened again.
	Long int
	// Patience is how long connecting may take, and then the answer; 3 s if zero.
	Patience time.Duration
}

// Client is a client at work.
type Client struct {
	load   Load
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex
	record Record
	errs   []error
}

// Start starts a client. The caller must Stop it.
func Start(load Load) *Client {
	ctx, cancel := context.WithCancel(context.Background())
	load.Patience = cmp.Or(load.Patience, 3*time.Second)
	c := &Client{load: load, cancel: cancel}
	if load.Rate > 0 {
		due := make(chan struct{})
		c.done.Go(func() { pace(ctx, time.Second/time.Duration(load.Rate), due) })
		for range load.Workers {
			c.work(func() { c.open(due) })
		}
	}
	for range load.Long {
		c.work(func() { c.hold(ctx) })
	}
	return c
}

// work does something in the client's namespace. A socket belongs to the namespace in which it is made, so it is done on a thread that stays there.
func (c *Client) work(do func()) {
	c.done.Go(func() {
		err := namespace.Run(c.load.Namespace, func() error {
			do()
			return nil
		})
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.errs = append(c.errs, err)
		}
	})
}

// Stop waits for the answers that are due, ends the client and returns what became of its connections. The error tells that some
// could not be made at all, because the client's namespace is not there.
func (c *Client) Stop() (Record, error) {
	c.cancel()
	c.done.Wait()
	return c.record, errors.Join(c.errs...)
}

// Ended counts the requests that have ended so far, and the exchanges over long connections.
func (c *Client) Ended() (requests, exchanges int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.record.Requests), c.record.Exchanges
}

// pace says when a connection is due. It does not catch up on those for which no worker was free.
func pace(ctx context.Context, every time.Duration, due chan<- struct{}) {
	defer close(due)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case <-ctx.Done():
			return
		case due <- struct{}{}:
		}
	}
}

// open opens connections that are due, one after the other.
func (c *Client) open(due <-chan struct{}) {
	for range due {
		request := Request{Began: time.Now()}
		_, request.Err = Fetch(context.Background(), net.Dialer{Timeout: c.load.Patience}, c.load.Target)
		request.Ended = time.Now()
		c.mu.Lock()
		c.record.Requests = append(c.record.Requests, request)
		c.mu.Unlock()
	}
}

// Fetch fetches the page over a connection of its own. The dialer's timeout is for connecting, and once more for the answer.
func Fetch(ctx context.Context, dialer net.Dialer, target netip.AddrPort) (page string, err error) {
	conn, err := dialer.DialContext(ctx, "tcp", target.String())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(dialer.Timeout)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: traffic\r\nConnection: close\r\n\r\n"); err != nil {
		return "", err
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		return "", err
	}
	header, page, _ := strings.Cut(string(text), "\r\n\r\n")
	if status, _, _ := strings.Cut(header, "\r\n"); status != fmt.Sprintf("HTTP/1.1 %d OK", http.StatusOK) {
		return "", fmt.Errorf("the answer is %q", text)
	}
	return page, nil
}

// hold holds a connection open until ctx ends, and opens it again when it is lost.
func (c *Client) hold(ctx context.Context) {
	tick := time.NewTicker(exchangeEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		conn, err := (&net.Dialer{Timeout: c.load.Patience}).DialContext(ctx, "tcp", c.load.Target.String())
		if err == nil {
			c.mu.Lock()
			c.record.Opened++
			c.mu.Unlock()
			err = c.exchange(ctx, conn, tick.C)
			if err != nil {
				c.mu.Lock()
				c.record.Cuts = append(c.record.Cuts, Cut{At: time.Now(), Err: err})
				c.mu.Unlock()
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// exchange has requests answered over a connection at each tick until ctx ends, and closes it. The error tells how it was lost before.
func (c *Client) exchange(ctx context.Context, conn net.Conn, tick <-chan time.Time) error {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		began := time.Now()
		if err := conn.SetDeadline(began.Add(longPatience)); err != nil {
			return err
		}
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: traffic\r\n\r\n"); err != nil {
			return err
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil {
			return err
		}
		c.mu.Lock()
		c.record.Exchanges++
		c.record.Stall = max(c.record.Stall, time.Since(began))
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
		}
	}
}
