"""What a node talks to, run in a network namespace: a DNS server and a TLS API endpoint that knows nobody.

python peer.py ADDRESS CERTIFICATE_AND_KEY NAME ANSWER: answers A questions for NAME by ANSWER, others by NXDOMAIN; answers each request on
ADDRESS:443 as an API server answers a caller whom it cannot authenticate. Prints "ready" when both listen, and ends with its
standard input.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import sys
import threading
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


def answer(question: bytes, name: str, address: str) -> bytes:
    """Answer one DNS message (RFC 1035) with one question."""
    (identity,) = struct.unpack_from("!H", question)
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    kind = struct.unpack_from("!H", question, at + 1)[0]
    asked = question[12 : at + 5]
    known = ".".join(labels).lower() == name
    has_answer = known and kind == 1
    flags = 0x8580 | (0 if known else 3)
    head = struct.pack("!HHHHHH", identity, flags, 1, int(has_answer), 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(address) if has_answer else b""
    return head + asked + record


def serve_dns(listening: socket.socket, name: str, address: str) -> None:
    while True:
        question, peer = listening.recvfrom(4096)
        listening.sendto(answer(question, name, address), peer)


def main(address: str, certificate: str, name: str, dns_answer: str) -> None:
    dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dns.bind((address, 53))
    threading.Thread(target=serve_dns, args=(dns, name, dns_answer), daemon=True).start()
    server = QuietServer((address, 443), Unauthorized)
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
