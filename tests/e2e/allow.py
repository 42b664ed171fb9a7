#!/usr/bin/python3
"""avmilterctl allow: one command after a false positive, as narrow as that mail, and no way to write anything else"""
# run: timeout=60 san=address,thread
import datetime
import json
import os
import re
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import avmilter, mails, milter, rig, tap
from lib.avmilter import Daemon, q

DONE, ERROR = 0, 2
MARKER, MARKED = avmilter.MARKER, avmilter.MARKER_NAME
D = []
N = [0]


@tap.on_failure
def logs():
    return rig.tail(D[0].output, 40) if D else ''


def day(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days)).strftime('%Y-%m-%d')


class Site:
    """A daemon that keeps what is infected, with a whitelist."""

    def __init__(self, name, engines='', whitelist=True, **antivirus):
        d = self.d = Daemon(name)
        self.list = rig.write(d.dir + '/whitelist', '# ours\n')
        if engines:
            d.clamav['enabled'] = q('passive')  # takes mail apart, and says nothing
        d.args = ['--test-engines']
        d.more_engines = engines
        if whitelist:
            antivirus['whitelist'] = q(self.list)
        d.sections['antivirus'].update(on_infected=q('quarantine'), **antivirus)
        d.sections['quarantine'] = {'directory': q(rig.folder(name + '-store', 0o700, owner='nobody'))}
        D.insert(0, d)
        d.start()

    def send(self, body, sender='<a@src.test>', to='u'):
        """The class, and the ref of the entry when the mail was kept."""
        N[0] += 1
        message = mails.join(mails.headers('allow'), body) if isinstance(body, bytes) else body[0]
        milter.talk(self.d.address, message, 'Q%d' % N[0], sender=sender, rcpts=['<%s@local.test>' % c for c in to])
        line = self.d.line('Q%d' % N[0])
        return line['verdict'], line.get('ref')

    def ctl(self, *words, conf=None, user=None, socket=None):
        argv = [rig.program('avmilterctl'), '-c', conf or self.d.conf, '-j'] + (['-s', socket] if socket else []) + list(words)
        if user:
            argv = ['setpriv', '--reuid=' + user, '--regid=nogroup', '--clear-groups'] + argv
        return rig.run(argv)

    def allow(self, *words):
        status, out, err = self.ctl('allow', *words)
        tap.eq((status, err), (DONE, ''), out)
        return json.loads(out)

    def refused(self, *words, **kw):
        """What it says; nothing is written."""
        before = rig.read(self.list)
        status, out, err = self.ctl('allow', *words, **kw)
        tap.eq(status, ERROR, out + err)
        tap.eq(rig.read(self.list), before, 'the list')
        return out + err

    def lines(self):
        return [l for l in rig.read(self.list).split('\n') if l and not l.startswith('#')]


def marked(more=b''):
    return b'Dear all, ' + MARKER + b' and ' + more + b'\r\n'


@tap.test('the mail passes from now on, to its recipients and from its sender; no other does, and nothing is loaded again')
def one_command():
    s = Site('one')
    verdict, ref = s.send(marked(), to='uv')
    tap.eq(verdict, 'infected')
    got = s.allow(ref)
    tap.eq((got['ref'], got['until'], [(l['list'], l['added']) for l in got['lists']]), (ref, day(30), [(s.list, 2)]))
    tap.eq(s.lines(), ['%s engine=clamav from=a@src.test to=%s@local.test until=%s' % (MARKED, c, day(30)) for c in 'uv'])
    tap.eq(s.lines(), got['lists'][0]['lines'])
    s.d.wait_log('allow: %s: uid 0 asked' % ref)
    tap.has(rig.read(s.list), '# ours\n# avmilterctl allow %s\n' % ref, 'where a line comes from')
    for body, kw, want in ((marked(), {}, 'clean'), (marked(b'more'), {'to': 'v'}, 'clean'), (marked(), {'to': 'vu'}, 'clean'),
                           (marked(), {'sender': '<b@src.test>'}, 'infected'), (marked(), {'to': 'uvw'}, 'infected'),
                           (marked(mails.EICAR), {}, 'infected'), (mails.EICAR, {}, 'infected')):
        tap.eq(s.send(body, **kw)[0], want, '%s %s' % (body, kw))
    before = rig.read(s.list)
    tap.eq(s.allow(ref)['lists'][0]['added'], 0, 'the second time')
    tap.eq(rig.read(s.list), before, 'the list after the second time')
    tap.eq(s.d.served(), 1, 'generations')


@tap.test('--for instead of the recipients, --until instead of 30 days; the null sender; a last line without its end')
def words():
    s = Site('words')
    ref = s.send(marked(), sender='<>')[1]
    rig.write(s.list, 'Nothing.Of.That')
    s.allow(ref, '--until', day(0), '--for', '*@local.test', '--for', 'x@y.test')
    tap.eq(s.lines(), ['Nothing.Of.That'] + ['%s engine=clamav from=<> to=%s until=%s' % (MARKED, to, day(0))
                                              for to in ('*@local.test', 'x@y.test')])
    tap.eq(s.send(marked(), sender='<>', to='wxyz')[0], 'clean')
    tap.eq(s.send(marked(), to='w')[0], 'infected', 'another sender')


@tap.test('where the engine names the part, the content is part of the line')
def content():
    s = Site('content', engines='\tfake "f" { scan_whole = false }\n')
    verdict, ref = s.send(b'FAKE:infected=False.Positive\r\n')
    tap.eq(verdict, 'infected')
    got = s.allow(ref)
    tap.ok(re.fullmatch(r'False\.Positive engine=f from=a@src\.test to=u@local\.test sha256=[0-9a-f]{64} until=' + day(30),
                        s.lines()[0]), s.lines())
    tap.eq((len(s.lines()), got['remarks']), (1, []))
    tap.eq(s.send(b'FAKE:infected=False.Positive\r\n')[0], 'clean')
    tap.eq(s.send(b'FAKE:infected=False.Positive and other words\r\n')[0], 'infected')
    # an engine that has not told all it knows: the line helps less than one may think
    got = s.allow(s.send(b'FAKE:infected=First.Name FAKE:hide\r\n')[1])
    tap.has(got['remarks'][0], 'hidden-by-ignored')
    tap.eq(s.send(b'FAKE:infected=First.Name FAKE:hide\r\n')[0], 'unscannable')


@tap.test('what cannot be allowed is refused with the reason, and nothing is written')
def refusals():
    s = Site('refusals')
    ref = s.send(marked())[1]
    tap.has(s.refused('nosuchref'), 'no such entry')
    tap.has(s.refused(), 'wanted is REF')
    tap.has(s.refused(ref, '--until'), 'wanted is REF')
    tap.has(s.refused(ref, '--until', '2020-01-01'), 'that day is over')
    tap.has(s.refused(ref, '--until', 'tomorrow'), 'until=YYYY-MM-DD')
    tap.has(s.refused(ref, '--for', 'a b'), 'cannot stand in a whitelist')
    tap.has(s.refused(ref, '--for', 'u@x\nEvil.Name'), 'control character')
    bad = s.send(marked(), sender='<"a b"@src.test>')[1]
    tap.has(s.refused(bad), 'cannot stand in a whitelist')
    odd = s.send(marked(), sender='<a*@src.test>')[1]
    tap.has(s.refused(odd), 'cannot stand in a whitelist')
    none = Site('none', whitelist=False)
    tap.has(none.refused(none.send(marked())[1]), 'has no whitelist')


@tap.test('the file is written with the rights of who asks, and is one of the configuration')
def rights():
    s = Site('rights')
    ref = s.send(marked())[1]
    out = s.refused(ref, user='nobody')         # the daemon's own user may ask
    tap.has(out, 'Permission denied')
    tap.has(out, '%s engine=clamav' % MARKED, 'the line, to be written by hand')
    other = Site('other')
    conf = rig.write(rig.WORK + '/mixed.conf', re.sub(r'whitelist = .*', 'whitelist = ' + q(other.list), rig.read(s.d.conf)))
    before = rig.read(other.list)
    tap.has(s.refused(ref, conf=conf), 'is no whitelist of')
    tap.eq(rig.read(other.list), before, 'the other list')


def answers(path, answer):
    """Something on a control socket that answers one command with this."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen(1)

    def serve():
        peer, _ = server.accept()
        with peer, peer.makefile('rwb') as f:
            f.write(b'avmilter-control 1 avmilter 0\n')
            f.flush()
            f.readline()
            f.write(b'ok ' + json.dumps(answer).encode() + b'\n')
            f.flush()
        server.close()
    threading.Thread(target=serve, daemon=True).start()
    return path


@tap.test('a daemon that was taken over cannot have root write what is no line, or elsewhere')
def liar():
    s = Site('liar')
    victim = rig.write(rig.WORK + '/victim', 'root:x\n')
    link = rig.WORK + '/link'
    os.symlink(victim, link)
    good = {'ref': 'a', 'until': day(1), 'lists': [{'list': s.list, 'lines': ['A engine=e']}], 'remarks': []}
    for i, change in enumerate((
            {'lists': [{'list': victim, 'lines': ['A']}]}, {'lists': [{'list': link, 'lines': ['A']}]}, {'lists': []}, {'lists': 'x'},
            {'lists': [{'list': s.list + '/../whitelist', 'lines': ['A']}]}, {'lists': [{'list': '', 'lines': ['A']}]},
            {'lists': [{'lines': ['A']}]}, {'lists': [{'list': s.list, 'lines': ['A', 'B\nC']}]},
            {'lists': [{'list': s.list, 'lines': ['A']}, {'list': victim, 'lines': ['B']}]},
            {'lists': [{'list': s.list, 'lines': ['A\x7f']}]}, {'lists': [{'list': s.list, 'lines': [7]}]},
            {'lists': [{'list': s.list, 'lines': ['']}]}, {'lists': [{'list': s.list, 'lines': ['A' * 5000]}]},
            {'ref': 'a\nEvil'}, {'ref': None})):
        path = answers('%s/liar%d' % (rig.WORK, i), dict(good, **change))
        tap.has(s.refused('a', socket=path), 'avmilterctl: allow: ', change)
        tap.eq(rig.read(victim), 'root:x\n', 'after %s' % change)
    status, out, err = s.ctl('allow', 'a', socket=answers(rig.WORK + '/honest', good))
    tap.eq((status, s.lines()), (DONE, ['A engine=e']), out + err)


if __name__ == '__main__':
    tap.main()
