"""clean - mails that look odd and are not: what lists, bounces, gateways, old and broken mailers and honest people send

mails() returns them as build.Mail without payload. expect: codes of paranoid mode that a mail may well show, because it is
built like a trick though nobody meant it; each with its reason in EXPLAINED.
"""
import base64
import binascii
import email.message
import email.mime.application
import email.mime.multipart
import email.mime.text
import email.policy
import quopri
import random

from . import build as b
from . import nesting
from .build import CRLF, Entity, Mail

MAILS = []
# name of a mail -> (codes it may show with paranoid, why that is no mistake of the sender's that we could tell from a trick)
EXPLAINED = {
    'mailer/cte-twice-different': (('CTE_CONFLICT',), 'two encodings that differ: no reader can tell which was meant'),
    'mailer/ct-twice-different': (('CT_CONFLICT',), 'two types that differ'),
    'mailer/boundary-2231': (('BND_2231',), 'allowed by RFC 2231, written by no mailer that is known'),
    'mailer/boundary-on-text': (('BND_ON_LEAF',), 'a boundary on a text: gateways that turned a multipart into text leave it'),
    'mailer/uuencode-cte': (('CTE_LEGACY',), 'the encoding of the eighties declared as the transfer encoding'),
    'mailer/yenc': (('YENC',), 'yEnc is of news groups, in mail nobody but a trickster uses it'),
    'mailer/boundary-comment': (('BND_COMMENT',), 'allowed by RFC 822, readers differ'),
    'mailer/boundary-unterminated': (('BND_UNTERMINATED', 'BND_BAD_TOKEN'), 'a quote that never ends'),
    'mailer/whitespace-separator': (('HDR_WS_LINE', 'HB_NO_BLANK'), 'a line of blanks behind the header: readers differ where it ends'),
    'mailer/no-blank-line': (('HB_NO_BLANK', 'HDR_NAME_BAD'), 'text follows the fields of a part at once: readers differ'),
    'mailer/b64-early-pad': (('B64_EARLY_PAD',), 'two pieces of base64 glued together: readers differ where it ends'),
    'mailer/space-before-colon': (('HDR_NAME_ODD', 'HDR_NAME_BAD'), 'a blank before the colon of Content-Type'),
}

FRIENDLY = ('Hello Anna,\n\nthe figures for March are complete. Please have a look at the second table and tell me by\n'
            'Thursday whether the totals agree with yours.\n\nKind regards\nPeter\n')
GERMAN = 'Grüße aus Köln,\n\ndie Übersicht für März hängt an – bitte prüfen.\n\nSchöne Grüße\nJürgen\n'
JAPANESE = 'こんにちは。\n添付ファイルをご確認ください。\nよろしくお願いします。\n'


def crlf(text):
    data = text.encode() if isinstance(text, str) else text
    return data.replace(CRLF, b'\n').replace(b'\n', CRLF)


def add(name, data, head=()):
    """data: an Entity, or bytes of a whole mail."""
    if isinstance(data, Entity):
        data = b.message(data, name)
    if head:
        data = b''.join((h if isinstance(h, bytes) else h.encode()) + CRLF for h in head) + data
    MAILS.append(Mail('clean/' + name, 'clean', data, None, ('clean',)))


def text(body=FRIENDLY, kind='plain', params='; charset=utf-8', *more):
    return Entity(['Content-Type: text/%s%s' % (kind, params)] + list(more), crlf(body))


def attached(data, kind='application/octet-stream', name='data.bin', *more):
    return Entity(['Content-Type: %s; name="%s"' % (kind, name), 'Content-Disposition: attachment; filename="%s"' % name, b.B64] +
                  list(more), b.b64(data))


def qp(body):
    return crlf(quopri.encodestring(body.encode() if isinstance(body, str) else body))


def png():
    from lib import mails
    return mails.png()


def library(name, build):
    """What Python's email package writes."""
    m = build()
    m['From'], m['To'], m['Subject'], m['Date'] = 'a@src.test', 'u@local.test', name, 'Mon, 02 Mar 2026 10:00:00 +0000'
    m['Message-ID'] = '<%s@src.test>' % name.replace('/', '.')
    for n, p in enumerate(p for p in m.walk() if p.is_multipart() and p.get_content_maintype() == 'multipart'):
        p.set_boundary('===============%019d==' % (1000 + n))
    add(name, m.as_bytes(policy=email.policy.SMTP))


def simple():
    for name, body in (('ascii', FRIENDLY), ('german', GERMAN), ('japanese', JAPANESE)):
        add('text/%s-8bit' % name, text(body, 'plain', '; charset=utf-8', 'Content-Transfer-Encoding: 8bit'))
        add('text/%s-qp' % name, Entity(['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable'], qp(body)))
        add('text/%s-b64' % name, Entity(['Content-Type: text/plain; charset=utf-8', b.B64], b.b64(body.encode())))
        add('text/%s-undeclared' % name, Entity([], crlf(body)))
    add('text/latin1', Entity(['Content-Type: text/plain; charset=iso-8859-1', 'Content-Transfer-Encoding: 8bit'], crlf(GERMAN.replace('–', '-').encode('latin-1'))))
    add('text/utf16-b64', Entity(['Content-Type: text/plain; charset=utf-16', b.B64], b.b64(GERMAN.encode('utf-16'))))
    add('text/utf7', Entity(['Content-Type: text/plain; charset=utf-7'], crlf(GERMAN.encode('utf-7'))))
    add('text/iso2022', Entity(['Content-Type: text/plain; charset=iso-2022-jp'], crlf(JAPANESE.encode('iso-2022-jp'))))
    add('text/flowed', text('> > > quoted \n> > and flowed \n> again\n\nLong lines end \nin a blank here \nand there.\n\n-- \nPeter\n', 'plain', '; format=flowed; delsp=yes'))
    add('text/long-line', text('word ' * 3000 + '\n'))
    add('text/very-long-line', text('x' * 60000 + '\n'))
    add('text/empty', text(''))
    add('text/only-blank-lines', text('\n' * 30))
    add('text/trailing-blanks', text('a   \nb\t\t\n   \n c \n'))
    add('text/dashes', text('-- \n------\n--something\n--foo\n--foo--\n-----Original Message-----\nFrom: x\nTo: y\nSubject: z\n\ntext\n'))
    add('text/from-lines', text('text\n\n>From here on\nFrom there on\n'))
    add('text/dots', text('.\n..\n...\n.hidden\n'))
    add('text/equals', text('a = b\nif (a == b) c =3D d;\n=20 =\n==== =XY =\n'))
    add('text/equals-qp', Entity(['Content-Type: text/plain', 'Content-Transfer-Encoding: quoted-printable'], qp('a = b\nif (a == b) c =3D d;\n=20 =\n====\n')))
    add('text/qp-undecoded', Entity(['Content-Type: text/plain', 'Content-Transfer-Encoding: quoted-printable'], crlf('price = 100 euro\nurl http://x.test/?a=b&c=dd\n')))
    add('text/control', text('a\x08b\x1b[1mbold\x1b[0m\x07\n\x0c\npage two\n'))
    add('text/nul-byte', Entity(['Content-Type: text/plain'], b'before\0after' + CRLF))
    add('text/bare-cr', Entity(['Content-Type: text/plain'], b'line one\rline two\rline three' + CRLF))
    add('text/bare-lf', b.message(text(), 'bare-lf').replace(CRLF, b'\n'))
    add('text/one-word', text('ok\n'))


def technical():
    rng = random.Random(7)
    c = ('#include <stdio.h>\n\nint main(void)\n{\n\tchar buf[] = "Content-Type: text/plain; boundary=x";\n\n\tputs(buf);\n\treturn 0;\n}\n')
    patch = ('From 1234567890abcdef1234567890abcdef12345678 Mon Sep 17 00:00:00 2001\nFrom: A <a@src.test>\nDate: Mon, 2 Mar 2026 10:00:00 +0000\n'
             'Subject: [PATCH 1/2] mail: handle --boundary lines\n\nText.\n\n---\n a.c | 4 ++--\n 1 file changed\n\n'
             'diff --git a/a.c b/a.c\nindex 1234567..89abcde 100644\n--- a/a.c\n+++ b/a.c\n@@ -1,4 +1,4 @@\n-Content-Type: x\n+Content-Type: y\n int a;\n-- \n2.39.2\n')
    binary_patch = ('diff --git a/x.png b/x.png\nnew file mode 100644\nindex 0000000..1234567\nGIT binary patch\nliteral 300\n' +
                    ''.join('z%s\n' % base64.b85encode(rng.randbytes(52)).decode() for _ in range(6)) + '\nliteral 0\nHcmV?d00001\n')
    pem = '-----BEGIN CERTIFICATE-----\n' + base64.encodebytes(rng.randbytes(900)).decode() + '-----END CERTIFICATE-----\n'
    key = '-----BEGIN PUBLIC KEY-----\n' + base64.encodebytes(rng.randbytes(294)).decode() + '-----END PUBLIC KEY-----\n'
    ssh = 'ssh-rsa ' + base64.b64encode(rng.randbytes(279)).decode() + ' a@src.test\n'
    pgpkey = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n' + base64.encodebytes(rng.randbytes(700)).decode() + '=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n'
    mime = ('Try this mail:\n\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="abc"\n\n--abc\nContent-Type: text/plain\n\nhello\n--abc\n'
            'Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\naGVsbG8gd29ybGQsIGhlbGxvIHdvcmxk\n--abc--\n\nDoes it work for you?\n')
    session = '$ ls -l\n-rw-r--r-- 1 a a 10 Mar  2 a.c\n$ cat x | base64\naGVsbG8gd29ybGQsIGhlbGxvIHdvcmxkLCBoZWxsbyB3b3JsZA==\n$ begin 644 \nsh: begin: not found\n'
    for name, body in (('c-source', c), ('git-patch', patch), ('git-binary-patch', binary_patch), ('pem', pem), ('public-key', key), ('ssh-key', ssh),
                       ('pgp-key', pgpkey), ('mime-explained', mime), ('session', session), ('all', c + patch + pem + mime)):
        add('tech/' + name, text(body))
        add('tech/%s-qp' % name, Entity(['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable'], qp(body)))
    add('tech/base64-in-text', text('my picture:\n\n' + base64.encodebytes(rng.randbytes(2000)).decode() + '\nend\n'))
    add('tech/hex-dump', text(''.join('%08x  %s\n' % (16 * i, rng.randbytes(16).hex(' ')) for i in range(40))))
    add('tech/json', text('{"data": "%s", "n": 1}\n' % base64.b64encode(rng.randbytes(600)).decode()))
    add('tech/jwt', text('token: eyJhbGciOiJIUzI1NiJ9.%s.%s\n' % (base64.urlsafe_b64encode(rng.randbytes(90)).decode(), base64.urlsafe_b64encode(rng.randbytes(32)).decode())))
    add('tech/log', text(''.join('Mar  2 10:00:%02d host postfix/smtpd[%d]: Content-Type: text/plain; boundary=%d\n' % (i, i, i) for i in range(50))))
    add('tech/uuencode-image', text('Picture:\n\n' + b.uu(rng.randbytes(2000)).decode() + '\nBye\n'))
    add('tech/uuencode-text', text('File:\n\n' + b.uu(FRIENDLY.encode() * 4, blank=b' ').decode() + '\n'))
    add('tech/begin-word', text('begin 644 means the mode of the file.\nbegin here and\nend\n'))
    add('tech/binhex', text(b.binhex(rng.randbytes(500)).decode()))
    add('tech/shell-archive', text('#!/bin/sh\n# This is a shell archive\nsed \'s/^X//\' << \'SHAR_EOF\' > a\nXContent-Type: text/plain\nX\nXhello\nSHAR_EOF\n'))
    add('tech/mbox', text(''.join('From a@src.test Mon Mar  2 10:00:00 2026\nFrom: a\nSubject: %d\n\ntext %d\n\n' % (i, i) for i in range(5)), 'plain'))
    add('tech/message-source', Entity(['Content-Type: text/plain; name=source.txt', 'Content-Disposition: attachment; filename=source.txt'], b.message(b.multipart([text(), attached(b'data')]), 'src')))


def html_mails():
    rng = random.Random(8)
    word = ('<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><!--[if gte mso 9]><xml><o:OfficeDocumentSettings/></xml><![endif]-->'
            '<style><!-- p.MsoNormal {margin:0cm; mso-style-name:"Normal"} --></style></head><body lang=3DDE><p class=3DMsoNormal>Text<o:p></o:p></p></body></html>\n')
    image = base64.b64encode(png()).decode()
    pages = {
        'simple': '<html><body><p>Hello</p></body></html>\n', 'word': word.replace('=3D', '='), 'word-half-qp': word,
        'data-uri': '<html><body><img src="data:image/png;base64,%s"></body></html>\n' % image,
        'data-uris': '<html><body>%s</body></html>\n' % ''.join('<img src="data:image/png;base64,%s">\n' % image for _ in range(5)),
        'data-svg': '<html><img src="data:image/svg+xml;utf8,<svg xmlns=\'http://www.w3.org/2000/svg\'/>"></html>\n',
        'font': '<style>@font-face{src:url(data:font/woff2;base64,%s)}</style>\n' % base64.b64encode(rng.randbytes(1500)).decode(),
        'pre': '<pre>Content-Type: multipart/mixed; boundary=foo\n\n--foo\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n--foo--\n</pre>\n',
        'newsletter': '<html>' + ''.join('<a href="http://x.test/t?u=%s">x</a>\n' % base64.urlsafe_b64encode(rng.randbytes(80)).decode() for _ in range(20)) + '</html>\n',
        'one-line': '<html><body>' + '<div style="color:red">text</div>' * 400 + '</body></html>\n',
        'comments': '<html><!-- begin 644 x --><!-- --foo --></html>\n', 'entities': '<p>&#72;&#101;llo &auml;&ouml;</p>\n',
    }
    for name, page in pages.items():
        add('html/' + name, text(page, 'html'))
        add('html/%s-qp' % name, b.multipart([text(), Entity(['Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable'], qp(page))], 'alternative'))
    related = b.multipart([text('<html><img src="cid:a@b"></html>\n', 'html'), attached(png(), 'image/png', 'a.png', 'Content-ID: <a@b>')], 'related', b'=_rel')
    add('html/related', b.multipart([b.multipart([text(), related], 'alternative', b'=_alt'), attached(b'%PDF-1.4 no', name='x.dat')], boundary=b'=_mix'))


def structures():
    def inner(n=0):
        return b.message(b.multipart([text('message %d\n' % n), attached(bytes([n]) * 200)], boundary=b'=_inner%d' % n), 'inner%d' % n)
    forward = lambda data: Entity(['Content-Type: message/rfc822', 'Content-Disposition: inline'], data)
    add('struct/forward', b.multipart([text(), forward(inner())]))
    add('struct/forward-nested', b.multipart([text(), forward(b.message(b.multipart([text(), forward(inner())], boundary=b'=_b'), 'mid'))]))
    deep = inner()
    for n in range(4):
        deep = b.message(b.multipart([text(), forward(deep)], boundary=b'=_deep%d' % n), 'deep%d' % n)
    add('struct/forward-deep', deep)
    add('struct/forward-only', Entity(['Content-Type: message/rfc822'], inner()))
    add('struct/digest', b.multipart([text(), Entity(['Content-Type: multipart/digest; boundary="=_dig"'], b.mp_body(
        [Entity([], inner(n)) for n in range(6)], b'=_dig'))]))
    add('struct/digest-explicit', b.multipart([forward(inner(n)) for n in range(4)], 'digest'))
    add('struct/same-boundary', b.multipart([text(), forward(b.message(b.multipart([text(), attached(b'x' * 90)], boundary=b'other'), 'x'))], boundary=b'=_same'))
    add('struct/many-parts', b.multipart([text('part %d\n' % n) for n in range(60)]))
    add('struct/empty-part', b.multipart([Entity([], b''), text()]))
    add('struct/no-parts', Entity(['Content-Type: multipart/mixed; boundary="foo"'], b'--foo--' + CRLF))
    add('struct/no-close', b.multipart([text(), text()], close=False))
    add('struct/prologue', b.multipart([text(), attached(b'data')], prologue=b'This is a multi-part message in MIME format.' + CRLF + CRLF))
    add('struct/epilogue', b.multipart([text(), attached(b'data')], epilogue=CRLF + b'_______________________________________________' + CRLF + b'list mailing list' + CRLF + b'http://x.test/listinfo' + CRLF))
    add('struct/empty-attachment', b.multipart([text(), attached(b'')]))
    add('struct/empty-attachment-only', attached(b''))
    add('struct/padded-delimiter', b.multipart([text(), attached(b'data')]).render().join([b''.join(h + CRLF for h in b.ENVELOPE) + b'MIME-Version: 1.0' + CRLF, b'']).replace(b'--foo' + CRLF, b'--foo  ' + CRLF))
    for boundary in ('----=_NextPart_000_0001_01DA6C9F.12345678', "=_'()+_,-./:=?", '0' * 70, 'a b', 'Apple-Mail=_1234-5678', '_000_AB12CD34namprd01_', '==', '-' * 20):
        add('struct/boundary-%s' % binascii.crc32(boundary.encode()), b.multipart([text(), attached(b'data')], boundary=boundary.encode()))
    add('struct/boundary-unquoted', Entity(['Content-Type: multipart/mixed; boundary=foo_bar.1'], b.mp_body([text(), attached(b'data')], b'foo_bar.1')))
    add('struct/boundary-folded', Entity(['Content-Type: multipart/mixed;\r\n\tboundary="foo"'], b.mp_body([text(), attached(b'data')])))
    add('struct/encrypted-zip-name', b.multipart([text(), attached(nesting.zipped(b'some figures\n' * 30, name='a.csv'), 'application/zip', 'a.zip')]))
    for kind in ('related', 'parallel', 'report', 'x-mixed-replace', 'voice-message'):
        add('struct/multipart-' + kind, b.multipart([text(), attached(b'data' * 30)], kind))
    library('lib/mixed', lambda: lib_mixed())
    library('lib/alternative', lambda: lib_alternative())


def lib_mixed():
    m = email.mime.multipart.MIMEMultipart()
    m.attach(email.mime.text.MIMEText(GERMAN, 'plain', 'utf-8'))
    m.attach(email.mime.application.MIMEApplication(b.noise(3000, 'lib'), Name='Übersicht.bin'))
    return m


def lib_alternative():
    m = email.message.EmailMessage()
    m.set_content(FRIENDLY)
    m.add_alternative('<html><p>%s</p></html>' % GERMAN, subtype='html')
    m.add_attachment(b.noise(900, 'alt'), maintype='application', subtype='octet-stream', filename='größe.bin')
    return m


def bounces():
    original = b.message(b.multipart([text(), attached(b.noise(400, 'dsn'))], boundary=b'=_orig'), 'orig')
    status = Entity(['Content-Type: message/delivery-status'], crlf('Reporting-MTA: dns; mx.test\nArrival-Date: Mon, 2 Mar 2026 10:00:00 +0000\n\n'
                                                                  'Final-Recipient: rfc822; u@local.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 unknown\n'))
    for name, third in (('full', Entity(['Content-Type: message/rfc822'], original)),
                        ('headers', Entity(['Content-Type: text/rfc822-headers'], original.split(CRLF + CRLF)[0] + CRLF)),
                        ('cut', Entity(['Content-Type: message/rfc822'], original[:700])), ('cut-in-base64', Entity(['Content-Type: message/rfc822'], original[:-120]))):
        add('bounce/' + name, b.multipart([text('Your mail could not be delivered.\n'), status, third], 'report; report-type=delivery-status', b'=_dsn'))
    add('bounce/qmail', text('Hi. This is the qmail-send program at mx.test.\n\n<u@local.test>:\nno mailbox here by that name.\n\n--- Below this line is a copy of the message.\n\n' + original.decode()))
    add('bounce/exim', text('This message was created automatically by mail delivery software.\n\n------ This is a copy of the message, including all the headers. ------\n\n' + original.decode()))
    add('bounce/sendmail-old', text('   ----- Transcript of session follows -----\n550 u... User unknown\n\n   ----- Unsent message follows -----\n' + original.decode()))
    add('bounce/quoted', text(''.join('> ' + line + '\n' for line in original.decode().split('\r\n'))))
    add('bounce/indented', text(''.join('    ' + line + '\n' for line in original.decode().split('\r\n'))))
    add('bounce/cut-text', text('The original:\n\n' + original.decode()[:600]))
    add('bounce/exchange', b.multipart([text('Delivery has failed.\n'), status, Entity(['Content-Type: message/rfc822'], original)], 'report; report-type=delivery-status', b'_000_dsn_'))
    add('bounce/mdn', b.multipart([text('read\n'), Entity(['Content-Type: message/disposition-notification'], crlf('Final-Recipient: rfc822; u@local.test\nDisposition: manual-action/MDN-sent-manually; displayed\n'))],
                                  'report; report-type=disposition-notification'))
    add('bounce/arf', b.multipart([text('abuse\n'), Entity(['Content-Type: message/feedback-report'], crlf('Feedback-Type: abuse\nUser-Agent: x\nVersion: 1\n')), Entity(['Content-Type: message/rfc822'], original)],
                                  'report; report-type=feedback-report'))
    add('bounce/autoreply', text('I am out of office.\n'), ['Auto-Submitted: auto-replied', 'X-Auto-Response-Suppress: All'])


def lists():
    head = ['List-Id: <l.local.test>', 'List-Unsubscribe: <http://x.test>', 'Precedence: list']
    footer = text('_______________________________________________\nl mailing list\nl@local.test\n')
    add('list/mailman', b.multipart([b.multipart([text(), text('<p>x</p>', 'html')], 'alternative', b'=_alt'), footer], boundary=b'===============1==' ), head)
    add('list/mailman-signed', b.multipart([signed(), footer], boundary=b'===============2=='), head)
    add('list/footer-in-text', text(FRIENDLY + '\n-- \nTo unsubscribe: http://x.test\n'), head)
    add('list/footer-behind-b64', Entity(['Content-Type: text/plain; charset=utf-8', b.B64], b.b64(GERMAN.encode()) + crlf('_______________________\nl mailing list\n')), head)
    add('list/plain-digest', text('l Digest, Vol 1, Issue 2\n\n' + ''.join('-' * 70 + '\n\nMessage: %d\nDate: x\nFrom: y\nSubject: z\nMessage-ID: <a>\nContent-Type: text/plain; charset="utf-8"\n\ntext\n\n' % n for n in range(6)) + 'End of l Digest\n' + '*' * 30 + '\n'), head)
    add('list/yahoo', Entity(['Content-Type: multipart/alternative; boundary="foo"', 'Content-Type: multipart/alternative; boundary="foo"'], b.mp_body([text(), text('<p>x</p>', 'html')])), head)
    add('list/dkim', text(), head + ['DKIM-Signature: v=1; a=rsa-sha256; d=src.test; s=x; h=from:to;\r\n bh=' + base64.b64encode(b.noise(32, 'bh')).decode() + ';\r\n b=' + base64.b64encode(b.noise(128, 'b')).decode()])
    add('list/many-received', text(), ['Received: from a%d.test by b%d.test; Mon, 2 Mar 2026 10:00:00 +0000' % (n, n) for n in range(40)])


def signed():
    sig = Entity(['Content-Type: application/pgp-signature; name="signature.asc"'], crlf('-----BEGIN PGP SIGNATURE-----\n\n' + base64.encodebytes(b.noise(300, 'sig')).decode() + '=abcd\n-----END PGP SIGNATURE-----\n'))
    return b.multipart([text(), sig], 'signed; micalg=pgp-sha256; protocol="application/pgp-signature"', b'=_pgp')


def signatures():
    add('signed/pgp', signed())
    add('signed/pgp-forwarded', b.multipart([text(), Entity(['Content-Type: message/rfc822'], b.message(signed(), 'inner'))]))
    add('signed/clearsign', text('-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nhello\n- -- \nPeter\n-----BEGIN PGP SIGNATURE-----\n\n' + base64.encodebytes(b.noise(200, 'cs')).decode() + '=abcd\n-----END PGP SIGNATURE-----\n'))
    detached = nesting.der(0x30, nesting.OID_SIGNED, nesting.der(0xa0, nesting.der(0x30, nesting.der(2, b'\1'), nesting.der(0x31, nesting.OID_SHA256), nesting.der(0x30, nesting.OID_DATA), nesting.der(0x31))))
    add('signed/smime', b.multipart([text(), attached(detached, 'application/pkcs7-signature', 'smime.p7s')], 'signed; micalg=sha-256; protocol="application/pkcs7-signature"'))
    add('signed/smime-x', b.multipart([text(), attached(detached, 'application/x-pkcs7-signature', 'smime.p7s')], 'signed; micalg=sha1; protocol="application/x-pkcs7-signature"'))
    opaque = nesting.cms(text().render())
    add('signed/smime-opaque', Entity(['Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m', b.B64], b.b64(opaque)))
    add('signed/smime-opaque-chunked', Entity(['Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m', b.B64], b.b64(nesting.cms(b.multipart([text(), attached(b'data')]).render(), chunked=60, indefinite=True))))
    add('signed/certificate', b.multipart([text(), attached(b.noise(900, 'crt'), 'application/x-x509-ca-cert', 'ca.crt')]))
    add('signed/pgp-key-attached', b.multipart([text(), Entity(['Content-Type: application/pgp-keys; name=key.asc'], crlf('-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n' + base64.encodebytes(b.noise(600, 'k')).decode() + '=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n'))]))


def applications():
    invite = ('BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1\nDTSTART:20260302T100000Z\nSUMMARY:Meeting\n'
              'ATTACH;ENCODING=BASE64;VALUE=BINARY:%s\nEND:VEVENT\nEND:VCALENDAR\n' % base64.b64encode(b.noise(200, 'ics')).decode())
    add('app/calendar', b.multipart([text(), Entity(['Content-Type: text/calendar; method=REQUEST; charset=utf-8'], crlf(invite))], 'alternative'))
    add('app/calendar-b64', b.multipart([text(), Entity(['Content-Type: text/calendar; method=REQUEST; charset=utf-8', b.B64], b.b64(invite.encode()))], 'alternative'))
    add('app/vcard', b.multipart([text(), Entity(['Content-Type: text/x-vcard; name=a.vcf'], crlf('BEGIN:VCARD\nFN:A\nPHOTO;ENCODING=b;TYPE=PNG:%s\nEND:VCARD\n' % base64.b64encode(png()).decode()))]))
    add('app/tnef', b.multipart([text(), attached(nesting.tnef(FRIENDLY.encode(), b'report.txt'), 'application/ms-tnef', 'winmail.dat')]))
    add('app/tnef-image', b.multipart([text(), attached(nesting.tnef(png(), b'a.png'), 'application/ms-tnef', 'winmail.dat')]))
    add('app/png', b.multipart([text(), attached(png(), 'image/png', 'a.png')]))
    add('app/zip', b.multipart([text(), attached(nesting.zipped(FRIENDLY.encode() * 20, name='a.txt'), 'application/zip', 'a.zip')]))
    add('app/noise', b.multipart([text(), attached(b.noise(30000, 'n'))]))
    add('app/csv', b.multipart([text(), Entity(['Content-Type: text/csv; name=a.csv', 'Content-Disposition: attachment; filename=a.csv'], crlf('a;b;c\n1;2;3\n' * 100))]))
    add('app/xml', b.multipart([text(), Entity(['Content-Type: application/xml; name=a.xml'], crlf('<?xml version="1.0"?><a><b enc="base64">%s</b></a>\n' % base64.b64encode(b.noise(300, 'x')).decode()))]))
    add('app/external-body', b.multipart([text(), Entity(['Content-Type: message/external-body; access-type=anon-ftp; site=ftp.test; name=a'], crlf('Content-Type: text/plain\nContent-ID: <a@b>\n\n'))]))
    add('app/appledouble', b.multipart([text(), b.multipart([attached(b'\0\5\x16\7' + b'\0' * 60, 'application/applefile', 'a.doc'), attached(b'some data', name='a.doc')], 'appledouble', b'=_ad')]))
    add('app/fax', b.multipart([text(), attached(b'II*\0' + b'\0' * 4, 'application/octet-stream', 'fax.dat')]))


def mailers():
    """Old and broken ones."""
    plain = lambda *head: Entity(list(head), crlf(GERMAN))
    add('mailer/no-mime-version', b.message(b.multipart([text(), attached(b'data')]), 'nomime', mime=False))
    add('mailer/mime-version-odd', b.message(text(), 'mv', mime=False), ['MIME-Version: 1.0 (Produced by X)', 'Mime-Version: 1.0'])
    for n, cte in enumerate(('', 'utf-8', '8-bit', '7-bit', 'UTF-8', '8 bit', 'none', '7bit;', '8BIT ', 'quoted-printable ', 'ascii', 'US-ASCII')):
        add('mailer/cte-%d-%s' % (n, cte.strip() or 'empty'), plain('Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: ' + cte))
    add('mailer/trailing-semicolon', plain('Content-Type: text/plain; charset=utf-8;'))
    add('mailer/trailing-semicolons', Entity(['Content-Type: multipart/mixed; boundary="foo";;'], b.mp_body([text(), attached(b'data')])))
    add('mailer/charset-unquoted', plain('Content-Type: text/plain; charset = utf-8'))
    add('mailer/charset-odd', plain('Content-Type: text/plain; charset="=?utf-8?q?utf-8?="'))
    add('mailer/type-only', plain('Content-Type: text'))
    add('mailer/type-plain', plain('Content-Type: plain/text; charset=utf-8'))
    add('mailer/type-empty', plain('Content-Type:'))
    add('mailer/dup-identical', Entity(['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit'] * 2, crlf(GERMAN)))
    add('mailer/dup-identical-b64', b.multipart([text(), Entity([b.TYPE, b.B64, b.B64, b.TYPE], b.b64(b.noise(500, 'dup')))]))
    add('mailer/dup-case', Entity(['Content-Type: text/plain; charset=utf-8', 'Content-type: TEXT/PLAIN; charset=UTF-8'], crlf(GERMAN)))
    add('mailer/8bit-subject', text(), ['X-Subject: Grüße aus Köln'.encode(), 'X-Name: J\xfcrgen'.encode('latin-1')])
    add('mailer/8bit-filename', b.multipart([text(), Entity(['Content-Type: application/octet-stream; name="Übersicht.bin"'.encode(), 'Content-Disposition: attachment; filename="Übersicht.bin"'.encode(), b.B64], b.b64(b'data'))]))
    add('mailer/2047-filename', b.multipart([text(), attached(b'data', name='=?utf-8?B?w5xiZXJzaWNodC5iaW4=?=')]))
    add('mailer/2231-filename', b.multipart([text(), Entity(["Content-Type: application/octet-stream; name*=utf-8''%C3%9Cbersicht.bin", "Content-Disposition: attachment; filename*0=lo; filename*1=ng.bin", b.B64], b.b64(b'data'))]))
    add('mailer/blank-filename', b.multipart([text(), attached(b'data', name='my file (1).bin')]))
    add('mailer/long-header', text(), ['X-Long: ' + ' '.join('w%d' % n for n in range(150))])
    add('mailer/many-headers', text(), ['X-Field-%d: value %d' % (n, n) for n in range(150)])
    add('mailer/odd-fields', text(), ['X-: x', 'x.y.z: 1', 'X_Y: 2', 'x' * 80 + ': 3', "It's: 4"])
    add('mailer/empty-fields', text(), ['X-Empty:', 'X-Blank: ', 'Cc:'])
    add('mailer/b64-one-line', b.multipart([text(), Entity([b.TYPE, b.B64], base64.b64encode(b.noise(3000, 'ol')) + CRLF)]))
    add('mailer/b64-blank-lines', b.multipart([text(), Entity([b.TYPE, b.B64], CRLF + b.b64(b.noise(500, 'bl')) + CRLF * 3)]))
    add('mailer/b64-no-padding', b.multipart([text(), Entity([b.TYPE, b.B64], base64.b64encode(b.noise(500, 'np')).rstrip(b'=') + CRLF)]))
    add('mailer/b64-trailing-blank', b.multipart([text(), Entity([b.TYPE, b.B64], b.b64(b.noise(500, 'tb')).replace(CRLF, b' ' + CRLF))]))
    add('mailer/b64-72', b.multipart([text(), Entity([b.TYPE, b.B64], b.b64(b.noise(500, '72'), 72))]))
    add('mailer/b64-text-follows', b.multipart([text(), Entity([b.TYPE, b.B64], b.b64(b.noise(500, 'tf')) + crlf('\n-- \nScanned by nobody.\n'))]))
    add('mailer/qp-lower', Entity(['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable'], qp(GERMAN).replace(b'=C3=BC', b'=c3=bc')))
    add('mailer/qp-trailing-blank', Entity(['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable'], crlf('long line = \nand more =\t\nend\n')))
    add('mailer/qp-multipart', Entity(['Content-Type: multipart/mixed; boundary="foo"', 'Content-Transfer-Encoding: quoted-printable'], b.mp_body([text(), attached(b'data')])))
    add('mailer/8bit-multipart', Entity(['Content-Type: multipart/mixed; boundary="foo"', 'Content-Transfer-Encoding: 8bit'], b.mp_body([text(GERMAN), attached(b'data')])))
    add('mailer/boundary-missing', Entity(['Content-Type: multipart/alternative; boundary="foo"'], crlf(FRIENDLY)))
    add('mailer/wrong-type-b64', b.multipart([text(), Entity(['Content-Type: text/plain; name=a.txt', b.B64], b.b64(b.noise(400, 'wt')))]))
    add('mailer/subject-folded', text(), ['X-Folded: a\r\n b\r\n\tc', 'References: <a@b>\r\n <c@d>\r\n <e@f>'])
    add('mailer/ms-headers', text(), ['Thread-Topic: x', 'Thread-Index: ' + base64.b64encode(b.noise(22, 'ti')).decode(), 'X-MS-Has-Attach: yes', 'X-MS-TNEF-Correlator:'])
    add('mailer/content-fields', plain('Content-Type: text/plain; charset=utf-8', 'Content-Language: de', 'Content-Class: urn:content-classes:message', 'Content-Length: 100', 'Content-Disposition: inline', 'Content-MD5: abc', 'Content-ID: <x>', 'Content-Description: text'))
    # these are built like a trick: EXPLAINED says which code they may show
    add('mailer/cte-twice-different', b.multipart([text(), Entity(['Content-Type: text/plain', 'Content-Transfer-Encoding: 7bit', 'Content-Transfer-Encoding: quoted-printable'], crlf(FRIENDLY))]))
    add('mailer/ct-twice-different', b.multipart([text(), Entity(['Content-Type: text/plain', 'Content-Type: text/html'], crlf(FRIENDLY))]))
    add('mailer/boundary-2231', Entity(["Content-Type: multipart/mixed; boundary*=us-ascii''foo"], b.mp_body([text(), attached(b'data')])))
    add('mailer/boundary-on-text', plain('Content-Type: text/plain; charset=utf-8; boundary="foo"'))
    add('mailer/uuencode-cte', b.multipart([text(), Entity([b.TYPE, 'Content-Transfer-Encoding: x-uuencode'], b.uu(b.noise(300, 'uu')))]))
    add('mailer/yenc', Entity(['Content-Type: text/plain'], b.yenc(b.noise(300, 'ye'))))
    add('mailer/boundary-comment', Entity(['Content-Type: multipart/mixed; boundary="foo" (mine)'], b.mp_body([text(), attached(b'data')])))
    add('mailer/boundary-unterminated', Entity(['Content-Type: multipart/mixed; boundary="foo'], b.mp_body([text(), attached(b'data')])))
    add('mailer/whitespace-separator', b.multipart([text(), Entity(['Content-Type: text/plain'], crlf(FRIENDLY), sep=b' ' + CRLF)]))
    add('mailer/no-blank-line', b.multipart([text(), Entity(['Content-Type: text/plain'], crlf(FRIENDLY), sep=b'')]))
    add('mailer/b64-early-pad', b.multipart([text(), Entity([b.TYPE, b.B64], b.b64(b.noise(100, 'e1')) + b.b64(b.noise(100, 'e2')))]))
    add('mailer/space-before-colon', b.multipart([text(), Entity(['Content-Type : text/plain'], crlf(FRIENDLY))]))


def mails():
    if not MAILS:
        for group in (simple, technical, html_mails, structures, bounces, lists, signatures, applications, mailers):
            group()
        names = [m.name for m in MAILS]
        assert len(set(names)) == len(names), 'two mails of one name'
    return MAILS


def may_show(mail, code):
    return code in EXPLAINED.get(mail.name.split('/', 1)[1], ((), ''))[0]
