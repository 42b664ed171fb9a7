#!/usr/bin/python3
"""The console, its rights, and signals in a storm"""
# run: timeout=120 san=address,thread
import json
import os
import random
import re
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon, database, q

D = []
DONE, FOUND, ERROR = 0, 1, 2
STORM = 300


def daemon():
    if not D:
        d = Daemon()
        d.sections['control'].update(mode='0666')
        D.append(d.start())
    return D[0]


@tap.on_failure
def logs():
    return rig.tail(D[0].output, 40) if D else ''


def ctl(*args, user=None):
    d = daemon()
    argv = [rig.program('avmilterctl'), '-s', control_path()] + list(args)
    if user:
        argv = ['setpriv', '--reuid=' + user, '--regid=nogroup', '--clear-groups'] + argv
    return rig.run(argv)


def control_path():
    return daemon().dir + '/run/control.sock'


def ask(*args, **kw):
    """The answer as JSON of a command that must succeed."""
    status, out, err = ctl('-j', *args, **kw)
    tap.ok(status in (DONE, FOUND), 'exit %d of %s: %s%s' % (status, args, out, err))
    return json.loads(out)


@tap.test('status, stats, version, engines: the same for people and as JSON')
def questions():
    d = daemon()
    milter.talk(d.address, mails.clean())
    milter.talk(d.address, mails.eicar_plain())
    s = ask('status')
    tap.eq((s['serving'], s['ready'], s['configuration_number']), (True, True, 1))
    st = ask('stats')
    tap.eq((st['messages_checked'], st['viruses_detected'], st['unscanned_delivered']), (2, 1, 0))
    tap.eq((st['classes']['clean'], st['actions']['reject']), (1, 1))
    e = ask('engines')['engines'][0]
    tap.eq((e['title'], e['ready'], e['signatures']), ('clamav', True, 3))
    tap.ok(re.match(r'ClamAV \d', ask('version')['engines'][0]['version']), 'version')
    status, out, _ = ctl('status')
    tap.eq(status, DONE)
    tap.has(out, 'configuration number')


@tap.test('stats reset begins anew')
def reset():
    milter.talk(daemon().address, mails.clean())
    tap.ok(ask('stats', 'reset')['messages_checked'] > 0, 'nothing was counted')
    tap.eq(ask('stats')['messages_checked'], 0)


@tap.test('scan: a file is handed over as a descriptor, also one that the daemon may not read')
def scan():
    bad = rig.write(rig.WORK + '/bad mail.eml', mails.eicar_zip(), mode=0o600)
    good = rig.write(rig.WORK + '/good.eml', mails.clean(), mode=0o600)
    status, out, err = ctl('scan', good)
    tap.eq(status, DONE, out + err)
    status, out, err = ctl('scan', good, bad)
    tap.eq(status, FOUND, out + err)
    tap.has(out, mails.EICAR_NAME)
    tap.has(out, '550 5.7.1')
    answer = ask('scan', bad)
    tap.eq((answer['verdict'], answer['file'], answer['code']), ('infected', bad, FOUND))
    status, _, err = ctl('scan', rig.WORK + '/none')
    tap.eq(status, ERROR)
    tap.has(err, 'none')
    tap.eq(ctl('scan')[0], ERROR)


@tap.test('selftest: each engine is asked alone, what it misses is named, and the exit code tells')
def selftest():
    answer = ask('selftest', '1')
    clamav = answer['engines']['clamav']
    tap.ok(clamav['clean'].startswith('clean,'), clamav)
    for sample in ('eicar_as_text', 'eicar_in_base64', 'eicar_in_zip', 'eicar_typed_as_pdf', 'eicar_after_padding'):
        tap.ok(clamav[sample].startswith('infected (Eicar-Test-Signature'), '%s: %s' % (sample, clamav))
    tap.ok(clamav['locked_zip'].startswith('encrypted ('), clamav)
    tap.eq((answer['unexpected'], ctl('selftest', '0')[0]), (0, DONE))
    tap.eq(ctl('selftest', 'much')[0], ERROR)
    blind = Daemon('blind')
    blind.clamav['database'] = q(rig.folder('harmless'))
    rig.write(rig.WORK + '/harmless/test.ndb', 'Test.Marker:0:*:%s\n' % b'not-in-any-mail'.hex())
    blind.start()
    status, out, err = rig.run([rig.program('avmilterctl'), '-s', blind.dir + '/run/control.sock', 'selftest', '0'])
    tap.eq(status, FOUND, out + err)
    tap.has(out, 'not what it should be', 'selftest of an engine without the signature')
    blind.stop()


@tap.test('unknown commands are unknown, wrong words are named')
def wrong():
    for words in (['quarantine', 'list'], ['frobnicate'], ['log', 'loud'], ['stats', 'everything']):
        status, _, err = ctl(*words)
        tap.eq(status, ERROR, words)
        tap.has(err, words[-1] if words[0] == 'log' else words[0])
    tap.eq(ctl()[0], ERROR)
    tap.eq(ctl('-h')[0], DONE)


@tap.test('others may ask, and change nothing')
def rights():
    tap.eq(ask('status', user='daemon')['serving'], True)
    for words in (['reload'], ['update'], ['log', 'debug'], ['stats', 'reset']):
        status, out, err = ctl(*words, user='daemon')
        tap.eq(status, ERROR, '%s: %s' % (words, out))
    tap.eq(ask('log', 'info', user='nobody')['level'], 'info')    # the daemon's own user


@tap.test('log LEVEL holds till the next reload')
def level():
    d = daemon()
    ask('log', 'err')
    milter.talk(d.address, mails.clean(), 'QUIET')
    ask('log', 'info')
    milter.talk(d.address, mails.clean(), 'LOUD')
    d.line('LOUD')
    tap.hasnt(d.logged(), 'QUIET')


@tap.test('reload takes the configuration, update takes the definitions')
def reload():
    d = daemon()
    before = ask('status')['configuration_number']
    ask('reload')
    rig.wait_for(lambda: ask('status')['configuration_number'] == before + 1, 10, 'the new configuration')
    rig.write(database() + '/more.hdb', '%s:12:More.Signature\n' % ('ab' * 16))
    ask('update')
    rig.wait_for(lambda: ask('engines')['engines'][0].get('signatures') == 4, 20, 'the new signature')
    tap.eq(milter.talk(d.address, mails.eicar_plain()).smtp(), 5)


@tap.test('a reload that needs new scanning processes: the old ones serve till they are ready; a second HUP starts none anew')
def new_workers():
    d = daemon()
    before, zygotes = ask('status')['configuration_number'], d.zygotes()
    d.sections['antivirus']['max_extract_depth'] = '7'
    d.write_conf()
    d.hup()
    d.wait_log('waits for its scanning processes')
    d.hup()
    for _ in range(20):
        tap.eq(milter.talk(d.address, mails.eicar_zip()).smtp(), 5)
    rig.wait_for(lambda: ask('status')['configuration_number'] == before + 2, 20, 'the new configuration')
    rig.wait_for(lambda: len(d.zygotes()) == 1 and d.zygotes() != zygotes, 20, 'the end of the old processes')
    tap.eq(len(re.findall('waits for its scanning processes', d.logged())) <= 2, True, 'reloads that waited')
    tap.eq(milter.talk(d.address, mails.eicar_zip()).smtp(), 5)
    tap.eq(milter.talk(d.address, mails.clean()).smtp(), 2)


@tap.test('garbage on the control socket')
def garbage():
    for data in (b'\n', b'\0\0\0\n', b'status \n', b'%%%\n', b'status' * 5000 + b'\n', os.urandom(20000), b'scan x\n', b'stat'):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(control_path())
            s.settimeout(5 * rig.SLOW)
            try:
                s.sendall(data)
                if data.endswith(b'\n'):
                    greeting = s.recv(100)
                    tap.ok(greeting.startswith(b'avmilter-control 1'), greeting)
            except (BrokenPipeError, ConnectionResetError):
                pass
    tap.eq(ask('status')['serving'], True)


@tap.test('%d signals as fast as they go: none stops the daemon, none is taken by a library' % STORM)
def storm():
    d = daemon()
    rnd = random.Random(5)
    for _ in range(STORM):
        d.process.kill(rnd.choice((signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE, signal.SIGUSR2, signal.SIGCHLD)))
        if rnd.random() < 0.1:
            time.sleep(rnd.random() * 0.02)
    rig.wait_for(lambda: milter.talk(d.address, mails.eicar_plain()).smtp() == 5, 20 * rig.SLOW, 'a right answer')
    tap.ok(d.process.alive(), 'avmilter is gone')
    tap.hasnt(d.logged(), 'signal thread of its own')
    tap.eq(ask('status')['serving'], True)


@tap.test('HUPs and a TERM in the same moment: it ends properly')
def storm_and_term():
    d = daemon()
    for _ in range(20):
        d.process.kill(signal.SIGHUP)
    d.process.kill(signal.SIGTERM)
    for _ in range(20):
        d.process.kill(signal.SIGHUP)
    tap.eq(d.process.wait(30), 0)
    tap.has(d.logged(), 'stopping: ')
    tap.ok(not os.path.exists(control_path()), 'the control socket is left')
    tap.ok(not os.path.exists(d.address), 'the milter socket is left')


@tap.test('without a daemon: exit 2 and what to look at')
def nobody_there():
    status, _, err = ctl('status')
    tap.eq(status, ERROR)
    tap.has(err, control_path())


tap.main()
