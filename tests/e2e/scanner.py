#!/usr/bin/python3
"""avmilter-scanner without the front: verdicts, and every trap in which libclamav says "clean" without having looked"""
# run: timeout=120 san=address,thread
import binascii
import bz2
import contextlib
import gzip
import lzma
import os
import resource
import signal
import struct
import subprocess
import sys
import time
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib.scanner import *


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
        raise Skip('cannot mount a tmpfs: ' + r.stderr.split('\n')[0])
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


@test('trap: little space left: failed or found, never clean, and never blamed on the content')
def trap_little_space(p):
    big = noise(30000) + EICAR
    kinds = {'zip': zipped(('x.com', big)), 'small zip': zipped(('a', noise(3000)), ('x.com', EICAR)), 'gz': gzip.compress(big),
             'bz2': bz2.compress(big), 'xz': lzma.compress(big), 'tar': tarred(('x.com', big)),
             'tgz': gzip.compress(tarred(('x', big))), 'nested': zipped(('n.zip', zipped(('x.com', big)))), 'plain': big}
    failed = 0
    for spare in 0, 1, 2, 5, 7, 8, 10, 20:
        with tiny_tmpfs(p.scratch, 'size=256k'), p.worker() as w:
            with open(os.path.join(p.scratch, 'fill'), 'wb', buffering=0) as f:
                try:
                    while f.write(bytes(4096)) > 0:
                        pass
                except OSError:
                    pass
                f.truncate(max(0, f.tell() - spare * 4096))
            for name, data in kinds.items():
                mail = mixed(TEXT, attached(data))
                whole = w.whole(mail)
                w.decompose(mail)
                for v in whole, w.scan(2):
                    expect(v.partial == '' and (v.state == S_FAILED and v.failed == 'engine-error' or INFECTED in v.kinds()),
                           name, spare, v)
                    failed += v.state == S_FAILED
    expect(failed > 20, failed)


@test('trap: no descriptors: what libclamav steps over in silence (HTML, inline uuencode, archives) fails')
def trap_descriptors(p):
    p.write('html.ndb', 'Only-Html:3:*:%s\n' % b'<a href="http://evil.example/xyz">'.hex())
    html = b'<HTML><BODY>' + b'<P>x</P>' * 200 + b'<A   HREF="http://EVIL.example/xyz">y</A></BODY></HTML>\n'
    lines = b''.join(binascii.b2a_uu(EICAR[i:i + 45]) for i in range(0, len(EICAR), 45))
    mails = {'html': mixed(TEXT, attached(html, b'a.html', b'text/html')), 'uuencode': plain(b'begin 644 x.com\n' + lines + b'`\nend\n'),
             'bzip2': mixed(TEXT, attached(bz2.compress(EICAR * 9))), 'tgz': mixed(TEXT, attached(gzip.compress(tarred(('x', EICAR)))))}
    failed = 0
    with p.worker() as w:
        for name, mail in mails.items():
            expect(w.message(mail).kinds() == {INFECTED}, name)
            for files in range(4, 12):
                w.decompose(mail)
                usual = resource.prlimit(w.pid, resource.RLIMIT_NOFILE)
                resource.prlimit(w.pid, resource.RLIMIT_NOFILE, (files, usual[1]))
                for v in [w.scan(o[0]) for o in w.objects if o[0] != 1]:
                    expect(v.partial == '' and (v.state == S_FAILED and v.failed == 'engine-error' or INFECTED in v.kinds()),
                           name, files, v)
                    failed += v.state == S_FAILED
                resource.prlimit(w.pid, resource.RLIMIT_NOFILE, usual)
    expect(failed > 8, failed)


@test('names that no file system takes cost no mail')
def odd_names(p):
    with p.worker() as w:
        for name in b'x' * 200, b'x' * 300, b'x' * 3000, b'../../etc/x', b'/', b'.', b'a/b/c', b'\xff\xfe\x80', b'a\x01b', b'%s%n':
            for data in noise(3000), b'x' * 9000, b'<html><p>x</p></html>' * 9:
                v = w.message(mixed(TEXT, attached(data, name)))
                expect(v.clean(), name[:40], v)
            if len(name) < 99 and b'\xff' not in name:
                for data in zipped((name.decode(), b'hello' * 99)), tarred((name.decode(), b'hello' * 99)):
                    v = w.message(mixed(TEXT, attached(data, name)))
                    expect(v.failed == '', name[:40], v)


@test('trap: MaxScanTime that the processor clock reached: partial limit.time')
def trap_time(p):
    with p.worker(time_ms=1, files=0, size=50 << 20, cumulative=90 << 20) as w:
        v = w.whole(mixed(TEXT, attached(zipped(*[('f%d' % i, noise(20000, i)) for i in range(200)]))))
        expect(v.state == PARTIAL and v.partial == 'limit.time' and v.failed == '', v)


@test('trap: MaxScanTime that only the wall clock reached: failed timeout')
def trap_wall(p):
    mail = mixed(TEXT, attached(zipped(*[('f%d' % i, noise(60000, i)) for i in range(300)])))
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
        for more in b'x', b'xx', b'x' * 1000:
            v = w.whole(body + more)
            expect(v.state == PARTIAL and v.partial == 'limit.size' and v.failed == '', v)


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


@test('trap: text and HTML too large for libclamav\'s own steps: normalised all the same')
def trap_normalise(p):
    p.write('normal.ndb', 'Only-Html:3:*:%s\nOnly-Text:7:*:%s\n' % (
        b'<a href="http://evil.example/xyz">'.hex(), b'evil script marker'.hex()))
    html = b'<HTML><BODY>' + b'<P>some words of text</P>\n' * (41 << 20 >> 4) + b'<A   HREF="http://EVIL.example/xyz">y</A></BODY></HTML>\n'
    text = b'some text lines that are long enough\n' * (21 << 20 >> 5) + b'EVIL  script\tMARKER\n'
    with p.worker(size=100 << 20, cumulative=400 << 20) as w:
        for kind, data in (b'html', html), (b'plain', text):
            w.decompose(mixed(TEXT, attached(data, b'a', b'text/' + kind)))
            v = w.scan(2)
            expect(v.state == COMPLETE and v.kinds() == {INFECTED}, kind, len(data), v)


@test('a member of exactly max_extract_size is scanned, one byte more is partial')
def member_limit(p):
    with p.worker(size=200000) as w:
        for size, over in (199999, False), (200000, False), (200001, True), (200002, True):
            data = bytes(size - len(EICAR)) + EICAR
            for archive in zipped(('z', data)), gzip.compress(data), tarred(('z', data)):
                if len(archive) > 200000:
                    continue
                v = w.whole(mixed(TEXT, attached(archive)))
                expect((v.state == PARTIAL and v.partial == 'limit.size') if over else v.state == COMPLETE, size, v)
                expect(over or v.kinds() == {INFECTED}, size, v)


@test('locked Office documents are encrypted: new formats, Word, Excel; open ones are not')
def office(p):
    def ole(name, stream):
        def entry(text, kind, start=0, size=0):
            raw = (text + '\0').encode('utf-16-le')
            return raw.ljust(64, b'\0') + struct.pack('<HBB', len(raw), kind, 1) + b'\xff' * 12 + bytes(36) + \
                struct.pack('<II', start, size) + bytes(4)
        head = bytes.fromhex('d0cf11e0a1b11ae1') + bytes(16) + struct.pack('<HHHHH', 0x3e, 3, 0xfffe, 9, 6) + bytes(6) + \
            struct.pack('<IIIIIIIII', 0, 1, 1, 0, 4096, 0xfffffffe, 0, 0xfffffffe, 0) + struct.pack('<I', 0)
        sectors = struct.pack('<II', 0xfffffffd, 0xfffffffe) + b''.join(
            struct.pack('<I', 0xfffffffe if i == 9 else i + 1) for i in range(2, 10))
        return head.ljust(512, b'\xff') + sectors.ljust(512, b'\xff') + \
            (entry('Root Entry', 5) + entry(name, 2, 2, 4096)).ljust(512, b'\0') + stream.ljust(4096, b'\0')
    word = struct.pack('<HHHHHH', 0xa5ec, 0xc1, 0, 0, 0, 0x0100)
    book = struct.pack('<HHHHI', 0x0809, 8, 0x0600, 5, 0) + bytes(0)
    locked = [ole('EncryptedPackage', b'x' * 100), ole('EncryptedSummary', b'x'), ole('WordDocument', word),
              ole('Workbook', book + struct.pack('<HH', 0x2f, 6) + bytes(6))]
    plain_ones = [ole('WordDocument', word[:10] + bytes(2)), ole('Workbook', book + struct.pack('<HH', 0xa, 0)),
                  ole('EncryptedPackages', b'x' * 100), ole('Other', b'EncryptedPackage')]
    with p.worker() as w:
        for d in locked:
            v = w.message(mixed(TEXT, attached(d, b'a.doc')))
            expect(v.kinds() == {ENCRYPTED} and v.names()[0] == 'Heuristics.Encrypted.OLE2', v)
        for d in plain_ones:
            v = w.message(mixed(TEXT, attached(d, b'a.doc')))
            expect(ENCRYPTED not in v.kinds(), v)
    with p.worker(flags=FLAGS & ~F_ENCRYPTED) as w:
        expect(w.message(mixed(TEXT, attached(locked[0]))).kinds() == set(), 'alert_encrypted = false')


@test('heuristics = 0: limits, locked archives and unopened ones still count')
def no_heuristics(p):
    with p.worker(flags=F_ENGINE | F_ENCRYPTED) as w:
        v = w.message(mixed(TEXT, attached(encrypted(zipped(('x.txt', b'x' * 100))))))
        expect(v.kinds() == {ENCRYPTED}, v)
        v = w.message(mixed(TEXT, attached(zipped(('z', bytes(3 << 20))))))
        expect(v.state == PARTIAL and v.partial == 'limit.size', v)
        v = w.message(mixed(TEXT, attached(zipped(*[('f%d' % i, b'text %d' % i * 9) for i in range(200)]))))
        expect(v.state == PARTIAL and v.partial == 'limit.files', v)
        v = w.message(mixed(TEXT, attached(zipped(('x', b'x'))[:-10])))
        expect(v.state == PARTIAL and v.partial == 'corrupt', v)


@test('limits so small that hardly anything passes: the self-test still does')
def tiny_limits(p):
    with p.worker(size=1, cumulative=1, files=1, depth=1, header=1) as w:
        for _ in range(3):
            v = w.selftest()
            expect(v.clean(), v)
        v = w.message(plain(b'hello'))
        expect(v.state == PARTIAL and v.failed == '', v)


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


# made with 7z a -m0=BZip2, from a file x.com that holds EICAR
BZIP2_7Z = bytes.fromhex(
    '377abcaf271c0004568b639f66000000000000005200000000000000529bb673425a68393141592653598652cbd300001f1e'
    '80267a06806f65df5d00022000488a69a031034f48c6a7a27a114d003000000e208bf5c8f80094c87fa8760fcfc8b9aa296c'
    '6716309723ae4da00cd17450758fcb101213de7370b89da1772453850908652cbd300104060001096600070b010001030402'
    '020c4400080a013ccf516800000501190c000000000000000000000000110d0078002e0063006f006d000000140a0100dfa0'
    '4963f278dd01150601002080a4810000')


def zip64(z):
    """The sizes of the first member as zip writes them to a pipe: behind the name, 64 bits wide."""
    packed, plain_size, name = struct.unpack('<IIH', z[18:28])
    extra = struct.pack('<HHQQ', 1, 16, plain_size, packed)
    data = z[:18] + b'\xff' * 8 + z[26:28] + struct.pack('<H', len(extra)) + z[30:30 + name] + extra + z[30 + name:]
    end = data.index(b'PK\5\6')
    at, = struct.unpack('<I', data[end + 16:end + 20])
    return data[:end + 16] + struct.pack('<I', at + len(extra)) + data[end + 20:]


@test('trap: archives that cannot be opened are partial: cut, unknown method, broken, RAR without its library')
def trap_unopened(p):
    z = zipped(('x.com', EICAR))
    rar = b'Rar!\x1a\x07\x00' + b'\xcf\x90s\0\0\r\0\0\0\0\0\0\0' + b'x' * 200
    with p.worker() as w:
        for name, data, why in [('cut zip', z[:-10], 'corrupt'), ('zip without directory', z[:z.index(b'PK\1\2')], 'corrupt'),
                                ('zip64', zip64(z), 'unsupported'), ('7z of bzip2', BZIP2_7Z, 'unsupported'),
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


@test('trap: two bytes make a file an old cpio archive for libclamav; only one with a name has members')
def trap_cpio(p):
    with p.worker() as w:
        for magic in b'\xc7\x71', b'\x71\xc7':
            noise = magic + bytes((i * 167 + 13) % 255 + 1 for i in range(3000))
            v = w.message(mixed(TEXT, attached(noise, b'noise.bin')))
            expect(v.clean(), magic, v)
        # the same magic, a name of eight bytes, and a member of 2 GB
        head = struct.pack('<13H', 0o070707, 0, 0, 0o100644, 0, 0, 1, 0, 0, 0, 8, 0x7fff, 0xffff) + b'evil.ex\0'
        v = w.message(mixed(TEXT, attached(head + noise, b'real.cpio')))
        expect(v.state == PARTIAL and v.partial == 'limit.size', v)


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


if __name__ == '__main__':
    sys.exit(main())
