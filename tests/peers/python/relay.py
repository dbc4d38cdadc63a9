"""A TCP relay that counts: the only way to see from outside what was compressed, and whether a connection was lost."""

import socket
import threading


class Relay:
    """Hands every connection to its own port on to the port behind it."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._bytes_in = 0
        self._bytes_out = 0
        self.connections = 0
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def counted(self) -> tuple[int, int]:
        """Bytes towards the server behind, and from it, so far."""
        with self._lock:
            return self._bytes_in, self._bytes_out

    def _accept(self) -> None:
        while True:
            caller, _ = self._listener.accept()
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self._behind))
            for end in caller, server:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._carry, args=(caller, server, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, caller, False), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, inwards: bool) -> None:
        try:
            while data := source.recv(65536):
                with self._lock:
                    if inwards:
                        self._bytes_in += len(data)
                    else:
                        self._bytes_out += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            # One side is gone: so is the way to the other.
            for end in source, sink:
                end.close()
