#!/bin/sh
# configure.sh LOWER UPPER WORK MERGED PROGRAM [ARG...]: runs PROGRAM with the
# merged tree mounted. Runs in a mount namespace of its own: its mounts end
# with it, whatever happens.
set -eu
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$3" "$4"
shift 4
exec "$@"
