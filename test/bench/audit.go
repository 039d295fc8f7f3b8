// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
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

// auditEvent is what is read of an event of audit.k8s.io/v1.
type auditEvent struct {
	Verb string `json:"verb"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
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
	end := bytes.LastIndexByte(data, '\n') + 1 // the rest is of a line that is being written
	l.offset += int64(end)
	return countRequests(data[:end])
}

// countRequests counts the requests of an audit log's lines. Those for no resource (discovery, health) do not count.
func countRequests(lines []byte) ([]requestCount, error) {
	counts := make(map[request]int)
	for line := range bytes.Lines(lines) {
		var e auditEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("reading the audit log: %w in %q", err, line)
		}
		program, ok := programOf(e.User.Username)
		if !ok || e.ObjectRef.Resource == "" {
			continue
		}
		r := request{Program: program, Verb: e.Verb, Resource: e.ObjectRef.Resource, Failed: e.ResponseStatus.Code >= 400}
		if e.ObjectRef.Subresource != "" {
			r.Resource += "/" + e.ObjectRef.Subresource
		}
		counts[r]++
	}
	list := make([]requestCount, 0, len(counts))
	for r, n := range counts {
		list = append(list, requestCount{request: r, Count: n})
	}
	slices.SortFunc(list, func(a, b requestCount) int {
		return cmp.Or(cmp.Compare(a.Program, b.Program), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Verb, b.Verb),
			cmp.Compare(failures(a), failures(b)))
	})
	return list, nil
}

func failures(c requestCount) int {
	if c.Failed {
		return 1
	}
	return 0
}
