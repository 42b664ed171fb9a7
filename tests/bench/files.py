"""files - attachments of every common type, valid enough that a scanner does its whole work on them

Each function takes a random.Random and about how many bytes the file shall have. An image decodes, a document unpacks.
"""
import io
import struct
import zipfile
import zlib

from bench import words

ZIP_DATE = (2026, 3, 2, 10, 0, 0)
# no 0xff: neither a marker of JPEG nor 15 ones in a row, so that every string of such bytes is valid entropy-coded data
NO_FF = bytes(range(255)) + b'\x7f'
# random bytes that deflate to about half
TONES = bytes(16 * (n % 16) for n in range(256))


def png(rng, side):
    """RGB, a gradient with noise in four bits: photographs and logos compress about so."""
    noise = rng.randbytes(side * side * 3 // 2).translate(TONES)
    rows, at = [], 0
    for y in range(side):
        half = noise[at:at + side * 3 // 2]
        at += len(half)
        rows.append(b'\0' + half + bytes((y * 2 + x) & 0xff for x in range(side * 3 - len(half))))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)) + \
        chunk(b'IDAT', zlib.compress(b''.join(rows), 6)) + chunk(b'IEND', b'')


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def jpeg(rng, size):
    """A grey baseline JPEG. Its code gives the lengths 1, 2, ... 15 to its symbols, so random bytes decode to a picture."""
    values = [1, 2, 0, 3, 4, 5, 1, 2, 3, 1, 2, 3, 1, 2, 3]
    table = bytes([1] * 15 + [0])
    huffman = b''.join(b'\xff\xc4' + struct.pack('>HB', 3 + 16 + 15, kind) + table + bytes(values) for kind in (0, 16))
    # a block takes about 20 bytes of random bits: ask for less, so that the data last
    blocks = max(4, int((size / 60) ** 0.5))
    frame = b'\xff\xc0' + struct.pack('>HBHHBBBB', 11, 8, blocks * 8, blocks * 8, 1, 1, 0x11, 0)
    return b'\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00' + \
        b'\xff\xdb\x00\x43\x00' + bytes([16] * 64) + frame + huffman + b'\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00' + \
        rng.randbytes(size).translate(NO_FF) + b'\xff\xd9'


def exe(rng, size, marker=b''):
    """A PE file for 32 bits with one section of code and one of data."""
    code, data = size // 2 & ~511, size // 2 & ~511
    dos = b'MZ' + bytes(58) + struct.pack('<I', 64)
    coff = struct.pack('<HHIIIHH', 0x14c, 2, 0x65000000, 0, 0, 224, 0x102)
    optional = struct.pack('<HBBIIIIIIIIIHHHHHHIIIIHHIIIIII', 0x10b, 14, 0, code, data, 0, 0x1000, 0x1000, 0x1000 + code,
                           0x400000, 0x1000, 512, 6, 0, 0, 0, 6, 0, 0, (0x2000 + code + data + 4095) & ~4095, 512, 0, 3, 0,
                           1 << 20, 4096, 1 << 20, 4096, 0, 16) + bytes(128)
    at = 0x1000 + ((code + 4095) & ~4095)
    sections = struct.pack('<8sIIIIIIHHI', b'.text', code, 0x1000, code, 512, 0, 0, 0, 0, 0x60000020)
    sections += struct.pack('<8sIIIIIIHHI', b'.data', data, at, data, 512 + code, 0, 0, 0, 0, 0xc0000040)
    head = (dos + b'PE\0\0' + coff + optional + sections).ljust(512, b'\0')
    return head + rng.randbytes(code) + (marker + rng.randbytes(data).translate(TONES))[:data]


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name, ZIP_DATE), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


class Members:
    """What files of the same program have in common: themes, style sheets, fonts, a picture; what zips share."""

    def __init__(self, rng):
        self.styles = xml(rng, 'styles', 30000)
        self.theme = xml(rng, 'theme', 8000)
        self.fonts = xml(rng, 'fonts', 1500)
        self.settings = xml(rng, 'settings', 3000)
        self.pictures = [png(rng, side) for side in (80, 120, 200, 260)]
        self.files = [('readme.txt', '\r\n'.join(words.sentences(rng, 6000)).encode()),
                      ('licence.txt', '\r\n'.join(words.sentences(rng, 18000)).encode()),
                      ('setup.exe', exe(rng, 60000)), ('logo.png', png(rng, 150))]


def xml(rng, name, size):
    out = ['<?xml version="1.0" encoding="UTF-8"?><w:%s xmlns:w="http://schemas.example/%s">' % (name, name)]
    length = 0
    while length < size:
        item = '<w:%s w:val="%s" w:id="%d"/>' % (*words.some(rng, 2), rng.randrange(100000))
        out.append(item)
        length += len(item)
    return (''.join(out) + '</w:%s>' % name).encode()


CONTENT_TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">' \
    b'<Default Extension="xml" ContentType="application/xml"/></Types>'
RELATIONS = b'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">' \
    b'<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" ' \
    b'Target="%s"/></Relationships>'


def docx(rng, size, shared, marker=b''):
    """Text that deflates to a tenth of it, the rest pictures: some that the sender's template has in every document."""
    text = ''.join('<w:p><w:r><w:t>%s</w:t></w:r></w:p>' % s for s in words.sentences(rng, min(size // 3, 60000)))
    members = [('[Content_Types].xml', CONTENT_TYPES), ('_rels/.rels', RELATIONS % b'word/document.xml'),
               ('word/document.xml', b'<?xml version="1.0"?><w:document>' + marker + text.encode() + b'</w:document>'),
               ('word/styles.xml', shared.styles), ('word/theme/theme1.xml', shared.theme),
               ('word/fontTable.xml', shared.fonts), ('word/settings.xml', shared.settings)]
    left = size - len(text) // 4
    pictures = [rng.choice(shared.pictures)] if rng.random() < 0.6 else []
    if left > 30000:
        pictures.append(jpeg(rng, left - 20000))
    for n, data in enumerate(pictures):
        members.append(('word/media/image%d.%s' % (n + 1, 'png' if data[1:4] == b'PNG' else 'jpeg'), data))
    return zipped(members)


def xlsx(rng, size, shared):
    rows = ''.join('<row r="%d">%s</row>' % (r, ''.join('<c><v>%d</v></c>' % rng.randrange(1000000) for _ in range(8)))
                   for r in range(max(4, size // 40)))
    texts = ''.join('<si><t>%s</t></si>' % s for s in words.sentences(rng, size))
    return zipped([('[Content_Types].xml', CONTENT_TYPES), ('_rels/.rels', RELATIONS % b'xl/workbook.xml'),
                   ('xl/workbook.xml', shared.settings), ('xl/styles.xml', shared.styles), ('xl/theme/theme1.xml', shared.theme),
                   ('xl/worksheets/sheet1.xml', rows.encode()), ('xl/sharedStrings.xml', texts.encode())])


def archive(rng, size, shared):
    members = rng.sample(shared.files, rng.randint(1, 3))
    left = size
    while left > 0:
        part = rng.randint(5000, 200000)
        kind = rng.random()
        if kind < 0.5:
            data, name = '\r\n'.join(words.sentences(rng, part)).encode(), 'txt'
        elif kind < 0.8:
            data, name = jpeg(rng, part), 'jpg'
        else:
            data, name = pdf(rng, part), 'pdf'
        members.append(('%s%d.%s' % (rng.choice(words.WORDS), len(members), name), data))
        left -= part
    return zipped(members)


def pdf(rng, size):
    """Pages of deflated text, and a photograph when there is room for one."""
    objects = [b'<< /Type /Catalog /Pages 2 0 R >>']
    pages = max(1, min(12, size // 20000))
    objects.append(b'<< /Type /Pages /Count %d /Kids [%s] >>' % (
        pages, b' '.join(b'%d 0 R' % (3 + 2 * n) for n in range(pages))))
    for n in range(pages):
        lines = ['(%s) Tj T*' % s for s in words.sentences(rng, 6000)]
        content = zlib.compress(('BT /F1 10 Tf 40 800 Td 12 TL\n%s\nET' % '\n'.join(lines)).encode())
        objects.append(b'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R >>' % (4 + 2 * n))
        objects.append(b'<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream' % (len(content), content))
    left = size - sum(len(o) for o in objects)
    if left > 5000:
        picture = jpeg(rng, left)
        objects.append(b'<< /Type /XObject /Subtype /Image /Filter /DCTDecode /Width 64 /Height 64 /ColorSpace /DeviceGray '
                       b'/BitsPerComponent 8 /Length %d >>\nstream\n%s\nendstream' % (len(picture), picture))
    out, offsets = b'%PDF-1.5\n%\xe2\xe3\xcf\xd3\n', []
    for n, data in enumerate(objects):
        offsets.append(len(out))
        out += b'%d 0 obj\n%s\nendobj\n' % (n + 1, data)
    start = len(out)
    out += b'xref\n0 %d\n0000000000 65535 f \n' % (len(objects) + 1)
    out += b''.join(b'%010d 00000 n \n' % o for o in offsets)
    return out + b'trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n' % (len(objects) + 1, start)


def html(rng, sentences, markup):
    """The text as a page with about that many bytes of markup, as newsletters have."""
    style = ''.join('.%s { color: #%06x; padding: %dpx; }\r\n' % (w, rng.getrandbits(24), rng.randrange(40))
                    for w in words.some(rng, 12))
    out = ['<!DOCTYPE html>\r\n<html><head><title>%s</title>\r\n<style type="text/css">\r\n%s</style></head><body>' % (
        sentences[0], style)]
    each = max(60, markup // len(sentences))
    for s in sentences:
        cell = '<table width="100%" cellpadding="0"><tr><td style="font-family:Arial,sans-serif">'
        end = '</td></tr></table>'
        while len(cell) + len(end) < each:
            cell += '<a href="https://www.%s.example/%s?id=%d" style="color:#%06x">%s</a><br>\r\n' % (
                *words.some(rng, 2), rng.randrange(1 << 30), rng.getrandbits(24), rng.choice(words.WORDS))
        out.append(cell + s + end)
    return '\r\n'.join(out) + '\r\n</body></html>'
