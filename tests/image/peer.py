"""What a node talks to, run in a network namespace: a DNS server and a TLS API endpoint that knows nobody.

python peer.py API_ADDRESS DNS_ADDRESS CERTIFICATE_AND_KEY NAME=ANSWER...: answers A questions for each NAME by its ANSWER and others by
NXDOMAIN, at both addresses; answers each request on API_ADDRESS:443 as an API server answers a caller whom it cannot authenticate. Prints
"ready" when all listen, and ends with its standard input.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# kube-apiserver 1.36 (transcripts/auth): the members and their order
UNAUTHORIZED = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "Unauthorized",
    "reason": "Unauthorized",
    "code": 401,
}


class Unauthorized(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(UNAUTHORIZED, indent=2).encode()
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A scan connects and says nothing: no failure here."""


def answer(question: bytes, names: Mapping[str, str]) -> bytes:
    """Answer one DNS message (RFC 1035) with one question."""
    (identity,) = struct.unpack_from("!H", question)
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    kind = struct.unpack_from("!H", question, at + 1)[0]
    asked = question[12 : at + 5]
    address = names.get(".".join(labels).lower())
    flags = 0x8580 | (3 if address is None else 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(address) if address is not None and kind == 1 else b""
    head = struct.pack("!HHHHHH", identity, flags, 1, int(bool(record)), 0, 0)
    return head + asked + record


def serve_dns(listening: socket.socket, names: Mapping[str, str]) -> None:
    while True:
        question, peer = listening.recvfrom(4096)
        listening.sendto(answer(question, names), peer)


def main(api_address: str, dns_address: str, certificate: str, *names: str) -> None:
    answers = dict(name.split("=") for name in names)
    for address in (api_address, dns_address):
        dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        dns.bind((address, 53))
        threading.Thread(target=serve_dns, args=(dns, answers), daemon=True).start()
    server = QuietServer((api_address, 443), Unauthorized)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    # the handshake belongs into the connection's own thread: a client that connects only must not hold up others
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
