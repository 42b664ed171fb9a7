"""structure - sections D and E of the catalogue: tricks with Content-Type, boundaries, and where a header ends"""
from . import build as b
from .build import CRLF, Entity

CT = 'Content-Type'


def parts(data):
    return [b.TEXT, b.attachment(data)]


def body(data, boundary=b'foo', **kw):
    return b.mp_body(parts(data), boundary, **kw)


# name -> header lines of a multipart whose real boundary is foo.
MIXED = CT + ': multipart/mixed; boundary='
HEADS = {
    'ct-dup-first': [MIXED + 'foo', MIXED + 'bar'], 'ct-dup-last': [MIXED + 'bar', MIXED + 'foo'],
    'ct-dup-kind-first': [MIXED + 'foo', CT + ': multipart/alternative; boundary=bar'],
    'ct-dup-text-first': [CT + ': text/plain', MIXED + 'foo'], 'ct-dup-text-last': [MIXED + 'foo', CT + ': text/plain'],
    'ct-dup-html-last': [MIXED + 'foo', CT + ': text/html; charset=utf-8'],
    'ct-dup-image-first': [CT + ': image/png', MIXED + 'foo'],
    'ct-dup-three': [MIXED + 'bar', MIXED + 'foo', MIXED + 'baz'], 'ct-dup-apart': [MIXED + 'bar', 'X-A: b', MIXED + 'foo'],
    'ct-dup-octet-last': [MIXED + 'foo', CT + ': application/octet-stream'],
    'bnd-dup-first': [MIXED + 'foo; boundary=bar'], 'bnd-dup-last': [MIXED + 'bar; boundary=foo'],
    'bnd-dup-quoted-first': [MIXED + '"foo"; boundary="bar"'], 'bnd-dup-quoted-last': [MIXED + '"bar"; boundary="foo"'],
    'bnd-dup-fold': [MIXED + 'bar;\r\n boundary=foo'], 'bnd-dup-case': [MIXED + 'bar; BOUNDARY=foo'],
    '2231': [CT + ": multipart/mixed; boundary*=us-ascii''foo"], '2231-percent': [CT + ": multipart/mixed; boundary*=us-ascii''%66oo"],
    '2231-utf8': [CT + ": multipart/mixed; boundary*=utf-8'en'foo"], '2231-cont': [CT + ': multipart/mixed; boundary*0=f; boundary*1=oo'],
    '2231-reversed': [CT + ': multipart/mixed; boundary*1=oo; boundary*0=f'],
    '2231-both': [CT + ": multipart/mixed; boundary*0*=us-ascii''%66; boundary*1=oo"],
    '2231-dup': [CT + ': multipart/mixed; boundary*0=foo; boundary*0=bar'],
    '2231-dup-last': [CT + ': multipart/mixed; boundary*0=bar; boundary*0=foo'],
    '2231-gap': [CT + ': multipart/mixed; boundary*0=foo; boundary*2=bar'],
    '2231-gap-first': [CT + ': multipart/mixed; boundary*1=foo'],
    '2231-utf16': [CT + ": multipart/mixed; boundary*=utf-16''%66%00%6f%00%6f%00"],
    '2231-conflict-plain': [CT + ": multipart/mixed; boundary=foo; boundary*=us-ascii''bar"],
    '2231-conflict-star': [CT + ": multipart/mixed; boundary=bar; boundary*=us-ascii''foo"],
    '2231-conflict-cont': [CT + ': multipart/mixed; boundary=bar; boundary*0=f; boundary*1=oo'],
    '2231-cont-plain': [CT + ': multipart/mixed; boundary*0=b; boundary*1=ar; boundary=foo'],
    '2231-bad-percent': [CT + ": multipart/mixed; boundary*=us-ascii''fo%6"],
    '2231-no-charset': [CT + ': multipart/mixed; boundary*=foo'], '2231-unknown': [CT + ": multipart/mixed; boundary*=x-no''foo"],
    '2047-q': [MIXED + '=?us-ascii?Q?foo?='], '2047-q-quoted': [MIXED + '"=?us-ascii?Q?foo?="'],
    '2047-b': [MIXED + '=?us-ascii?B?Zm9v?='], '2047-whole': [CT + ': =?us-ascii?Q?multipart/mixed;_boundary=3Dfoo?='],
    'comment-before': [MIXED + '(c)foo'], 'comment-after': [MIXED + 'foo(c)'], 'comment-inside': [MIXED + 'f(c)oo'],
    'comment-quoted': [MIXED + '"foo"(c)'], 'comment-key': [CT + ': multipart/mixed; boundary(c)=foo'],
    'comment-key-before': [CT + ': multipart/mixed; (c)boundary=foo'], 'comment-decoy': [MIXED + '(boundary=bar)foo'],
    'comment-decoy-before': [CT + ': multipart/mixed; (boundary=bar); boundary=foo'],
    'comment-type': [CT + ': multipart/(c)mixed; boundary=foo'], 'comment-first': [CT + ': (c)multipart/mixed; boundary=foo'],
    'comment-open': [CT + ': multipart/mixed; (open boundary=foo'], 'comment-type-decoy': [CT + ': (text/plain)multipart/mixed; boundary=foo'],
    'comment-value': [MIXED + 'foo (x; boundary=bar)'],
    'quoted-pair': [MIXED + '"f\\oo"'], 'quoted-pair-bare': [MIXED + 'f\\oo'], 'quote-open': [MIXED + '"foo'],
    'quote-close': [MIXED + 'foo"'], 'quote-middle': [MIXED + 'f"o"o'], 'quote-middle-start': [MIXED + '"f"oo'],
    'quote-single': [MIXED + "'foo'"], 'quote-double': [MIXED + '""foo""'], 'quote-escaped': [MIXED + '\\"foo\\"'],
    'quote-tail': [MIXED + '"foo"bar'], 'quote-semicolon': [MIXED + '"foo;"'], 'quote-typographic': [MIXED + '\u201cfoo\u201d'.encode('utf-8').decode('latin-1')],
    'blank-equals': [CT + ': multipart/mixed; boundary = foo'], 'blank-equals-tab': [CT + ': multipart/mixed; boundary\t=\tfoo'],
    'blank-leading': [MIXED + '" foo"'], 'blank-trailing': [MIXED + '"foo "'], 'blank-fold': [CT + ': multipart/mixed;\r\n\tboundary\r\n =\r\n foo'],
    'blank-unquoted': [MIXED + 'foo bar'], 'blank-only': [MIXED + '"   "'], 'empty': [MIXED], 'empty-quoted': [MIXED + '""'],
    'nul': [MIXED + 'fo\0o'], 'nul-after': [MIXED + 'foo\0bar'], 'cr': [MIXED + 'fo\ro'], 'cr-before': [CT + ': multipart/mixed;\rboundary=foo'],
    '8bit': [MIXED + 'foo\xe4'], '8bit-quoted': [MIXED + '"foo\xe4"'], 'bnd-none': [CT + ': multipart/mixed'],
    'key-wrong': [CT + ': multipart/mixed; boundry=foo'], 'key-prefix': [CT + ': multipart/mixed; x-boundary=foo'],
    'key-case': [CT + ': multipart/mixed; bOuNdArY=foo'], 'value-wrong': [MIXED + 'bar'], 'value-case': [MIXED + 'FOO'],
    'ct-none': ['X-None: x'], 'ct-empty': [CT + ': '], 'ct-text': [CT + ': text/plain'], 'ct-text-bnd': [CT + ': text/plain; boundary=foo'],
    'type-slash': [CT + ': multipart/; boundary=foo'], 'type-bare': [CT + ': multipart; boundary=foo'],
    'type-blanks': [CT + ': multipart / mixed; boundary=foo'], 'type-quoted': [CT + ': "multipart/mixed"; boundary=foo'],
    'type-x': [CT + ': x-multipart/mixed; boundary=foo'], 'type-cut': [CT + ': ultipart/mixed; boundary=foo'],
    'type-escaped': [CT + ': m\\ultipart/mixed; boundary=foo'], 'type-2047': [CT + ': =?us-ascii?Q?multipart/mixed?=; boundary=foo'],
    'type-semicolon-first': [CT + ': ; multipart/mixed; boundary=foo'], 'type-comma': [CT + ': multipart/mixed, boundary=foo'],
    'type-no-separator': [CT + ': multipart/mixed boundary=foo'], 'type-unknown': [CT + ': multipart/foo; boundary=foo'],
    'type-8bit': [CT + ': \xe4multipart/mixed; boundary=foo'], 'type-backslash': [CT + ': multipart\\mixed; boundary=foo'],
    'type-many-semicolons': [CT + ': multipart/mixed;;;; boundary=foo'], 'type-two': [CT + ': text/plain multipart/mixed; boundary=foo'],
    'type-two-slashes': [CT + ': multipart/mixed/x; boundary=foo'],
    'par-colon': [CT + ': multipart/mixed; x:y=1; boundary=foo'], 'par-equals': [CT + ': multipart/mixed; =1; boundary=foo'],
    'par-word': [CT + ': multipart/mixed; foo; boundary=foo'], 'par-quote': [CT + ': multipart/mixed; x="; boundary=foo'],
    'par-backslash': [CT + ': multipart/mixed; x=\\; boundary=foo'], 'par-slash': [CT + ': multipart/mixed; a/b=c; boundary=foo'],
    'par-at': [CT + ': multipart/mixed; a@b; boundary=foo'], 'par-8bit': [CT + ': multipart/mixed; \xe4=\xe4; boundary=foo'],
    'par-many': [CT + ': multipart/mixed; ' + '; '.join('p%d=v' % n for n in range(200)) + '; boundary=foo'],
    'par-brackets': [CT + ': multipart/mixed; [x]; <y>; boundary=foo'],
    'name-blank': [CT + ' : multipart/mixed; boundary=foo'], 'name-comment': [CT + '(c): multipart/mixed; boundary=foo'],
    'name-cr': ['X-A: b\r' + CT + ': multipart/mixed; boundary=foo'], 'name-fold': ['X-A: b\r\n ' + CT + ': multipart/mixed; boundary=foo'],
    'name-colons': [CT + ':: multipart/mixed; boundary=foo'], 'name-nul': ['\0' + CT + ': multipart/mixed; boundary=foo'],
    'name-8bit': ['\xef\xbb\xbf' + CT + ': multipart/mixed; boundary=foo'], 'name-no-colon': [CT + ' multipart/mixed; boundary=foo'],
    'disposition': [CT + ': multipart/mixed', 'Content-Disposition: attachment; boundary=foo'],
    'disposition-conflict': [CT + ': multipart/mixed; boundary=bar', 'Content-Disposition: inline; boundary=foo'],
    'missing-type-param': [CT + ': boundary=foo'], 'fold-deep': [CT + ':\r\n multipart/mixed;\r\n \r\n boundary="foo"'],
}
# What the boundary is there.
REAL = {'blank-leading': b' foo', 'blank-trailing': b'foo ', 'blank-unquoted': b'foo bar', 'blank-only': b'   ', 'empty': b'',
        'empty-quoted': b'', '8bit': b'foo\xe4', '8bit-quoted': b'foo\xe4', 'quote-semicolon': b'foo;', 'nul': b'fo\0o'}

# name -> what stands instead of "--foo", "--foo--".
DELIMITERS = {
    'suffix': b'--fooX', 'suffix-blank': b'--foo X', 'suffix-dash': b'--foo-', 'suffix-vt': b'--foo\x0b', 'suffix-blanks': b'--foo   ',
    'suffix-tab': b'--foo\t', 'prefix-blank': b' --foo', 'prefix-dash': b'---foo', 'suffix-nul': b'--foo\0', 'suffix-comment': b'--foo (c)',
    'suffix-8bit': b'--foo\xe4', 'suffix-cr': b'--foo\r', 'prefix-tab': b'\t--foo', 'suffix-dash-blank': b'--foo- -',
}


def plain_mp(body_bytes, boundary='foo', kind='mixed'):
    return Entity([CT + ': multipart/%s; boundary="%s"' % (kind, boundary)], body_bytes)


def delimited(delimiter, data):
    text = b''.join(delimiter + CRLF + p.render() + CRLF for p in parts(data))
    return plain_mp(text + b'--foo--' + CRLF)


def only_second(delimiter, data):
    return plain_mp(b'--foo' + CRLF + b.TEXT.render() + CRLF + delimiter + CRLF + b.attachment(data).render() + CRLF + b'--foo--' + CRLF)


def positions(data):
    """Where the part with the payload stands."""
    text, part = b.TEXT.render(), b.attachment(data).render()
    first = b'--foo' + CRLF + text + CRLF
    yield 'preamble', plain_mp(part + CRLF + first + b'--foo--' + CRLF)
    yield 'preamble-other', plain_mp(b'--bar' + CRLF + part + CRLF + b'--bar--' + CRLF + first + b'--foo--' + CRLF)
    yield 'after-close', plain_mp(first + b'--foo--' + CRLF + b'--foo' + CRLF + part + CRLF + b'--foo--' + CRLF)
    yield 'after-close-open', plain_mp(first + b'--foo--' + CRLF + b'--foo' + CRLF + part)
    yield 'epilogue', plain_mp(first + b'--foo--' + CRLF + part)
    yield 'epilogue-blank', plain_mp(first + b'--foo--' + CRLF + CRLF + part)
    yield 'other-boundary', plain_mp(first + b'--bar' + CRLF + part + CRLF + b'--foo--' + CRLF)
    yield 'other-boundary-after', plain_mp(first + b'--foo--' + CRLF + b'--bar' + CRLF + part + CRLF + b'--bar--' + CRLF)
    yield 'no-close', plain_mp(first + b'--foo' + CRLF + part)
    yield 'close-first', plain_mp(b'--foo--' + CRLF + b'--foo' + CRLF + part + CRLF + b'--foo--' + CRLF)
    yield 'only-close', plain_mp(text + b'--foo--' + CRLF + part)
    yield 'double-delimiter', plain_mp(first + b'--foo' + CRLF + b'--foo' + CRLF + part + CRLF + b'--foo--' + CRLF)
    yield 'empty-parts', plain_mp(b'--foo' + CRLF + b'--foo' + CRLF + CRLF + b'--foo' + CRLF + part + CRLF + b'--foo--' + CRLF)
    for name, inner in (('same', 'foo'), ('dashes', 'foo--'), ('prefix', 'fo'), ('longer', 'foobar')):
        nested = plain_mp(b.mp_body(parts(data), inner.encode()), inner, 'alternative').render()
        yield 'inner-' + name, plain_mp(first + b'--foo' + CRLF + nested + CRLF + b'--foo--' + CRLF)
    yield 'inner-longer-outer', plain_mp(
        b.mp_body([b.TEXT, plain_mp(b.mp_body(parts(data), b'foo'), 'foo')], b'foobar'), 'foobar')
    rows = b.b64(data, 40).split(CRLF)
    broken = b.attachment(data, body=CRLF.join(rows[:1] + [b'--outer'] + rows[1:]))
    yield 'outer-in-data', plain_mp(b.mp_body([plain_mp(b.mp_body([b.TEXT, broken]))], b'outer'), 'outer')
    yield 'no-blank-first', Entity([CT + ': multipart/mixed; boundary="foo"'], body(data), sep=b'')
    yield 'delimiter-in-header', plain_mp(b'--foo' + CRLF + b'Content-Type: text/plain' + CRLF + b'--foo' + CRLF + part + CRLF + b'--foo--' + CRLF)
    yield 'long-200', plain_mp(body(data, b'x' * 200), 'x' * 200)
    yield 'long-3000', plain_mp(body(data, b'x' * 3000), 'x' * 3000)
    yield 'lf-only', plain_mp(body(data).replace(CRLF, b'\n'))
    yield 'boundary-dashes', plain_mp(body(data, b'----'), '----')
    yield 'boundary-one', plain_mp(body(data, b'0'), '0')


def multiparts():
    """(name, entity maker(data))"""
    for name, head in HEADS.items():
        yield 'mp/' + name, lambda data, h=head, n=name: Entity(h, body(data, REAL.get(n, b'foo')))
    for name, delimiter in DELIMITERS.items():
        yield 'delim/' + name, lambda data, d=delimiter: delimited(d, data)
        yield 'delim/' + name + '-second', lambda data, d=delimiter: only_second(d, data)
    for name, _ in positions(b''):
        yield 'place/' + name, lambda data, n=name: dict(positions(data))[n]


# Section E: entities whose header ends oddly. name -> (lines before the fields, separator)
HEAD = [b.TYPE, b.B64]
SEPARATORS = {'none': b'', 'blank': b' \r\n', 'tab': b'\t\r\n', 'vt': b'\x0b\r\n', 'nul': b'\0\r\n', 'blanks': b'    \t \r\n', 'cr': b'\r',
              'lf': b'\n', 'crcrlf': b'\r\r\n', 'lfcr': b'\n\r', 'junk': b'this is no field' + CRLF, 'junk-blank': b'this is no field\r\n\r\n',
              'dash': b'-\r\n', 'ff': b'\x0c\r\n', 'a0': b'\xa0\r\n', 'dot': b'.\r\n'}
FIRST = {'blank-line': b'', 'blank-only': b'   ', 'tab-only': b'\t', 'colon': b':', 'vt': b'\x0b', 'from': b'From a@src.test Mon Mar  2 10:00:00 2026',
         'from-quoted': b'>From a@src.test Mon Mar  2 10:00:00 2026', 'empty-name': b': value', 'bom': b'\xef\xbb\xbf', 'junk': b'junk', 'nul': b'\0',
         'fold': b' folded: x', 'cr': b'\r'}


def levels():
    for name, sep in SEPARATORS.items():
        yield 'sep/' + name, lambda data, s=sep: Entity(HEAD, b.b64(data), sep=s)
    for name, line in FIRST.items():
        yield 'first/' + name, lambda data, f=line: Entity([f] + HEAD, b.b64(data))
    yield 'para/junk', lambda data: Entity(HEAD, b'Some words first.' + CRLF + CRLF + b.b64(data))
    yield 'para/two', lambda data: Entity(HEAD, b'Some words.' + CRLF + CRLF + b'And more.' + CRLF + CRLF + b.b64(data))
    yield 'para/header-late', lambda data: Entity([b.TYPE], b.B64.encode() + CRLF + CRLF + b.b64(data))
    yield 'para/header-later', lambda data: Entity([b.TYPE], b'text' + CRLF + CRLF + b.B64.encode() + CRLF + CRLF + b.b64(data))
    for name, end in (('cr', b'\r'), ('crcrlf', b'\r\r\n'), ('lfcr', b'\n\r'), ('lf', b'\n')):
        yield 'ends/' + name, lambda data, e=end: raw(b.multipart(parts(data)).render(e))


def raw(text):
    """An entity that is all body: its header stands in the text."""
    head, _, rest = text.partition(b'\n\n') if b'\r' not in text else (b'', b'', text)
    return Entity([], text, sep=b'') if not head else Entity(head.split(b'\n'), rest)


def top_level():
    """(name, data -> whole mail)"""
    def ends(end):
        return lambda data: b.message(b.multipart(parts(data)), 'ends').replace(CRLF, end)
    yield 'top/cr-only', ends(b'\r')
    yield 'top/lf-only', ends(b'\n')
    yield 'top/crcrlf', ends(b'\r\r\n')
    yield 'top/no-mime-version', lambda data: b.message(b.multipart(parts(data)), 'no-mime', mime=False)
    whole = lambda data: b.message(b.multipart(parts(data)), 'whole')
    yield 'top/mime-2.0', lambda data: whole(data).replace(b'MIME-Version: 1.0', b'MIME-Version: 2.0')
    yield 'top/mime-comment', lambda data: whole(data).replace(b'MIME-Version: 1.0', b'MIME-Version: 1.(c)0')
    yield 'top/bom', lambda data: b'\xef\xbb\xbf' + whole(data)
    yield 'top/from', lambda data: b'From a@src.test Mon Mar  2 10:00:00 2026' + CRLF + whole(data)
    yield 'top/from-quoted', lambda data: b'>From a@src.test Mon Mar  2 10:00:00 2026' + CRLF + whole(data)
    for n, field in enumerate((b'X-Odd: 1', b'Q: 1', b'Zebra-Crossing: yes', b'A.b: c', b'Content-Language: de', b'Comments: x', b'MIME-Version: 1.0')):
        yield 'top/odd-first-%d' % n, lambda data, f=field: f + CRLF + b.multipart(parts(data)).render()
    yield 'top/no-header', lambda data: CRLF + body(data)
    yield 'top/text-first', lambda data: b'Hello there, this mail has no header.' + CRLF + CRLF + b.multipart(parts(data)).render()
    yield 'top/text-first-part', lambda data: b'Hello there.' + CRLF + body(data)
    yield 'top/header-in-body', lambda data: b'Subject: x' + CRLF + CRLF + whole(data)
    chunks = lambda data: b.attachment(data, body=b''.join(b.b64(data[i:i + 7]) for i in range(0, len(data), 7)))
    yield 'top/control-characters', lambda data: b'X-Control: ' + b'\x01' * 400 + CRLF + b.message(b.multipart([b.TEXT, chunks(data)]), 'control')
    for name, mark in (('bom-16', b'\xff\xfe'), ('controls', b'X-Control: ' + b'\x01' * 400 + CRLF)):
        yield 'inner/' + name, lambda data, m=mark: b.message(Entity(['Content-Type: message/rfc822', b.B64], b.b64(
            m + b'X-Inner: yes' + CRLF + b.multipart([b.TEXT, chunks(data)]).render())), 'inner')
    yield 'top/blank-then-text', lambda data: CRLF + b'   text' + CRLF + whole(data)


def mails():
    for name, make in multiparts():
        odd = any(w in name for w in ('nul', 'mp/cr', 'name-', 'no-blank-first', '8bit'))
        yield name, 'D', make, ('part', 'fwd') if odd else ('top', 'fwd')
    for name, make in levels():
        yield name, 'E', make, ('part', 'fwd')
