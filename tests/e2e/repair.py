#!/usr/bin/python3
"""Action repair: what goes, what stays byte for byte, and what is never tried, on a real Postfix and a real sendmail"""
# run: timeout=120 san=address,thread
import binascii
import collections
import email
import email.policy
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, postfix, rig, sendmail, smtp, tap
from lib.avmilter import MARKER, MARKER_NAME, Daemon, q
from lib.fake_symantec import Symantec

PORT = 8990
NOTICE = b'Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: inline\r\n'
NAME = mails.EICAR_NAME + '.UNOFFICIAL'
VIRUS = mails.part(mails.EICAR, name='eicar.com')
PNG = mails.part(mails.png(), 'image/png', 'logo.png')
BIG = mails.part(mails.noise(200000, 7), name='data.bin')
OPEN = 'Grüße aus Köln: ÄÖÜ\r\n.\r\n..two dots\r\n\r\n'.encode()
EIGHT = mails.part(OPEN, 'text/plain; charset=utf-8', encode=False, extra=[b'Content-Transfer-Encoding: 8bit'])
QUOTED = mails.part(b'a =3D b =\r\nand more=20\r\n', 'text/plain', encode=False, extra=[b'Content-Transfer-Encoding: quoted-printable'])
UUENCODED = b'begin 644 x.com\r\n' + b''.join(
    binascii.b2a_uu(mails.EICAR[i:i + 45]).replace(b'\n', b'\r\n') for i in (0, 45)) + b'`\r\nend\r\n'
POLICIES = '''
policy "kept" { senders = {"kept@rule.test"} action = repair quarantine = true }
policy "not-u" { senders = {"notu@rule.test"} recipients = {"u@local.test"} action = reject }
'''
WORLD = {}


def inner(parts, mark='=_in', kind='mixed', params=''):
    """A multipart as a part of another."""
    body = b''.join(b'--' + mark.encode() + b'\r\n' + p + b'\r\n' for p in parts) + b'--' + mark.encode() + b'--\r\n'
    return mails.join([b'Content-Type: multipart/%s; %sboundary="%s"' % (kind.encode(), params.encode(), mark.encode())], body)


def forwarded(message):
    return mails.join([b'Content-Type: message/rfc822'], message)


def single(data=mails.EICAR):
    return mails.join(mails.headers('inside', ['MIME-Version: 1.0', 'Content-Type: text/plain']), data + b'\r\n')


# name: (the mail, what goes out of it, word for word)
Row = collections.namedtuple('Row', 'mail gone')


def repairable():
    zipped = mails.part(mails.zipped(mails.EICAR), 'application/zip', 'report.zip')
    named = mails.part(mails.EICAR, encode=True, extra=[
        b"Content-Disposition: attachment;\r\n\tfilename*=utf-8''%E2%82%AC%20rates.com", b'Content-ID: <1@x>'])
    encoded = mails.join([b'Content-Type: message/rfc822', b'Content-Transfer-Encoding: base64'],
                         mails.b64(mails.multipart([mails.TEXT, VIRUS], 'deep', mark='=_deep')))
    alone = forwarded(single())
    return {
        'attachment': Row(mails.multipart([mails.TEXT, VIRUS, PNG], 'attachment'), [VIRUS]),
        'first-of-all': Row(mails.multipart([VIRUS, EIGHT, QUOTED], 'first'), [VIRUS]),
        'large': Row(mails.multipart([BIG, VIRUS, BIG], 'large'), [VIRUS]),
        'zip': Row(mails.multipart([mails.TEXT, zipped, PNG], 'zip'), [zipped]),
        'names': Row(mails.multipart([EIGHT, named], 'names'), [named]),
        'two': Row(mails.multipart([VIRUS, PNG, zipped, QUOTED], 'two'), [VIRUS, zipped]),
        'nested': Row(mails.multipart([inner([mails.TEXT, EIGHT], '=_alt', 'alternative'), inner([PNG, VIRUS, QUOTED]), BIG], 'nested'), [VIRUS]),
        'forwarded': Row(mails.multipart([mails.TEXT, forwarded(mails.multipart([EIGHT, VIRUS, PNG], 'fw', mark='=_fw'))], 'forwarded'), [VIRUS]),
        'forwarded-alone': Row(mails.multipart([mails.TEXT, alone, PNG], 'fw-alone'), [alone]),
        'forwarded-encoded': Row(mails.multipart([mails.TEXT, encoded, PNG], 'fw-encoded'), [encoded]),
        'epilogue': Row(mails.multipart([mails.TEXT, VIRUS], 'epilogue') + b'behind it all\r\n.\r\n', [VIRUS]),
        'no-last-line-end': Row(mails.multipart([mails.TEXT, VIRUS], 'cut')[:-2], [VIRUS]),
        'beside-signed': Row(mails.multipart([inner([mails.TEXT, QUOTED], '=_sig', 'signed', 'protocol="x/y"; '), VIRUS], 'beside'), [VIRUS]),
        'dkim': Row(mails.multipart([mails.TEXT, VIRUS], 'dkim', extra=['DKIM-Signature: v=1; a=rsa-sha256; d=src.test; s=x; b=abc=']), [VIRUS]),
    }


# name: (the mail, what the log says)
def unrepairable():
    return {
        'whole': (mails.eicar_plain(), 'all of the mail'),
        'whole-forwarded': (mails.join(mails.headers('x', ['MIME-Version: 1.0', 'Content-Type: message/rfc822']), single()), 'all of the mail'),
        'signed': (mails.multipart([VIRUS, mails.part(b'sig', 'application/pgp-signature')], 'signed', 'signed'), 'signed or encrypted'),
        'signature': (mails.eicar_signed(), 'signed or encrypted'),
        'in-signed': (mails.multipart([inner([mails.TEXT, VIRUS]), mails.part(b'sig', 'application/pgp-signature')], 's', 'signed'), 'signed or encrypted'),
        'encrypted': (mails.multipart([mails.part(b'Version: 1', 'application/pgp-encrypted', encode=False), VIRUS], 'e', 'encrypted'), 'signed or encrypted'),
        'unended': (mails.multipart([mails.TEXT, VIRUS], 'unended')[:-len(b'--=_frontier--\r\n')], 'malformed'),
        'same-boundary': (mails.multipart([mails.TEXT, inner([VIRUS], '=_frontier')], 'same'), 'malformed'),
        'inner-unended': (mails.multipart([inner([VIRUS])[:-len(b'--=_in--\r\n')], PNG], 'inner'), 'malformed'),
        'hidden': (mails.multipart([mails.part(b'see below\r\n' + UUENCODED, 'text/plain', encode=False), PNG], 'hidden'), 'malformed|no part|still'),
        'preamble': (mails.multipart([mails.TEXT, VIRUS], 'pre').replace(b'This is a multi-part', MARKER + b' This is a multi-part'),
                     'no part of the MIME'),
        'header': (mails.multipart([mails.TEXT, VIRUS], 'head', extra=['X-Odd: ' + MARKER.decode()]), 'still ' + MARKER_NAME),
        'whole-only': (mails.multipart([mails.TEXT, PNG], 'only', extra=['X-Odd: ' + MARKER.decode()]), 'in no part'),
        'partial': (mails.multipart([mails.TEXT, VIRUS, mails.part(b'x', 'message/partial; number=1; total=2; id=a')], 'partial'), ''),
    }


def world(name):
    if not WORLD:
        d = Daemon('av-repair', port=PORT)
        d.args = ['--test-engines']
        d.sections['antivirus'].update(action='repair')
        d.sections['quarantine'] = {'directory': q(rig.folder('store', 0o700, 'nobody'))}
        d.more = POLICIES
        WORLD['d'] = d.start()
    if name not in WORLD:
        WORLD[name] = (postfix.Postfix(WORLD['d'].postfix, name='pf-repair', port=2720) if name == 'postfix' else
                       sendmail.Sendmail(WORLD['d'].sendmail, name='sm-repair', port=2880)).start()
    return WORLD['d'], WORLD[name]


@tap.on_failure
def logs():
    return '\n'.join(rig.tail(WORLD[x].output if x == 'd' else WORLD[x].log, 30) for x in WORLD)


def ident(mail):
    return re.search(rb'Message-ID: <(\S+)>', mail).group(1).decode()


def boxes(name, user):
    if name == 'postfix':
        return WORLD[name].delivered(user)
    path = '%s/mail/%s' % (WORLD[name].dir, user)
    raw = open(path, 'rb').read() if os.path.exists(path) else b''
    return [m for m in re.split(rb'(?m)^From .*\n', raw) if m]


def fetch(name, mail, user='u'):
    """The delivered copy, line ends as sent."""
    mark = ('Message-ID: <%s>' % ident(mail)).encode()

    def look():
        return [m for m in boxes(name, user) if mark in m.split(b'\n\n')[0]]
    found = rig.wait_for(look, 20, 'delivery of %s' % mark)
    tap.eq(len(found), 1, 'copies')
    return found[0].replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')


def body_of(mail):
    return mail.split(b'\r\n\r\n', 1)[1]


def leaves(mail):
    """[(type, content)] as Python's parser, which is not ours, sees them; a forwarded mail counts as its parts."""
    return [(p.get_content_type(), p.get_payload(decode=True)) for p in email.message_from_bytes(mail).walk() if not p.is_multipart()]


def check_row(name, row, got):
    """What lies between the parts that went is there byte for byte; Python's parser sees notices in their places."""
    rest, want = body_of(got), body_of(row.mail)
    notices = []
    for gone in row.gone:
        before, want = want.split(gone, 1)
        tap.ok(rest.startswith(before + NOTICE), 'what stands before the notice: %r' % rest[:300])
        rest = rest[len(before):]
        end = rest.index(want[:len(want) if len(want) < 40 else 40])
        notices.append(email.message_from_bytes(rest[:end], policy=email.policy.default))
        rest = rest[end:]
    tap.eq(rest.rstrip(b'\r\n'), want.rstrip(b'\r\n'), 'what stands behind the last notice')
    tap.eq(email.message_from_bytes(got).get_all('X-Virus-Status'), ['Repaired (%s)' % NAME], 'status')
    for n in notices:
        text = n.get_content()
        tap.has(text, NAME)
        tap.ok(re.search(r'(?m)^  Reference:  [a-z2-7]{10}\r?$', text), 'reference in %r' % text)
    # the same leaves, but that each one that went is a notice
    was, now = leaves(row.mail), leaves(got)
    tap.eq([x for x in now if 'Reference:' not in x[1].decode('latin-1')],
           [x for x in was if x in now], 'clean parts')
    tap.eq(len([x for x in now if 'Reference:' in x[1].decode('latin-1')]), len(row.gone), 'notices')
    tap.ok(mails.EICAR not in got and all(mails.EICAR not in x[1] for x in now), 'the virus is still there')


def play(name):
    d, m = world(name)
    rows = repairable()
    for row in rows.values():
        tap.eq(smtp.send(m.port, row.mail).code, 250)
    for what, row in rows.items():
        tap.diag(what)
        got = fetch(name, row.mail)
        check_row(name, row, got)
        line = [l for _, l in d.lines() if ident(row.mail) in l.get('msgid', '')]
        tap.eq([(l['verdict'], l['action'], l['virus']) for l in line], [('infected', 'repair', NAME)], what)


@tap.test('Postfix: what is found goes, and nothing else does')
def on_postfix():
    play('postfix')


@tap.test('sendmail: what is found goes, and nothing else does')
def on_sendmail():
    play('sendmail')


@tap.test('a notice names the attachment')
def names():
    world('postfix')
    row = repairable()['names']
    tap.eq(smtp.send(WORLD['postfix'].port, row.mail).code, 250)
    text = leaves(fetch('postfix', row.mail))[-1][1].decode()
    tap.has(text, '€ rates.com')


@tap.test('what cannot be repaired takes repair_fallback, and the log says why')
def fallback():
    d, m = world('postfix')
    for what, (mail, why) in unrepairable().items():
        before = len(d.logged())
        reply = smtp.send(m.port, mail)
        tap.eq(reply.code, 550, what)
        if why:
            said = [x for x in d.logged()[before:].split('\n') if 'not repaired, reject instead' in x]
            tap.ok(len(said) == 1 and re.search(why, said[0]), '%s: %s' % (what, said))


@tap.test('a clean mail passes as it is')
def clean():
    d, m = world('postfix')
    mail = mails.multipart([mails.TEXT, PNG, EIGHT], 'clean')
    tap.eq(smtp.send(m.port, mail).code, 250)
    got = fetch('postfix', mail)
    tap.eq(body_of(got), body_of(mail))
    tap.has(got.decode('latin-1'), 'X-Virus-Status: Clean')


@tap.test('quarantine = true keeps the mail as it came')
def kept():
    d, m = world('postfix')
    mail = mails.multipart([mails.TEXT, VIRUS, PNG], 'kept')
    tap.eq(smtp.send(m.port, mail, sender='kept@rule.test').code, 250)
    tap.has(fetch('postfix', mail).decode('latin-1'), 'Repaired (%s)' % NAME)
    store = rig.WORK + '/store'
    copies = [open('%s/%s/message' % (store, e), 'rb').read() for e in os.listdir(store) if os.path.exists('%s/%s/message' % (store, e))]
    tap.eq(len(copies), 1)
    tap.ok(copies[0].endswith(body_of(mail)), 'the copy is not what came')


@tap.test('split: who may have it gets it repaired, the other one\'s copy is kept')
def split():
    d, m = world('postfix')
    d.top['split'] = 'quarantine'
    reload_()
    mail = mails.multipart([mails.TEXT, VIRUS], 'split')
    tap.eq(smtp.send(m.port, mail, ['u@local.test', 'v@local.test'], 'notu@rule.test').code, 250)
    tap.has(fetch('postfix', mail, 'v').decode('latin-1'), 'Repaired (%s)' % NAME)
    m.idle()
    tap.eq([x for x in boxes('postfix', 'u') if ident(mail).encode() in x], [], 'mail of the one it was rejected for')
    d.top.pop('split')
    reload_()


def reload_():
    d = WORLD['d']
    d.write_conf()
    n = len(re.findall(r'is in use', d.logged()))
    d.hup()
    d.wait_log('is in use', count=n + 1)


@tap.test('a text of one\'s own, in UTF-8 and with lines like delimiters; a file that is not there')
def own_text():
    d, m = world('postfix')
    text = '-- \nGrüße: „%{name}“ war %{virus} (%{class}, %{engine}, %{type}), %{ref} %{nothing}\n--=_frontier\n'
    rig.write(d.dir + '/notice', text)
    d.sections['antivirus']['repair_notice'] = q(d.dir + '/notice')
    reload_()
    mail = mails.multipart([mails.TEXT, VIRUS, PNG], 'own')
    tap.eq(smtp.send(m.port, mail).code, 250)
    got = fetch('postfix', mail)
    now = leaves(got)
    tap.eq(len(now), 3)
    shown = now[1][1].decode().replace('\r\n', '\n')
    tap.ok(re.fullmatch(re.escape(text).replace(re.escape('%{name}'), 'eicar.com').replace(re.escape('%{virus}'), NAME)
                        .replace(re.escape('%{class}'), 'infected').replace(re.escape('%{engine}'), 'clamav')
                        .replace(re.escape('%{type}'), 'application/octet-stream').replace(re.escape('%{ref}'), '[a-z2-7]{10}')
                        .replace(re.escape('%{nothing}'), ''), shown), 'the text became %r' % shown)
    os.unlink(d.dir + '/notice')
    again = mails.multipart([mails.TEXT, VIRUS], 'gone')
    tap.eq(smtp.send(m.port, again).code, 250)
    tap.has(leaves(fetch('postfix', again))[1][1].decode(), 'Reference:')
    d.wait_log('repair_notice = .*our own text is used')
    d.sections['antivirus'].pop('repair_notice')
    reload_()


@tap.test('repaired mails are counted as cured')
def cured():
    d, m = world('postfix')
    _, out, _ = rig.run([rig.program('avmilterctl'), '-s', d.dir + '/run/control.sock', '-j', 'stats'], check=True)
    stats = json.loads(out)
    repaired = [l for _, l in d.lines() if l.get('action') == 'repair']
    tap.ok(len(repaired) > 10, 'repaired mails in the log')
    tap.eq(stats['viruses_cured'], len(repaired))


@tap.test('ICAP: content that the server has repaired takes the place of the part, and is scanned again')
def cured_by_icap():
    s = Symantec()
    d = Daemon('av-cure', port=PORT + 1)
    d.clamav = None
    d.more_engines = 'icap "sse" { servers = {"icap://127.0.0.1:%d"} repair = "scanrepairdelete" }\n' % s.port
    d.sections['antivirus'].update(action='repair')
    d.start()
    pf = postfix.Postfix(d.postfix, name='pf-cure', port=2740).start()
    WORLD.update({'d': d, 'cure': pf})
    doc = b'Report of the year\r\n' + mails.EICAR + b'\r\nthe end' + bytes(range(256)) * 40
    infected = mails.part(doc, 'application/msword', 'report.doc')
    inside = mails.part(mails.EICAR, 'application/x', 'raw.com', encode=False)

    def gets(message, code=250):
        tap.eq(smtp.send(pf.port, message).code, code)
        if code != 250:
            return None
        mark = ident(message).encode()
        raw = rig.wait_for(lambda: [m for m in pf.delivered() if mark in m], 20, 'delivery')[0]
        return raw.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')

    # repaired: the same part, other content; a field that said base64 stays one
    s.repairs = b'(repaired)'
    message = mails.multipart([mails.TEXT, infected, inside, PNG], 'cured')
    got = gets(message)
    now = leaves(got)
    tap.eq([x[0] for x in now], ['text/plain', 'application/msword', 'application/x', 'image/png'])
    tap.eq(now[1][1], doc.replace(mails.EICAR, s.repairs), 'repaired document')
    tap.eq(now[2][1], s.repairs, 'a part without an encoding gets one')
    tap.eq([now[0], now[3]], [leaves(message)[0], leaves(message)[3]], 'the others')
    names = [p.get_filename() for p in email.message_from_bytes(got).walk() if p.get_filename()]
    tap.eq(names, ['report.doc', 'raw.com', 'logo.png'])
    tap.eq(email.message_from_bytes(got).get_all('X-Virus-Status'), ['Repaired (EICAR Test String)'])
    tap.eq(body_of(got).split(b'--=_frontier\r\n')[1], body_of(message).split(b'--=_frontier\r\n')[1], 'the part in front')
    d.wait_log('repaired: 2 parts replaced, 2 by repaired content')
    # a mail that the cache knows is repaired in the same way
    again = mails.multipart([mails.TEXT, infected, inside, PNG], 'cured again')
    tap.eq(leaves(gets(again))[1][1], doc.replace(mails.EICAR, s.repairs))
    # it says that nothing is repaired, or what it gives back is no better: a notice
    for said, repairs in ((False, b'(repaired)'), (True, b'AVMILTER-TEST-MARKER')):
        s.says_repaired, s.repairs = said, repairs
        got = leaves(gets(mails.multipart([mails.TEXT, infected], 'no better')))
        tap.has(got[1][1].decode(), 'EICAR Test String')
    tap.eq(s.problems, [])
    # more than could be the same document: read no further
    s.says_repaired, s.repairs = True, b'x' * 200000
    tap.has(leaves(gets(mails.multipart([infected], 'too much')))[0][1].decode(), 'Reference:')
    # a page in place of the object is no content
    s.repairs = b''
    tap.has(leaves(gets(mails.multipart([infected], 'page')))[0][1].decode(), 'Reference:')
    # and the whole mail is not repaired by anybody
    s.repairs = b'(repaired)'
    gets(mails.eicar_plain(), 550)
    pf.stop()


tap.main()
