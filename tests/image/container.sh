#!/bin/bash
# Make the container of a tools shell out of an unpacked root, as a container runtime does, and run a command in it.
#
# Starts in namespaces of its own (mount, uts, and pid unless the node's processes are to be seen) and in the node's network. Arguments: the
# unpacked root (stays as it is: an overlay takes the writes), an empty folder, the capabilities as setpriv takes them (",+net_admin,+net_raw"
# or ""), the user, the node's root or "", "ro" or "rw" for it, "trace" for what the trace profile mounts, then the command.
set -euo pipefail
root=$1 work=$2 capabilities=$3 user=$4 host=$5 host_mode=$6 mounts=$7
shift 7

mount -t tmpfs container "$work"
mkdir "$work"/{upper,overlay,merged}
mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/overlay" "$work/merged"
cd "$work/merged"
mount -t tmpfs -o mode=755 dev dev
mkdir dev/{pts,shm}
touch dev/{null,zero,full,random,urandom,tty}
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
here=$PWD
# one process for all of them: it takes a third of the time
{
  echo "proc $here/proc proc defaults"
  echo "$here/proc/sys $here/proc/sys none bind,ro"
  echo "sysfs $here/sys sysfs ro"
  if [ "$mounts" = trace ]; then
    echo "tracefs $here/sys/kernel/tracing tracefs defaults"
    echo "bpf $here/sys/fs/bpf bpf defaults"
  fi
  for device in null zero full random urandom tty; do
    echo "/dev/$device $here/dev/$device none bind"
  done
  echo "devpts $here/dev/pts devpts newinstance,ptmxmode=0666,mode=620"
  echo "shm $here/dev/shm tmpfs defaults"
} >"$work/fstab"
mount --all --fstab "$work/fstab"
printf '%s' "$RESOLV_CONF" >etc/resolv.conf
printf '127.0.0.1 localhost\n' >etc/hosts
unset RESOLV_CONF
hostname "$NODE_NAME"
if [ -n "$host" ]; then
  mkdir host
  mount --rbind "$host" host
  # a node's /proc is below its root; of it the kernel's parameters matter here
  mount -t proc proc host/proc
  if [ "$host_mode" = ro ]; then
    mount -o remount,bind,ro host
    mount -o remount,bind,ro host/proc
  fi
fi
pivot_root . .
umount -l .
if [ "$user" = 0 ]; then
  exec setpriv --bounding-set="-all$capabilities" --inh-caps=-all --ambient-caps=-all -- "$@"
fi
exec setpriv --reuid="$user" --regid="$user" --clear-groups --bounding-set="-all$capabilities" --inh-caps=-all --ambient-caps=-all --no-new-privs -- "$@"
