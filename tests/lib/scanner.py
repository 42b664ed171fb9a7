"""avmilter-scanner without the front: worker/proto.h spoken by hand over a SOCK_SEQPACKET pair, mails, a small test runner"""
import base64
import contextlib
import fcntl
import hashlib
import io
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
import zipfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
SCANNER = os.path.join(os.environ.get('AVM_BUILD', os.path.join(TOP, 'build')), 'avmilter-scanner')
SANITIZED = bool(os.environ.get('AVM_SAN'))
# In two pieces: a scanner that guards the tree must not take this file away.
EICAR = rb'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-' + b'ANTIVIRUS-TEST-FILE!$H+H*'
RECEIVED = b'Received: from client by avmilter; Thu, 1 Jan 1970 00:00:00 +0000\r\n'

MAGIC, VERSION, MAX = 0x41564d53, 1, 32 * 1024
SETTINGS, LOADING, READY, FAILED, FORK, WORKER, EXIT, LOG = range(1, 9)
DECOMPOSE, SCAN, RELEASE, SELFTEST, OBJECT, FINDING, DONE, COVERED, HINTS = range(32, 41)
COVER = 1
UNKNOWN, S_FAILED, PARTIAL, COMPLETE = range(4)
NONE, MACRO, ENCRYPTED, SUSPICIOUS, BLOCKED, EVASION, INFECTED = range(7)
SPOOL, ARENA = 0, 1
F_ENGINE, F_REQUIRE, F_ENCRYPTED, F_MACROS = 1, 2, 8, 16
F_BROKEN, F_PHISHING, F_PUA, F_BYTECODE, F_HEURISTICS, F_MEDIA, F_FIRST, F_HUGE, F_PIN, F_ASK, F_SWEEP, F_CACHE, F_JIT, F_PARANOID, F_LF, F_LOGIC = (1 << n for n in range(5, 21))
FLAGS = F_ENGINE | F_ENCRYPTED | F_MACROS | F_PHISHING | F_HEURISTICS | F_PIN | F_CACHE | F_JIT | F_LOGIC


def reasons():
    """The words of reasons.def, in the order of enum reason."""
    with open(os.path.join(TOP, 'src/verdict/reasons.def')) as f:
        return [line.split('"')[1] for line in f if line.startswith('REASON(')]


REASONS = reasons()


def send(sock, op, body=b'', seq=0, fds=(), magic=MAGIC, version=VERSION):
    anc = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack('%di' % len(fds), *fds))] if fds else []
    sock.sendmsg([struct.pack('=IHHII', magic, version, op, seq, len(body)), body], anc)


def recv(sock, timeout=60):
    """(op, seq, body, fds), or None at the end."""
    sock.settimeout(timeout)
    try:
        data, anc, flags, _ = sock.recvmsg(MAX, socket.CMSG_SPACE(8))
    except ConnectionResetError:
        return None
    if not data:
        return None
    fds = []
    for level, kind, content in anc:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds += struct.unpack('%di' % (len(content) // 4), content)
    magic, version, op, seq, length = struct.unpack_from('=IHHII', data)
    assert magic == MAGIC and version == VERSION and length == len(data) - 16 and not flags, 'bad packet'
    return op, seq, data[16:], fds


def memfd(name, size, content=b'', seal=0):
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    if content:
        os.pwrite(fd, content, 0)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | seal)
    return fd


class Verdict:
    def __init__(self, state=UNKNOWN, partial='', failed='', why='', cpu=0, findings=(), died=False):
        self.state, self.partial, self.failed, self.why, self.cpu = state, partial, failed, why, cpu
        self.findings, self.died, self.known = list(findings), died, 0

    def names(self):
        return sorted(name for _, name, _ in self.findings)

    def kinds(self):
        return {kind for kind, _, _ in self.findings}

    def clean(self):
        return self.state == COMPLETE and not self.findings and not self.died

    def __repr__(self):
        return 'died' if self.died else '%s %s %s %r %s' % (
            ['unknown', 'failed', 'partial', 'complete'][self.state], self.partial, self.failed, self.why, self.findings)


class Worker:
    def __init__(self, zygote, number, pid, sock, pidfd):
        self.zygote, self.number, self.pid, self.sock, self.pidfd, self.seq = zygote, number, pid, sock, pidfd, 0
        self.tmpdir = os.path.join(zygote.folder(), 'w%d' % number)
        self.arena = -1

    def ask(self, op, body=b'', fds=()):
        self.seq += 1
        send(self.sock, op, body, self.seq, fds)
        return self.answer()

    def answer(self):
        objects, findings = [], []
        self.covered, self.hints = [], 0
        while True:
            got = recv(self.sock)
            if got is None:
                return objects, Verdict(died=True)
            op, seq, body, _ = got
            assert seq == self.seq, 'answer to another request'
            if op == OBJECT:
                oid, kind, store, count, offset, size = struct.unpack_from('=IIIIQQ', body)
                strings = body[32:].split(b'\0')
                assert strings.pop() == b'' and len(strings) == 2 + count, 'bad object'
                objects.append((oid, kind, store, offset, size, strings[0].decode(), strings[1].decode(), strings[2:]))
            elif op == COVERED:
                expect(len(body) and not findings, 'COVERED of nothing, or after a finding')
                self.covered += struct.unpack('=%dI' % (len(body) // 4), body)
            elif op == HINTS:
                self.hints, = struct.unpack('=Q', body)
            elif op == FINDING:
                kind, _ = struct.unpack_from('=II', body)
                name, where, rest = body[8:].split(b'\0')
                assert rest == b''
                findings.append((kind, name.decode(), where.decode()))
            else:
                assert op == DONE, 'unexpected op %d' % op
                state, partial, failed, known, cpu = struct.unpack_from('=IIIIQ', body)
                why = body[24:].split(b'\0')[0].decode()
                assert state != UNKNOWN
                v = Verdict(state, REASONS[partial], REASONS[failed], why, cpu, findings)
                v.known = known
                return objects, v

    def decompose(self, mail, mime=True, arena_size=None):
        mail = RECEIVED + mail
        size = len(mail) + 65536 if arena_size is None else arena_size
        message = memfd('message', len(mail), mail, fcntl.F_SEAL_WRITE)
        if self.arena >= 0:
            os.close(self.arena)
        self.arena, self.arena_size, self.sent = memfd('arena', size), size, False
        body = struct.pack('=QQII', len(mail), size, mime, 0)
        self.mail = mail
        self.objects, v = self.ask(DECOMPOSE, body, (message, self.arena))
        os.close(message)
        if not v.died:
            # The worker has let go of the arena: the last seal goes on.
            fcntl.fcntl(self.arena, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
        return v

    def bytes_of(self, o):
        return os.pread(self.arena, o[4], o[3]) if o[2] == ARENA else self.mail[o[3]:o[3] + o[4]]

    def scan(self, oid, flags=0):
        fds = ()
        if not self.sent:
            fds, self.sent = (self.arena,), True
        return self.ask(SCAN, struct.pack('=II', oid, flags), fds)[1]

    def message(self, mail, cover=False, **kw):
        """Decompose and scan everything, or all that the scan of the whole has not covered; one verdict for all."""
        total = self.decompose(mail, **kw)
        covered = set()
        for o in self.objects:
            if total.died:
                break
            if o[0] in covered:
                continue
            v = self.scan(o[0], COVER if cover and o[0] == 0 else 0)
            covered.update(self.covered)
            total.state = min(total.state, v.state)
            total.partial, total.failed, total.why = total.partial or v.partial, total.failed or v.failed, total.why or v.why
            total.findings += v.findings
            total.known += v.known
            total.died = v.died
        return total

    def whole(self, mail):
        """Only the whole message, nothing taken apart."""
        v = self.decompose(mail, mime=False)
        return v if v.died else self.scan(0)

    def selftest(self):
        return self.ask(SELFTEST)[1]

    def answer_gone(self):
        """True once the worker's end of the socket is closed."""
        try:
            return recv(self.sock, 0.05) is None
        except (socket.timeout, TimeoutError):
            return False

    def close(self):
        self.sock.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
        self.pidfd = -1


class Zygote:
    def __init__(self, database='', scratch='', flags=FLAGS, size=1 << 20, cumulative=4 << 20, files=100, time_ms=60000,
                 depth=10, header=256 * 1024, memory=0, ac=0, evasion=0, settings=None):
        self.scratch = scratch
        before = set(os.listdir(scratch)) if os.path.isdir(scratch) else set()
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        low = theirs.fileno()
        move = 'exec "$0" 3<&%d %d<&-' % (low, low) if low != 3 else 'exec "$0"'
        self.proc = subprocess.Popen(['/bin/bash', '-c', move, SCANNER], pass_fds=(low,), stdin=subprocess.DEVNULL)
        theirs.close()
        if settings is None:
            settings = struct.pack('=9QI1024s1024s4x', flags, size, cumulative, files, time_ms, depth, header, evasion, memory, ac,
                                   database.encode(), scratch.encode())
        self.logs, self.exits, self.ready, self.failed = [], {}, None, None
        send(self.sock, SETTINGS, settings, 7)
        while True:
            got = self.next()
            if got is None:
                break
            op, seq, body, _ = got
            if op == READY:
                gen, sigs, defs, when, box, version = struct.unpack('=32sQQqI64s4x', body)
                self.ready = dict(generation=gen.hex(), signatures=sigs, definitions=defs, time=when, sandbox=box,
                                  version=version.split(b'\0')[0].decode())
                break
            if op == FAILED:
                assert seq == 7 and body.endswith(b'\0')
                self.failed = body[:-1].decode()
                break
        new = [n for n in (os.listdir(scratch) if os.path.isdir(scratch) else []) if n not in before]
        self.name = new[0] if new else ''

    def folder(self):
        return os.path.join(self.scratch, self.name)

    def next(self, timeout=60, wanted=None):
        """The next packet that is not LOG, LOADING or EXIT; those are kept. None at the end, or when wanted has left."""
        while wanted is None or wanted not in self.exits:
            got = recv(self.sock, timeout)
            if got is None:
                return None
            if got[0] == LOG:
                self.logs.append(got[2][:-1].decode())
            elif got[0] == LOADING:
                self.loading = got[2][:-1].decode()
            elif got[0] == EXIT:
                number, pid, status, cpu, rss = struct.unpack('=Iii4xQQ', got[2])
                self.exits[number] = (pid, status, cpu, rss)
            else:
                return got

    def fork(self):
        send(self.sock, FORK, b'', 9)
        op, seq, body, fds = self.next()
        if op == FAILED:
            return body[:-1].decode()
        assert op == WORKER and seq == 9 and len(fds) == 2
        number, pid = struct.unpack('=Ii', body)
        return Worker(self, number, pid, socket.socket(fileno=fds[0]), fds[1])

    def wait_exit(self, number, seconds=10):
        end = time.monotonic() + seconds
        while number not in self.exits and time.monotonic() < end:
            try:
                self.next(max(0.01, end - time.monotonic()), number)
            except (socket.timeout, TimeoutError):
                break
        return self.exits.get(number)

    def close(self):
        self.sock.close()
        return self.proc.wait(30)


# Mails and containers.

TEXT = b'Content-Type: text/plain\r\n\r\nhello\r\n'


def plain(body):
    return b'From: a@example.org\r\nSubject: x\r\n\r\n' + body + b'\r\n'


def mixed(*parts, kind=b'mixed', boundary=b'=_b'):
    return (b'MIME-Version: 1.0\r\nContent-Type: multipart/' + kind + b'; boundary="' + boundary + b'"\r\n\r\n' +
            b''.join(b'--' + boundary + b'\r\n' + p + b'\r\n' for p in parts) + b'--' + boundary + b'--\r\n')


def attached(data, name=b'a.bin', kind=b'application/octet-stream'):
    return (b'Content-Type: ' + kind + b'; name="' + name + b'"\r\nContent-Transfer-Encoding: base64\r\n\r\n' +
            base64.encodebytes(data).replace(b'\n', b'\r\n'))


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', method) as z:
        for name, data in members:
            z.writestr(name, data)
    return out.getvalue()


def encrypted(z):
    """Set the encryption flag of the first member, in its header and in the directory."""
    b = bytearray(z)
    b[6] |= 1
    b[b.index(b'PK\1\2') + 8] |= 1
    return bytes(b)


def tarred(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as t:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


# Tests.

class Skip(Exception):
    pass


TESTS = []


def test(what):
    def note(fn):
        TESTS.append((what, fn))
        return fn
    return note


def expect(truth, *what):
    if not truth:
        raise AssertionError(' '.join(repr(w) for w in what))


class Place:
    """Folders of one test."""
    def __init__(self, top):
        self.top = tempfile.mkdtemp(dir=top)
        self.db, self.scratch = os.path.join(self.top, 'db'), os.path.join(self.top, 'scratch')
        os.mkdir(self.db)
        os.mkdir(self.scratch)
        self.write('eicar.hsb', '%s:%d:Eicar:73\n' % (hashlib.sha256(EICAR).hexdigest(), len(EICAR)))
        self.write('eicar.ndb', 'Eicar-Body:0:*:%s\n' % EICAR.hex())

    def write(self, name, text):
        with open(os.path.join(self.db, name), 'w') as f:
            f.write(text)

    @contextlib.contextmanager
    def zygote(self, **kw):
        kw.setdefault('database', self.db)
        kw.setdefault('scratch', self.scratch)
        z = Zygote(**kw)
        try:
            yield z
        finally:
            if z.close() not in (0, 66, 69, 73, 76, 78):
                raise AssertionError('the zygote ended with %d' % z.proc.returncode)

    @contextlib.contextmanager
    def worker(self, **kw):
        with self.zygote(**kw) as z:
            expect(z.ready, z.failed)
            w = z.fork()
            try:
                yield w
            finally:
                w.close()


def found(v, path=None):
    return v.state == COMPLETE and v.kinds() == {INFECTED} and 'Eicar.UNOFFICIAL' in v.names() and \
        (path is None or path in {where for _, _, where in v.findings})


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else ''
    tests = [t for t in TESTS if pattern in t[0]]
    top = tempfile.mkdtemp(prefix='avm-scanner-')
    print('1..%d' % len(tests), flush=True)
    failed = 0
    for n, (what, fn) in enumerate(tests, 1):
        began = time.monotonic()
        try:
            fn(Place(top))
            if time.monotonic() - began > 5:
                print('# %.1f s' % (time.monotonic() - began))
            print('ok %d - %s' % (n, what), flush=True)
        except Skip as e:
            print('ok %d - %s # SKIP %s' % (n, what, e), flush=True)
        except Exception:
            failed += 1
            print('not ok %d - %s' % (n, what))
            print(''.join('# ' + line + '\n' for line in traceback.format_exc().splitlines()[-12:]), end='', flush=True)
    shutil.rmtree(top, ignore_errors=True)
    return 1 if failed else 0
