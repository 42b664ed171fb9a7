"""mails - the messages the tests send, as bytes with CRLF line ends

The test pattern is put together at run time: no file of the tree is one that a scanner would take away.
"""
import base64
import io
import random
import struct
import zipfile
import zlib

EICAR = (b'X5O!P%@AP[4\\PZX54(P^)7CC)7}$' + b'EICAR-STANDARD-' + b'ANTIVIRUS-TEST-FILE!$H+H*')
EICAR_NAME = 'Eicar-Test-Signature'
COUNT = [0]


def headers(subject='test', extra=(), to='u@local.test', sender='a@src.test'):
    COUNT[0] += 1
    lines = ['From: A Sender <%s>' % sender, 'To: <%s>' % to, 'Subject: %s' % subject,
             'Date: Mon, 02 Mar 2026 10:00:00 +0000', 'Message-ID: <%d.%s@src.test>' % (COUNT[0], subject.replace(' ', '-'))]
    return [l if isinstance(l, bytes) else l.encode() for l in lines + list(extra)]


def join(head, body):
    if isinstance(body, str):
        body = body.encode()
    return b'\r\n'.join(head) + b'\r\n\r\n' + body


def b64(data):
    return base64.encodebytes(data).replace(b'\n', b'\r\n')


def zipped(data, name='eicar.com', depth=1):
    for level in range(depth):
        out = io.BytesIO()
        with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
            z.writestr(name, data)
        data, name = out.getvalue(), 'inner%d.zip' % level
    return data


def part(data, ctype='application/octet-stream', name='', encode=True, extra=()):
    """One body part: its header and its (encoded) content."""
    head = [b'Content-Type: %s%s' % (ctype.encode(), b'; name="%s"' % name.encode() if name else b'')]
    if name:
        head.append(b'Content-Disposition: attachment; filename="%s"' % name.encode())
    if encode:
        head.append(b'Content-Transfer-Encoding: base64')
    return join(head + list(extra), b64(data) if encode else data)


def multipart(parts, subject='test', kind='mixed', params='', extra=(), mark='=_frontier'):
    head = headers(subject, ['MIME-Version: 1.0',
                             'Content-Type: multipart/%s; %sboundary="%s"' % (kind, params, mark)] + list(extra))
    mark = mark.encode()
    body = b''.join(b'--' + mark + b'\r\n' + p + b'\r\n' for p in parts) + b'--' + mark + b'--\r\n'
    return join(head, b'This is a multi-part message in MIME format.\r\n\r\n' + body)


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


TEXT = part(b'Hello,\r\n\r\nthe report is attached.\r\n', 'text/plain', encode=False)


def clean(subject='clean', extra=(), body='Hello,\r\n\r\nnothing to see here.\r\n'):
    return join(headers(subject, extra), body)


def png(width=40, height=40):
    """A whole picture of noise: a broken one would be a finding."""
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    rows = b''.join(b'\0' + noise(3 * width, row) for row in range(height))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)) +
            chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


def clean_attachments():
    return multipart([TEXT, part(zipped(b'some figures\n' * 50, 'figures.csv'), 'application/zip', 'figures.zip'),
                      part(png(), 'image/png', 'logo.png'),
                      part(b'<html><body><p>hi</p></body></html>', 'text/html', encode=False)], 'attachments')


def eicar_plain():
    return join(headers('plain'), EICAR + b'\r\n')


def eicar_base64():
    return multipart([TEXT, part(EICAR, name='eicar.com')], 'base64')


def eicar_zip(depth=1):
    return multipart([TEXT, part(zipped(EICAR, depth=depth), 'application/zip', 'report.zip')], 'zip')


def eicar_forwarded():
    return multipart([TEXT, join([b'Content-Type: message/rfc822'], eicar_base64())], 'forwarded', mark='=_outer')


def eicar_signed():
    """The pattern is where the signature belongs."""
    return multipart([TEXT, part(EICAR, 'application/pgp-signature', 'signature.asc')], 'signed', 'signed',
                     'micalg=pgp-sha256; protocol="application/pgp-signature"; ')


def eicar_8bit():
    head = headers('8bit', ['MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8',
                            'Content-Transfer-Encoding: 8bit'])
    return join(head, 'Grüße aus Köln, ÄÖÜ\r\n\r\n'.encode() + EICAR + b'\r\n')


def clean_8bit():
    head = headers('8bit', ['MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8',
                            'Content-Transfer-Encoding: 8bit'])
    return join(head, 'Grüße aus Köln, ÄÖÜ\r\n'.encode())


def no_mime_headers():
    return b'Subject: bare\r\n\r\nNo From, no Date, no MIME-Version.\r\n'


def no_headers():
    return b'\r\nA body without any header.\r\n'


def empty_body():
    return join(headers('empty'), b'')


def big(size, infected=False):
    """About size bytes on the wire, unlike any other."""
    COUNT[0] += 1
    parts = [TEXT, part(noise(size * 54 // 76 - 2000, COUNT[0]), name='data.bin')]
    if infected:
        parts.append(part(EICAR, name='eicar.com'))
    return multipart(parts, 'big')
