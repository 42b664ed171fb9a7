#!/usr/bin/python3
"""Two hops, each a real Postfix with an avmilter: what the first has sealed the second does not scan, and believes nothing else"""
# run: timeout=120
import email
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, postfix, rig, smtp, tap
from lib.avmilter import Daemon, q

FIRST, SECOND = 2500, 2600
SEAL = 'X-Virus-Seal'
AWAY = 'policy "away" { senders = {"away@rule.test"} classes = {clean} action = redirect redirect = "x@sink.test" }\n'
HOPS = {}
SINK = []


def hop(name, port, extra=(), **trust):
    d = Daemon('av-' + name)
    d.sections['seal'] = {'key_file': q(KEY)}
    d.sections['trust'] = trust
    d.top['observe'] = 'false'
    d.more = AWAY
    pf = postfix.Postfix(d.postfix, name='pf-' + name, port=port, extra=extra)
    d.start()
    pf.start()
    HOPS[name] = d, pf
    return d, pf


def hops():
    global KEY
    if not HOPS:
        KEY = rig.write(rig.WORK + '/seal.key', '0123456789abcdef0123456789abcdef\n', 0o600)
        # on its way to the second hop, as a relay to the inside is
        hop('first', FIRST, ['virtual_transport = smtp:[127.0.0.1]:%d' % SECOND], hops='{"127.0.0.0/8"}')
        hop('second', SECOND, clients='{"127.0.0.0/8"}')
    return HOPS['first'] + HOPS['second']


@tap.on_failure
def logs():
    return '\n'.join(rig.tail(d.output, 30) + rig.tail(pf.log, 20) for d, pf in HOPS.values())


def through(message, port=FIRST):
    """The line of the second hop for a mail, and the mail as it lies in the mailbox."""
    d1, pf1, d2, pf2 = hops()
    before, there = len(d2.lines()), len(pf2.delivered())
    reply = smtp.send(port, message)
    tap.eq(reply.code, 250, 'answer %s' % (reply,))
    rig.wait_for(lambda: len(d2.lines()) > before, 20, 'a line of the second hop')
    line = d2.lines()[before][1]
    if line['action'] != 'pass':
        return line, None
    rig.wait_for(lambda: len(pf2.delivered()) > there, 20, 'delivery')
    return line, email.message_from_bytes(pf2.delivered()[there])


def set_up(name, **trust):
    d = HOPS[name][0]
    d.sections['trust'] = trust
    d.write_conf()
    n = len(re.findall(r'is in use', d.logged()))
    d.hup()
    rig.wait_for(lambda: len(re.findall(r'is in use', d.logged())) > n, 20, 'the reload')


@tap.test('a clean mail is scanned by the first hop, not by the second, and says Clean')
def sealed():
    hops()
    line, mail = through(mails.clean())
    tap.eq((line['verdict'], line.get('why')), ('skipped', 'sealed'), 'the second hop: %s' % line)
    tap.eq(mail.get_all('X-Virus-Status'), ['Clean'])
    tap.eq(len(mail.get_all('X-Virus-Scanned')), 1)
    tap.eq(mail.get_all(SEAL), None, 'a mail that leaves for nobody in trust.hops')


def sunk(**kw):
    """A mail as the next hop gets it: taken from an SMTP sink in its place."""
    d1, pf1, d2, pf2 = hops()
    if not SINK:
        SINK.append(smtp.Sink(pf1.sink_port))
    there = len(SINK[0].messages)
    tap.eq(smtp.send(FIRST, mails.clean(), **kw).code, 250)
    rig.wait_for(lambda: len(SINK[0].messages) > there, 20, 'the mail in the sink')
    return SINK[0].messages[there][1]


def stolen():
    """With a good seal."""
    raw = sunk(rcpts=('x@sink.test',))
    tap.has(raw.decode(), SEAL + ': v=1;', 'mail for the next hop')
    return raw


@tap.test('a mail that goes to another address than it was sent to has no seal: who is the next hop there is not known')
def redirected():
    tap.ok(SEAL not in sunk(sender='away@rule.test').decode(), 'no seal')


@tap.test('the seal of another content, two seals, one without our fields: scanned, and taken off')
def forged():
    raw = stolen()
    head, body = raw.split(b'\r\n\r\n', 1)
    line, mail = through(raw, SECOND)
    tap.eq(line['verdict'], 'skipped', 'the stolen mail itself: %s' % line)
    for what, message in (
            ('other body', head + b'\r\n\r\n' + body + b'more\r\n'),
            ('other subject', raw.replace(b'Subject: ', b'Subject: x', 1)),
            ('a Content-Type more', b'Content-Type: text/html\r\n' + raw),
            ('two seals', re.search(rb'X-Virus-Seal:.*?\r\n(?![ \t])', raw, re.S).group(0) + raw),
            ('no status', re.sub(rb'X-Virus-Status: .*?\r\n', b'', raw, 1)),
            ('other status', raw.replace(b'X-Virus-Status: Clean', b'X-Virus-Status: Infected (X)')),
            ('other key', raw.replace(b' k=', b' k=0', 1)),
    ):
        line, mail = through(message, SECOND)
        tap.eq(line['verdict'], 'clean', '%s: %s' % (what, line))
        tap.eq(mail.get_all(SEAL), None, what)
        tap.eq(mail.get_all('X-Virus-Status'), ['Clean'], what)
    reply = smtp.send(SECOND, head + b'\r\n\r\n' + mails.EICAR + b'\r\n')
    tap.eq(reply.code, 550, 'EICAR below a seal: %s' % (reply,))


@tap.test('a client that is not trusted, and a first hop whose next one is not: scanned, no seal')
def untrusted():
    raw = stolen()
    set_up('second', clients='{"10.0.0.0/8"}')
    line, mail = through(raw, SECOND)
    tap.eq((line['verdict'], mail.get_all(SEAL)), ('clean', None))
    set_up('second', clients='{"127.0.0.0/8"}')
    set_up('first', hops='{"10.0.0.0/8"}')
    line, mail = through(mails.clean())
    tap.eq(line['verdict'], 'clean')
    set_up('first', hops='{"127.0.0.0/8"}')


@tap.test('other definitions here than there: scanned')
def definitions():
    raw = stolen()
    d2 = HOPS['second'][0]
    folder = re.search(r'database = "([^"]+)"', d2.render()).group(1)
    other = rig.folder('db2')
    for name in os.listdir(folder):
        rig.write(other + '/' + name, open(folder + '/' + name, 'rb').read())
    rig.write(other + '/more.ndb', 'Test.More:0:*:%s\n' % b'more-of-it'.hex())
    d2.clamav['database'] = q(other)
    set_up('second', clients='{"127.0.0.0/8"}')
    line, mail = through(raw, SECOND)
    tap.eq((line['verdict'], mail.get_all(SEAL)), ('clean', None), str(line))


tap.main()
