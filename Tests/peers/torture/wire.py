"""A TCP way that can be cut, refused, held or slowed, and that knows PostgreSQL's COMMIT when it sees one."""

import contextlib
import socket
import struct
import threading
import time

PIECE_BYTES = 1 << 16
SLOW_PIECE_BYTES = 700
SLOW_PAUSE_SECONDS = 0.01
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: closing sends RST."""
COMMIT = b"COMMIT\0"


class Wire:
    """Forwards connections of a free port to `target`, a port of this machine."""

    def __init__(self, target):
        self.target = target
        self.mode = "open"
        """Or refuse, hold, slow."""
        self.commits = None
        """What happens at a COMMIT: (before or after it reached the server, how many from now)."""
        self.strikes = 0
        self._lock = threading.Lock()
        self._pairs = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self):
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._reset(pair)

    def heal(self):
        """Connections that were held stay dead, as a half-open one does: they are cut, so that this ends."""
        was, self.mode, self.commits = self.mode, "open", None
        if was == "hold":
            self.cut()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "refuse":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            pair = (client, server)
            for end in pair:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.add(pair)
            threading.Thread(target=self._copy, args=(pair, client, server, True), daemon=True).start()
            threading.Thread(target=self._copy, args=(pair, server, client, False), daemon=True).start()

    def _reset(self, pair):
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _copy(self, pair, source, target, is_request):
        try:
            while piece := source.recv(PIECE_BYTES):
                while self.mode == "hold":
                    time.sleep(0.02)
                if is_request and COMMIT in piece and self._strikes():
                    if self.commits[0] == "after":
                        target.sendall(piece)
                        # The server has decided when it answers; nobody hears it.
                        self.commits = None
                        target.settimeout(2)
                        with contextlib.suppress(OSError):
                            target.recv(1, socket.MSG_PEEK)
                    self.commits = None
                    self.strikes += 1
                    break
                if self.mode == "slow":
                    for start in range(0, len(piece), SLOW_PIECE_BYTES):
                        target.sendall(piece[start:start + SLOW_PIECE_BYTES])
                        time.sleep(SLOW_PAUSE_SECONDS)
                else:
                    target.sendall(piece)
        except OSError:
            pass  # One side is gone, or both were cut.
        self._reset(pair)

    def _strikes(self):
        with self._lock:
            if not self.commits:
                return False
            when, count = self.commits
            self.commits = (when, count - 1)
            return count <= 1
