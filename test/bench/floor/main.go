// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"metallb.io/metallb/test/bench/wire"
)

func main() {
	peer := flag.String("peer", "", "address and port of the BGP peer")
	asn := flag.Uint("asn", 64512, "ASN of both ends")
	workers := flag.Int("workers", 1, "services patched at the same time")
	tells := flag.Bool("tells", false, "write an event and a condition of each service too, as the product does")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, *peer, uint32(*asn), *workers, *tells); err != nil {
		log.Fatal(err) //nolint:gocritic // stop has nothing to do any more
	}
}

func run(ctx context.Context, peer string, asn uint32, workers int, tells bool) error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return fmt.Errorf("reading KUBECONFIG: %w", err)
	}
	config.QPS = -1
	config.DisableCompression = true // Its work is the least only without.
	pools, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	binary := rest.CopyConfig(config)
	binary.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(binary)
	if err != nil {
		return err
	}
	conn, err := connect(ctx, peer, asn)
	if err != nil {
		return err
	}
	defer conn.Close()
	announcer := newAnnouncer(client, conn, tells)
	if err := watch(ctx, client, pools, announcer); err != nil {
		return err
	}
	if err := conn.Write(wire.EndOfRIB()); err != nil {
		return err
	}
	go conn.KeepAlive(ctx.Done())
	for range workers {
		go announcer.work(ctx)
	}
	return drain(ctx, conn)
}

func connect(ctx context.Context, peer string, asn uint32) (*wire.Conn, error) {
	var dialer net.Dialer
	tcp, err := dialer.DialContext(ctx, "tcp4", peer)
	if err != nil {
		return nil, fmt.Errorf("connecting to the peer: %w", err)
	}
	conn := wire.NewConn(tcp)
	if err := conn.Establish(wire.Open{ASN: asn, ID: netip.MustParseAddr("192.0.2.1")}); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// drain reads what the peer sends until ctx is done or the session ends.
func drain(ctx context.Context, conn *wire.Conn) error {
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for {
		if _, _, err := conn.Read(); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("the session ended: %w", err)
		}
	}
}

// watch returns once everything that exists has gone to the announcer; what changes later goes there too, until ctx is done.
func watch(ctx context.Context, client kubernetes.Interface, pools dynamic.Interface, a *announcer) error {
	selected := informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("spec.type", string(corev1.ServiceTypeLoadBalancer)).String()
	})
	services := informers.NewSharedInformerFactoryWithOptions(client, 0, selected)
	slices := informers.NewSharedInformerFactory(client, 0)
	custom := dynamicinformer.NewDynamicSharedInformerFactory(pools, 0)
	pool := schema.GroupVersionResource{Group: "metallb.io", Version: "v1beta1", Resource: "ipaddresspools"}

	informed := []cache.InformerSynced{}
	for _, source := range []struct {
		informer cache.SharedIndexInformer
		set      func(any)
		deleted  func(any)
	}{
		{services.Core().V1().Services().Informer(), a.setService, a.deleteService},
		{slices.Discovery().V1().EndpointSlices().Informer(), a.setSlice, a.deleteSlice},
		{custom.ForResource(pool).Informer(), a.setPool, func(any) {}},
	} {
		registration, err := source.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    source.set,
			UpdateFunc: func(_, obj any) { source.set(obj) },
			DeleteFunc: source.deleted,
		})
		if err != nil {
			return err
		}
		informed = append(informed, registration.HasSynced)
	}
	services.Start(ctx.Done())
	slices.Start(ctx.Done())
	custom.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informed...) {
		return errors.New("stopped before the caches were filled")
	}
	return nil
}

// ready says whether any endpoint of the slice is.
func ready(slice *discoveryv1.EndpointSlice) bool {
	for _, e := range slice.Endpoints {
		if e.Conditions.Ready == nil || *e.Conditions.Ready {
			return true
		}
	}
	return false
}
