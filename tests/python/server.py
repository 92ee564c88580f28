"""`chronos serve` as a process of the test."""

import re
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass

PATIENCE = 30  # seconds for what takes a fraction of one


@dataclass
class Server:
    url: str
    process: subprocess.Popen


@contextmanager
def serving(program, data):
    """Yields the Server once it listens; demands that SIGTERM ends it in order."""
    command = [program, "serve", "--data", data, "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        watch = threading.Timer(PATIENCE, process.kill)
        watch.start()
        said = []
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        else:
            raise AssertionError(f"chronos serve did not say where it listens: {''.join(said)}")
        watch.cancel()
        # Nobody reads what it logs: it must not wait for that.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield Server(found[0], process)
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        watch.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
