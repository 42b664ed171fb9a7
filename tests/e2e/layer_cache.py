#!/usr/bin/python3
"""The worker's cache of inner files: it saves scans, and never a finding"""
# run: timeout=120 san=address
import gzip
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib.scanner import *

COUNTS = not SANITIZED  # a sanitized scanner does not see if an expression of a signature held
MARK = b'only among certain containers: 5f1d'
# Two files of one MD5 (Wang and others, 2004).
TWINS = [bytes.fromhex('d131dd02c5e6eec4693d9a0698aff95c2fcab5%s12467eab4004583eb8fb7f8955ad340609f4b30283e48883%s415a085125e8f7cdc99fd91dbd%s'
                       '80373c5bd8823e3156348f5bae6dacd436c919c6dd53e2%s87da03fd02396306d248cda0e99f33420f577ee8ce54b670%s0d1ec69821bcb6a8839396f965%s'
                       '6ff72a70' % bits) for bits in (('87', '2571', 'f2', 'b4', '80a8', '2b'), ('07', '25f1', '72', '34', '8028', 'ab'))]


def document(*members, kind='word'):
    types = b'<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"></Types>'
    return zipped(('[Content_Types].xml', types), ('_rels/.rels', b'<x/>'), (kind + '/document.xml', b'<doc>' + noise(50).hex().encode() + b'</doc>'),
                  *members, method=zipfile.ZIP_STORED)


def mail(*parts):
    return mixed(TEXT, *(attached(p) if isinstance(p, bytes) else p[0] for p in parts))


def whole(w, text):
    """Verdict of the whole message alone, taken apart as usual."""
    v = w.decompose(text)
    expect(v.state != S_FAILED, v)
    return w.scan(0)


def logical(p, name, condition, text):
    p.write(name + '.ldb', '%s;Engine:81-255,%s,Target:0;0;%s\n' % (name, condition, text.hex()))


@test('what was clean in one mail is not scanned again in the next: attachment, archive, document, members')
def hits(p):
    theme = ('word/theme.xml', noise(3000).hex().encode())
    archive = zipped(('a', noise(99)), ('b', noise(98, 2)))
    with p.worker() as w:
        expect(whole(w, mail(noise(9))).clean(), 'the text')
        for n, (first, second, wanted) in enumerate([
                (noise(5000), noise(5000), 1), (archive, archive, 1), (document(theme), document(theme), 1),
                # of two documents with some members in common these, of archives none; what follows its first member is unpacked twice
                (document(('x', b'1' * 20), theme), document(('x', b'2' * 20), theme), 3 + 3 * COUNTS),
                (zipped(('a', noise(97)), ('b', noise(96))), zipped(('a', noise(97)), ('b', noise(95))), 0)]):
            a = whole(w, mail(first))
            expect(a.clean() and a.known >= 1, n, a, a.known)
            b = whole(w, mail(second))
            expect(b.clean() and b.known == 1 + wanted, n, a.known, b.known, b)


@test('nothing is known from the same scan, from another worker, or when layer_cache is off')
def misses(p):
    with p.zygote() as z:
        w, other = z.fork(), z.fork()
        expect(whole(w, mail(noise(5000), noise(5000))).known == 0, 'known from the same scan')
        expect(whole(w, mail(noise(5000))).known == 2, 'text and attachment are not known')
        expect(whole(other, mail(noise(5000))).known == 0, 'known from another worker')
        w.close(), other.close()
    with p.worker(flags=FLAGS & ~F_CACHE) as w:
        expect([whole(w, mail(noise(5000))).known for _ in 'ab'] == [0, 0], 'known although it is off')


@test('malware is found again and again, and is no less found beside what is known')
def again(p):
    with p.worker() as w:
        for n in range(4):
            for bad in EICAR, zipped(('x.com', EICAR)), zipped(('a', noise(99)), ('in.zip', zipped(('x.com', EICAR)))), document(('x.bin', EICAR)):
                v = w.message(mail(noise(5000), bad, noise(30, n)), cover=True)
                expect(v.kinds() == {INFECTED} and v.state == COMPLETE, n, v)
            expect(w.message(mail(noise(5000), noise(30, n)), cover=True).clean(), n)


@test('a signature that asks for a container finds it after the same bytes were clean outside of it')
def container(p):
    logical(p, 'InZip', 'Container:CL_TYPE_ZIP', MARK)
    for first, second in (MARK, zipped(('a', MARK))), (tarred(('a', MARK)), zipped(('a', MARK))), (gzip.compress(MARK, mtime=0), zipped(('a', MARK))):
        with p.worker() as w:
            for _ in 'ab':
                v = whole(w, mail(first))
                expect(v.clean(), v)
            v = whole(w, mail(second))
            expect('InZip.UNOFFICIAL' in v.names(), v)
            expect(whole(w, mail(first)).clean(), 'is found outside')


@test('a signature that asks for the containers further out finds it after others were clean')
def intermediates(p):
    logical(p, 'ZipInZip', 'Intermediates:CL_TYPE_ZIP>CL_TYPE_ZIP', MARK)
    with p.worker() as w:
        for _ in 'ab':
            for first in MARK, zipped(('a', MARK)), zipped(('a', tarred(('b', MARK)))):
                expect(whole(w, mail(first)).clean(), 'first')
        v = whole(w, mail(zipped(('a', zipped(('b', MARK))))))
        expect('ZipInZip.UNOFFICIAL' in v.names(), v)


@test('a document is unpacked as such and as an archive: its members are scanned once, if no signature could tell the difference')
def twice(p):
    logical(p, 'InZip', 'Container:CL_TYPE_ZIP', MARK)
    logical(p, 'InPdf', 'Container:CL_TYPE_PDF', b'held, but asks for another container')
    p.write('two.ldb', 'Two;Engine:81-255,Target:0;0&1;%s;%s\n' % (b'one half'.hex(), b'other half'.hex()))
    for flags in FLAGS, FLAGS & ~F_LOGIC:
        for members, wanted in (2, 2), (5, 5), ([b'one half'], 1), ([b'other half'], 1), ([b'held, but asks for another container'], 0):
            with p.worker(flags=flags) as w:
                contents = members if isinstance(members, list) else [noise(500, n) for n in range(members)]
                v = whole(w, mail(document(*[('m%d' % n, noise(99) + c + noise(99)) for n, c in enumerate(contents)])))
                expect(v.clean() and v.known == (wanted + 1) * COUNTS, members, v.known, v)
    with p.worker(flags=FLAGS & ~F_CACHE) as w:
        v = whole(w, mail(document(('m', noise(500)))))
        expect(v.clean() and v.known == 0, v.known)


@test('a document whose second form a signature asks for: found, whatever was clean before')
def second_form(p):
    logical(p, 'InZip', 'Container:CL_TYPE_ZIP', MARK)
    logical(p, 'ZipInZip', 'Intermediates:CL_TYPE_ZIP>CL_TYPE_ZIP', MARK)
    p.write('two.ldb', 'Two;Engine:81-255,Container:CL_TYPE_ZIP,Target:0;(0|1)>1;%s;%s\n' % (b'one half'.hex(), b'other half'.hex()))
    held = noise(300) + MARK + noise(300)
    halves = noise(300) + b'one half and the other half' + noise(99)
    bad = [mail(document(('x.bin', held))), mail(document(('x.bin', halves))), mail(document(('a', noise(70)), ('x.bin', held), ('z', noise(71)))),
           mail(document(('in.zip', zipped(('x', held))))), mail(document(('d.docx', document(('x', held)))))]
    good = [mail(held), mail(document(('a', noise(70)))), mail(document(('x.bin', noise(600)))), mail(tarred(('x.bin', held))), mail(halves),
            mail(document(('x.bin', b'one half of it' + noise(99)))),
            mail(document(('in.gz', gzip.compress(held, mtime=0))))]
    with p.worker() as on, p.worker(flags=FLAGS & ~F_CACHE) as off:
        want = [whole(off, m).names() for m in bad]
        expect('InZip.UNOFFICIAL' in want[0] and 'Two.UNOFFICIAL' in want[1] and all(want), want)
        for order in good + bad + good, bad[::-1] + good, bad + bad:
            for m in order:
                v = whole(on, m)
                expect(v.names() == whole(off, m).names(), m[:300], v)


@test('archives in the middle of archives, broken ones beside them: the same states and reasons whatever is known, and no member that is missed for nothing')
def beside(p):
    inner = document(('m', noise(300)))
    tar = tarred(('a.docx', inner))
    whole_ones = [tar, document(('t.tar', tar)), document(('t.tar', tar), ('n', noise(80))), tarred(('t.tar', tar), ('b', noise(70))),
                  tarred(('t.tar', tar), ('a.docx', inner)), document(('d.docx', document(('t.tar', tar))), ('n', noise(81)))]
    broken = zipped(('a', noise(500)))[:-30]
    samples = [mail(b) for b in whole_ones + [document(('x.zip', broken), ('t.tar', tar)), document(('t.tar', tar), ('x.zip', broken)),
                                              tarred(('x.zip', broken), ('a.docx', inner)), document(('d.docx', document(('t.tar', tar), ('x.zip', broken))))]]
    with p.worker() as on, p.worker(flags=FLAGS & ~F_CACHE & ~F_LOGIC) as off:
        for n, m in enumerate(samples + samples[::-1]):
            v, want = whole(on, m), whole(off, m)
            expect((v.state, v.partial, v.names()) == (want.state, want.partial, want.names()), n, v, want)
            expect(n >= len(whole_ones) or want.clean(), n, want)


@test('a container that libclamav takes for something else when it has read it: its members are not known')
def retyped(p):
    logical(p, 'InMail', 'Container:CL_TYPE_MAIL', MARK)
    logical(p, 'InWord', 'Container:CL_TYPE_OOXML_WORD', MARK)
    inner = mixed(TEXT, attached(MARK), boundary=b'in')
    texts = [b'some words first\r\n' * n + inner for n in (0, 1, 60)]
    late = [zipped(*[('%d' % i, noise(30, i)) for i in range(n)], ('a', MARK), ('[Content_Types].xml', b'<Types/>'), ('word/document.xml', b'<d/>'),
                   method=zipfile.ZIP_STORED) for n in (0, 1, 5, 40)]
    samples = [mail(b) for b in [*late, *texts]] + [mixed(TEXT, b'Content-Type: message/rfc822\r\n\r\n' + inner)] + \
        [mail(zipped(('a', b))) for b in [*late, *texts]]
    clean = [mail(zipped(('a', MARK), ('b', b'1'))), mail(zipped(('z', zipped(('a', MARK))))), mail(tarred(('a', MARK)))]
    with p.worker() as on, p.worker(flags=FLAGS & ~F_CACHE) as off:
        want = [whole(off, m).names() for m in samples]
        expect(any('InMail.UNOFFICIAL' in n for n in want) and any('InWord.UNOFFICIAL' in n for n in want), want)
        for order in clean + samples, samples + clean, samples[::-1]:
            for m in order:
                v = whole(on, m)
                expect(v.names() == whole(off, m).names(), m[:300], v)


@test('an archive on the list of allowed files hides its member only while it is inside')
def allowed(p):
    listed = zipped(('x.com', EICAR), ('listed', b'1'))
    p.write('allow.fp', '%s:%d:Allowed\n' % (hashlib.md5(listed).hexdigest(), len(listed)))
    with p.worker() as w:
        for _ in 'ab':
            v = whole(w, mail(listed, noise(99)))
            expect(v.clean(), v)
        for bad in zipped(('x.com', EICAR), ('other', b'2')), zipped(('x.com', EICAR)):
            v = whole(w, mail(bad))
            expect(v.kinds() == {INFECTED}, v)
        expect(whole(w, mail(noise(99))).known == 0, 'kept beside the allowed archive')


@test('a limit between an archive and its member: nothing is kept, the next mail shows it')
def limits(p):
    bad = zipped(('x.com', EICAR))
    with p.worker(size=1 << 20, cumulative=1 << 20) as w:
        for size in range(700000, 1000000, 30000):
            v = whole(w, mail(noise(size), bad))
            if v.kinds() != {INFECTED}:
                expect(v.state == PARTIAL, size, v)
            v = whole(w, mail(bad))
            expect(v.kinds() == {INFECTED}, size, v)
    deep = bad
    for n in range(6):
        deep = zipped(('%d.zip' % n, deep))
    with p.worker(depth=3) as w:
        v = whole(w, mail(deep))
        expect(v.state == PARTIAL, v)
        expect(whole(w, mail(bad)).kinds() == {INFECTED}, 'deep')
        expect(whole(w, mail(noise(77), deep)).state == PARTIAL and whole(w, mail(noise(77))).known == 0, 'kept from a scan with a limit')


@test('two files with one MD5 are two files')
def twins(p):
    expect(len({hashlib.md5(t).digest() for t in TWINS}) == 1 and TWINS[0] != TWINS[1], 'no twins')
    p.write('twin.ndb', 'Twin:0:0:%s\n' % TWINS[1][:40].hex())
    with p.worker() as w:
        for bad, good in (TWINS[1], TWINS[0]), (zipped(('a', TWINS[1])), zipped(('a', TWINS[0]))):
            for _ in 'ab':
                expect(whole(w, mail(good)).clean(), 'the good one')
            v = whole(w, mail(bad))
            expect(v.names() == ['Twin.UNOFFICIAL'], v)


@test('what libclamav complained about is not kept; an archive that is known is not taken for a broken one')
def doubts(p):
    with p.worker() as w:
        broken = zipped(('a', noise(500)))[:-30]
        for _ in 'ab':
            v = whole(w, mail(broken, noise(66)))
            expect(not v.clean() and v.known <= 1, v)
        outer = [zipped(('in.zip', zipped(('a', noise(50)), ('b', noise(60)))), ('n', noise(30, n))) for n in range(3)]
        for m in outer + outer:
            v = whole(w, mail(m))
            expect(v.clean(), v)
        expect(v.known >= 2, v.known)


@test('a mail of many thousand different members neither fills memory nor drives anything wrong in')
def flood(p):
    with p.worker(files=30000, cumulative=64 << 20, size=16 << 20) as w:
        before = rss(w.pid)
        for n in range(3):
            z = zipped(*[('%d' % i, b'%d of %d' % (i, n) * 3) for i in range(6000)], method=zipfile.ZIP_STORED)
            v = whole(w, mail(z))
            expect(v.clean(), v)
        v = whole(w, mail(zipped(('x.com', EICAR))))
        expect(v.kinds() == {INFECTED}, v)
        if not SANITIZED:
            expect(rss(w.pid) - before < 24 << 10, before, rss(w.pid))


@test('regular expressions: the same findings with and without machine code, which the worker has from its zygote')
def regexes(p):
    p.write('pcre.ldb', 'Pcre;Engine:81-255,Target:0;0&1;%s;0/mark([0-9a-f]{4})+ (x|y)*end/\nLook;Engine:81-255,Target:0;0&1;%s;0/(?<!no)t(?=w)w/i\n' % (
        b'mark'.hex(), b'twice'.hex()))
    samples = {b'mark01ab xyxxend': 'Pcre.UNOFFICIAL', b'mark01a xyxxend': '', b'look at twice': 'Look.UNOFFICIAL', b'look notwice': '', b'mark' + b'0a1b' * 9000 + b' ' + b'xy' * 9000 + b'end': None}
    got = {}
    for flags in FLAGS, FLAGS & ~F_JIT:
        with p.worker(flags=flags) as w:
            with open('/proc/%d/maps' % w.pid) as f:
                private_code = [line for line in f if 'x' in line.split()[1] and line.split()[4] == '0' and '[' not in line]
            expect(bool(private_code) == bool(flags & F_JIT) or SANITIZED, private_code)
            for text, name in samples.items():
                v = whole(w, mail(text))
                expect(v.state == COMPLETE and (name is None or v.names() == ([name] if name else [])), flags, text[:30], v)
                expect(got.setdefault(text, v.names()) == v.names(), text[:30], got[text], v)


def rss(pid):
    with open('/proc/%d/status' % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith('RssAnon'))


sys.exit(main())
