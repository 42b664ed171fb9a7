#!/usr/bin/python3
"""Alerts: every kind for real, received by real SMTP servers; bounded, aggregated, retried, never in the way of mail"""
# run: timeout=200 san=address,thread
import email
import email.policy
import json
import os
import re
import signal
import socket
import sys
import threading
import time

from aiosmtpd.controller import Controller

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, postfix, rig, smtp, tap
from lib.avmilter import Daemon, database, q
from lib.relay import Relay

PORTS = iter(range(2600, 4600, 20))
D = []
ALL = '{infection, crash, startup, shutdown, update, update_error, load_exceeded}'


class Box:
    """aiosmtpd: .mails of (sender, recipients, parsed)."""

    def __init__(self, port=None):
        self.port = port or next(PORTS)
        self.mails = []
        self.controller = Controller(self, hostname='127.0.0.1', port=self.port, enable_SMTPUTF8=False)
        self.controller.start()

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.mail_from, envelope.rcpt_tos,
                           email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return '250 2.0.0 kept'

    def of(self, event):
        return [m for m in list(self.mails) if m[2]['X-Avmilter-Event'] == event]

    def wait(self, event, count=1, seconds=15):
        return rig.wait_for(lambda: self.of(event)[count - 1:] and self.of(event), seconds,
                            '%d alerts %s, but %s' % (count, event, [m[2]['Subject'] for m in self.mails]))


def daemon(name, primary, secondary=None, on=ALL, interval='1s', **more):
    rig.stop_all()
    d = Daemon(name, port=next(PORTS))
    d.db = database(name + '/db')
    d.clamav['database'] = q(d.db)
    d.args = ['--test-clock', '100']
    d.control = 'unix:%s/run/control.sock' % d.dir
    d.sections['alert'] = dict({'to': '{"admin@local.test"}', 'from': q('scan@%{host}'), 'on': on, 'interval': interval,
                                'smtp_primary': q('127.0.0.1:%d' % primary)}, **more)
    if secondary:
        d.sections['alert']['smtp_secondary'] = q('127.0.0.1:%d' % secondary)
    D.insert(0, d)
    return d


def ctl(d, *words):
    return rig.run([rig.program('avmilterctl'), '-s', d.control] + list(words))


def alerts(d):
    status, out, err = ctl(d, '-j', 'stats')
    tap.eq(status, 0, out + err)
    return json.loads(out)['alerts']


def caught(d, message=None, **kw):
    answer = milter.talk(d.address, message or mails.eicar_plain(), **kw)
    tap.eq(answer.reply[:3], '550', str(answer))
    return answer


@tap.on_failure
def logs():
    return D[0].events() if D else ''


@tap.test('an infection: sender, recipients, id, subject, virus, action; null sender, Auto-Submitted; nothing of the mail')
def infection():
    box = Box()
    d = daemon('infection', box.port).start()
    before = len(box.of('infection'))
    tap.eq(before, 0)
    evil = 'x\r\n Bcc: victim@local.test\x07 "q" ' + 'long ' * 100
    head = mails.headers('grave', sender='evil@src.test')
    head[2] = b'Subject: ' + evil.encode()
    caught(d, mails.join(head, mails.EICAR + b'\r\n'), sender='<evil@src.test>', rcpts=['<u@local.test>', '<v@local.test>'])
    (sender, to, m), = box.wait('infection')
    text = m.get_content()
    tap.eq((sender, to), ('<>', ['admin@local.test']))
    tap.eq(m['Auto-Submitted'], 'auto-generated')
    tap.has(m['From'], 'scan@')
    for part in ('A virus or other malicious code has been detected.', 'From: <evil@src.test>', 'To: <u@local.test>', 'To: <v@local.test>',
                 'Message-ID: <', 'Virus: ' + mails.EICAR_NAME, 'Action: reject', 'Reference: ', 'Subject: x'):
        tap.has(text, part)
    subject, = [l for l in text.split('\n') if l.startswith('Subject:')]
    tap.ok(len(subject) < 450, 'subject is cut: %r' % subject)
    tap.hasnt(text, 'EICAR-STANDARD')
    tap.eq(re.findall(r'(?m)^\s*Bcc:', text), [], 'lines of the mail')
    tap.eq(m.keys().count('Bcc'), 0)
    milter.talk(d.address, mails.clean())
    tap.eq(alerts(d)['sent'], len(box.mails), 'a clean mail is no news')
    d.stop()


@tap.test('at most one of a kind in an interval, the others together after it; aggregate = false: one for each mail')
def aggregated():
    box = Box()
    d = daemon('aggregated', box.port, interval='2s', on='{infection}').start()
    for _ in range(8):
        caught(d)
    box.wait('infection', 2)
    told = [m[2].get_content().count('Virus: ') for m in box.of('infection')]
    tap.eq(sum(told), 8, 'mails told of: %s' % told)
    tap.eq(len(told), 2, 'alerts: %s' % told)
    tap.eq([m[2]['X-Avmilter-Event'] for m in box.mails], ['infection'] * 2, 'other kinds are off')
    d.sections['alert']['aggregate'] = 'false'
    d.write_conf()
    d.hup()
    d.wait_log('configuration 2 of .* is in use')
    for _ in range(5):
        caught(d)
    tap.eq([m[2].get_content().count('Virus: ') for m in box.wait('infection', 7)[2:]], [1] * 5)
    d.stop()


@tap.test('crash, startup, shutdown, update, update_error, load_exceeded: each for real')
def kinds():
    box = Box()
    d = daemon('kinds', box.port)
    d.clamav['workers'] = '1'
    d.sections['antivirus']['queue_max'] = '1'
    d.start()
    tap.has(box.wait('startup')[0][2].get_content(), 'avmilter has just started up.')

    os.kill(d.workers()[0], signal.SIGKILL)
    crash = box.wait('crash')[0][2]
    tap.has(crash['Subject'], 'Virus scanner crash alert (')
    tap.has(crash.get_content(), 'Uptime (in seconds): ')
    tap.has(crash.get_content(), 'Date/time of event: 20')
    d.wait_log('is ended by signal 9|killed|crash|died')

    rig.write(d.db + '/.new.ndb', 'New.Marker:0:*:%s\n' % b'AVMILTER-NEW-MARKER'.hex())
    os.rename(d.db + '/.new.ndb', d.db + '/new.ndb')
    tap.has(box.wait('update')[0][2].get_content(), 'signatures')

    rig.write(d.db + '/.bad.hdb', '44d88612fea8a8f36de82e12')
    os.rename(d.db + '/.bad.hdb', d.db + '/bad.hdb')
    tap.has(box.wait('update_error')[0][2].get_content(), 'Those that were in use stay in use.')
    os.unlink(d.db + '/bad.hdb')
    rig.wait_for(lambda: d.workers(), 10, 'a worker')

    stopped = d.workers()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    threads = [threading.Thread(target=milter.talk, args=(d.address, mails.clean(body='%d\r\n' % n))) for n in range(6)]
    for t in threads:
        t.start()
    load = box.wait('load_exceeded')[0][2].get_content()
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    for t in threads:
        t.join()
    tap.has(load, 'Threshold queue size: 1')
    tap.has(load, 'Number of queued items: ')

    tap.eq(d.stop(), 0)
    tap.has(box.wait('shutdown')[0][2].get_content(), 'avmilter has been asked to shut down.')
    tap.hasnt(d.logged(), 'could not be sent')


@tap.test('primary down: the secondary takes it; both down: retried, mail is not delayed, the shutdown is bounded')
def relays():
    dead, spare = next(PORTS), next(PORTS)
    box = Box()
    d = daemon('relays', dead, box.port, on='{infection}').start()
    caught(d)
    box.wait('infection')
    tap.eq(alerts(d)['deferred'], 0)
    d.stop()

    d = daemon('down', dead, spare, on='{infection}').start()
    quiet = milter.talk(d.address, mails.eicar_plain()).seconds
    slow = max(milter.talk(d.address, mails.eicar_plain()).seconds for _ in range(10))
    tap.ok(slow < max(1.0, 20 * quiet), 'mail was delayed: %g s, %g s' % (quiet, slow))
    d.wait_log('Error trying to send an SMTP alert: will be repeated: .*127.0.0.1:%d.*127.0.0.1:%d' % (dead, spare))
    rig.wait_for(lambda: alerts(d)['deferred'] >= 2, 15, 'a second attempt')
    box2 = Box(spare)
    got = box2.wait('infection', 1, 20)
    tap.eq(got[0][2].get_content().count('Virus: '), 1, 'the first mail')
    d.stop()

    d = daemon('lost', dead, spare + 1, on='{infection}').start()
    caught(d)
    d.wait_log('Error trying to send')
    begin = time.monotonic()
    tap.eq(d.stop(), 0)
    tap.ok(time.monotonic() - begin < 10 * rig.SLOW, 'the shutdown took %g s' % (time.monotonic() - begin))
    tap.has(d.logged(), '1 alert could not be sent before the end and is lost')


@tap.test('a relay that says nothing delays neither mail nor shutdown; one that refuses for good ends the retries')
def hostile():
    relay = Relay(next(PORTS))
    relay.hold = 'greeting'
    d = daemon('silent', relay.port, on='{infection, shutdown}').start()
    caught(d)
    rig.wait_for(lambda: relay.reached.is_set(), 10, 'the connection')
    tap.ok(max(caught(d).seconds for _ in range(5)) < 2 * rig.SLOW, 'mail waited')
    begin = time.monotonic()
    tap.eq(d.stop(), 0)
    tap.ok(time.monotonic() - begin < 12 * rig.SLOW, 'the shutdown took %g s' % (time.monotonic() - begin))
    relay.close()

    relay = Relay(next(PORTS))
    relay.refuse['<admin@local.test>'] = '550 5.1.1 nobody'
    d = daemon('refused', relay.port, on='{infection}').start()
    caught(d)
    d.wait_log('Error trying to send an SMTP alert: given up: .*550')
    tap.eq((alerts(d)['failed'], alerts(d)['queued']), (1, 0))
    d.stop()
    relay.close()


@tap.test('through our own Postfix and milter: delivered; an alert that is infected itself raises none')
def loop():
    rig.stop_all()
    port = next(PORTS)
    d = daemon('loop', port, interval='1s')
    pf = postfix.Postfix(d.postfix, name='pf-loop', port=port)
    d.sections['alert']['to'] = '{"postmaster@local.test"}'
    # what every alert of an infection says is a virus in this database
    with open(d.db + '/test.ndb', 'a') as f:
        f.write('Alert.Text:0:*:%s\n' % b'A virus or other malicious code'.hex())
    pf.start()
    d.start()
    startup = rig.wait_for(lambda: pf.delivered('postmaster'), 20, 'the startup alert')[0]
    tap.has(startup.decode(), 'Return-Path: <>')
    tap.has(startup.decode(), 'X-Virus-Status: Clean')
    tap.eq(smtp.send(port, mails.eicar_plain()).code, 550)
    d.wait_log(r'virus="?Alert\.Text')
    rig.wait_for(lambda: alerts(d)['suppressed'] >= 1, 10, 'the loop guard')
    d.wait_log('Error trying to send an SMTP alert: given up: .* 550 ')
    time.sleep(2.5)
    tap.eq(len(re.findall(r'verdict=infected.*Alert\.Text', d.logged())), 1, 'alerts about alerts')
    # the same from another host, to the same address; not to another one, and not from a sender
    before = alerts(d)['suppressed']
    other = mails.join(mails.headers('Virus alert', ['Auto-Submitted: auto-generated'], to='postmaster@local.test'),
                       b'A virus or other malicious code\r\n')
    smtp.send(port, other, rcpts=['postmaster@local.test'], sender='')
    tap.eq(alerts(d)['suppressed'], before + 1)
    # their alerts are raised, and known as such when they come by
    smtp.send(port, other, rcpts=['u@local.test'], sender='')
    rig.wait_for(lambda: alerts(d)['suppressed'] == before + 2, 10, 'the alert about a mail to somebody else')
    smtp.send(port, other, rcpts=['postmaster@local.test'], sender='x@src.test')
    rig.wait_for(lambda: alerts(d)['suppressed'] == before + 3, 10, 'the alert about a mail with a sender')
    tap.eq(d.stop(), 0)
    rig.wait_for(lambda: [m for m in pf.delivered('postmaster') if b'asked to shut down' in m], 20, 'the shutdown alert')


@tap.test('rules: notify = admin, an address, recipients of our own domains only, who do not see the others')
def notify():
    box = Box()
    d = daemon('notify', box.port, on='{startup}', local_domains='{"local.test"}')
    d.more = 'policy "told" { names = {"Test.Marker*"} notify = {admin, recipient, "boss@corp.test"} action = "reject" }\n'
    d.start()
    body = b'AVMILTER-TEST-MARKER\r\n'
    milter.talk(d.address, mails.join(mails.headers('told'), body), sender='<a@src.test>',
                rcpts=['<u@local.test>', '<v@LOCAL.test>', '<x@away.test>'])
    got = {m[1][0]: m[2].get_content() for m in box.wait('notice', 4)}
    tap.eq(sorted(got), ['admin@local.test', 'boss@corp.test', 'u@local.test', 'v@local.test'])
    tap.hasnt(got['u@local.test'], 'v@')
    tap.hasnt(got['u@local.test'], 'away')
    tap.has(got['admin@local.test'], 'x@away.test')
    caught(d)
    tap.eq(box.of('infection'), [], 'not asked for')
    d.stop()


@tap.test('the message file: own words, in UTF-8, and what -n says about a broken one')
def texts():
    box = Box()
    d = daemon('texts', box.port)
    path = rig.write(d.dir + '/messages', '# meine\n1010 Der Scanner läuft ***\n1011 Los geht’s.\n1001 ***\n4000 Böses gefunden.\n')
    d.sections['alert']['messages'] = q(path)
    d.start()
    m = box.wait('startup')[0][2]
    tap.has(m['Subject'], 'Der Scanner läuft (')
    tap.has(m.get_content(), 'Los geht’s.')
    tap.hasnt(m.get_content(), 'Host:')
    caught(d)
    tap.has(box.wait('infection')[0][2].get_content(), 'Böses gefunden.')
    status, out, err = ctl(d, 'alert', 'test')
    tap.eq(status, 0, out + err)
    tap.has(out, '127.0.0.1:%d' % box.port)
    box.wait('test')
    d.stop()
    rig.write(path, '1010 gut\nkeine Nummer\n77 fremd\n1010 noch einmal\n')
    status, out, err = rig.run(d.command('-n'))
    tap.ok(status != 0, 'exit of -n')
    for line in (2, 3, 4):
        tap.has(err, '%s:%d: ' % (path, line))
    d.start()
    d.wait_log('the built-in texts are used')
    tap.has(box.wait('startup', 2)[1][2]['Subject'], 'Virus scanner startup alert')
    d.stop()


@tap.test('log.kinds: groups, single kinds, file_scan with one line for each object')
def log_kinds():
    def logged(kinds):
        d = daemon('log%d' % next(PORTS), 2999, on='{}')
        del d.sections['alert']
        d.sections['log']['kinds'] = kinds
        d.start()
        for message in (mails.eicar_base64(), mails.eicar_base64(), mails.clean()):
            milter.talk(d.address, message)
        os.kill(d.workers()[0], signal.SIGKILL)
        rig.wait_for(lambda: json.loads(ctl(d, '-j', 'status')[1])['workers']['crashed'], 10, 'the crash')
        d.stop()
        text = d.logged()
        return text, ('verdict=infected' in text, 'died' in text, ' starts as ' in text, 'is asked to end' in text,
                      'received and scanned' in text, 'verdict=clean' in text)
    tap.eq(logged('{error, warning, info}')[1], (True, True, True, True, False, True))
    tap.eq(logged('{info}')[1], (False, False, True, True, False, True))
    tap.eq(logged('{error, infection}')[1], (True, True, False, False, False, True))
    text, seen = logged('{shutdown, file_scan}')
    tap.eq(seen, (False, False, False, True, True, True))
    files = re.findall(r'T1: A file has been received and scanned: "(.*?)" (.*)', text)
    tap.has(str(files), 'infected (Eicar-Test-Signature')
    tap.ok([f for f in files if 'eicar.com' in f[0]], 'the attachment: %s' % files)
    tap.ok([f for f in files if f[1] == 'clean'], 'clean ones: %s' % files)
    tap.eq(len([f for f in files if f[0] == 'message']), 3, 'whole messages: %s' % files)


@tap.test('-n: a relay is required; notify needs somebody to tell')
def check():
    d = daemon('check', 2999)
    for alert, rule, says in (({'to': '{"a@b"}'}, '', 'smtp_primary'),
                              ({'to': '{"a@b"}', 'smtp_primary': q('h:25'), 'from': q('a b@c')}, '', 'alert.from'),
                              ({'smtp_primary': q('h:25')}, 'notify = {admin}', 'alert { to'),
                              ({'smtp_primary': q('h:25')}, 'notify = {recipient}', 'local_domains')):
        d.sections['alert'] = alert
        d.more = 'policy "p" { classes = {infected} %s action = "reject" }\n' % rule
        d.write_conf()
        status, out, err = rig.run(d.command('-n'))
        tap.ok(status != 0, 'exit of -n: %s' % alert)
        tap.has(err, says)


if __name__ == '__main__':
    tap.main()
