#!/bin/sh
# Runs in the initramfs when it gives up: prints what the agent recorded, like
# a section of the report, to the second serial port.
[ "$1" != prereqs ] || exit 0
{
    echo "@section record"
    cat /run/nvmeroot/boot.json
    echo
    echo "@section end"
} >/dev/ttyS1 2>/dev/null
