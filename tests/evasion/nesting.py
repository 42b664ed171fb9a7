"""nesting - section F of the catalogue: containers, nesting, encodings that stand in plain text"""
import base64
import io
import struct
import zipfile

from . import build as b
from .build import CRLF, Entity


def message_part(kind, entity, head=()):
    inner = b'From: b@src.test' + CRLF + b'Subject: inner' + CRLF + b'MIME-Version: 1.0' + CRLF + entity.render()
    return Entity(['Content-Type: ' + kind] + list(head), inner)


def nested(depth, data):
    e = b.attachment(data)
    for n in range(depth):
        e = b.multipart([b.TEXT, e] if n % 3 == 0 else [e], boundary=b'n%d' % n)
    return e


def der(tag, *content):
    body = b''.join(content)
    n = len(body)
    size = bytes([n]) if n < 128 else b'\x82' + struct.pack('>H', n) if n < 65536 else b'\x83' + struct.pack('>I', n)[1:]
    return bytes([tag]) + size + body


OID_SIGNED = bytes.fromhex('06092a864886f70d010702')
OID_ENVELOPED = bytes.fromhex('06092a864886f70d010703')
OID_DATA = bytes.fromhex('06092a864886f70d010701')
OID_SHA256 = bytes.fromhex('300b0609608648016503040201')


def cms(content, chunked=0, indefinite=False):
    """SignedData around content (an entity's bytes); chunked: bytes of each piece of a constructed OCTET STRING."""
    def build(tag, *body):
        return bytes([tag]) + b'\x80' + b''.join(body) + b'\0\0' if indefinite else der(tag, *body)
    pieces = [content[i:i + chunked] for i in range(0, len(content), chunked)] if chunked else []
    octets = build(0x24, *[der(4, p) for p in pieces]) if chunked else der(4, content)
    signed = build(0x30, der(2, b'\1'), der(0x31, OID_SHA256), build(0x30, OID_DATA, build(0xa0, octets)), der(0x31))
    return build(0x30, OID_SIGNED, build(0xa0, signed))


def cms_part(data, kind='signed-data', mime='pkcs7-mime', name='smime.p7m', **kw):
    inner = b.multipart([b.TEXT, b.attachment(data)]).render()
    return Entity(['Content-Type: application/%s; smime-type=%s; name="%s"' % (mime, kind, name), b.B64], b.b64(cms(inner, **kw)))


def tnef(data, name=b'report.com'):
    """An attachment as Outlook wraps it (MS-OXTNEF)."""
    def attribute(level, tag, body):
        return struct.pack('<BII', level, tag, len(body)) + body + struct.pack('<H', sum(body) & 0xffff)
    return (struct.pack('<IH', 0x223e9f78, 1) + attribute(1, 0x00089006, struct.pack('<I', 0x10000)) +
            attribute(1, 0x00078008, b'IPM.Microsoft Mail.Note\0') + attribute(2, 0x00069002, b'\1\0' + b'\xff' * 4 + b'\0' * 8) +
            attribute(2, 0x00018010, name + b'\0') + attribute(2, 0x0006800f, data))


def in_text(body, kind='text/plain', cte=None):
    head = ['Content-Type: %s; charset=utf-8' % kind]
    if cte:
        head.append('Content-Transfer-Encoding: ' + cte)
    return Entity(head, body)


def zipped(data, method=zipfile.ZIP_DEFLATED, name='report.com'):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', method) as z:
        z.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def html(data):
    return b'<html><body><a href="data:application/octet-stream;base64,' + base64.b64encode(data) + b'">x</a></body></html>' + CRLF


def smuggling(data):
    return (b'<html><script>' + CRLF + b'var f = atob("' + base64.b64encode(data) + b'");' + CRLF + b'saveAs(f, "report.com");' + CRLF +
            b'</script></html>' + CRLF)


def containers():
    """(name, data -> entity)"""
    for kind in ('signed', 'parallel', 'encrypted', 'related', 'report', 'alternative', 'digest', 'appledouble', 'form-data', 'byteranges',
                 'x-mixed-replace', 'voice-message', 'header-set'):
        yield 'kind/' + kind, lambda d, k=kind: b.multipart([b.TEXT, b.attachment(d)], k)
    yield 'kind/signed-first', lambda d: b.multipart([b.attachment(d), b.TEXT], 'signed')
    yield 'kind/signed-third', lambda d: b.multipart([b.TEXT, b.TEXT, b.attachment(d)], 'signed')
    for kind in ('rfc822', 'global', 'x-foo', 'news', 'http', 's-http', 'sip', 'delivery-status', 'disposition-notification'):
        yield 'message/' + kind, lambda d, k=kind: message_part('message/' + k, b.multipart([b.TEXT, b.attachment(d)]))
    yield 'message/headers', lambda d: message_part('text/rfc822-headers', b.multipart([b.TEXT, b.attachment(d)]))
    yield 'message/external', lambda d: message_part('message/external-body; access-type=local-file; name=x', b.attachment(d))
    yield 'message/digest', lambda d: Entity(['Content-Type: multipart/digest; boundary="foo"'], b.mp_body(
        [Entity([], b'Subject: inner' + CRLF + b.multipart([b.TEXT, b.attachment(d)], boundary=b'bar').render(), sep=CRLF)]))
    yield 'message/twice', lambda d: message_part('message/rfc822', message_part('message/rfc822', b.attachment(d)))
    yield 'message/octet-stream', lambda d: message_part('application/octet-stream', b.multipart([b.TEXT, b.attachment(d)]))
    yield 'message/octet-b64', lambda d: Entity(['Content-Type: application/octet-stream; name=a.eml', b.B64], b.b64(
        b'Subject: inner' + CRLF + b'MIME-Version: 1.0' + CRLF + b.multipart([b.TEXT, b.attachment(d)]).render()))
    for depth in (5, 9):
        yield 'nest/%d' % depth, lambda d, n=depth: nested(n, d)
    yield 'parts/2000', lambda d: b.multipart([b.TEXT] * 2000 + [b.attachment(d)])
    for how, make in (('definite', {}), ('chunked', {'chunked': 100}), ('chunked-1', {'chunked': 7}), ('indefinite', {'indefinite': True}),
                      ('indefinite-chunked', {'indefinite': True, 'chunked': 64})):
        yield 'cms/' + how, lambda d, m=make: cms_part(d, **m)
    yield 'cms/x-pkcs7', lambda d: cms_part(d, mime='x-pkcs7-mime')
    yield 'cms/no-type', lambda d: cms_part(d, kind='x', mime='octet-stream', name='smime.p7m', chunked=50)
    yield 'cms/lie', lambda d: cms_part(d, kind='enveloped-data')
    yield 'tnef/ms-tnef', lambda d: Entity(['Content-Type: application/ms-tnef; name=winmail.dat', b.B64], b.b64(tnef(d)))
    yield 'tnef/vnd', lambda d: Entity(['Content-Type: application/vnd.ms-tnef; name=winmail.dat', b.B64], b.b64(tnef(d)))
    yield 'tnef/octet-stream', lambda d: Entity(['Content-Type: application/octet-stream; name=a.dat', b.B64], b.b64(tnef(d)))
    yield 'tnef/no-type', lambda d: Entity(['X-A: b', b.B64], b.b64(tnef(d)))
    yield 'zip/plain', lambda d: Entity([b.TYPE, b.B64], b.b64(zipped(d)))
    yield 'zip/nested', lambda d: Entity([b.TYPE, b.B64], b.b64(zipped(zipped(zipped(d), name='a.zip'), name='b.zip')))
    yield 'zip/prefixed', lambda d: Entity([b.TYPE, b.B64], b.b64(b'#!/bin/sh\nexit 0\n' * 20 + zipped(d)))
    yield 'zip/stored-b64-junk', lambda d: Entity([b.TYPE, b.B64], b.b64(zipped(d, zipfile.ZIP_STORED)).replace(b'U', b'U.'))
    yield 'html/data', lambda d: in_text(html(d), 'text/html')
    yield 'html/data-b64', lambda d: in_text(b.b64(html(d)), 'text/html', 'base64')
    yield 'html/data-qp', lambda d: in_text(b.qp(html(d)), 'text/html', 'quoted-printable')
    yield 'html/atob', lambda d: in_text(smuggling(d), 'text/html')
    yield 'html/svg', lambda d: in_text(b'<svg>' + html(d) + b'</svg>', 'image/svg+xml')
    yield 'text/utf16', lambda d: Entity(['Content-Type: text/html; charset=utf-16', b.B64], b.b64(html(d).decode().encode('utf-16')))
    yield 'text/utf16be', lambda d: Entity(['Content-Type: text/plain; charset=utf-16be', b.B64], b.b64(b.b64(d).decode().encode('utf-16-be')))
    yield 'text/b64-inline', lambda d: in_text(b'the data:' + CRLF + b.b64(d) + b'end of it' + CRLF)


INLINE = {'uu': b.uu, 'uu-bare': lambda d: b.uu(d, False, False), 'uu-no-end': lambda d: b.uu(d, True, False),
          'uu-blank': lambda d: b.uu(d, blank=b' '), 'uu-blanks': lambda d: b.uu(d).replace(b'begin 644 ', b'begin  644  '),
          'uu-mode': lambda d: b.uu(d, mode=b'0100644'), 'uu-no-mode': lambda d: b.uu(d).replace(b'begin 644 ', b'begin '),
          'uu-lf': lambda d: b.uu(d).replace(CRLF, b'\n'), 'uu-trailing': lambda d: b.uu(d).replace(CRLF, b'  \r\n'),
          'uu-extra': lambda d: uu_extra(d),
          'xx': b.xx, 'yenc': b.yenc, 'binhex': b.binhex, 'begin-base64': lambda d: b'begin-base64 644 a' + CRLF + b.b64(d) + b'====' + CRLF,
          'base64': b.b64}


def uu_extra(data):
    """A checksum character at the end of each line, as old encoders wrote it."""
    out = []
    for row in b.uu(data).split(CRLF):
        out.append(row + b'A' if row and not row.startswith((b'begin', b'end', b'`')) else row)
    return CRLF.join(out)


def inline():
    for name, fn in INLINE.items():
        words = b'Dear friend,' + CRLF + CRLF + b'here it is:' + CRLF + CRLF
        yield 'inline/' + name, lambda d, f=fn, w=words: in_text(w + f(d) + CRLF + b'Bye' + CRLF)
        yield 'inline-qp/' + name, lambda d, f=fn, w=words: in_text(
            (w + f(d)).replace(b'=', b'=3D') if name_is_text(f) else b.qp(w + f(d), every=True), cte='quoted-printable')
        yield 'inline-b64/' + name, lambda d, f=fn, w=words: in_text(b.b64(w + f(d)), cte='base64')


def name_is_text(fn):
    return fn is not b.yenc


def no_mime(name, fn):
    def make(data):
        e = Entity([], b'Hello,' + CRLF + CRLF + fn(data) + CRLF + b'Bye' + CRLF)
        return b.message(e, 'nomime', mime=False)
    return make


def top_level():
    for name, fn in INLINE.items():
        yield 'nomime/' + name, no_mime(name, fn)


def names():
    """The content is plain; the name is the trick."""
    for name, value in {'2231': "filename*=utf-8''report%2Ecom", '2047': 'filename="=?utf-8?Q?report=2Ecom?="',
                        'both': 'filename=report.txt; filename*=us-ascii\'\'report.com', 'dup': 'filename=a.txt; filename=report.com',
                        'rtl': 'filename="moc.\xe2\x80\xaetroper"', 'dot': 'filename="report.com."', 'blank': 'filename="report.com "',
                        'path': 'filename="..\\\\..\\\\report.com"', 'long': 'filename="' + 'a' * 3000 + '.com"',
                        'nul': 'filename="a.txt\0.com"'}.items():
        yield 'names/' + name, lambda d, v=value: Entity(['Content-Type: application/octet-stream', b.B64,
                                                        'Content-Disposition: attachment; ' + v], b.b64(d))


def special():
    """(name, data -> mail, classes that are right): what must be told, but cannot be found."""
    inner = lambda d: b.multipart([b.TEXT, b.attachment(d)]).render()
    for depth in (60, 200, 1100):
        yield 'nest/%d' % depth, lambda d, n=depth: b.message(nested(n, d), 'nest'), ('infected', 'evasion', 'unscannable')
    yield 'partial/1', lambda d: b.message(Entity(['Content-Type: message/partial; id=x; number=1; total=2'],
                                                  b'Subject: x' + CRLF + b.attachment(d).render()[:120]), 'partial'), ('unscannable', 'evasion')
    yield 'partial/part', lambda d: b.message(b.multipart([b.TEXT, Entity(['Content-Type: message/partial; id=x; number=2; total=2'],
                                              b.b64(d)[10:60])]), 'partial'), ('unscannable', 'evasion')
    yield 'encrypted/cms', lambda d: b.message(Entity(['Content-Type: application/pkcs7-mime; smime-type=enveloped-data', b.B64], b.b64(
        der(0x30, OID_ENVELOPED, der(0xa0, der(0x30, der(2, b'\0'), der(0x31), der(0x30, OID_DATA)))))), 'enveloped'), ('encrypted',)
    pgp = (b'-----BEGIN PGP MESSAGE-----' + CRLF + CRLF + b.b64(b'\x85\x01\x0c\x03' + b.noise(300, 'pgp'), 64) + b'=abcd' + CRLF +
           b'-----END PGP MESSAGE-----' + CRLF)
    yield 'encrypted/pgp-mime', lambda d: b.message(Entity(
        ['Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="foo"'],
        b.mp_body([Entity(['Content-Type: application/pgp-encrypted'], b'Version: 1' + CRLF),
                   Entity(['Content-Type: application/octet-stream; name=encrypted.asc'], pgp)])), 'pgp'), ('encrypted',)
    yield 'encrypted/pgp-inline', lambda d: b.message(in_text(pgp), 'pgp'), ('encrypted',)


def mails():
    for name, make in containers():
        yield name, 'F', make, ('part', 'top')
    for name, make in inline():
        yield name, 'F', make, ('part', 'top') if name.startswith('inline/') else ('part',)
    for name, make in names():
        yield name, 'F', make, ('part',)
