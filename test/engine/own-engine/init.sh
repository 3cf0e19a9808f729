#!/bin/bash
# Process 1 of the namespaces in which a test's own engine runs. It sets them up, prints its number on the machine, and ends when
# its input does: at the test's end, and however the test died. Everything that runs here ends with it, and nothing stays.
#
#   unshare --mount --net --pid --ipc --fork bash init.sh FOLDER ROOT
#
# FOLDER is the new engine's, ROOT the data root of the machine's engine.
set -euo pipefail
folder=$1 root=$2 name=${1##*/}

# /proc is still the machine's.
read -r pid _ </proc/self/stat
mount -t proc proc /proc
# The sockets and pid files of the machine's engine, of its containerd and of systemd are not to be seen from here.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/first
mount --bind "$root" /run/first
mount -o remount,bind,ro /run/first
ip link set lo up
echo "$pid"

while read -r _; do :; done

# Nobody else is in here: kill(-1) reaches the processes of these namespaces only.
others() { set -- /proc/[0-9]*; [[ $# -gt 1 ]]; }
while others; do
  kill -KILL -1 2>/dev/null || true
  wait || true
done
while read -r _ point _; do
  if [[ $point == "$folder"/* ]]; then umount --lazy "$point" || true; fi
done < <(tac /proc/self/mounts)
umount --lazy /run/first || true
rm -rf "$folder"
find /sys/fs/cgroup -depth -type d -path "*/$name*" -exec rmdir {} + 2>/dev/null || true
