// SPDX-License-Identifier: Apache-2.0

// Package node announces the services of one node: it watches the API and keeps the node's BGP sessions, and what is
// announced on them, as the API says.
//
// Two reconcilers share one Speaker. The configuration reconciler (rare) compiles everything that is not a service into
// a policy, recomputes the services which that concerns, and configures the sessions. The service reconciler (often)
// recomputes one service. Nothing is announced before the first policy: then all services are computed once and only then
// does the first session start, with everything it is to announce. A session that is new or restarted later gets its
// complete table as well. The speaker is ready once its sessions are up, or have had some seconds for it, so that a rolling
// update does not take the next node's routes away before this one's are there.
//
// Neither waits for sessions: what they compute is in the table that sessions follow, see package rib, and what is reported of a service waits for
// the sessions by itself.
//
// The configuration is the one in use: the ActiveConfigurations, and of the objects as written those that have none. So what a
// speaker announces does not depend on when it started. Passwords are the one exception; see package policy.
//
// The caches hold what matters and no more, see CacheOptions, and a change that leaves what they hold as it was, such as
// that of a status, causes no work.
package node
