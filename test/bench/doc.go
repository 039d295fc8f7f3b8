// SPDX-License-Identifier: Apache-2.0

// Command bench measures how the controller and the speaker behave with hundreds to thousands of services: on a real
// etcd and kube-apiserver, with the real binaries and a BGP peer that counts. The same is asked of a floor, a program that
// does the least that could do the job, so that the figures say something on any machine. What routes cost that several peers are
// told of is measured without etcd and kube-apiserver, with the speaker's sessions in a program of their own.
package main
