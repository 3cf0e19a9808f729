"""Connects to a test, tells its environment, and does what it is told: each line that comes is a line of Python."""

import json
import os
import socket
import sys

link = socket.socket(socket.AF_UNIX)  # open until the process ends
link.connect(sys.argv[1])
link.sendall(json.dumps({"pid": os.getpid(), "argv": sys.argv, "env": dict(os.environ)}).encode() + b"\n")
for line in link.makefile():
    exec(line)
