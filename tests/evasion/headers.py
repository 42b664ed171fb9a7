"""headers - section A of the catalogue: tricks in and around Content-Transfer-Encoding"""
from . import build as b
from .build import CRLF, Entity

CTE = 'Content-Transfer-Encoding'


def entity(head, body):
    return Entity([b.TYPE] + head + [b.DISPOSITION], body)


def duplicates():
    for other in ('quoted-printable', '7bit', '8bit', 'binary', 'x-uuencode', 'foo', ''):
        name = other or 'empty'
        yield 'cte-dup-b64-first-' + name, [b.B64, CTE + ': ' + other], 'b64'
        yield 'cte-dup-b64-last-' + name, [CTE + ': ' + other, b.B64], 'b64'
    for other in ('base64', '7bit', 'x-uuencode'):
        yield 'cte-dup-qp-first-' + other, [CTE + ': quoted-printable', CTE + ': ' + other], 'qp'
        yield 'cte-dup-qp-last-' + other, [CTE + ': ' + other, CTE + ': quoted-printable'], 'qp'
    yield 'cte-dup-three', [CTE + ': 7bit', b.B64, CTE + ': quoted-printable'], 'b64'
    yield 'cte-dup-apart', [b.B64, 'X-A: b', 'X-C: d', CTE + ': 8bit'], 'b64'
    yield 'cte-dup-case', ['content-transfer-encoding: base64', 'CONTENT-TRANSFER-ENCODING: 7bit'], 'b64'


VALUES = {
    'cte-comma-first': 'base64, quoted-printable', 'cte-comma-last': 'quoted-printable, base64',
    'cte-comma-tight': 'base64,7bit', 'cte-ws-first': 'base64 7bit', 'cte-ws-last': '7bit base64', 'cte-slash': 'base64/7bit',
    'cte-semicolon': 'base64;', 'cte-param': 'base64; x=y', 'cte-quoted': '"base64"', 'cte-quoted-single': "'base64'",
    'cte-comma-before': ',base64', 'cte-semicolon-before': ';base64', 'cte-dot': 'base64.', 'cte-equals': '=base64',
    'cte-angle': '<base64>', 'cte-colon': ': base64', 'cte-half-quote': '"base64', 'cte-escaped': 'b\\ase64',
    'cte-comment-before': '(c) base64', 'cte-comment-after': 'base64 (c)', 'cte-comment-tight': 'base64(c)',
    'cte-comment-inside': 'base(c)64', 'cte-comment-open-after': 'base64 (open', 'cte-comment-open-before': '(open base64',
    'cte-comment-nested': '((n)c) base64', 'cte-comment-decoy': '(quoted-printable) base64',
    'cte-comment-decoy-after': 'base64 (quoted-printable)', 'cte-comment-escaped': '(a\\)b) base64',
    'cte-x-base64': 'x-base64', 'cte-base64xx': 'base64xx', 'cte-base-64': 'base-64', 'cte-bsae64': 'bsae64', 'cte-b64': 'b64',
    'cte-unknown': 'foo', 'cte-empty': '', 'cte-7bit': '7bit', 'cte-8bit': '8bit', 'cte-binary': 'binary',
    'cte-2047-q': '=?us-ascii?Q?base64?=', 'cte-2047-b': '=?us-ascii?B?YmFzZTY0?=', 'cte-2047-half': '=?us-ascii?Q?base?=64',
    'cte-case': 'BaSe64', 'cte-vt': '\x0bbase64', 'cte-ff': '\x0cbase64', 'cte-nul': '\0base64', 'cte-a0': '\xa0base64',
    'cte-cr': '\rbase64', 'cte-nul-after': 'base64\0', 'cte-vt-after': 'base64\x0b', 'cte-8bit-after': 'base64\xe9',
    'cte-fold': '\r\n base64', 'cte-fold-tab': '\r\n\tbase64', 'cte-fold-twice': '\r\n \r\n base64',
    'cte-fold-inside': 'base\r\n 64', 'cte-long-blank': ' ' * 300 + 'base64', 'cte-long-tail': 'base64' + ' ' * 900 + 'x',
}

FIELDS = {
    'name-blank': CTE + ' : base64', 'name-tab': CTE + '\t: base64', 'name-comment': CTE + '(x): base64',
    'name-colons': CTE + ':: base64', 'name-no-colon': CTE + ' base64', 'name-no-blank': CTE + ':base64',
    'name-nul-before': '\0' + CTE + ': base64', 'name-cr-before': '\r' + CTE + ': base64',
    'name-blank-before': ' ' + CTE + ': base64', 'name-nul-inside': 'Content-Transfer\0-Encoding: base64',
    'name-vt-after': CTE + '\x0b: base64', 'name-lower': CTE.lower() + ': base64', 'name-upper': CTE.upper() + ': base64',
    'name-misspelt': 'Content-Transfer-Encodin: base64', 'name-joined': 'ContentTransferEncoding: base64',
    'name-underscore': 'Content_Transfer_Encoding: base64', 'name-8bit-before': '\xef' + CTE + ': base64',
    'name-fold': CTE + '\r\n : base64', 'name-equals': CTE + '= base64', 'name-x': 'X-' + CTE + ': base64',
}

JUNK = {'text': 'this line is no field', 'blank': ' ', 'blanks': ' \t ', 'colon': ':', 'colon-value': ': value', 'comment': '(c)',
        'nul': '\0', 'vt': '\x0b', 'from': 'From a@src.test Mon Mar  2 10:00:00 2026', 'dash': '-', 'quoted': '> Subject: x',
        '8bit': 'Betr\xe4ge: x', 'blank-name': 'Content Type: x'}

ODD_ENCODINGS = {
    'uu': ('x-uuencode', 'x-uue', 'uue', 'uuencode', 'x-uu', 'uu'),
    'yenc': ('x-yencode', 'yenc', '8bit'),
    'binhex': ('mac-binhex40', 'x-binhex40', '7bit'),
    'gz64': ('x-gzip64', 'gzip64', 'base64'),
}


def coded(how, data):
    return {'b64': b.b64, 'qp': lambda d: b.qp(d, every=True), 'uu': b.uu, 'uu-bare': lambda d: b.uu(d, False, False),
            'uu-begin': lambda d: b.uu(d, True, False), 'yenc': b.yenc, 'binhex': b.binhex, 'gz64': b.gz64, 'xx': b.xx}[how](data)


def fields():
    """(name, header lines, encoding of the body)"""
    yield from duplicates()
    for name, value in VALUES.items():
        yield name, [CTE + ': ' + value], 'b64'
    for name, line in FIELDS.items():
        yield name, [line], 'b64'
    for name, line in JUNK.items():
        yield 'junk-' + name, [line, b.B64], 'b64'
        yield 'junk-after-' + name, [b.B64, line], 'b64'
    yield 'cte-none', [], 'b64'
    for how, values in ODD_ENCODINGS.items():
        for value in values:
            yield 'odd-%s-%s' % (how, value), [CTE + ': ' + value], how
    yield 'odd-uu-bare', [CTE + ': x-uuencode'], 'uu-bare'
    yield 'odd-uu-no-end', [CTE + ': x-uuencode'], 'uu-begin'
    yield 'odd-uu-none', [], 'uu'
    yield 'odd-xx', [CTE + ': x-xxencode'], 'xx'
    yield 'odd-xx-none', [], 'xx'


def whole(data):
    """An encoding on what must not have one."""
    inner = b.mp_body([b.TEXT, b.attachment(data)])
    kind = 'Content-Type: multipart/mixed; boundary="foo"'
    forwarded = b'Subject: inner' + CRLF + b'MIME-Version: 1.0' + CRLF + b.multipart([b.TEXT, b.attachment(data)]).render()
    for how, value in (('b64', 'base64'), ('qp', 'quoted-printable')):
        yield 'multipart-' + how, Entity([kind, CTE + ': ' + value], coded(how, inner))
        yield 'multipart-plain-' + how, Entity([kind, CTE + ': ' + value], inner)
        for sub in ('rfc822', 'global', 'x-foo'):
            yield 'message-%s-%s' % (sub, how), Entity(['Content-Type: message/' + sub, CTE + ': ' + value], coded(how, forwarded))
    yield 'digest-b64', Entity(['Content-Type: multipart/digest; boundary="foo"', b.B64], coded('b64', inner))


# These cannot stand in the header of a mail: Postfix cuts or moves them.
PART_ONLY = ('nul', 'cr', 'junk', 'name-')


def mails():
    """(name, section, entity maker(data), places)"""
    for name, head, how in fields():
        def make(data, head=head, how=how):
            return entity(head, coded(how, data))
        odd = any(p in name for p in PART_ONLY)
        yield name, 'A', make, ('part', 'fwd') if odd else ('part', 'top')
    for name in [n for n, _ in whole(b'')]:
        yield name, 'A', lambda data, name=name: dict(whole(data))[name], ('part', 'top')
