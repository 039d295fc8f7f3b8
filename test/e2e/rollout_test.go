// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"net/netip"
	"testing"

	"metallb.io/metallb/test/playground"
	"metallb.io/metallb/test/traffic"
)

const (
	// connectionRate is how many connections per second the client opens to each of two services while something is rolled out.
	connectionRate = 150
	// connectionWorkers open them: so many may wait for an answer at the same time.
	connectionWorkers = 32
	// routeChanges is how often a rollout over three nodes changes the rack router's routes to a service: each path drains, goes and
	// comes back.
	routeChanges = 9
	// openConnections is how many connections to a service are open at the same time, if each takes 25 ms: a change may cut them all.
	openConnections = 4
)

// rolledOut is a deployment of one pod on each node. Each pod serves on for six seconds after it is told to end. Two services of one
// traffic policy each have all of them.
const rolledOut = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: rolled
spec:
  replicas: 3
  selector:
    matchLabels:
      app: rolled
  strategy:
    rollingUpdate:
      maxSurge: 0
      maxUnavailable: 1
  template:
    metadata:
      labels:
        app: rolled
    spec:
      terminationGracePeriodSeconds: 20
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                app: rolled
      containers:
      - name: nginx
        image: docker.io/library/nginx:1
        imagePullPolicy: IfNotPresent
        ports:
        - name: http
          containerPort: 80
        lifecycle:
          preStop:
            sleep:
              seconds: 6
        readinessProbe:
          httpGet:
            port: http
          periodSeconds: 1
        volumeMounts:
        - name: config
          mountPath: /etc/nginx/conf.d
      volumes:
      - name: config
        configMap:
          name: nginx
---
apiVersion: v1
kind: Service
metadata:
  name: rolled-local
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  selector:
    app: rolled
  ports:
  - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: rolled-cluster
spec:
  type: LoadBalancer
  selector:
    app: rolled
  ports:
  - port: 80
`

// rollouts are of what serves and of the controllers; those of the speakers are among the events of TestWhatIsLostWhenSomethingLeaves.
func rollouts(t *testing.T, p *playground.Playground) {
	t.Helper()
	apply(t, p, rolledOut)
	defer kubectl(t, p, "delete", "--wait=false", "deployment/rolled", "service/rolled-local", "service/rolled-cluster")
	kubectl(t, p, "rollout", "status", "deployment/rolled", "--timeout=2m")
	kubectl(t, p, "wait", "--for=condition=metallb.io/Announced", "service/rolled-local", "service/rolled-cluster", "--timeout=1m")
	for _, rollout := range []struct{ name, namespace, workload string }{
		{"of pods that serve on for a while", "default", "deployment/rolled"},
		{"of the controllers", "metallb-system", "deployment/controller"},
	} {
		t.Run(rollout.name, func(t *testing.T) {
			load := traffic.Load{Rate: connectionRate, Workers: connectionWorkers}
			local := startClient(t, netip.MustParseAddr(address(t, p, "rolled-local")), load)
			cluster := startClient(t, netip.MustParseAddr(address(t, p, "rolled-cluster")), load)
			kubectl(t, p, "-n", rollout.namespace, "rollout", "restart", rollout.workload)
			kubectl(t, p, "-n", rollout.namespace, "rollout", "status", rollout.workload, "--timeout=5m")
			for policy, stop := range map[string]func() traffic.Record{"Local": local, "Cluster": cluster} {
				t.Log("externalTrafficPolicy:", policy)
				intact(t, stop(), routeChanges*openConnections)
			}
		})
	}
}
