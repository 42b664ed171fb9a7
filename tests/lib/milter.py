"""milter - the MTA's side of the milter protocol, raw: every packet can be sent, broken, cut or left out

A packet is a length (32 bits, of what follows), a command byte and its data. Names of the constants are those of
libmilter's mfdef.h without the prefix.
"""
import select
import socket
import struct
import time

VERSION = 6
ALL_ACTIONS = 0x1ff
ALL_STEPS = 0x1fffff
NO_REPLY = {'C': 0x1000, 'H': 0x2000, 'M': 0x4000, 'R': 0x8000, 'T': 0x10000, 'U': 0x20000, 'N': 0x40000, 'B': 0x80000,
            'L': 0x80}
HDR_LEADSPC = 0x100000
ACCEPT, CONTINUE, DISCARD, REJECT, TEMPFAIL, REPLYCODE, PROGRESS, SKIP = 'acdrtyps'
ADDHEADER, INSHEADER, CHGHEADER, QUARANTINE, REPLBODY, ADDRCPT, DELRCPT, CHGFROM = 'himqb+-e'
FINAL = ACCEPT + CONTINUE + DISCARD + REJECT + TEMPFAIL + REPLYCODE
CHUNK = 65535


class Closed(Exception):
    """The milter closed the connection."""


class Answer:
    """What came for one end of message."""

    def __init__(self):
        self.code = ''          # one letter of FINAL
        self.reply = ''         # SMTP text when code is REPLYCODE
        self.edits = []         # (letter, data)
        self.progress = 0
        self.seconds = 0.0

    def smtp(self):
        """The SMTP class that the MTA would answer: 2, 4 or 5."""
        if self.code == REPLYCODE:
            return int(self.reply[0])
        return {ACCEPT: 2, CONTINUE: 2, DISCARD: 2, REJECT: 5, TEMPFAIL: 4}[self.code]

    def inserted(self):
        """name -> [values] of the header fields that were inserted or added."""
        out = {}
        for letter, data in self.edits:
            if letter in (INSHEADER, ADDHEADER):
                name, value = (data[4:] if letter == INSHEADER else data).split(b'\0')[:2]
                out.setdefault(name.decode(), []).append(value.decode('utf-8', 'replace').strip())
        return out

    def __repr__(self):
        return '<Answer %s %s edits=%s>' % (self.code, self.reply, self.edits)


class Milter:
    """One connection. address: a path or a (host, port) pair."""

    def __init__(self, address, timeout=60, negotiate=True, **kw):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        self.steps = self.actions = 0
        self.queue_id = None
        if negotiate:
            self.optneg(**kw)

    def close(self):
        self.sock.close()

    def fileno(self):
        return self.sock.fileno()

    # packets

    def raw(self, data):
        self.sock.sendall(data)

    def send(self, command, data=b''):
        self.raw(packet(command, data))

    def recv(self):
        """(command letter, data)"""
        size, = struct.unpack('>I', self.exactly(4))
        if not 0 < size < 1 << 20:
            raise AssertionError('packet of %d bytes from the milter' % size)
        data = self.exactly(size)
        return chr(data[0]), data[1:]

    def exactly(self, n):
        data = b''
        while len(data) < n:
            try:
                more = self.sock.recv(n - len(data))
            except (ConnectionResetError, BrokenPipeError):
                more = b''
            if not more:
                raise Closed('closed by the milter after %d of %d bytes' % (len(data), n))
            data += more
        return data

    def quiet(self, seconds=0.05):
        """True when nothing came in that time."""
        return not select.select([self.sock], [], [], seconds)[0]

    def closed(self, seconds=10):
        """True when the milter closes the connection in that time, whatever it still says."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.sock], [], [], 0.1)[0]:
                try:
                    if not self.sock.recv(65536):
                        return True
                except OSError:
                    return True
        return False

    # the protocol

    def optneg(self, version=VERSION, actions=ALL_ACTIONS, steps=ALL_STEPS):
        self.send('O', struct.pack('>III', version, actions, steps))
        letter, data = self.recv()
        if letter != 'O':
            raise AssertionError('answer to OPTNEG: %r' % letter)
        self.version, self.actions, self.steps = struct.unpack('>III', data[:12])
        self.symbols = data[12:]

    def step(self, command, data=b''):
        """One command; its reply letter, or None where none was negotiated."""
        self.send(command, data)
        if command in 'DAQK' or self.steps & NO_REPLY.get(command, 0):
            return None
        return self.recv()[0]

    def macros(self, command, **values):
        """Single letters as they are, longer names in braces."""
        data = b''.join(b'%s\0%s\0' % ((k if len(k) == 1 else '{%s}' % k).encode(), str(v).encode())
                        for k, v in values.items())
        self.send('D', command.encode() + data)

    def connect(self, host='client.test', address='192.0.2.7', port=4711):
        self.macros('C', j='mx.test', daemon_name='test')
        family = b'6' if ':' in address else b'4'
        return self.step('C', host.encode() + b'\0' + family + struct.pack('>H', port) + address.encode() + b'\0')

    def helo(self, name='client.test'):
        return self.step('H', name.encode() + b'\0')

    def mail(self, sender='<a@src.test>', *args, **macros):
        if macros:
            self.macros('M', **macros)
        return self.step('M', strings(sender, *args))

    def rcpt(self, rcpt='<u@local.test>', *args):
        return self.step('R', strings(rcpt, *args))

    def data(self, queue_id=None):
        if queue_id:
            self.queue_id = queue_id
            self.macros('T', i=queue_id)
        return self.step('T')

    def header(self, name, value):
        name, value = [x if isinstance(x, bytes) else x.encode() for x in (name, value)]
        return self.step('L', name + b'\0' + value + b'\0')

    def eoh(self):
        return self.step('N')

    def body(self, data, chunk=CHUNK):
        """In chunks; the last reply letter."""
        reply = None
        for at in range(0, len(data), chunk):
            reply = self.step('B', data[at:at + chunk])
        return reply

    def eom(self, data=b''):
        """The end of the message and everything that is answered to it."""
        start = time.monotonic()
        if self.queue_id:
            self.macros('E', i=self.queue_id)
        self.send('E', data)
        return self.answer(start)

    def answer(self, start=None):
        answer = Answer()
        start = start or time.monotonic()
        while True:
            letter, data = self.recv()
            if letter == PROGRESS:
                answer.progress += 1
            elif letter in FINAL:
                answer.code = letter
                answer.reply = data.rstrip(b'\0').decode('utf-8', 'replace')
                answer.seconds = time.monotonic() - start
                return answer
            else:
                answer.edits.append((letter, data))

    def abort(self):
        self.send('A')

    def quit(self):
        self.send('Q')
        self.close()

    def quit_nc(self):
        self.send('K')

    def message(self, message, sender='<a@src.test>', rcpts=('<u@local.test>',), queue_id=None, chunk=CHUNK):
        """A whole message (bytes with CRLF) from MAIL to the answer."""
        self.mail(sender)
        for r in rcpts:
            self.rcpt(r)
        self.data(queue_id)
        head, body = split(message)
        for name, value in head:
            self.header(name, value)
        self.eoh()
        self.body(body, chunk)
        return self.eom()


def packet(command, data=b''):
    return struct.pack('>I', 1 + len(data)) + command.encode('latin-1') + data


def strings(*texts):
    return b''.join((t if isinstance(t, bytes) else t.encode()) + b'\0' for t in texts)


def split(message):
    """([(name, value)], body) as an MTA hands them over: folds as LF, the blank after the colon kept (HDR_LEADSPC)."""
    head, _, body = message.partition(b'\r\n\r\n') if not message.startswith(b'\r\n') else (b'', b'', message[2:])
    fields = []
    for line in head.split(b'\r\n'):
        if line[:1] in (b' ', b'\t') and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b'\n' + line)
        elif b':' in line:
            name, _, value = line.partition(b':')
            fields.append((name, value))
    return fields, body


def talk(address, message, queue_id='T1', connect=None, **kw):
    """One message on a connection of its own: connect, helo, message, quit."""
    m = Milter(address)
    m.connect(**(connect or {}))
    m.helo()
    answer = m.message(message, queue_id=queue_id, **kw)
    m.quit()
    return answer
