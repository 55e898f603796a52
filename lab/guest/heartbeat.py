#!/usr/bin/python3
"""Reads and writes the file system at argv[1] twice a second, past the page
cache, and keeps the number of beats, the errors and the rounds that took
longer than a second in /run/lab/heartbeat.json."""
import json
import mmap
import os
import sys
import threading
import time

base = sys.argv[1]
state = "/run/lab/heartbeat.json"
buffer = mmap.mmap(-1, 4096)
beats, errors, longest, stalls = 0, [], 0.0, []
TICK = 0.2
late = 0.0


def tick():
    """Adds up how much longer a sleep takes than it should: the time in which
    the machine itself stood still."""
    global late
    while True:
        began = time.monotonic()
        time.sleep(TICK)
        over = time.monotonic() - began - TICK
        if over > TICK:
            late += over


def timeouts():
    """How often TCP waited for an acknowledgement in vain (TCPTimeouts,
    /proc/net/netstat)."""
    with open("/proc/net/netstat") as f:
        names, values = [line.split() for line in f if line.startswith("TcpExt:")]
    return int(values[names.index("TCPTimeouts")])


def beat():
    """When the read, the write and the flush ended."""
    fd = os.open(base + "/.lab-read", os.O_RDONLY | os.O_DIRECT)
    try:
        os.preadv(fd, [buffer], 0)
    finally:
        os.close(fd)
    read = time.monotonic()
    fd = os.open(base + "/.lab-beat", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(fd, str(beats).encode(), 0)
        written = time.monotonic()
        os.fsync(fd)
    finally:
        os.close(fd)
    return read, written, time.monotonic()


os.makedirs("/run/lab", exist_ok=True)
with open(base + "/.lab-read", "wb") as f:
    f.write(b"x" * 4096)
    f.flush()
    os.fsync(f.fileno())
threading.Thread(target=tick, daemon=True).start()
while True:
    began = time.monotonic()
    late_before, timeouts_before = late, timeouts()
    parts = None
    try:
        parts = beat()
        beats += 1
    except OSError as e:
        errors.append("%.2f %s" % (began, e))
    ended = time.monotonic()
    longest = max(longest, ended - began)
    if ended - began > 1:
        read, written, flushed = parts or (ended, ended, ended)
        # The tick that the end falls into counts too.
        time.sleep(2 * TICK)
        stalls.append({
            "at": began, "took": ended - began,
            "read": read - began, "write": written - read, "flush": flushed - written,
            "stood": min(late - late_before, ended - began),
            "timeouts": timeouts() - timeouts_before,
        })
    with open(state + ".new", "w") as f:
        json.dump({"beats": beats, "errors": errors[:20], "longest_stall": longest,
                   "stalls": stalls[-100:], "last": ended}, f)
    os.rename(state + ".new", state)
    time.sleep(0.5)
