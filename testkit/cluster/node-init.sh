#!/bin/sh
# Process 1 of a node, in namespaces of its own (mount, UTS, IPC, pid) and the node's network namespace.
# When it dies, all of the node's processes die with it. Environment: see node.ts.
set -e

hostname "$NODE_NAME"
mount --make-rprivate /
mount -t proc proc /proc

# A fresh /sys shows this network namespace; the cgroup tree is carried over.
mkdir -p "$NODE_DIRECTORY/cgroup"
mount --rbind /sys/fs/cgroup "$NODE_DIRECTORY/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$NODE_DIRECTORY/cgroup" /sys/fs/cgroup
umount -l "$NODE_DIRECTORY/cgroup"

# /var and /run of its own, so that runtimes and kubelets of several nodes do not meet.
mount --bind "$NODE_DIRECTORY/var" /var
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns /run/lock
mount --make-rshared /

containerd --config "$NODE_DIRECTORY/containerd.toml" >"$NODE_DIRECTORY/containerd.log" 2>&1 &
until [ -S /run/containerd/containerd.sock ] && ctr version >/dev/null 2>&1; do sleep 0.05; done

# Images before the kubelet: it would otherwise ask a registry, and wait long before it asks again.
for image in $NODE_IMAGES; do
  [ -e "/var/lib/imported/$(basename "$image")" ] && continue
  ctr --namespace k8s.io image import "$image" >>"$NODE_DIRECTORY/import.log" 2>&1
  mkdir -p /var/lib/imported && : >"/var/lib/imported/$(basename "$image")"
done

"$KUBELET" --config "$NODE_DIRECTORY/kubelet.json" --kubeconfig "$KUBELET_KUBECONFIG" \
  --hostname-override "$NODE_NAME" --node-ip "$NODE_ADDRESSES" --root-dir /var/lib/kubelet \
  --cert-dir /var/lib/kubelet/pki >"$NODE_DIRECTORY/kubelet.log" 2>&1 &
"$KUBE_PROXY" --config "$NODE_DIRECTORY/kube-proxy.json" --hostname-override "$NODE_NAME" \
  >"$NODE_DIRECTORY/kube-proxy.log" 2>&1 &

# Waits for its own children and reaps what the dead leave to process 1.
wait
