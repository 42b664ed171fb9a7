"""fake_listener - what fake scanners have in common: listening, TLS, and the ways in which a server can go wrong

A fake server derives from Listener and serves a connection in serve(stream); `stream.answer()` sends what says something
about an object, and this is where the fault strikes. Attributes may be changed while it runs.

    fault = None        as a server should
    'drop'              accept, and close at once
    'stall'             take the object, say nothing, keep the connection
    'cut'               the first `cut_at` bytes of the answer, then close
    'trickle'           every byte a write of its own
    'long'              an answer that never ends: LONG bytes without a line end
    'nul'               a NUL before the last three bytes of the answer
    'unknown'           an answer of the right form with words that nobody knows (each server has its own)
    'early'             answer when the head of the request is there, without having read the object
"""
import os
import socket
import ssl
import threading
import time

LONG = 1 << 20
STALL = 60
LINGER = 2
VIRUS = b'X5O!P%@AP[4\\PZX54(P^)7CC)7}$' + b'EICAR-STANDARD-' + b'ANTIVIRUS-TEST-FILE!$H+H*'
# what all fakes look for in an object; a mail may carry several
MARKERS = {
    'virus': VIRUS,
    'second': b'AVMILTER-SECOND-FINDING',
    'heuristic': b'AVMILTER-HEURISTIC',
    'adware': b'AVMILTER-ADWARE',
    'macro': b'AVMILTER-MACRO',
    'encrypted': b'AVMILTER-LOCKED',
    'limit': b'AVMILTER-CONTAINER',
    'corrupt': b'AVMILTER-CORRUPT',
    'skipped': b'AVMILTER-SKIPPED',
    'timeout': b'AVMILTER-TOO-SLOW',
    'error': b'AVMILTER-ENGINE-ERROR',
}


def marks(data):
    return {name for name, marker in MARKERS.items() if marker in data}


class Gone(Exception):
    """The connection is over, by our own doing or the client's."""


class Stream:
    """One connection: reads with an end, and answers that can go wrong."""

    def __init__(self, server, sock):
        self.server, self.sock, self.file = server, sock, sock.makefile('rb')

    def line(self, limit=65536):
        """A line without its end; Gone at the end of the connection."""
        line = self.file.readline(limit)
        if not line:
            raise Gone
        if not line.endswith(b'\n'):
            self.server.problems.append('a line without an end: %r' % line[:100])
            raise Gone
        return line.rstrip(b'\r\n').decode('latin-1') if line.endswith(b'\r\n') else line[:-1].decode('latin-1')

    def read(self, size):
        data = self.file.read(size)
        if len(data) != size:
            self.server.problems.append('%d bytes of an object of %d' % (len(data), size))
            raise Gone
        return data

    def say(self, data):
        """Anything that says nothing about an object: greeting, reply to a query."""
        data = data.encode('latin-1') if isinstance(data, str) else data
        step = 1 if self.server.fault == 'trickle' else len(data) or 1
        for i in range(0, len(data), step):
            self.sock.sendall(data[i:i + step])

    def answer(self, data):
        """What says something about an object."""
        data = data.encode('latin-1') if isinstance(data, str) else data
        fault = self.server.fault
        self.server.answers += 1
        if fault == 'stall':
            self.server.wait(STALL)
            raise Gone
        if fault == 'long':
            self.say(b'A' * LONG)
            raise Gone
        if fault == 'nul':
            data = data[:-3] + b'\0' + data[-3:]
        if fault == 'cut':
            self.say(data[:self.server.cut_at])
            raise Gone
        self.say(data)


class Listener:
    """On 127.0.0.1 and a port of the system's choice, or on a unix socket; tls = (certificate, key) files."""

    def __init__(self, path=None, tls=None):
        self.fault, self.cut_at = None, 0
        self.connections = 0            # that were accepted
        self.answers = 0                # about objects
        self.problems = []              # what a client did against the protocol
        self.path = path
        self.stopped = threading.Event()
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        if path:
            if os.path.exists(path):
                os.unlink(path)
            self.listener.bind(path)
            os.chmod(path, 0o666)
            self.port, self.address = None, 'unix:' + path
        else:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(('127.0.0.1', 0))
            self.port = self.listener.getsockname()[1]
            self.address = '127.0.0.1:%d' % self.port
        self.listener.listen(100)
        threading.Thread(target=self.accept, daemon=True).start()

    def wait(self, seconds):
        """Until the fault is taken away or the server stops, at most so long."""
        fault, end = self.fault, time.monotonic() + seconds
        while self.fault == fault and not self.stopped.is_set() and time.monotonic() < end:
            self.stopped.wait(0.02)

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.fault == 'drop':
                sock.close()
                continue
            threading.Thread(target=self.run, args=(sock,), daemon=True).start()

    def run(self, sock):
        stream = None
        try:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            stream = Stream(self, sock)
            self.serve(stream)
        except (OSError, Gone):
            pass
        except ValueError as e:
            self.problems.append(str(e))
        finally:
            if stream:
                self.linger(sock)
                stream.file.close()
            sock.close()

    @staticmethod
    def linger(sock):
        """A close over unread bytes would be a reset, and the last answer lost: take what still comes, for a moment."""
        try:
            sock.settimeout(LINGER)
            sock.shutdown(socket.SHUT_WR) if not isinstance(sock, ssl.SSLSocket) else sock.unwrap()
            while sock.recv(65536):
                pass
        except (OSError, ValueError):
            pass

    def serve(self, stream):
        raise NotImplementedError

    def stop(self):
        self.stopped.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()


class HttpRequest:
    """Read up to the empty line; the body is read by body(). Raises ValueError for what is no request."""

    def __init__(self, stream):
        self.stream = stream
        words = stream.line().split(' ')
        if len(words) != 3 or words[2] not in ('HTTP/1.0', 'HTTP/1.1'):
            raise ValueError('no request line: %r' % words)
        self.method, self.target, self.version = words
        self.path, _, self.query = self.target.partition('?')
        self.fields = {}
        while True:
            line = stream.line()
            if not line:
                break
            name, colon, value = line.partition(':')
            if not colon or not name or name != name.strip():
                raise ValueError('no header field: %r' % line)
            self.fields[name.lower()] = value.strip()

    def length(self):
        """The Content-Length, -1 without one."""
        text = self.fields.get('content-length', '-1')
        return int(text) if text.isdigit() else -1

    def body(self):
        if self.fields.get('expect', '').lower() == '100-continue':
            self.stream.say('%s 100 Continue\r\n\r\n' % self.version)
        return self.stream.read(max(self.length(), 0))


def http_answer(status, body, *fields, version='HTTP/1.1'):
    """Bytes of an answer with a body of known length."""
    body = body if isinstance(body, bytes) else body.encode()
    lines = ['%s %s' % (version, status), 'Content-Length: %d' % len(body)] + list(fields)
    return ''.join(line + '\r\n' for line in lines).encode() + b'\r\n' + body
