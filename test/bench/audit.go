// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"

	"metallb.io/metallb/test/envtest"
)

// request is a kind of API request.
type request struct {
	Program  string `json:"program"`
	Verb     string `json:"verb"`
	Resource string `json:"resource"` // with the subresource, such as services/status
	Failed   bool   `json:"failed"`   // the API server answered with an error
}

// requestCount says how often a kind of request was made.
type requestCount struct {
	request
	Count int `json:"count"`
}

// writes says whether the request changes something.
func (r request) writes() bool {
	switch r.Verb {
	case "get", "list", "watch":
		return false
	default:
		return true
	}
}

// auditLog counts the requests that the API server logs.
type auditLog struct {
	path   string
	offset int64 // of what was not read yet
}

// next counts the requests that ended since the last call, sorted by program and resource.
func (l *auditLog) next() ([]requestCount, error) {
	file, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // no request yet
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := file.Seek(l.offset, io.SeekStart); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	list, read, err := countRequests(data)
	l.offset += int64(read)
	return list, err
}

// countRequests counts the requests of an audit log's lines, and returns how much of the text these are. Those for no resource
// (discovery, health) do not count.
func countRequests(text []byte) (list []requestCount, read int, err error) {
	calls, read, err := envtest.ReadCalls(text)
	counts := make(map[request]int)
	for _, call := range calls {
		if program, ok := programOf(call.User); ok && call.Resource != "" {
			counts[request{Program: program, Verb: call.Verb, Resource: call.Resource, Failed: call.Status >= 400}]++
		}
	}
	list = make([]requestCount, 0, len(counts))
	for r, n := range counts {
		list = append(list, requestCount{request: r, Count: n})
	}
	slices.SortFunc(list, func(a, b requestCount) int {
		return cmp.Or(cmp.Compare(a.Program, b.Program), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Verb, b.Verb),
			cmp.Compare(failures(a), failures(b)))
	})
	return list, read, err
}

func failures(c requestCount) int {
	if c.Failed {
		return 1
	}
	return 0
}
