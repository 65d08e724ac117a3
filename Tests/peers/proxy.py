"""A CONNECT proxy that sends every host to one local TLS port, so that unmodified clients that know only Salesforce's own
hosts (login.salesforce.com, …) reach a sandbox. Nothing is decrypted: the client must trust the sandbox's authority."""

import contextlib
import os
import socket
import threading

BUFFER_BYTES = 1 << 16
HEAD_BYTES_MAX = 1 << 14


class Proxy:
    """`with Proxy(port) as proxy:` runs it; `proxy.hosts` is what clients asked for."""

    def __init__(self, target_port, target_host="127.0.0.1"):
        self.target = (target_host, target_port)
        self.hosts = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def variables(self, ca_file):
        """What a client's environment needs: the way, and whom to trust."""
        return {
            "HTTPS_PROXY": self.url, "https_proxy": self.url, "HTTP_PROXY": "", "http_proxy": "", "ALL_PROXY": "",
            "all_proxy": "", "NO_PROXY": "", "no_proxy": "", "REQUESTS_CA_BUNDLE": ca_file, "CURL_CA_BUNDLE": ca_file,
            "SSL_CERT_FILE": ca_file,
        }

    @contextlib.contextmanager
    def environment(self, ca_file):
        """The variables for this process, for the time of a block."""
        variables = self.variables(ca_file)
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        for name in [name for name, value in variables.items() if not value]:
            del os.environ[name]
        try:
            yield self
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(BUFFER_BYTES)
                if not piece or len(head) > HEAD_BYTES_MAX:
                    return
                head += piece
            head, _, rest = head.partition(b"\r\n\r\n")
            method, host, _ = head.split(b"\r\n")[0].decode("ascii", "replace").split(" ", 2)
            if method != "CONNECT":
                client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                return
            self.hosts.append(host)
            with socket.create_connection(self.target) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                if rest:
                    server.sendall(rest)
                back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
                back.start()
                self._copy(client, server)
                back.join()

    @staticmethod
    def _copy(source, target):
        try:
            while piece := source.recv(BUFFER_BYTES):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            # One side is gone: the other need not wait.
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
