"""build - what the mails of this folder are made of: payloads, encoders, entities, where an entity may stand

An entity is a header block and a body: header lines (bytes without line end), what separates the two, the body. Line ends
are CRLF unless a technique says otherwise. Nothing here depends on time or chance: random numbers come from a seed.
"""
import base64
import binascii
import gzip
import hashlib
import io
import random
import struct
import zlib

CRLF = b'\r\n'
# In two pieces: a scanner that guards the tree must not take this file away.
EICAR = b'X5O!P%@AP[4\\PZX54(P^)7CC)7}$' + b'EICAR-STANDARD-' + b'ANTIVIRUS-TEST-FILE!$H+H*'


def noise(size, seed):
    return random.Random(seed).randbytes(size)


# name -> bytes. Only their hashes stand in the database: found is who decoded to the last byte. The first byte of the
# binary ones is no magic of any format.
PAYLOADS = {
    'eicar': EICAR,
    'bin': b'\x8f\x02' + noise(698, 'bin'),
    'big': b'\x8f\x03' + noise(60000, 'big'),
}
NAMES = {'eicar': 'Evasion.Eicar', 'bin': 'Evasion.Bin', 'big': 'Evasion.Big'}


def signatures():
    """(text of an .hsb file, text of an .hdb file)"""
    hsb = ''.join('%s:%d:%s:73\n' % (hashlib.sha256(PAYLOADS[k]).hexdigest(), len(PAYLOADS[k]), NAMES[k])
                  for k in ('eicar', 'big'))
    data = PAYLOADS['bin']
    return hsb, '%s:%d:%s\n' % (hashlib.md5(data).hexdigest(), len(data), NAMES['bin'])


# Encoders: bytes -> bytes with CRLF line ends.

def lines(data, width, end=CRLF):
    return b''.join(data[i:i + width] + end for i in range(0, len(data), width))


def b64(data, width=76, end=CRLF):
    return lines(base64.b64encode(data), width, end)


def qp(data, width=60, every=False, fmt=b'=%02X'):
    """every: each byte is escaped, as binary data is."""
    out, line = b'', b''
    for byte in data:
        plain = not every and 33 <= byte <= 126 and byte not in b'=.'
        line += bytes([byte]) if plain else fmt % byte
        if len(line) >= width:
            out, line = out + line + b'=' + CRLF, b''
    # a soft break at the end: the line end behind it is no byte of the payload
    return out + line + b'=' + CRLF


def qp_words(data, every=False):
    """The tokens of a quoted-printable text, one a byte."""
    return [bytes([b]) if not every and 33 <= b <= 126 and b not in b'=.' else b'=%02X' % b for b in data]


def uu(data, begin=True, end=True, blank=b'`', mode=b'644'):
    body = b''
    for i in range(0, len(data), 45):
        body += binascii.b2a_uu(data[i:i + 45], backtick=blank == b'`').rstrip(b'\n') + CRLF
    head = b'begin ' + mode + b' report.com' + CRLF if begin else b''
    return head + body + (blank + CRLF + b'end' + CRLF if end else b'')


XX = b'+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'


def xx(data):
    plain = uu(data, begin=False, end=False)
    table = bytes.maketrans(bytes(range(32, 96)) + b'`', XX + XX[:1])
    body = b''.join(line.translate(table) + CRLF for line in plain.split(CRLF)[:-1])
    return b'begin 644 report.com' + CRLF + body + b'+' + CRLF + b'end' + CRLF


def yenc(data, width=128):
    out, col = b'', 0
    for byte in data:
        e = (byte + 42) & 255
        if e in (0, 10, 13, 61) or (col == 0 and e in (46, 9, 32)):
            out += b'=' + bytes([(e + 64) & 255])
            col += 2
        else:
            out += bytes([e])
            col += 1
        if col >= width:
            out, col = out + CRLF, 0
    head = b'=ybegin line=%d size=%d name=report.com' % (width, len(data))
    return head + CRLF + out + CRLF + b'=yend size=%d crc32=%08x' % (len(data), zlib.crc32(data)) + CRLF


HQX = b'!"#$%&\'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr'


def binhex(data, name=b'report.com'):
    def crc(x):
        return struct.pack('>H', binascii.crc_hqx(x, 0))
    head = bytes([len(name)]) + name + b'\0' + b'????' + b'????' + b'\0\0' + struct.pack('>II', len(data), 0)
    raw = head + crc(head) + data + crc(data) + crc(b'')
    raw = raw.replace(b'\x90', b'\x90\x00')
    bits = ''.join('{:08b}'.format(b) for b in raw)
    bits += '0' * (-len(bits) % 6)
    text = b':' + bytes(HQX[int(bits[i:i + 6], 2)] for i in range(0, len(bits), 6)) + b':'
    return b'(This file must be converted with BinHex 4.0)' + CRLF + CRLF + lines(text, 64)


def gz64(data):
    return b64(gzip.compress(data, mtime=0))


# Entities.

class Entity:
    def __init__(self, head, body, sep=CRLF):
        self.head = [h if isinstance(h, bytes) else h.encode('latin-1') for h in head]
        self.body, self.sep = body, sep

    def render(self, end=CRLF):
        text = b''.join(h + CRLF for h in self.head) + self.sep + self.body
        return text if end == CRLF else text.replace(CRLF, end)


TEXT = Entity(['Content-Type: text/plain; charset=us-ascii'], b'Hello,' + CRLF + b'see the attachment.' + CRLF)
TYPE = 'Content-Type: application/octet-stream; name="report.com"'
DISPOSITION = 'Content-Disposition: attachment; filename="report.com"'
B64 = 'Content-Transfer-Encoding: base64'


def attachment(data, cte=B64, body=None):
    return Entity([TYPE, DISPOSITION, cte], b64(data) if body is None else body)


def mp_body(parts, boundary=b'foo', prologue=b'', epilogue=b'', close=True):
    out = prologue
    for p in parts:
        out += b'--' + boundary + CRLF + (p if isinstance(p, bytes) else p.render()) + CRLF
    return out + (b'--' + boundary + b'--' + CRLF if close else b'') + epilogue


def multipart(parts, kind='mixed', boundary=b'foo', **kw):
    return Entity(['Content-Type: multipart/%s; boundary="%s"' % (kind, boundary.decode('latin-1'))],
                  mp_body(parts, boundary, **kw))


ENVELOPE = [b'From: A Sender <a@src.test>', b'To: <u@local.test>', b'Date: Mon, 02 Mar 2026 10:00:00 +0000']


def message(entity, name, mime=True):
    """A mail whose body is this entity."""
    head = ENVELOPE + [b'Subject: ' + name.encode(), b'Message-ID: <' + name.replace('/', '.').encode() + b'@src.test>']
    if mime:
        head = head + [b'MIME-Version: 1.0']
    return b''.join(h + CRLF for h in head) + entity.render()


# Where an entity with a trick may stand.

def place_part(entity, name):
    """An attachment behind a text."""
    return message(multipart([TEXT, entity], boundary=b'=_place'), name)


def place_top(entity, name):
    """The whole mail."""
    return message(entity, name)


def place_forward(entity, name):
    """A mail that was forwarded."""
    inner = Entity(['Content-Type: message/rfc822'], b'From: b@src.test' + CRLF + b'Subject: inner' + CRLF +
                   b'MIME-Version: 1.0' + CRLF + entity.render())
    return message(multipart([TEXT, inner], boundary=b'=_forward'), name)


PLACES = {'part': place_part, 'top': place_top, 'fwd': place_forward}


class Mail:
    """One mail of a catalogue. want: classes of a verdict that are right for it."""

    def __init__(self, name, section, data, payload, want=('infected',)):
        self.name, self.section, self.data, self.payload, self.want = name, section, data, payload, want

    @property
    def signature(self):
        return NAMES[self.payload] + '.UNOFFICIAL' if self.payload else None


def split_head(data):
    """([(name, value)], body) as Postfix hands them over: the first line that is no field ends the header."""
    fields, rest = [], data
    while rest:
        line, _, after = rest.partition(CRLF)
        name, colon, value = line.partition(b':')
        if line[:1] in (b' ', b'\t') and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b'\n' + line)
        elif colon and name.rstrip(b' \t') and all(33 <= c <= 126 for c in name.rstrip(b' \t')):
            fields.append((name.rstrip(b' \t'), value.split(b'\0')[0]))
        else:
            if line == b'':
                rest = after
            break
        rest = after
    return fields, rest
