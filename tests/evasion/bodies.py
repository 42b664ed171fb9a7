"""bodies - sections B and C of the catalogue: tricks inside of base64 and quoted-printable"""
import base64

from . import build as b
from .build import CRLF, Entity


def chunked(data, size, per_line, end=CRLF):
    """Each chunk with padding of its own."""
    quads = [base64.b64encode(data[i:i + size]) for i in range(0, len(data), size)]
    return b''.join(b''.join(quads[i:i + per_line]) + end for i in range(0, len(quads), per_line))


def quads(data):
    text = base64.b64encode(data)
    return [text[i:i + 4] for i in range(0, len(text), 4)]


def salted(data, junk, every=5, width=70):
    """junk between the characters of each line"""
    text = base64.b64encode(data)
    return b.lines(junk.join(text[i:i + every] for i in range(0, len(text), every)), width)


def per_line(data, tail=b'', before=b'', width=76):
    text = base64.b64encode(data)
    return b''.join(before + text[i:i + width] + tail + CRLF for i in range(0, len(text), width))


def in_middle(data, line):
    rows = b.b64(data, 40).split(CRLF)
    return CRLF.join(rows[:1] + [line] + rows[1:])


def zero_bits(data):
    """= for every A but in the last quad: some engines take it as zero bits."""
    text = base64.b64encode(data)
    return b.lines(text[:-4].replace(b'A', b'=') + text[-4:], 76)


SALT = {'hash': b'#', 'dot': b'.', 'colon': b':', 'percent': b'%', 'minus': b'-', 'underscore': b'_', 'blank': b' ', 'tab': b'\t',
        'vt': b'\x0b', 'nul': b'\0', '8bit': b'\xe9', 'cr': b'\r', 'star': b'*', 'bang': b'!', 'del': b'\x7f', 'esc': b'\x1b',
        'many': b'#!$%&', 'comma': b',', 'quote': b'"', 'angle': b'<>'}


def base64_bodies():
    """name -> data -> body"""
    out = {}
    for size in (1, 2, 4, 5, 7, 10, 28, 55):
        out['chunk-%d-line' % size] = lambda d, s=size: chunked(d, s, 1)
        if size < 28:
            out['chunk-%d-row' % size] = lambda d, s=size: chunked(d, s, 8)
    out['split-1'] = lambda d: b.b64(d[:1]) + b.b64(d[1:])
    out['split-2'] = lambda d: b.b64(d[:2]) + b.b64(d[2:])
    out['split-half'] = lambda d: base64.b64encode(d[:31]) + base64.b64encode(d[31:]) + CRLF
    out['split-blank-line'] = lambda d: b.b64(d[:31]) + CRLF + b.b64(d[31:])
    out['pad-quad'] = lambda d: b.lines(b'='.join(quads(d)), 75)
    out['pad-line'] = lambda d: per_line(d, b'=')
    out['pad-line-two'] = lambda d: per_line(d, b'==')
    out['pad-inside'] = lambda d: b.lines(b''.join(q[:2] + b'=' + q[2:] for q in quads(d)), 75)
    out['pad-start'] = lambda d: per_line(d, b'', b'=')
    out['pad-start-two'] = lambda d: per_line(d, b'', b'==')
    out['pad-once'] = lambda d: in_middle(d, b'=')
    out['pad-zero'] = zero_bits
    for name, junk in SALT.items():
        out['junk-' + name] = lambda d, j=junk: salted(d, j)
    out['junk-every'] = lambda d: salted(d, b'.', 1)
    out['tail-quad'] = lambda d: per_line(d, b'XX')
    out['tail-comment'] = lambda d: per_line(d, b'#comment')
    out['tail-blank-word'] = lambda d: per_line(d, b' word')
    out['tail-word'] = lambda d: per_line(d, b' (this is text)')
    for word in ('A', 'AB', 'ABC', 'ABCD', 'ABCDE'):
        out['prefix-' + word] = lambda d, w=word: w.encode() + CRLF + CRLF + b.b64(d)
        out['prefix-line-' + word] = lambda d, w=word: w.encode() + CRLF + b.b64(d)
    out['prefix-text'] = lambda d: b'Please find the data below.' + CRLF + CRLF + b.b64(d)
    out['begin-base64'] = lambda d: b'begin-base64 644 report.com' + CRLF + b.b64(d)
    out['begin-base64-end'] = lambda d: b'begin-base64 644 report.com' + CRLF + b.b64(d) + b'====' + CRLF
    out['after-end'] = lambda d: b.b64(d) + b'====' + CRLF + b.b64(b'a benign text that follows the end, long enough to count')
    out['after-end-pad'] = lambda d: b.b64(d).rstrip() + (b'' if len(d) % 3 else b'====') + CRLF + b.b64(b'benign text, and more')
    out['line-delimiter'] = lambda d: in_middle(d, b'--something')
    out['line-delimiter-close'] = lambda d: in_middle(d, b'--other--')
    out['line-text'] = lambda d: in_middle(d, b'-- this is *not* base64! --')
    out['line-dashes'] = lambda d: in_middle(d, b'-' * 20)
    out['no-padding'] = lambda d: b.lines(base64.b64encode(d).rstrip(b'='), 76)
    out['no-padding-text'] = lambda d: b.lines(base64.b64encode(d).rstrip(b'='), 76) + b'-- ' + CRLF
    out['over-padding'] = lambda d: b.b64(d).rstrip() + b'======' + CRLF
    out['one-a-line'] = lambda d: b.b64(d, 1)
    out['two-a-line'] = lambda d: b.b64(d, 2)
    out['five-a-line'] = lambda d: b.b64(d, 5)
    out['uneven'] = uneven
    out['blank-lines'] = lambda d: b.b64(d, 40, CRLF + CRLF)
    out['blank-first'] = lambda d: CRLF * 3 + b.b64(d)
    out['indented'] = lambda d: per_line(d, b'', b'    ')
    out['trailing-blanks'] = lambda d: per_line(d, b' \t ')
    out['quoted'] = lambda d: per_line(d, b'', b'> ')
    out['lf'] = lambda d: b.b64(d, 60, b'\n')
    out['cr-only'] = lambda d: b.b64(d, 60, b'\r')
    out['crcrlf'] = lambda d: b.b64(d, 60, b'\r\r\n')
    out['url-safe'] = lambda d: b.lines(base64.urlsafe_b64encode(d), 76)
    out['url-safe-bare'] = lambda d: b.lines(base64.urlsafe_b64encode(d).rstrip(b'='), 76)
    return out


def uneven(data):
    text, out, at, width = base64.b64encode(data), b'', 0, 1
    while at < len(text):
        out += text[at:at + width] + CRLF
        at, width = at + width, width % 13 + 1
    return out


# A soft break at the end: the line end behind it is no byte of the payload.
END = b'=' + CRLF


def soft(data, brk, width=30, every=True):
    """Soft breaks written as brk."""
    words, out, n = b.qp_words(data, every), b'', 0
    for w in words:
        out += w
        n += len(w)
        if n >= width:
            out, n = out + brk, 0
    return out + END


def bad(data, junk, every=True):
    """Invalid escapes between good ones."""
    words = b.qp_words(data, every)
    out = b''
    for i, w in enumerate(words):
        out += w + (junk if i % 8 == 3 and i + 1 < len(words) else b'')
        if i % 20 == 19:
            out += b'=' + CRLF
    return out + END


def qp_bodies():
    out = {}
    breaks = {'blank': b'= \r\n', 'tab': b'=\t\r\n', 'blanks': b'=  \t  \r\n', 'cr': b'=\r', 'crcrlf': b'=\r\r\n', 'crlflf': b'=\r\n\n',
              'lf': b'=\n', 'lfcr': b'=\n\r', 'vt': b'=\x0b\r\n', 'many-blanks': b'=' + b' ' * 80 + b'\r\n'}
    for name, brk in breaks.items():
        out['soft-' + name] = lambda d, k=brk: soft(d, k)
        if name != 'crlflf':
            out['soft-plain-' + name] = lambda d, k=brk: soft(d, k, every=False)
    for name, junk in {'equals': b'==', 'xx': b'=XX', 'zero': b'=0', 'blank': b'= ', 'g1': b'=G1', 'bang': b'=!!'}.items():
        out['bad-' + name] = lambda d, j=junk: bad(d, j)
    out['bad-letter'] = lambda d: b''.join(b'=' + w if w.isalpha() and w not in b'ABCDEFabcdef' else w for w in b.qp_words(d)) + END
    out['escape-split'] = lambda d: b''.join(w[:2] + b'=' + CRLF + w[2:] if i % 9 == 4 else w
                                             for i, w in enumerate(b.qp_words(d, True))) + END
    out['escape-split-lf'] = lambda d: b''.join(w[:2] + b'\n' + w[2:] if i % 9 == 4 else w
                                                for i, w in enumerate(b.qp_words(d, True))) + END
    out['escape-split-crlf'] = lambda d: b''.join(w[:2] + CRLF + w[2:] if i % 9 == 4 else w
                                                  for i, w in enumerate(b.qp_words(d, True))) + END
    out['lower'] = lambda d: b.qp(d, every=True, fmt=b'=%02x')
    out['mixed'] = lambda d: b''.join(w if i % 2 else w.lower() for i, w in enumerate(b.qp_words(d, True))) + END
    out['long-line'] = lambda d: b.qp(d, 100000, every=True)
    out['one-a-line'] = lambda d: b.qp(d, 1, every=True)
    out['plain'] = lambda d: b.qp(d)
    out['base64-under'] = b.b64
    out['uu-under'] = b.uu
    return out


# What is lost when the bytes are text of another kind: only the text of EICAR survives, or only binary is hit.
ONLY = {'bad-letter': 'eicar', 'soft-plain': 'eicar', 'url-safe': 'bin', 'pad-zero': 'bin', 'qp/plain': 'eicar'}
# One line of 80 kB.
LONG = {'one-line': lambda d: base64.b64encode(d) + CRLF, 'long-lines': lambda d: b.b64(d, 20000)}


def maker(cte, fn):
    return lambda data: Entity([b.TYPE, 'Content-Transfer-Encoding: ' + cte, b.DISPOSITION], fn(data))


def mails():
    """(name, section, entity maker(data), places, payloads)"""
    for section, cte, table in (('B', 'base64', base64_bodies()), ('C', 'quoted-printable', qp_bodies())):
        for name, fn in table.items():
            full = ('b64/' if section == 'B' else 'qp/') + name
            only = [p for key, p in ONLY.items() if key in full]
            yield full, section, maker(cte, fn), ('part', 'top'), only or ('eicar', 'bin')
    for name, fn in LONG.items():
        yield 'b64/' + name, 'B', maker('base64', fn), ('part', 'top'), ('big',)
    yield 'qp/80k-line', 'C', maker('quoted-printable', lambda d: b.qp(d, 1 << 30)), ('part',), ('big',)
