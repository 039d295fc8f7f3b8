// SPDX-License-Identifier: Apache-2.0

package dataplane

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/internal/endpoint"
)

const (
	// answerTime is how long an answer may take.
	answerTime = time.Second
	// bootTime is for how long a machine has just booted, and patience how long an answer is waited for on such a machine.
	bootTime = 5 * time.Minute
	patience = 15 * time.Second
	// beliefTime is after which 200 is believed, whatever families the answer has: the proxy may have one only, or never tell of any.
	beliefTime = time.Minute
	// maxAnswer bounds the bytes of an answer that are read. That of kube-proxy has a few hundred.
	maxAnswer = 64 << 10
	// uptimeFile begins with the seconds since the machine booted, see proc_uptime(5).
	uptimeFile = "/proc/uptime"
)

// Options of a Probe.
type Options struct {
	// URL of the proxy's health endpoint.
	URL   string
	Clock clock.WithTicker
	// Uptime returns for how long the machine has been up.
	Uptime func() time.Duration
	// Timeout is for how long a proxy is not healthy, or does not answer, until that is a signal; 0 for never.
	Timeout time.Duration
	// Changed is called when Signal returns something else than before. It must not block.
	Changed func()
}

// Probe asks the node's proxy.
type Probe struct {
	options Options
	client  *http.Client
	health  health

	// What follows is used by Pending alone.

	pending endpoint.FamilySet
	// began is when it was first asked.
	began time.Time
}

// NewProbe returns a Probe for which every family is pending until the proxy is asked.
func NewProbe(o Options) *Probe {
	return &Probe{
		options: o, pending: endpoint.FamilySet{true, true},
		client: &http.Client{
			Timeout: answerTime,
			// The endpoint is this machine's: a proxy for HTTP that the environment names is not asked, and no redirect is followed.
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Pending returns which families are not forwarded yet. It asks the proxy, for a second at most, as long as there are any; they only
// ever become fewer. It must not be called concurrently with itself.
func (p *Probe) Pending(ctx context.Context) endpoint.FamilySet {
	if p.pending.Empty() {
		return p.pending
	}
	now := p.options.Clock.Now()
	first := p.began.IsZero()
	if first {
		p.began = now
	}
	a, err := p.ask(ctx)
	p.observe(ctx, a, err)
	answers := p.health.everAnswered()
	p.note(now, a, answers)
	logger := log.FromContext(ctx).WithValues("url", p.options.URL)
	switch {
	case p.pending.Empty():
		logger.Info("the node's service proxy is not waited for any more", "answers", answers)
	case first:
		logger.Info("waiting until the node's service proxy forwards connections", "answers", answers)
	default:
		logger.V(1).Info("the node's service proxy does not forward connections of every family yet", "pending", p.pending, "error", err)
	}
	return p.pending
}

// note takes note of the families that are forwarded, and gives up if nothing has ever answered.
func (p *Probe) note(now time.Time, a answer, answered bool) {
	believed := a.isOK && now.Sub(p.began) >= beliefTime
	for family, does := range a.forwarded {
		if does || believed {
			p.pending[family] = false
		}
	}
	mayComeYet := p.options.Uptime() < bootTime && now.Sub(p.began) < patience
	if !answered && !mayComeYet {
		p.pending = endpoint.FamilySet{}
	}
}

// answer is what the proxy says.
type answer struct {
	// isOK is whether the status code is 200.
	isOK bool
	// forwarded are the families that the proxy forwards, by what it tells of families or else by its status code.
	forwarded endpoint.FamilySet
	// healthy is whether the proxy is, and leaving whether the node is about to be deleted.
	healthy, leaving bool
}

// body is what kube-proxy and others write; see the package's documentation.
type body struct {
	// NodeEligible is whether the node is not about to be deleted.
	NodeEligible *bool `json:"nodeEligible"`
	// Healthy is there if the proxy tells of each family, and Status has those that were programmed at least once.
	Healthy *bool                      `json:"healthy"`
	Status  map[string]json.RawMessage `json:"status"`
}

// ask returns what the proxy says. It is an error if there is no answer, or none of such an endpoint.
func (p *Probe) ask(ctx context.Context) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.options.URL, http.NoBody)
	if err != nil {
		return answer{}, fmt.Errorf("asking the service proxy: %w", err)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("asking the service proxy: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	a := answer{isOK: response.StatusCode == http.StatusOK}
	if !a.isOK && response.StatusCode != http.StatusServiceUnavailable {
		return answer{}, fmt.Errorf("asking the service proxy: %s", response.Status)
	}
	var says body
	if text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil || json.Unmarshal(text, &says) != nil {
		says = body{}
	}
	a.leaving = says.NodeEligible != nil && !*says.NodeEligible
	a.healthy = a.isOK || a.leaving && (says.Healthy == nil || *says.Healthy)
	for family := range endpoint.Families {
		_, programmed := says.Status[family.String()]
		a.forwarded[family] = programmed || says.Healthy == nil && (a.isOK || a.leaving)
	}
	return a, nil
}

// Uptime returns for how long the machine has been up; if that cannot be known, long.
func Uptime() time.Duration {
	var seconds float64
	content, err := os.ReadFile(uptimeFile)
	if err == nil {
		_, err = fmt.Sscan(string(content), &seconds)
	}
	if err != nil {
		return bootTime
	}
	return time.Duration(seconds * float64(time.Second))
}
