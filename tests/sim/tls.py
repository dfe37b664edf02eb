"""A partner's server that speaks TLS."""

import socket
import ssl
import subprocess
import threading

DEADLINE = 30


class TlsServer:
    """A partner's server with a certificate that it signed itself; tells what came through the handshake."""

    def __init__(self, directory, address="127.0.0.1", expired=False):
        self.certificate = directory / "certificate.pem"
        key = directory / "key.pem"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        command += ["-subj", f"/CN={address}", "-addext", f"subjectAltName=IP:{address}", "-keyout", key, "-out", self.certificate]
        subprocess.run(command, check=True, capture_output=True)
        if expired:
            again = ["openssl", "x509", "-in", self.certificate, "-signkey", key, "-days", "-1", "-out", self.certificate]
            subprocess.run(again, check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}/ocpi/versions"
        self.requests, self.attempts = [], 0
        self.answer = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.attempts += 1
            client.settimeout(DEADLINE)
            try:
                with self.context.wrap_socket(client, server_side=True) as stream:
                    self.requests.append(stream.recv(4096))
                    stream.sendall(self.answer)
            except OSError:
                pass

    def close(self):
        self.listener.close()
