#!/usr/bin/python3
"""What the scan of the whole message has examined is not scanned again; what it has not, is"""
# run: timeout=120 san=address
import os
import quopri
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib.scanner import *

EVIL = b'evil only by its exact bytes: a line\r\n\r\n\r\nand one more \r\n'


def text(body, encoding=b'7bit', kind=b'text/plain', more=b''):
    if encoding == b'base64':
        body = base64.encodebytes(body).replace(b'\n', b'\r\n')
    elif encoding == b'quoted-printable':
        body = quopri.encodestring(body.replace(b'\r\n', b'\n')).replace(b'\n', b'\r\n')
    return b'Content-Type: ' + kind + b'\r\nContent-Transfer-Encoding: ' + encoding + b'\r\n' + more + b'\r\n' + body


def qp_binary(data):
    """Every byte written out: nothing is lost on the way to a recipient."""
    code = ''.join('=%02X' % c for c in data)
    return b''.join(code[i:i + 72].encode() + b'=\r\n' for i in range(0, len(code), 72))


def covered(w, mail, **kw):
    """(verdict of the whole, paths of the parts that it covers, paths of those that it does not)"""
    v = w.decompose(mail, **kw)
    expect(v.clean(), v)
    v = w.scan(0, COVER)
    expect(w.covered == sorted(set(w.covered)), w.covered)
    by = {o[0]: o[5] for o in w.objects if o[0]}
    return v, [by[i] for i in w.covered], [by[i] for i in by if i not in w.covered]


def every(w, mail):
    """The same mail: everything, and only what is not covered."""
    return w.message(mail), w.message(mail, cover=True)


@test('covered: attachments, texts in every encoding, HTML, a member of an archive, a mail in a mail')
def plainly(p):
    body = b'hello\r\n\r\n\r\n  two \r\n   \r\nthree\r\n'
    parts = [text(body, e, k) for e in (b'7bit', b'8bit', b'base64', b'quoted-printable') for k in (b'text/plain', b'text/html')]
    inner = b'Content-Type: message/rfc822\r\n\r\n' + mixed(text(b'inner text\r\n\r\nof it\r\n'), attached(noise(99)), boundary=b'in')
    with p.worker() as w:
        for mail, n in [(mixed(TEXT, attached(noise(5000))), 2), (mixed(*parts), 8), (plain(body), 1), (mixed(TEXT, inner), 3),
                        (mixed(TEXT, attached(zipped(('a', noise(99)))), attached(noise(99))), 3),
                        (mixed(text(b'a\nb\n\nc', b'base64'), kind=b'alternative'), 1)]:
            v, yes, no = covered(w, mail)
            expect(v.clean() and len(yes) == n and not no, mail[:200], v, yes, no)


@test('nothing is told unless somebody asks, nor about a part')
def unasked(p):
    with p.worker() as w:
        expect(w.decompose(mixed(TEXT, attached(noise(5000)))).clean() and w.scan(0).clean() and not w.covered, w.covered)
        expect(w.scan(1, COVER).clean() and not w.covered, w.covered)


@test('not covered: what libclamav does not extract (signed, parallel), breaks (long lines) or never shows (5 bytes)')
def uncovered(p):
    long = b'x' * 1500 + b'\r\n'
    with p.worker() as w:
        for mail, no_wanted in [(mixed(TEXT, attached(noise(5000)), kind=b'signed'), {'2'}), (mixed(TEXT, attached(noise(5000)), kind=b'parallel'), {'2'}),
                                (mixed(TEXT, text(b'begin\r\n' + long, b'8bit')), {'2'}), (mixed(TEXT, attached(b'12345')), {'2'}),
                                (mixed(TEXT, attached(b'')), {'2'}), (mixed(TEXT, text(b'mac\rold\r\nx\r\n')), {'2'})]:
            v, yes, no = covered(w, mail)
            expect(v.clean() and no_wanted <= set(no), mail[:300], v, yes, no)


@test('malware that the scan of the whole misses is found in the part: signed, parallel, a decoy beside it')
def missed(p):
    decoy = attached(EICAR.replace(b'EICAR', b'EICAX'))
    with p.worker() as w:
        for kind in b'signed', b'parallel', b'x-unheard-of':
            for parts in (TEXT, attached(EICAR)), (TEXT, decoy, attached(EICAR)), (attached(zipped(('x.com', EICAR))), TEXT):
                alone = w.whole(mixed(*parts, kind=kind))
                v, c = every(w, mixed(*parts, kind=kind))
                expect(c.kinds() == v.kinds() == {INFECTED}, kind, alone, v, c)
                expect(sorted(set(c.names())) == sorted(set(v.names())), v, c)


@test('a program or a document that calls itself text is covered by its own bytes only')
def disguised(p):
    pdf = b'%PDF-1.4\r\n1 0 obj\r\n<< /Length 3 >>\r\nstream\r\nabc\r\nendstream\r\nendobj\r\n'
    with p.worker() as w:
        for data in zipped(('x.com', noise(200)), method=zipfile.ZIP_STORED), noise(3000), pdf, b'{\\rtf1 text}\r\n\r\n\r\nmore\r\n':
            v, yes, no = covered(w, mixed(TEXT, text(qp_binary(data), b'binary').replace(b'binary', b'quoted-printable')))
            expect(v.clean(), v)
            expect(w.bytes_of(w.objects[2]) == data, data[:40], w.bytes_of(w.objects[2])[:60])
            expect(no == ['2'], data[:40], yes, no)
            v, yes, no = covered(w, mixed(TEXT, text(data, b'base64')))
            expect(no == [], data[:40], yes, no)
        bad = zipped(('x.com', EICAR))
        mail = mixed(TEXT, text(qp_binary(bad), b'binary').replace(b'binary', b'quoted-printable'))
        v, c = every(w, mail)
        expect(c.kinds() == v.kinds() == {INFECTED} and v.names() == c.names(), v, c)


@test('the hash of a file: a text with a name is covered by its own bytes only')
def named(p):
    p.write('hash.hsb', '%s:%d:Evil-Hash:73\n' % (hashlib.sha256(EVIL).hexdigest(), len(EVIL)))
    more = b'Content-Disposition: attachment; filename="a.js"\r\n'
    with p.worker() as w:
        for encoding in b'7bit', b'8bit', b'quoted-printable', b'base64':
            v, c = every(w, mixed(TEXT, text(EVIL, encoding, b'text/javascript', more)))
            expect(c.kinds() == v.kinds() == {INFECTED}, encoding, v, c)
            v, yes, no = covered(w, mixed(TEXT, text(EVIL.replace(b'evil', b'good'), encoding, b'text/javascript', more)))
            expect(('2' in yes) == (encoding == b'base64'), encoding, yes, no)


@test('nothing is covered by a scan that found something or was not complete')
def not_clean(p):
    big = zipped(('a', bytes(300000)), ('b', noise(10)))
    with p.worker(size=200000) as w:
        for mail in mixed(TEXT, attached(EICAR), attached(noise(99))), mixed(TEXT, attached(big), attached(noise(99))), \
                mixed(TEXT, attached(encrypted(zipped(('a', noise(99))))), attached(noise(99))):
            v, yes, no = covered(w, mail)
            expect(not v.clean() and not yes, v, yes, no)
            v, c = every(w, mail)
            expect(c.kinds() == v.kinds() and c.state == v.state and c.names() == v.names(), v, c)


@test('nothing is covered by a scan in which something was found and excused by the list of allowed files')
def allowed(p):
    listed = zipped(('x.com', EICAR), ('listed', b'1'))
    p.write('allow.fp', '%s:%d:Allowed\n' % (hashlib.md5(listed).hexdigest(), len(listed)))
    with p.worker() as w:
        expect(w.whole(mixed(TEXT, attached(listed))).clean(), 'not allow-listed')
        v, yes, no = covered(w, mixed(TEXT, attached(listed), attached(noise(99))))
        expect(v.clean() and yes == [], v, yes, no)
        v, c = every(w, mixed(TEXT, attached(listed), attached(EICAR)))
        expect(c.kinds() == v.kinds() == {INFECTED}, v, c)


@test('2500 parts: all of them, in rising order, over several packets')
def many(p):
    with p.worker(files=3000) as w:
        mail = mixed(*[attached(noise(40, i)) for i in range(2500)])
        v, yes, no = covered(w, mail, arena_size=4 << 20)
        expect(v.clean() and len(yes) == 2500 and not no, v, len(yes))


sys.exit(main())
