#!/usr/bin/python3
"""The quarantine store: kept, shown, released unchanged, never lost, through a real Postfix and a real sendmail"""
# run: timeout=240 san=address,thread
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, postfix, rig, sendmail, smtp, tap
from lib.avmilter import Daemon, q
from lib.relay import Relay

DONE, NO, ERROR = 0, 1, 2
TRACE = 'return-path x-original-to delivered-to x-virus-scanned x-virus-status received'.split()
MANY = 1000 if os.environ.get('FULL') == '1' else 20 if rig.SAN else 100
PORTS = iter(range(2500, 2900, 20))
RUNNING = []


class Store:
    """avmilter that keeps what is infected, a Postfix in front of it, and the console."""

    def __init__(self, name, with_postfix=True, port=None, relay=None, **options):
        self.port = next(PORTS)
        d = self.daemon = Daemon('av-' + name, port=port)
        d.sections['antivirus'].update(on_infected=q('quarantine'), on_unscannable=q('quarantine'))
        self.folder = rig.folder(name + '-store', 0o700, owner='nobody')
        d.sections['quarantine'] = dict({'directory': q(self.folder), 'relay': q('127.0.0.1:%d' % (relay or self.port))},
                                        **options)
        self.pf = postfix.Postfix(d.postfix, name='pf-' + name, port=self.port) if with_postfix else None
        RUNNING.append(self)
        d.start()
        if self.pf:
            self.pf.start()

    def ctl(self, *words, user=None):
        argv = [rig.program('avmilterctl'), '-s', self.daemon.dir + '/run/control.sock'] + list(words)
        if user:
            argv = ['setpriv', '--reuid=' + user, '--regid=nogroup', '--clear-groups'] + argv
        return rig.run(argv)

    def ask(self, *words, expect=DONE):
        status, out, err = self.ctl('-j', 'quarantine', *words)
        tap.eq(status, expect, 'exit of quarantine %s: %s%s' % (' '.join(words), out, err))
        return json.loads(out) if out else err

    def list(self):
        return self.ask('list')['mails']

    def refs(self):
        return [m['ref'] for m in self.list()]

    def state(self, ref):
        return {m['ref']: m['state'] for m in self.list()}[ref]

    def send(self, message, **kw):
        """Code of the answer, and the log line."""
        before = len(self.daemon.lines())
        reply = smtp.send(self.pf.port if self.pf else self.port, message, **kw)
        rig.wait_for(lambda: len(self.daemon.lines()) > before, 10, 'the log line')
        return reply, self.daemon.lines()[before][1]

    def keep(self, message, **kw):
        """Send an infected mail; the ref of its entry."""
        reply, line = self.send(message, **kw)
        tap.eq((reply.code, line['action']), (250, 'quarantine'), '%s %s' % (reply, line))
        return line['release'].split()[-1]

    def kept(self, ref):
        with open('%s/%s/message' % (self.folder, ref), 'rb') as f:
            return f.read()

    def names(self):
        return sorted(os.listdir(self.folder))

    def kill(self):
        self.daemon.process.kill(signal.SIGKILL)
        self.daemon.process.wait(10)
        self.daemon.process.stop()

    def restart(self, ready=True):
        self.daemon.start(ready=ready)


@tap.on_failure
def logs():
    return '\n'.join(rig.tail(s.daemon.output, 30) + (rig.tail(s.pf.log, 20) if s.pf else '') for s in RUNNING[-1:])


STORES = {}


def store():
    if 'main' not in STORES:
        STORES['main'] = Store('main')
    return STORES['main']


def relay_store():
    """A store whose relay is ours to command."""
    if 'relay' not in STORES:
        relay = Relay(next(PORTS))
        STORES['relay'] = Store('relay', relay=relay.port)
        STORES['relay'].relay = relay
    return STORES['relay']


def unchanged(raw, sent):
    """The delivered mail is the one that was sent, below fields that the MTA and we put on top."""
    raw = raw.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')
    tap.ok(raw.endswith(sent), 'the mail was changed: %r instead of %r' % (raw[-2000:], sent[-2000:]))
    top = re.sub(rb'\r\n[ \t]', b' ', raw[:len(raw) - len(sent)])
    for line in filter(None, top.split(b'\r\n')):
        tap.ok(line.split(b':')[0].decode().lower() in TRACE, 'a field that is no trace: %r' % line)
    return top


def mailbox(pf, mark, user='u', count=1):
    found = rig.wait_for(lambda: [m for m in pf.delivered(user) if mark in m] or None, 20, 'delivery of %r' % mark)
    tap.eq(len(found), count, 'copies of %r' % mark)
    return found[0]


def marked(subject):
    return mails.join(mails.headers(subject, ['MIME-Version: 1.0', 'DKIM-Signature: v=1; a=rsa-sha256; d=src.test;\r\n\tb=AbC/+=']),
                      b'.a dot\r\n..two\r\n\r\n' + mails.EICAR + b'\r\n' + b'x' * 1500 + b'\r\n.\r\n')


@tap.test('an infected mail is kept as it came, nobody receives it, and it is shown')
def kept():
    s = store()
    sent = marked('kept')
    reply, line = s.send(sent, rcpts=['u@local.test', 'v@local.test'])
    tap.eq(reply.code, 250, str(reply))
    tap.eq((line['verdict'], line['action']), ('infected', 'quarantine'))
    tap.eq(line['release'], 'avmilterctl quarantine release ' + line['ref'])
    ref = line['ref']
    tap.eq(s.kept(ref), sent, 'the kept bytes')
    tap.eq(os.stat(s.folder).st_mode & 0o777, 0o700)
    tap.eq(os.stat('%s/%s/message' % (s.folder, ref)).st_mode & 0o777, 0o600)
    s.pf.idle()
    tap.eq([s.pf.delivered(u) for u in ('u', 'v')], [[], []], 'mailboxes')
    m = s.list()[-1]
    tap.eq((m['ref'], m['state'], m['class'], m['virus'], m['size'], m['from'], m['to'], m['recipients']),
           (ref, 'held', 'infected', line['virus'], len(sent), '<a@src.test>', '<u@local.test>', 2))
    a = s.ask('show', ref)
    tap.eq((a['sha256'], a['recipients'], a['client']['addr'], a['findings'][0]['name']),
           (hashlib.sha256(sent).hexdigest(), ['<u@local.test>', '<v@local.test>'], '127.0.0.1', line['virus']))
    tap.eq(a['body_sha256'], hashlib.sha256(sent.split(b'\r\n\r\n', 1)[1]).hexdigest())
    tap.ok(a['engines'][0]['title'] == 'clamav' and a['engines'][0]['definitions'], str(a['engines']))
    status, out, _ = s.ctl('quarantine', 'list')
    tap.has(out, ref)
    stats = json.loads(s.ctl('-j', 'stats')[1])['quarantine']
    tap.eq((stats['mails'], stats['held'], stats['kept']), (1, 1, 1))


@tap.test('release: both recipients get it unchanged, marked as released, once; the log says who did it')
def released():
    s = store()
    sent = marked('to two')
    ref = s.keep(sent, rcpts=['u@local.test', 'v@local.test'])
    r = s.ask('release', ref)['results'][0]
    tap.eq((r['state'], r['taken'], r['refused']), ('released', ['<u@local.test>', '<v@local.test>'], []))
    for user in 'u', 'v':
        top = unchanged(mailbox(s.pf, b'to-two@src.test', user), sent)
        tap.eq(len(re.findall(rb'(?im)^x-virus-status: skipped \(released\)', top)), 1, 'X-Virus-Status in %r' % top)
    tap.eq(s.daemon.lines()[-1][1]['why'], 'released')
    s.daemon.wait_log(r'quarantine: release %s by=root\(0\) taken=2 to="<u@local.test>, <v@local.test>"' % ref)
    tap.ok(ref in s.refs(), 'a released mail stays')
    err = s.ask('release', ref, expect=ERROR)
    tap.has(err, 'all of its recipients have it')
    events = [e['event'] for e in s.ask('show', ref)['journal']]
    tap.eq(events, ['releasing', 'released'])
    ref = s.keep(marked('named twice'), rcpts=['u@local.test', 'u@local.test'])
    r = s.ask('release', ref)['results'][0]
    tap.eq((r['state'], r['taken']), ('released', ['<u@local.test>']), 'a recipient who was named twice')


@tap.test('release --to: another recipient, and the entry stays what it was')
def to_another():
    s = store()
    ref = s.keep(marked('another'))
    r = s.ask('release', ref, '--to', 'w@local.test')['results'][0]
    tap.eq((r['taken'], r['state']), (['<w@local.test>'], 'held'))
    unchanged(mailbox(s.pf, b'another@src.test', 'w'), s.kept(ref))
    tap.ok(not [m for m in s.pf.delivered('u') if b'another@src.test' in m], 'u has it too')
    tap.has(s.ask('release', ref, '--to', 'w@local.test\r\nDATA', expect=ERROR), 'not an address')


@tap.test('8 bit, long lines, no body, UTF-8 addresses, dots: unchanged')
def shapes():
    s = store()
    for n, sent in enumerate([
            mails.eicar_8bit(), mails.eicar_base64(), mails.eicar_zip(), mails.eicar_forwarded(),
            mails.join(mails.headers('grüße', ['X-Long: ' + 'y' * 900]), mails.EICAR + b'\r\n'),
            mails.join(mails.headers('latin', [b'X-Odd: \xe4\xf6\xfc']), mails.EICAR + b'\r\n'),
            mails.join(mails.headers('blank lines'), b'\r\n\r\n' + mails.EICAR + b'\r\n\r\n\r\n')]):
        ref = s.keep(sent)
        s.ask('release', ref)
        mark = re.search(rb'Message-ID: <(.*?)>', sent).group(1)
        unchanged(mailbox(s.pf, mark), sent)


@tap.test('a token that is forged or used again is worth nothing')
def tokens():
    s = relay_store()
    relay = s.relay
    sent = marked('token')

    def again(envid, message=sent, rcpt='u@local.test', sender='a@src.test'):
        c = smtp.Client(s.port)
        tap.eq(c.cmd('MAIL FROM:<%s> ENVID=%s' % (sender, envid)).code, 250)
        tap.eq(c.cmd('RCPT TO:<%s>' % rcpt).code, 250)
        c.cmd('DATA')
        before = len(s.daemon.lines())
        c.raw(smtp.stuffed(message))
        tap.eq(c.reply().code, 250)
        c.quit()
        rig.wait_for(lambda: len(s.daemon.lines()) > before, 10, 'the log line')
        return s.daemon.lines()[before][1]['action']

    def token(ref):
        """A fresh one, as only the relay sees it."""
        s.ask('release', ref, '--to', 'u@local.test')
        return re.search(r'ENVID=(\S+)', relay.mails[-1][0]).group(1)

    ref = s.keep(sent)
    tap.eq(again('avm+2D' + '0' * 32), 'quarantine', 'a forged token')
    tap.eq(again('avm+2D'), 'quarantine', 'an empty token')
    for what in ({'message': sent.replace(b'.a dot', b'.b dot')}, {'rcpt': 'v@local.test'}, {'sender': 'x@src.test'}):
        t = token(ref)
        tap.eq(again(t, **what), 'quarantine', 'a token with other %s' % list(what))
        tap.eq(again(t), 'quarantine', 'a token that was tried with something else')
    t = token(ref)
    tap.ok(re.match(r'avm\+2D[0-9a-f]{32}$', t), t)
    tap.eq(again(t), 'pass', 'the token itself, on its way back from another host')
    tap.eq(again(t), 'quarantine', 'the token for the second time')
    tap.eq(len([m for m in s.pf.delivered('u') if b'token@src.test' in m]) <= 1, True)
    relay.mails.clear()


@tap.test('a relay that refuses some: they stay, the next release is for them; who refuses all or is away changes nothing')
def partly():
    s = relay_store()
    relay = s.relay
    sent = marked('partly')
    ref = s.keep(sent, rcpts=['u@local.test', 'v@local.test', 'w@local.test'])
    relay.refuse = {'<v@local.test>': '550 5.1.1 no such user'}
    r = s.ask('release', ref, expect=NO)['results'][0]
    tap.eq((r['taken'], r['state']), (['<u@local.test>', '<w@local.test>'], 'partly-released'))
    tap.eq(r['refused'], [{'to': '<v@local.test>', 'reply': '550 5.1.1 no such user'}])
    tap.eq(len(relay.mails), 1)
    tap.eq((relay.mails[0][1], relay.mails[0][2]), (['RCPT TO:<u@local.test>', 'RCPT TO:<w@local.test>'], sent))
    r = s.ask('release', ref, expect=NO)['results'][0]
    tap.eq((r['taken'], [x['to'] for x in r['refused']]), ([], ['<v@local.test>']))
    relay.refuse = {}
    r = s.ask('release', ref)['results'][0]
    tap.eq((r['taken'], r['state']), (['<v@local.test>'], 'released'))
    for step in 'greeting EHLO MAIL RCPT DATA dot'.split():
        ref = s.keep(marked('refused at ' + step))
        relay.answers = {step: '451 4.3.0 not now'}
        r = s.ask('release', ref, expect=NO)['results'][0]
        tap.eq((r['taken'], r['state']), ([], 'held'), step)
        tap.has(r['refused'][0]['reply'], '451 4.3.0 not now', step)
        relay.answers = {}
    for step in 'greeting EHLO MAIL RCPT DATA'.split():
        relay.drop = step
        r = s.ask('release', ref, expect=NO)['results'][0]
        tap.eq((r['taken'], r['state']), ([], 'held'), 'hang-up at ' + step)
    # the mail was there to the last byte: only the relay knows what became of it
    relay.drop = 'dot'
    tap.has(s.ask('release', ref, expect=ERROR), 'did not say whether')
    tap.eq(s.state(ref), 'release-interrupted')
    relay.drop = None
    s.ask('release', ref)
    tap.eq(s.state(ref), 'released')


@tap.test('a relay without DSN: recognised by its content, from this machine')
def without_dsn():
    s = relay_store()
    relay = s.relay
    relay.offers = ['8BITMIME']
    sent = marked('without dsn')
    ref = s.keep(sent)
    s.ask('release', ref)
    tap.hasnt(relay.mails[-1][0], 'ENVID')
    reply, line = s.send(sent)
    tap.eq((reply.code, line['action'], line['why']), (250, 'pass', 'released'))
    reply, line = s.send(sent)
    tap.eq(line['action'], 'quarantine', 'the second time')
    relay.offers = ['8BITMIME', 'DSN']


@tap.test('kill -9 at every step of a release: the mail is still there, and goes out at the next try')
def killed_in_release():
    s = relay_store()
    relay = s.relay
    for step in 'greeting EHLO MAIL RCPT DATA content dot after'.split():
        sent = marked('killed at ' + step)
        if step == 'content':   # more than fits into buffers on the way: the end is not out yet
            sent += (b'z' * 76 + b'\r\n') * 150000
        ref = s.keep(sent)
        relay.mails.clear()
        relay.reached.clear()
        relay.let_go.clear()
        relay.hold = step
        ctl = subprocess.Popen([rig.program('avmilterctl'), '-s', s.daemon.dir + '/run/control.sock', 'quarantine', 'release', ref],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        tap.ok(relay.reached.wait(20 * rig.SLOW), 'the relay was not asked: ' + step)
        s.kill()
        relay.hold = None
        relay.let_go.set()
        status = ctl.wait(20 * rig.SLOW)
        s.restart()
        tap.eq(s.kept(ref), sent, step)
        state = s.state(ref)
        if step == 'after':     # the 250 was on its way: in the journal or not
            tap.ok((state, status) in (('released', DONE), ('released', ERROR), ('release-interrupted', ERROR)), '%s %d' % (state, status))
        else:
            tap.eq((state, status), ('release-interrupted', ERROR), step)
        if state == 'release-interrupted':
            s.ask('release', ref)
        tap.eq(s.state(ref), 'released')
        copies = [m for m in relay.mails if m[2] == sent]
        tap.ok(1 <= len(copies) <= (2 if step in ('dot', 'after') else 1), '%d copies, %s' % (len(copies), step))


@tap.test('kill -9 again and again while mail is kept: what was answered with 250 is there, whole, and nothing half')
def killed_in_keep():
    s = STORES['flood'] = Store('flood')
    accepted, stop = {}, threading.Event()

    def flood(number):
        n = 0
        while not stop.is_set():
            n += 1
            sent = marked('flood-%d-%d' % (number, n))
            try:
                if smtp.send(s.port, sent).code == 250:
                    accepted[hashlib.sha256(sent).hexdigest()] = sent
            except (OSError, smtp.Lost, ValueError):
                pass
    threads = [threading.Thread(target=flood, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for n in range(4):
        before = len(accepted)
        rig.wait_for(lambda: len(accepted) >= before + 3, 30, 'some mail to be kept')
        time.sleep(0.02 * n)
        s.kill()
        s.restart(ready=False)
    stop.set()
    for t in threads:
        t.join()
    s.kill()
    s.restart()
    kept = {hashlib.sha256(s.kept(ref)).hexdigest() for ref in s.names()}
    tap.eq(set(accepted) - kept, set(), 'lost')
    tap.ok(len(accepted) >= 12, '%d mails' % len(accepted))
    tap.eq(sorted(s.refs()[-100:]), sorted(r for r in s.names() if r in set(s.refs())), 'names in the folder')
    for m in s.list():
        tap.eq(m['state'], 'held')


@tap.test('a full disk is 451 and leaves nothing behind; when there is room again it goes on')
def full_disk():
    if not rig.ISOLATED:
        raise tap.Skip('needs a mount namespace')
    s = STORES['tiny'] = Store('tiny')
    s.daemon.stop()
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=700,uid=65534,size=64k', 'tiny', s.folder], check=True)
    s.restart()
    refs = []
    code = 250
    while code == 250 and len(refs) < 20:
        reply, line = s.send(marked('disk %d' % len(refs)))
        code = reply.code
        if code == 250:
            refs.append(line['ref'])
    tap.eq(code, 451, str(reply))
    tap.eq((line['action'], line['why']), ('tempfail', 'effect'))
    tap.ok('No space left' in line['text'], line['text'])
    tap.eq(s.names(), sorted(refs), 'names in the folder')
    tap.ok(len(refs) >= 1, 'nothing was kept')
    s.ask('delete', refs[0])
    s.keep(marked('room again'))
    tap.ok(refs[0] not in s.refs(), 'deleted and still there')


@tap.test('a full store: rejected, tempfailed or the oldest goes, as configured; a reload is enough to change it')
def full_store():
    s = STORES['full'] = Store('full', max_size='6K')
    answers = []
    for when in 'reject', 'tempfail', 'oldest':
        s.daemon.sections['quarantine']['when_full'] = when
        s.daemon.write_conf()
        s.daemon.hup()
        s.daemon.wait_log(r'configuration \d+ of \S+ is in use', count=len(answers) + 1)
        for n in range(6):
            reply, line = s.send(marked('full %s %d' % (when, n)))
        answers.append((reply.code, line['action']))
    tap.eq(answers, [(550, 'reject'), (451, 'tempfail'), (250, 'quarantine')])
    tap.eq(s.refs()[-1], line['ref'], 'the youngest')
    s.daemon.wait_log('makes room')
    tap.ok(json.loads(s.ctl('-j', 'stats')[1])['quarantine']['bytes'] <= 6144, 'too many bytes')


@tap.test('the same mail again is one entry; expire and delete; only root and our user may ask')
def housekeeping():
    s = store()
    sent = marked('again')
    ref = s.keep(sent)
    tap.eq(s.keep(sent), ref, 'the ref of the second')
    tap.eq([m['again'] for m in s.list() if m['ref'] == ref], [1])
    about = '%s/%s/about.json' % (s.folder, ref)
    s.daemon.stop()
    text = json.loads(rig.read(about))
    text['time'] -= 31 * 86400
    rig.write(about, json.dumps(text))
    os.remove('%s/%s/journal' % (s.folder, ref))
    s.restart()
    s.ask('expire')
    rig.wait_for(lambda: ref not in s.refs() + s.names(), 10, 'the old entry to expire')
    s.daemon.wait_log(r'quarantine: \S+/%s is older than keep' % ref)
    ref = s.keep(marked('to be deleted'))
    tap.eq(s.ask('delete', ref)['results'], [{'ref': ref, 'state': 'deleted'}])
    tap.has(s.ask('delete', ref, expect=ERROR), 'no such entry')
    tap.has(s.ask('show', '../etc', expect=ERROR), 'no such entry')
    tap.has(s.ask('frobnicate', expect=ERROR), 'wanted is')
    s.daemon.wait_log(r'quarantine: delete %s by=root\(0\)' % ref)
    status, out, err = s.ctl('quarantine', 'list', user='nobody')
    tap.eq(status, DONE, 'our own user: ' + err)
    status, out, err = s.ctl('quarantine', 'list', user='daemon')
    tap.eq(status, ERROR, 'a stranger')


@tap.test('a second daemon with the same folder does not start; -n says what is wrong with the folder')
def two_daemons():
    s = store()
    d = Daemon('second')
    d.sections['antivirus']['on_infected'] = q('quarantine')
    d.sections['quarantine'] = {'directory': q(s.folder)}
    d.write_conf()
    status, out, err = rig.run(d.command('-f'))
    tap.ok(status != 0 and 'another avmilter uses this folder' in out + err, out + err)
    d.sections['quarantine'] = {'directory': q('/nonexistent/quarantine')}
    d.write_conf()
    status, out, err = rig.run(d.command('-n'))
    tap.ok(status != 0 and 'quarantine.directory' in err, err)
    d.sections['quarantine'] = {'directory': q(rig.folder('small-store', 0o700, 'nobody')), 'max_size': '1000G'}
    d.write_conf()
    status, out, err = rig.run(d.command('-n'))
    tap.eq(status, 0, err)
    tap.has(err, 'max_size')


@tap.test('%d releases, all unchanged' % MANY)
def many():
    s = STORES['many'] = Store('many')
    sent = {}
    client = smtp.Client(s.port)
    for n in range(MANY):
        message = mails.join(mails.headers('many %d' % n), mails.EICAR + b'\r\n' + mails.b64(mails.noise(n * 7 % 3000, n)))
        tap.eq(client.send(message).code, 250)
        sent[re.search(rb'Message-ID: (<.*?>)', message).group(1)] = message
    client.quit()
    refs = [m['ref'] for m in s.ask('list', str(MANY))['mails']]
    tap.eq(len(refs), MANY)
    for n in range(0, MANY, 50):
        s.ask('release', *refs[n:n + 50])
    rig.wait_for(lambda: len(s.pf.delivered('u')) >= MANY, 60, 'all deliveries')
    s.pf.idle()
    for raw in s.pf.delivered('u'):
        unchanged(raw, sent.pop(re.search(rb'Message-ID: (<.*?>)', raw).group(1)))
    tap.eq(sent, {}, 'not delivered')
    tap.eq({m['state'] for m in s.list()}, {'released'})


@tap.test('sendmail: kept and released unchanged')
def with_sendmail():
    port = next(PORTS)
    s = Store('sm', with_postfix=False, port=8950, relay=port)
    s.port = port
    sm = sendmail.Sendmail(s.daemon.sendmail, name='sm-store', port=port)
    sm.start()
    s.pf = sm       # its log is what a failure shows
    sent = mails.join(mails.headers('smkept', ['DKIM-Signature: v=1; a=rsa-sha256;\r\n\tb=AbC/+=']),
                      b'.a dot\r\n\r\n' + mails.EICAR + b'\r\n\xe4 8 bit\r\n')
    ref = s.keep(sent, rcpts=['u@local.test', 'v@local.test'])
    tap.eq(s.kept(ref), sent, 'the kept bytes')
    tap.eq(sm.mailbox(), '', 'mailbox')
    s.ask('release', ref)
    for user in 'u', 'v':
        rig.wait_for(lambda: 'smkept@src.test' in sm.mailbox(user), 20, 'delivery to ' + user)
        with open('%s/mail/%s' % (sm.dir, user), 'rb') as f:
            raw = f.read()
        body = raw.replace(b'\n', b'\r\n').split(b'\r\n\r\n', 1)[1]
        tap.eq(body.rstrip(b'\r\n'), sent.split(b'\r\n\r\n', 1)[1].rstrip(b'\r\n'), 'the body')
        tap.has(raw.decode('latin-1'), 'X-Virus-Status: Skipped (released)')
        for line in sent.split(b'\r\n\r\n')[0].split(b'\r\n'):
            tap.ok(line in raw.split(b'\n'), 'header line %r in %r' % (line, raw))
    tap.eq(s.state(ref), 'released')


tap.main()
