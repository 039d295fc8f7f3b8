// SPDX-License-Identifier: Apache-2.0

package envtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// auditPolicy has the API server note down what ServiceAccounts ask for, but not what with.
const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, userGroups: ["system:serviceaccounts"]}
- {level: None}
`

// Call is what somebody asked the API server for.
type Call struct {
	// User is the full name, such as system:serviceaccount:metallb-system:speaker.
	User, UserAgent string
	Verb            string
	// Group, Resource, with its subresource as in a rule of RBAC, Namespace and Name are empty where there is none. The name of a
	// list or a watch is that of the only object it selects.
	Group, Resource, Namespace, Name string
	// Status is HTTP's.
	Status int
	// Path is what was asked for.
	Path string
}

// Audited is a server that notes down what ServiceAccounts ask for.
type Audited struct {
	*Server
	log string
}

// StartAudited starts a server as Start does. It authorizes by RBAC, as every server here.
func StartAudited(tb testing.TB) *Audited {
	tb.Helper()
	dir := tb.TempDir()
	policy, log := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "log")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		tb.Fatal(err)
	}
	return &Audited{startWith(tb, argument{"audit-policy-file", policy}, argument{"audit-log-path", log}), log}
}

// entry is a line of the audit log (audit.k8s.io/v1).
type entry struct {
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	UserAgent  string `json:"userAgent"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		APIGroup    string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// Calls returns what was asked for until now and has been answered, or begun to be.
func (a *Audited) Calls(tb testing.TB) []Call {
	tb.Helper()
	text, err := os.ReadFile(a.log)
	if err != nil {
		tb.Fatal(err)
	}
	calls, _, err := ReadCalls(text)
	if err != nil {
		tb.Fatal(err)
	}
	return calls
}

// ReadCalls reads the lines of an audit log, and returns how much of the text they are: a last line without an end is just being
// written.
func ReadCalls(text []byte) (calls []Call, read int, err error) {
	for line := range bytes.Lines(text[:bytes.LastIndexByte(text, '\n')+1]) {
		read += len(line)
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, 0, fmt.Errorf("reading the audit log: %w in %q", err, line)
		}
		resource := e.ObjectRef.Resource
		if e.ObjectRef.Subresource != "" {
			resource += "/" + e.ObjectRef.Subresource
		}
		calls = append(calls, Call{
			User: e.User.Username, UserAgent: e.UserAgent, Verb: e.Verb, Group: e.ObjectRef.APIGroup, Resource: resource,
			Namespace: e.ObjectRef.Namespace, Name: e.ObjectRef.Name, Status: e.ResponseStatus.Code, Path: e.RequestURI,
		})
	}
	return calls, read, nil
}
