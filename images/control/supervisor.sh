#!/bin/sh
# The engine's socket belongs to root and a group whose number differs from host to host, so no number can stand in the
# Compose file. The supervisor's container starts as root with nothing but SETUID and SETGID, and becomes user 10001 in the
# socket's group here. (Node's own setgroups refuses where libuv is the distribution's.)
set -eu
socket=/var/run/docker.sock
if [ ! -S "$socket" ]; then
  echo "no engine's socket is mounted at $socket: set FTC_DOCKER_SOCKET to where it is on the host" >&2
  exit 1
fi
exec setpriv --reuid=10001 --regid=10001 --groups="$(stat -c %g "$socket")" --inh-caps=-all \
  node /opt/ftc/supervisor.js
