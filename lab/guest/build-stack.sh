#!/bin/sh
# build-stack.sh OUT MERGED CONTENT LINUX UNDER DRIVES: run by configure.sh; makes so many
# drives on which root stands as UNDER says, with the files of CONTENT. That needs a kernel
# with device mapper, arrays and btrfs: a machine does it (stack.sh) whose root is the
# merged tree.
set -eu
out=$1 merged=$2 content=$3 linux=$4 under=$5 drives=$6
set --
number=0
while [ $number -lt "$drives" ]; do
    truncate -s 1700M "$out/drive$number"
    set -- "$@" "ubd$number=$out/drive$number"
    number=$((number + 1))
done
cp "$out/stack.sh" "$merged/run/stack.sh"
cd "$out"
TMPDIR=$out "$linux" mem=512M umid=stack uml_dir=./ seccomp=auto "$@" \
    con=null ssl=null ssl0=fd:0,fd:1 console=ttyS0 panic=-1 lsm=capability \
    root=/dev/root rootfstype=hostfs rootflags="$merged" ro init=/run/stack.sh \
    lab.under="$under" lab.content="$content" >"$out/stack.log" 2>&1 || :
rm -rf "$merged/run/stack.sh" "$out/stack"
grep -q 'lab: stack is built' "$out/stack.log" || {
    tail -n 40 "$out/stack.log"
    exit 1
}
