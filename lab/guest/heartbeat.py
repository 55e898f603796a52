#!/usr/bin/python3
"""Reads and writes the file system at argv[1] twice a second, past the page
cache, and keeps the number of beats, the errors and the rounds that took
longer than a second in /run/lab/heartbeat.json."""
import json
import mmap
import os
import sys
import time

base = sys.argv[1]
state = "/run/lab/heartbeat.json"
buffer = mmap.mmap(-1, 4096)
beats, errors, longest, stalls = 0, [], 0.0, []


def beat():
    fd = os.open(base + "/.lab-read", os.O_RDONLY | os.O_DIRECT)
    try:
        os.preadv(fd, [buffer], 0)
    finally:
        os.close(fd)
    fd = os.open(base + "/.lab-beat", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(fd, str(beats).encode(), 0)
        os.fsync(fd)
    finally:
        os.close(fd)


os.makedirs("/run/lab", exist_ok=True)
with open(base + "/.lab-read", "wb") as f:
    f.write(b"x" * 4096)
    f.flush()
    os.fsync(f.fileno())
while True:
    began = time.monotonic()
    try:
        beat()
        beats += 1
    except OSError as e:
        errors.append("%.2f %s" % (began, e))
    ended = time.monotonic()
    longest = max(longest, ended - began)
    if ended - began > 1:
        stalls.append((began, ended - began))
    with open(state + ".new", "w") as f:
        json.dump({"beats": beats, "errors": errors[:20], "longest_stall": longest,
                   "stalls": stalls[-100:], "last": ended}, f)
    os.rename(state + ".new", state)
    time.sleep(0.5)
