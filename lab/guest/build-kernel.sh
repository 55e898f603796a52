#!/bin/sh
# build-kernel.sh PACKAGE CONFIG OUT JOBS: unpacks Debian's linux-source package,
# configures it for User-mode Linux, and puts the program, its configuration and
# its modules into OUT. What make says goes to the standard output.
set -eu
package=$1 config=$2 out=$3 jobs=$4
mkdir "$out/work" "$out/work/build" "$out/work/source"
dpkg-deb --fsys-tarfile "$package" |
    tar -x -C "$out/work" --wildcards './usr/src/linux-source-*.tar.*'
tar -x -f "$out"/work/usr/src/linux-source-*.tar.* -C "$out/work/source" --strip-components=1
rm -r "$out/work/usr"
build=$out/work/build
cd "$out/work/source"
make -s ARCH=um O="$build" allnoconfig
scripts/kconfig/merge_config.sh -m -O "$build" "$build/.config" "$config"
make -s ARCH=um O="$build" olddefconfig
cp "$build/.config" "$out/config"
make ARCH=um O="$build" -j"$jobs" linux modules
make -s ARCH=um O="$build" INSTALL_MOD_PATH="$out/modules" INSTALL_MOD_STRIP=1 modules_install
rm -f "$out"/modules/lib/modules/*/build "$out"/modules/lib/modules/*/source
strip -g -o "$out/linux" "$build/linux"
cd "$out"
rm -r "$out/work"
