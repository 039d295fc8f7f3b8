// SPDX-License-Identifier: Apache-2.0

package traffic_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"metallb.io/metallb/test/traffic"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// request is one that began so many milliseconds after noon and took that many.
func request(began, took int, err error) traffic.Request {
	at := noon.Add(time.Duration(began) * time.Millisecond)
	return traffic.Request{Began: at, Ended: at.Add(time.Duration(took) * time.Millisecond), Err: err}
}

func TestARequestHasOneFate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		request traffic.Request
		want    traffic.Fate
	}{
		"answered at once":                  {request(0, 3, nil), traffic.Answered},
		"answered when it was sent again":   {request(0, 1003, nil), traffic.Slow},
		"reset amid the connection":         {request(0, 3, fmt.Errorf("read: %w", syscall.ECONNRESET)), traffic.Reset},
		"refused":                           {request(0, 3, fmt.Errorf("dial: %w", syscall.ECONNREFUSED)), traffic.Refused},
		"not answered":                      {request(0, 3000, errors.New("i/o timeout")), traffic.Failed},
		"on a network that is not there":    {request(0, 3, syscall.ENETUNREACH), traffic.Failed},
		"one that waited and was reset too": {request(0, 1003, syscall.ECONNRESET), traffic.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.request.Fate(); got != tt.want {
				t.Errorf("fate %d, want %d", got, tt.want)
			}
		})
	}
}

func TestARecordTellsWhatIsLostAndForHowLong(t *testing.T) {
	t.Parallel()
	timeout := errors.New("i/o timeout")
	for name, tt := range map[string]struct {
		requests    []traffic.Request
		lost        int
		outage, gap time.Duration
	}{
		"nothing is lost":                              {[]traffic.Request{request(0, 1, nil), request(10, 2, nil), request(20, 1, nil)}, 0, 0, 11 * time.Millisecond},
		"some are lost":                                {[]traffic.Request{request(0, 1, nil), request(20, 1, syscall.ECONNRESET), request(300, 1, nil), request(10, 1000, timeout), request(250, 900, timeout)}, 3, 250 * time.Millisecond, 300 * time.Millisecond},
		"slow ones are in trouble, and not lost":       {[]traffic.Request{request(100, 1, nil), request(0, 1000, nil), request(70, 1050, nil)}, 0, 70 * time.Millisecond, 899 * time.Millisecond},
		"one that began before the event had no delay": {[]traffic.Request{request(-10, 500, timeout), request(5, 1, nil)}, 1, 0, 0},
		"one that began after the end does not count":  {[]traffic.Request{request(50, 1, syscall.ECONNRESET), request(2000, 1, syscall.ECONNRESET)}, 2, 50 * time.Millisecond, 0},
		"nobody asked":                                 {nil, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := traffic.Record{Requests: tt.requests}
			outage := r.Outage(noon, noon.Add(time.Second))
			if r.Lost() != tt.lost || outage != tt.outage || r.Gap() != tt.gap {
				t.Errorf("%d are lost, outage %s, gap %s; want %d, %s, %s", r.Lost(), outage, r.Gap(), tt.lost, tt.outage, tt.gap)
			}
		})
	}
}

func TestRecordsAreMergedInOrder(t *testing.T) {
	t.Parallel()
	one := traffic.Record{
		Requests: []traffic.Request{request(0, 1, nil), request(20, 1, nil)}, Opened: 1, Exchanges: 4, Stall: time.Second,
		Cuts: []traffic.Cut{{At: noon.Add(time.Second), Err: syscall.ECONNRESET}},
	}
	other := traffic.Record{
		Requests: []traffic.Request{request(10, 1, nil)}, Opened: 2, Exchanges: 5, Stall: time.Minute,
		Cuts: []traffic.Cut{{At: noon, Err: syscall.EPIPE}},
	}
	all := traffic.Merge(one, other)
	if all.Gap() != 10*time.Millisecond || len(all.Requests) != 3 || all.Opened != 3 || all.Exchanges != 9 || all.Stall != time.Minute {
		t.Errorf("%+v", all)
	}
	if len(all.Cuts) != 2 || !errors.Is(all.Cuts[0].Err, syscall.EPIPE) {
		t.Errorf("cuts %v", all.Cuts)
	}
}

func TestARecordEndsWhereItIsToEnd(t *testing.T) {
	t.Parallel()
	whole := traffic.Record{
		Requests: []traffic.Request{request(0, 1, nil), request(20, 1, nil), request(10, 900, nil)},
		Cuts:     []traffic.Cut{{At: noon, Err: syscall.EPIPE}, {At: noon.Add(20 * time.Millisecond), Err: syscall.EPIPE}},
	}
	if r := whole.Until(noon.Add(20 * time.Millisecond)); len(r.Requests) != 2 || len(r.Cuts) != 1 {
		t.Error(r)
	}
	if len(whole.Requests) != 3 || len(whole.Cuts) != 2 {
		t.Error(whole)
	}
}

func TestARecordNamesWhatWasLost(t *testing.T) {
	t.Parallel()
	text := traffic.Record{
		Requests: []traffic.Request{request(0, 1, nil), request(20, 1, syscall.ECONNREFUSED), request(40, 1, nil)},
		Cuts:     []traffic.Cut{{At: noon, Err: syscall.EPIPE}},
	}.String()
	for _, want := range []string{"3 requests; 0 slow, 0 reset, 1 refused, 0 failed; longest gap 40ms", "12:00:00.020, after 1ms: connection refused", "broken pipe"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
