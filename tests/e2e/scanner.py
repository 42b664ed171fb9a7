#!/usr/bin/python3
"""avmilter-scanner, driven without the front: a SOCK_SEQPACKET pair, worker/proto.h by hand.

Proves readiness, verdicts, every trap in which libclamav says "clean" without having looked, deaths, broken
settings and databases, and that nothing is left behind.
"""
import base64, bz2, contextlib, fcntl, gzip, hashlib, io, lzma, os, random, shutil, signal, socket, struct, subprocess
import sys, tarfile, tempfile, time, traceback, zipfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCANNER = os.environ.get('AVM_SCANNER', os.path.join(TOP, os.environ.get('BUILD', 'build'), 'avmilter-scanner'))
SANITIZED = 'san-' in SCANNER
# In two pieces: a scanner that guards the tree must not take this file away.
EICAR = rb'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-' + b'ANTIVIRUS-TEST-FILE!$H+H*'
RECEIVED = b'Received: from client by avmilter; Thu, 1 Jan 1970 00:00:00 +0000\r\n'

MAGIC, VERSION, MAX = 0x41564d53, 1, 32 * 1024
SETTINGS, LOADING, READY, FAILED, FORK, WORKER, EXIT, LOG = range(1, 9)
DECOMPOSE, SCAN, RELEASE, SELFTEST, OBJECT, FINDING, DONE = range(32, 39)
UNKNOWN, S_FAILED, PARTIAL, COMPLETE = range(4)
NONE, MACRO, ENCRYPTED, SUSPICIOUS, BLOCKED, EVASION, INFECTED = range(7)
SPOOL, ARENA = 0, 1
F_ENGINE, F_REQUIRE, F_ENCRYPTED, F_MACROS = 1, 2, 8, 16
F_BROKEN, F_PHISHING, F_PUA, F_BYTECODE, F_HEURISTICS, F_MEDIA, F_FIRST, F_HUGE, F_PIN = (1 << n for n in range(5, 14))
FLAGS = F_ENGINE | F_ENCRYPTED | F_MACROS | F_PHISHING | F_HEURISTICS | F_PIN


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
        self.findings, self.died = list(findings), died

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
            elif op == FINDING:
                kind, _ = struct.unpack_from('=II', body)
                name, where, rest = body[8:].split(b'\0')
                assert rest == b''
                findings.append((kind, name.decode(), where.decode()))
            else:
                assert op == DONE, 'unexpected op %d' % op
                state, partial, failed, _, cpu = struct.unpack_from('=IIIIQ', body)
                why = body[24:].split(b'\0')[0].decode()
                assert state != UNKNOWN
                return objects, Verdict(state, REASONS[partial], REASONS[failed], why, cpu, findings)

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

    def scan(self, oid):
        fds = ()
        if not self.sent:
            fds, self.sent = (self.arena,), True
        return self.ask(SCAN, struct.pack('=II', oid, 0), fds)[1]

    def message(self, mail, **kw):
        """Decompose and scan everything; one verdict for all."""
        total = self.decompose(mail, **kw)
        for o in self.objects:
            if total.died:
                break
            v = self.scan(o[0])
            total.state = min(total.state, v.state)
            total.partial, total.failed, total.why = total.partial or v.partial, total.failed or v.failed, total.why or v.why
            total.findings += v.findings
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
                 depth=10, header=256 * 1024, memory=0, ac=0, settings=None):
        self.scratch = scratch
        before = set(os.listdir(scratch)) if os.path.isdir(scratch) else set()
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        low = theirs.fileno()
        move = 'exec "$0" 3<&%d %d<&-' % (low, low) if low != 3 else 'exec "$0"'
        self.proc = subprocess.Popen(['/bin/bash', '-c', move, SCANNER], pass_fds=(low,), stdin=subprocess.DEVNULL)
        theirs.close()
        if settings is None:
            settings = struct.pack('=8QI1024s1024s4x', flags, size, cumulative, files, time_ms, depth, header, memory, ac,
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


@test('by hand it refuses with a clear text and exit code 64')
def by_hand(p):
    r = subprocess.run([SCANNER], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    expect(r.returncode == 64 and 'started by avmilter, never by hand' in r.stderr, r)


@test('READY tells generation, signatures, definitions, sandbox and version')
def ready(p):
    with p.zygote() as z:
        r = z.ready
        expect(z.loading == 'loading ' + p.db, z.loading)
        version = r['version'].split(' ')[1]
        h = hashlib.sha256(version.encode() + b'\0')
        for name in sorted(os.listdir(p.db)):
            content = open(os.path.join(p.db, name), 'rb').read()
            h.update(name.encode() + b'\0' + struct.pack('=Q', len(content)) + hashlib.sha256(content).digest())
        expect(r['generation'] == h.hexdigest(), r)
        expect(r['signatures'] == 2 and r['definitions'] == 0 and r['version'].startswith('ClamAV 1.'), r)
        expect(abs(r['time'] - time.time()) < 600 and r['sandbox'] & 5 == 5, r)


@test('a changed private signature file is another generation')
def generations(p):
    ids = set()
    for text in None, 'Nothing-Else\n', 'Nothing-More\n':
        if text:
            p.write('local.ign2', text)
        with p.zygote() as z:
            ids.add(z.ready['generation'])
    os.rename(os.path.join(p.db, 'local.ign2'), os.path.join(p.db, 'other.ign2'))
    with p.zygote() as z:
        ids.add(z.ready['generation'])
    expect(len(ids) == 4, ids)


@test('self-test: complete; several times')
def selftest(p):
    with p.worker() as w:
        for _ in range(3):
            v = w.selftest()
            expect(v.clean(), v)


@test('clean: text, no MIME, empty body, no bytes at all')
def clean(p):
    with p.worker() as w:
        for mail in plain(b'hello'), b'', b'\r\n', b'Subject: x\r\n', plain(b''), mixed(TEXT, attached(noise(5000))):
            v = w.message(mail)
            expect(v.clean(), mail[:60], v)
            expect(w.objects[0][:5] == (0, 0, SPOOL, 0, len(w.mail)), w.objects)


@test('EICAR is found: plain, base64, quoted-printable, zip, nested, second part of multipart/signed')
def eicar(p):
    qp = b'Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n' + \
        EICAR.replace(b'=', b'=3D').replace(b'!', b'=21')
    forwarded = b'Content-Type: message/rfc822\r\n\r\n' + mixed(TEXT, attached(EICAR), boundary=b'inner')
    with p.worker() as w:
        for mail, where in [(plain(EICAR), ''), (mixed(TEXT, attached(EICAR)), ''), (mixed(TEXT, qp), ''),
                            (mixed(TEXT, attached(zipped(('x.com', EICAR)))), 'x.com'),
                            (mixed(TEXT, attached(zipped(('in.zip', zipped(('x.com', EICAR)))), b'out.zip')), 'out.zip/in.zip/x.com'),
                            (mixed(TEXT, forwarded), ''), (mixed(TEXT, attached(EICAR), kind=b'signed'), '')]:
            v = w.message(mail)
            # A hash signature cannot match the body of a plain mail, which ends with a line end.
            expect(found(v, where) or (mail == plain(EICAR) and v.kinds() == {INFECTED}), mail[:80], v)


@test('the whole message alone finds what libclamav can see, with the path inside')
def whole(p):
    with p.worker() as w:
        v = w.whole(mixed(TEXT, attached(zipped(('x.com', EICAR)), b'doc.zip')))
        expect(found(v, 'doc.zip/x.com') and len(w.objects) == 1, v)


@test('encrypted zip: class encrypted, not clean; macro bit and kinds stay apart')
def crypt(p):
    with p.worker() as w:
        v = w.message(mixed(TEXT, attached(encrypted(zipped(('x.txt', b'x' * 100))))))
        expect(v.kinds() == {ENCRYPTED} and v.names()[0] == 'Heuristics.Encrypted.Zip', v)


@test('names to kinds: PUA suspicious, a private signature that looks like a heuristic infected')
def kinds(p):
    p.write('names.ndb', ''.join('%s:0:*:%s\n' % (n, m.encode().hex()) for n, m in [
        ('PUA.Test.Thing', 'marker-of-pua'), ('Third.PUA.Thing', 'marker-of-third'),
        ('Heuristics.Encrypted.Fake', 'marker-of-fake'), ('Win.Trojan.Real', 'marker-of-real')]))
    with p.worker(flags=FLAGS | F_PUA) as w:
        for marker, kind in [(b'marker-of-pua', SUSPICIOUS), (b'marker-of-third', SUSPICIOUS),
                             (b'marker-of-fake', INFECTED), (b'marker-of-real', INFECTED)]:
            v = w.message(plain(marker))
            expect(v.kinds() == {kind} and v.state == COMPLETE, marker, v)
        v = w.message(plain(b'marker-of-pua marker-of-real'))
        expect(v.kinds() == {SUSPICIOUS, INFECTED}, v)


@test('trap: the temporary folder is gone: failed, then well again')
def trap_tmpdir(p):
    with p.worker() as w:
        expect(w.selftest().clean(), 'ready')
        for mail in plain(EICAR), plain(b'hello'), mixed(TEXT, attached(EICAR)):
            os.rename(w.tmpdir, w.tmpdir + '.away')
            v = w.whole(mail)
            expect(v.state == S_FAILED and v.failed == 'engine-error' and v.why.startswith('libclamav'), v)
            v = w.selftest()
            expect(v.state == S_FAILED and 'self-test' in v.why, v)
            os.rename(w.tmpdir + '.away', w.tmpdir)
        expect(w.whole(plain(b'hello')).clean() and found(w.whole(mixed(TEXT, attached(EICAR)))), 'not well again')


@contextlib.contextmanager
def tiny_tmpfs(folder, options):
    r = subprocess.run(['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', folder], capture_output=True, text=True)
    if r.returncode:
        raise Skip('cannot mount a tmpfs: ' + r.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(['umount', '-l', folder], check=True)


@test('trap: no inodes left: failed, never clean')
def trap_inodes(p):
    with tiny_tmpfs(p.scratch, 'size=8m,nr_inodes=60'), p.worker() as w:
        try:
            for i in range(100):
                os.close(os.open(os.path.join(p.scratch, 'fill%d' % i), os.O_CREAT | os.O_WRONLY))
        except OSError:
            pass
        for mail in plain(b'hello'), plain(EICAR), mixed(TEXT, attached(zipped(('x.com', EICAR)))):
            v = w.whole(mail)
            expect(v.state == S_FAILED and v.failed == 'engine-error', v)


@test('trap: no space left: failed or found, never clean')
def trap_space(p):
    mail = mixed(TEXT, attached(zipped(('x.bin', noise(300000) + EICAR)), b'x.zip'))
    with tiny_tmpfs(p.scratch, 'size=256k'), p.worker() as w:
        fd = os.open(os.path.join(p.scratch, 'fill'), os.O_CREAT | os.O_WRONLY)
        try:
            while os.write(fd, bytes(4096)) > 0:
                pass
        except OSError:
            pass
        os.close(fd)
        v = w.whole(mail)
        expect(v.state == S_FAILED and v.failed == 'engine-error', v)
        for o in range(3):
            w.decompose(mail)
            expect(not w.scan(2).clean(), 'leaf')


@test('trap: MaxScanTime that the processor clock reached: partial limit.time')
def trap_time(p):
    with p.worker(time_ms=1, files=0, size=50 << 20, cumulative=90 << 20) as w:
        v = w.whole(mixed(TEXT, attached(zipped(*[('f%d' % i, noise(20000, i)) for i in range(200)]))))
        expect(v.state == PARTIAL and v.partial == 'limit.time' and v.failed == '', v)


@test('trap: MaxScanTime that only the wall clock reached: failed timeout')
def trap_wall(p):
    mail = mixed(TEXT, attached(zipped(*[('f%d' % i, noise(60000, i)) for i in range(700)])))
    with p.worker(time_ms=2000, files=0, size=90 << 20, cumulative=400 << 20) as w:
        w.decompose(mail, mime=False)
        w.seq += 1
        send(w.sock, SCAN, struct.pack('=II', 0, 0), w.seq)
        time.sleep(0.03)
        os.kill(w.pid, signal.SIGSTOP)
        time.sleep(2.2)
        os.kill(w.pid, signal.SIGCONT)
        v = w.answer()[1]
        expect(v.state == S_FAILED and v.failed == 'timeout' and v.partial == '', v)
        expect(v.cpu < 2000000, v.cpu)


@test('trap: larger than MaxFileSize: partial limit.size; at the limit still scanned')
def trap_file_size(p):
    with p.worker(size=100000) as w:
        for extra in -1, 0:
            body = plain(b'')
            body += b'x' * (100000 - len(RECEIVED) - len(body) - len(EICAR) + extra) + EICAR
            v = w.whole(body)
            expect(v.state == COMPLETE and v.kinds() == {INFECTED}, extra, v)
        v = w.whole(body + b'x')
        expect(v.state == PARTIAL and v.partial == 'limit.size', v)


@test('trap: members beyond max_extract_size in zip (honest and lying), gzip, bzip2, xz, tar: partial limit.size')
def trap_member_size(p):
    big = bytes(3 << 20) + EICAR
    lying = bytearray(zipped(('z', big)))
    at = lying.index(b'PK\1\2')
    lying[at + 24:at + 28] = lying[22:26] = struct.pack('<I', 1000)
    with p.worker() as w:
        for name, data in [('zip', zipped(('z', big))), ('lying zip', bytes(lying)), ('gzip', gzip.compress(big)),
                           ('bzip2', bz2.compress(big)), ('xz', lzma.compress(big)), ('tgz', gzip.compress(tarred(('z', big))))]:
            for v in w.whole(mixed(TEXT, attached(data))), w.message(mixed(TEXT, attached(data))):
                expect(v.state == PARTIAL and v.partial == 'limit.size', name, v)


@test('trap: MaxFiles, MaxScanSize, MaxRecursion: partial with their reasons; what is found before still counts')
def trap_limits(p):
    nest = zipped(('x.com', EICAR))
    deep = nest
    for _ in range(9):
        deep = zipped(('n.zip', deep))
    too_deep = zipped(('n.zip', deep))
    with p.worker(depth=10) as w:
        v = w.message(mixed(TEXT, attached(zipped(*[('f%d' % i, b'text %d' % i * 9) for i in range(200)]))))
        expect(v.state == PARTIAL and v.partial == 'limit.files', v)
        v = w.whole(mixed(TEXT, attached(zipped(*[('f%d' % i, bytes(900000)) for i in range(6)]))))
        expect(v.state == PARTIAL and v.partial == 'limit.cumulative', v)
        v = w.message(mixed(TEXT, attached(deep)))
        expect(found(v), v)
        v = w.message(mixed(TEXT, attached(too_deep)))
        expect(v.state == PARTIAL and v.partial == 'limit.depth' and INFECTED in v.kinds(), v)
        v = w.whole(mixed(TEXT, attached(zipped(('x.com', EICAR), ('z', bytes(3 << 20))))))
        expect(v.state == PARTIAL and v.kinds() == {INFECTED}, v)


@test('trap: archives that cannot be opened are partial: cut, unknown method, broken, RAR without its library')
def trap_unopened(p):
    z = zipped(('x.com', EICAR))
    rar = b'Rar!\x1a\x07\x00' + b'\xcf\x90s\0\0\r\0\0\0\0\0\0\0' + b'x' * 200
    with p.worker() as w:
        for name, data, why in [('cut zip', z[:-10], 'corrupt'), ('zip without directory', z[:z.index(b'PK\1\2')], 'corrupt'),
                                ('lzma zip', zipped(('x.com', EICAR), method=zipfile.ZIP_LZMA), 'unsupported'),
                                ('cut bzip2', bz2.compress(noise(5000))[:-30], 'corrupt'),
                                ('cut xz', lzma.compress(noise(5000))[:-30], 'corrupt'),
                                ('broken 7z', b"7z\xbc\xaf'\x1c\0\4" + b'x' * 200, 'corrupt'),
                                ('broken cab', b'MSCF\0\0\0\0' + b'x' * 200, 'corrupt')]:
            for v in w.whole(mixed(TEXT, attached(data))), w.message(mixed(TEXT, attached(data))):
                expect(v.state == PARTIAL and v.partial == why and v.failed == '', name, v)
        v = w.message(mixed(TEXT, attached(rar)))
        expect(v.state == PARTIAL and v.partial in ('unsupported', 'corrupt'), 'rar', v)
        for name, data in [('empty member', zipped(('e', b''))), ('three bytes', zipped(('e', b'abc'))),
                           ('empty gzip', gzip.compress(b'')), ('empty zip', zipped())]:
            expect(w.message(mixed(TEXT, attached(data))).clean(), name)


@test('trap: message/partial is never clean; external-body and reports are')
def trap_partial(p):
    with p.worker() as w:
        mail = b'Content-Type: message/partial; id="x"; number=1; total=2\r\n\r\nhello\r\n'
        for v in w.whole(mail), w.message(mail), w.message(mixed(TEXT, mail)):
            expect(v.state == PARTIAL and v.partial == 'message/partial' and v.failed == '', v)
        for kind in b'external-body; access-type=x', b'feedback-report', b'delivery-status', b'disposition-notification':
            v = w.message(mixed(TEXT, b'Content-Type: message/' + kind + b'\r\n\r\nContent-Type: text/plain\r\n\r\nx y z\r\n'))
            expect(v.clean(), kind, v)


@test('trap: many workers at once draw different temporary names: 6 workers, 240 infected mails, none clean')
def trap_names(p):
    mail = mixed(TEXT, attached(zipped(('x.com', EICAR))))
    with p.zygote() as z:
        workers = [z.fork() for _ in range(6)]
        for w in workers:
            expect(w.selftest().clean(), 'self-test')
        for _ in range(40):
            for w in workers:
                w.decompose(mail, mime=False)
                w.seq += 1
                send(w.sock, SCAN, struct.pack('=II', 0, 0), w.seq)
            for w in workers:
                v = w.answer()[1]
                expect(found(v), v)
        for w in workers:
            w.close()


@test('a worker leaves nothing in its folder after 200 mails')
def leftovers(p):
    mail = mixed(TEXT, attached(zipped(('x.html', b'<html>hello</html>'), ('y.txt', b'hello there'))))
    with p.worker() as w:
        for _ in range(200):
            expect(w.whole(mail).clean(), 'clean')
        expect(os.listdir(w.tmpdir) == [], os.listdir(w.tmpdir))


@test('RELEASE forgets: a scan without a message costs the worker its life')
def release(p):
    with p.worker() as w:
        expect(w.message(plain(b'hello')).clean(), 'first')
        send(w.sock, RELEASE, b'', 99)
        expect(w.ask(SCAN, struct.pack('=II', 0, 0))[1].died, 'it answered')
        expect(os.WEXITSTATUS(w.zygote.wait_exit(w.number)[1]) == 76, w.zygote.exits)


@test('requests that break the rules: the worker ends, the zygote serves on')
def abuse(p):
    with p.zygote() as z:
        def bad_magic(w):
            send(w.sock, SELFTEST, magic=1)

        def bad_version(w):
            send(w.sock, SELFTEST, version=9)

        def bad_op(w):
            send(w.sock, 77)

        def bad_length(w):
            w.sock.send(struct.pack('=IHHII', MAGIC, VERSION, SELFTEST, 1, 5))

        def no_descriptors(w):
            send(w.sock, DECOMPOSE, struct.pack('=QQII', 10, 10, 1, 0))

        def no_such_object(w):
            w.decompose(plain(b'hello'))
            send(w.sock, SCAN, struct.pack('=II', 5, 0), 1, (w.arena,))

        def arena_withheld(w):
            w.decompose(mixed(TEXT, attached(b'hello')))
            send(w.sock, SCAN, struct.pack('=II', 2, 0), 1)
        for fn in bad_magic, bad_version, bad_op, bad_length, no_descriptors, no_such_object, arena_withheld:
            w = z.fork()
            fn(w)
            gone = z.wait_exit(w.number)
            expect(gone and os.WIFEXITED(gone[1]) and os.WEXITSTATUS(gone[1]) == 76, fn.__name__, gone)
            w.close()
        w = z.fork()
        expect(w.message(plain(b'hello')).clean(), 'after all that')
        w.close()


@test('a message or an arena of another size than announced: failed')
def sizes(p):
    with p.worker() as w:
        mail, arena = memfd('m', 100, b'x' * 100), memfd('a', 4096)
        for announced in (101, 4096), (99, 4096), (100, 4097), (1 << 50, 4096):
            v = w.ask(DECOMPOSE, struct.pack('=QQII', *announced, 1, 0), (mail, arena))[1]
            expect(v.state == S_FAILED and 'cannot be mapped' in v.why, announced, v)
        os.close(mail)
        os.close(arena)
        expect(w.message(plain(b'hello')).clean(), 'after that')


@test('a message in an unlinked file is taken as well')
def spilled(p):
    with p.worker() as w, tempfile.TemporaryFile(dir=p.top) as f:
        mail = RECEIVED + mixed(TEXT, attached(EICAR))
        f.write(mail)
        f.flush()
        arena = memfd('a', 4096)
        objects, v = w.ask(DECOMPOSE, struct.pack('=QQII', len(mail), 4096, 1, 0), (f.fileno(), arena))
        expect(v.clean() and len(objects) == 3, v)
        v = w.ask(SCAN, struct.pack('=II', 2, 0), (arena,))[1]
        expect(found(v), v)
        os.close(arena)


@test('a worker that is killed: EXIT with status, processor time and memory; its folder goes; others live')
def killed(p):
    with p.zygote() as z:
        a, b = z.fork(), z.fork()
        expect(a.number != b.number and a.pid != b.pid and os.path.isdir(a.tmpdir), a, b)
        a.message(mixed(TEXT, attached(EICAR)))
        os.kill(a.pid, signal.SIGKILL)
        pid, status, cpu, rss = z.wait_exit(a.number)
        expect(pid == a.pid and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and rss > 1000, z.exits)
        end = time.monotonic() + 5
        while os.path.exists(a.tmpdir) and time.monotonic() < end:
            time.sleep(0.01)
        expect(not os.path.exists(a.tmpdir) and os.path.isdir(b.tmpdir), os.listdir(z.folder()))
        expect(found(b.message(mixed(TEXT, attached(EICAR)))), 'the other one')
        a.close()
        b.close()


@test('a stack overflow in the MIME parser costs one worker')
def overflow(p):
    with p.zygote(header=64 << 20) as z:
        w = z.fork()
        v = w.decompose(b'To: ' + b'a:' * 2000000 + b'\r\n\r\nx\r\n')
        expect(v.died or (v.state == PARTIAL and v.partial == 'limit.depth'), v)
        w2 = z.fork()
        expect(w2.message(plain(b'x')).clean(), 'the next')
        w.close()
        w2.close()


@test('SIGTERM, SIGINT and SIGHUP end neither zygote nor worker')
def signals(p):
    with p.worker() as w:
        for sig in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            os.kill(w.pid, sig)
            os.kill(w.zygote.proc.pid, sig)
        time.sleep(0.1)
        expect(found(w.message(mixed(TEXT, attached(EICAR)))), 'worker')
        expect(w.zygote.proc.poll() is None and isinstance(w.zygote.fork(), Worker), 'zygote')


def status_of(pid):
    with open('/proc/%d/status' % pid) as f:
        return dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)


def limits_of(pid):
    with open('/proc/%d/limits' % pid) as f:
        return {line[:26].strip(): line[26:].split()[0] for line in f}


@test('a worker runs without new privileges, under seccomp, with its limits')
def confined(p):
    if SANITIZED:
        raise Skip('sanitizer builds run without RLIMIT_AS and with seccomp only logging')
    with p.worker(size=10 << 20, cumulative=20 << 20, depth=10) as w:
        expect(w.selftest().clean(), 'ready')
        s, l = status_of(w.pid), limits_of(w.pid)
        expect(s['NoNewPrivs'] == '1' and s['Seccomp'] == '2' and s['Threads'] == '1', s)
        expect(l['Max open files'] == '104' and l['Max core file size'] == '0' and l['Max processes'] == '0', l)
        expect(int(l['Max file size']) == (10 + 64) << 20, l)
        now = int(s['VmSize'].split()[0]) * 1024
        expect(now < int(l['Max address space']) < now + (1 << 30) + (64 << 20), now, l)
        expect(os.readlink('/proc/%d/fd/2' % w.pid) == '/dev/null', 'descriptor 2')
        fds = os.listdir('/proc/%d/fd' % w.pid)
        expect(len(fds) == 4, fds)


@test('a worker that is out of memory dies or fails; it never says clean')
def memory(p):
    if SANITIZED:
        raise Skip('sanitizer builds run without RLIMIT_AS')
    with p.zygote(memory=1 << 20, size=100 << 20, cumulative=1 << 20) as z:
        w = z.fork()
        v = w.whole(plain(b'x' * (40 << 20)))
        expect(v.died or v.state == S_FAILED, v)
        w.close()


@test('workers are pinned one a core, or left alone')
def pinned(p):
    with p.zygote() as z:
        ws = [z.fork() for _ in range(3)]
        for w in ws:
            expect(w.selftest().clean(), 'ready')
        cores = [tuple(os.sched_getaffinity(w.pid)) for w in ws]
        expect(all(len(c) == 1 for c in cores), cores)
        expect(len(set(cores)) == min(3, len(os.sched_getaffinity(0))), cores)
        for w in ws:
            w.close()
    with p.worker(flags=FLAGS & ~F_PIN) as w:
        expect(w.selftest().clean() and os.sched_getaffinity(w.pid) == os.sched_getaffinity(0), 'left alone')


@test('without an engine: decomposes and self-tests, refuses to scan')
def no_engine(p):
    with p.worker(flags=0, database='') as w:
        expect(w.zygote.ready['version'] == '' and w.zygote.ready['signatures'] == 0, w.zygote.ready)
        expect(w.selftest().clean(), 'self-test')
        expect(w.decompose(mixed(TEXT, attached(EICAR))).clean() and len(w.objects) == 3, w.objects)
        expect(w.bytes_of(w.objects[2]) == EICAR, 'decoded')
        v = w.scan(0)
        expect(v.state == S_FAILED and v.failed == 'refused', v)


@test('every knob at once: huge pages, ac_depth, bytecode, media, precedence, broken')
def knobs(p):
    with p.worker(flags=FLAGS | F_HUGE | F_BYTECODE | F_MEDIA | F_FIRST | F_BROKEN | F_PUA | F_REQUIRE, ac=4) as w:
        expect(w.selftest().clean() and found(w.message(mixed(TEXT, attached(EICAR)))), 'knobs')


@test('broken settings: FAILED says what, exit 78')
def settings(p):
    good = dict(flags=FLAGS, size=1 << 20, cumulative=1 << 20, files=5, time_ms=1000, depth=5, header=1000, memory=0, ac=0)
    for key, value in [('flags', 1 << 40), ('size', 0), ('cumulative', 0), ('time_ms', 0), ('depth', 0), ('depth', 91),
                       ('header', 0), ('ac', 99), ('files', 1 << 33), ('memory', 1 << 60)]:
        z = Zygote(p.db, p.scratch, **dict(good, **{key: value}))
        expect(z.failed and 'settings from avmilter' in z.failed and z.proc.wait(10) == 78, key, value, z.failed)
    for db, scratch in [('relative', p.scratch), (p.db, 'relative'), (p.db, '')]:
        z = Zygote(db, scratch, **good)
        expect(z.failed and 'absolute' in z.failed and z.proc.wait(10) == 78, db, scratch, z.failed)
    z = Zygote(scratch=p.scratch, settings=b'short')
    expect('one build' in z.failed and z.proc.wait(10) == 76, z.failed)
    z = Zygote(p.db, os.path.join(p.top, 'nowhere'), **good)
    expect(z.failed.startswith('scratch_base: ') and z.proc.wait(10) == 73, z.failed)


@test('database missing, empty, unreadable, corrupt: FAILED names folder and command, exit 66, nothing left')
def databases(p):
    cases = {}
    cases['no such folder'] = os.path.join(p.top, 'missing')
    cases['no signature files'] = os.path.join(p.top, 'empty')
    os.mkdir(cases['no signature files'])
    for name, file, content in [('Malformed', 'broken.hsb', b'not a signature\n'), ('Malformed', 'broken.ndb', b'X:0:*:zz\n'),
                                ('CVD', 'daily.cvd', b'ClamAV-VDB:01 Jan 2026:1:1:90:X:X:x:1' + b' ' * 480 + b'junk'),
                                ('holds no signature', 'empty.hsb', b'')]:
        d = tempfile.mkdtemp(dir=p.top)
        with open(os.path.join(d, file), 'wb') as f:
            f.write(content)
        cases[name + '/' + file] = d
    for name, folder in cases.items():
        z = Zygote(folder, p.scratch)
        expect(z.failed and z.proc.wait(10) == 66, name, z.failed, z.ready)
        expect(folder in z.failed and 'freshclam --datadir=' + folder in z.failed, name, z.failed)
        if '/' not in name:
            expect(name in z.failed, name, z.failed)
        expect(os.listdir(p.scratch) == [], 'left', os.listdir(p.scratch))


@test('an unreadable database names the user')
def unreadable(p):
    if os.geteuid() != 0:
        os.chmod(p.db, 0)
        z = Zygote(p.db, p.scratch)
        os.chmod(p.db, 0o700)
    else:
        for d in p.top, os.path.dirname(p.top):
            os.chmod(d, 0o755)
        os.chmod(p.db, 0o700)
        os.chmod(p.scratch, 0o777)
        program, folder = SCANNER, tempfile.mkdtemp(dir=p.top)
        os.chmod(folder, 0o755)
        wrapper = os.path.join(folder, 'scanner')
        with open(wrapper, 'w') as f:
            f.write('#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups "%s"\n' % program)
        os.chmod(wrapper, 0o755)
        globals()['SCANNER'] = wrapper
        try:
            z = Zygote(p.db, p.scratch)
        finally:
            globals()['SCANNER'] = program
    expect(z.failed and 'cannot be read by user id' in z.failed and 'freshclam --datadir=' + p.db in z.failed, z.failed)


@test('the zygote ends with its workers when the socket closes, and leaves nothing behind')
def ends(p):
    z = Zygote(p.db, p.scratch)
    ws = [z.fork() for _ in range(3)]
    open(os.path.join(ws[0].tmpdir, 'litter'), 'w').close()
    expect(z.close() == 0, z.proc.returncode)
    for w in ws:
        expect(not os.path.exists('/proc/%d' % w.pid), 'worker %d lives' % w.pid)
        w.close()
    expect(os.listdir(p.scratch) == [], os.listdir(p.scratch))


@test('a killed zygote takes its workers along; the next start removes its folder, and never that of a living one')
def stale(p):
    living = Zygote(p.db, p.scratch)
    dead = Zygote(p.db, p.scratch)
    w, dw = living.fork(), dead.fork()
    dead.proc.kill()
    dead.proc.wait()
    end = time.monotonic() + 5
    while dw.answer_gone() is False and time.monotonic() < end:
        time.sleep(0.01)
    expect(os.path.isdir(dead.folder()), 'nothing stale to remove')
    foreign = os.path.join(p.scratch, 'precious')
    os.mkdir(foreign)
    with p.zygote() as third:
        expect(third.ready and not os.path.exists(dead.folder()), 'stale folder stays')
        expect(os.path.isdir(living.folder()) and os.path.isdir(foreign), 'removed what is not its own')
    expect(found(w.message(mixed(TEXT, attached(EICAR)))), 'the living one')
    w.close()
    living.close()


@test('a front that goes away while signatures load is not outlived')
def load_abandoned(p):
    rnd = random.Random(5)
    with open(os.path.join(p.db, 'many.hsb'), 'w') as f:
        for i in range(300000):
            f.write('%064x:%d:Many-%d:73\n' % (rnd.getrandbits(256), 1000 + i, i))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    low = theirs.fileno()
    proc = subprocess.Popen(['/bin/bash', '-c', 'exec "$0" 3<&%d %d<&-' % (low, low), SCANNER], pass_fds=(low,))
    theirs.close()
    send(ours, SETTINGS, struct.pack('=8QI1024s1024s4x', FLAGS, 1 << 20, 1 << 20, 5, 1000, 5, 1000, 0, 0, p.db.encode(),
                                     p.scratch.encode()), 1)
    expect(recv(ours)[0] == LOADING, 'loading')
    ours.close()
    expect(proc.wait(20) == 0 and os.listdir(p.scratch) == [], proc.returncode, os.listdir(p.scratch))


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


if __name__ == '__main__':
    sys.exit(main())
