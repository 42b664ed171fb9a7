"""fakes - what every fake scanner has in common: a listener, markers to find, and ways to misbehave

A fake is written from the description of its protocol and from nothing of our client. Its subclass implements
converse(link): link.line() and link.read() take from the client, link.say() talks, link.answer() gives the answer to an
object, whole and at once; all misbehaviour happens there.
"""
import os
import socket
import ssl
import threading
import time

from lib import mails

# what a scanner of ours looks for in the bytes, and what it means; a fake names it in its own protocol's words
MARKERS = {
    'found': mails.EICAR, 'second': b'AVMILTER-TEST-MARKER', 'adware': b'AVMILTER-ADWARE', 'heuristic': b'AVMILTER-HEURISTIC',
    'encrypted': b'AVMILTER-LOCKED', 'limit': b'AVMILTER-LIMIT', 'corrupt': b'AVMILTER-CORRUPT', 'error': b'AVMILTER-ERROR',
    'timeout': b'AVMILTER-TIMEOUT', 'macro': b'AVMILTER-MACRO', 'archive': b'AVMILTER-ARCHIVE',
}
STALL_MAX = 60          # seconds that a stalled answer holds its connection
DISCARD = 0.5


class Gone(Exception):
    """The client closed, or this server does."""


class Play:
    """How the answers to objects come out. Attributes may be changed while the server runs."""

    def __init__(self):
        self.verdict = None     # instead of looking at the bytes: a set of the words of MARKERS, or {'unknown'}, {'toolarge'}
        self.busy = False       # as the protocol says it
        self.license = True
        self.cut = None         # close behind that many bytes of an answer
        self.single = False     # one byte a packet
        self.stall = False      # never answer
        self.flood = 0          # bytes without a line end in place of an answer
        self.nul = None         # a NUL is put in front of that byte of the answer
        self.instead = None     # bytes in place of any answer
        self.early = False      # answer behind the first bytes of an object, then close
        self.early_reads = False  # and before the close, read what is still under way
        self.drop = False       # close after accept
        self.mute = False       # accept, and say nothing at all: no greeting


class Link:
    """One connection."""

    def __init__(self, server, sock):
        self.server, self.sock = server, sock
        self.stream = sock.makefile('rb')

    def line(self):
        """One line of the client without its end; it ends in LF or CRLF."""
        line = self.stream.readline(100000)
        if not line.endswith(b'\n'):
            if line:
                self.server.problems.append('a line without an end: %r' % line[:100])
            raise Gone()
        return line[:-1].removesuffix(b'\r').decode('latin-1')

    def read(self, size):
        data = self.stream.read(size)
        if len(data) < size:
            raise Gone()
        return data

    def discard(self):
        """Read until the client is quiet or gone, so that what was said last arrives."""
        self.sock.settimeout(DISCARD)
        while self.sock.recv(65536):
            pass

    def send(self, data):
        if not self.server.play.single:
            self.sock.sendall(data)
            return
        if self.sock.family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            self.sock.sendall(data[i:i + 1])

    def say(self, text):
        self.send(text.encode('latin-1') if isinstance(text, str) else text)

    def answer(self, text):
        """The whole answer to an object, as the play wants it."""
        play = self.server.play
        data = text.encode('latin-1') if isinstance(text, str) else text
        if play.stall:
            self.server.stopped.wait(STALL_MAX)
            raise Gone()
        if play.instead is not None:
            data = play.instead
        if play.flood:
            data = b'x' * play.flood
        if play.nul is not None:
            data = data[:play.nul] + b'\0' + data[play.nul:]
        if play.cut is not None:
            self.send(data[:play.cut])
            raise Gone()
        self.send(data)
        if play.flood:
            raise Gone()


class Fake:
    """On a unix socket, or on 127.0.0.1 with a port of the system's choice; with TLS when there is a certificate."""

    def __init__(self, path=None, cert=None, key=None):
        self.play = Play()
        self.objects = []       # (command, bytes) of each
        self.problems = []      # what a client did against the protocol
        self.connections = 0
        self.stopped = threading.Event()
        self.tls = None
        if cert:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(cert, key)
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        if path and os.path.exists(path):
            os.unlink(path)
        self.listener.bind(path or ('127.0.0.1', 0))
        if path:
            os.chmod(path, 0o666)
        self.listener.listen(100)
        self.port = None if path else self.listener.getsockname()[1]
        self.address = 'unix:' + path if path else '127.0.0.1:%d' % self.port
        threading.Thread(target=self.accept, daemon=True).start()

    def stop(self):
        """Close the door: who comes now is refused."""
        self.stopped.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while not self.stopped.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            if self.play.drop:
                return
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            link = Link(self, sock)
            if self.play.mute:
                self.stopped.wait(STALL_MAX)
            else:
                self.converse(link)
        except (OSError, Gone):
            pass
        finally:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def converse(self, link):
        raise NotImplementedError

    def judge(self, command, data):
        """The words of MARKERS that the object deserves."""
        self.objects.append((command, data))
        if self.play.verdict is not None:
            return set(self.play.verdict)
        return {word for word, marker in MARKERS.items() if marker in data}

    def upload(self, link, command, size):
        """The bytes of an object that is streamed; of an early answer only those that were waited for."""
        if not self.play.early:
            return link.read(size)
        return link.read(min(size, 64))

    def after_early(self, link, size):
        """Behind an early answer: take the rest or slam the door."""
        if self.play.early_reads:
            link.read(max(0, size - 64))
        else:
            time.sleep(0.05)
        raise Gone()

    @staticmethod
    def file(path):
        """The bytes of a local file, or None as for a scanner that may not open it."""
        try:
            with open(path, 'rb') as f:
                return f.read()
        except OSError:
            return None
