#!/usr/bin/python3
"""Reload, stop and restart while mail flows: every message gets exactly one right answer"""
# run: timeout=240 san=address,thread
import os
import re
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon, q
from lib.load import Load

CLIENTS = 8
HUPS = 50
D = []


def daemon(name):
    D.insert(0, Daemon(name))
    return D[0]


@tap.on_failure
def logs():
    return D[0].events()


@tap.test('50 HUPs and one TERM while 8 clients send: one right answer each, none tempfailed before the TERM')
def hups_and_term():
    d = daemon('hup').start()
    load = Load(d.address, '-c', CLIENTS, '-t', 60, '-p', 10, '-g', 4000, '-q')
    time.sleep(1)
    for _ in range(HUPS):
        d.hup()
        time.sleep(0.1)
    tap.ok(d.process.alive(), 'avmilter died of a HUP')
    time.sleep(0.5)
    term = time.monotonic()
    tap.eq(d.stop(), 0, 'exit status after TERM')
    load.finish().check()
    early = [m for m in load.messages if 0 < m.eom < term]
    tap.ok(len(early) > 200, 'only %d messages' % len(early))
    wrong = [m for m in early if m.answer != ('550' if m.infected else '250')]
    tap.eq(wrong, [], 'messages whose end was sent before the TERM (at %.3f)' % term)
    for m in load.messages:
        tap.ok(m.answer in ('250', '550', '451', 'lost', 'refused'), 'answer %s' % m)
    lines = [l['action'] for _, l in d.lines()]
    tap.eq((lines.count('pass'), lines.count('reject')), (load.count(250), load.count(550)), 'log lines')
    tap.eq(d.scanners(), ([], []), 'processes left')
    tap.ok(not os.path.exists(d.address), 'the socket is left')


@tap.test('a HUP takes over the new configuration; messages under way keep the old one')
def takes_over():
    d = daemon('change').start()
    tap.eq(milter.talk(d.address, mails.eicar_plain()).reply[:3], '550')
    d.sections['antivirus']['on_infected'] = q('tempfail')
    d.write_conf()
    # without "no reply" each step is answered: the message has begun when HUP comes
    under_way = milter.Milter(d.address, steps=0)
    under_way.connect()
    under_way.helo()
    under_way.mail()
    under_way.rcpt()
    under_way.data('OLD')
    d.hup()
    rig.wait_for(lambda: milter.talk(d.address, mails.eicar_plain()).reply[:3] == '451', 10, 'the new action')
    under_way.header('Subject', ' x')
    under_way.eoh()
    under_way.body(mails.EICAR)
    tap.eq(under_way.eom().reply[:3], '550', 'the message that began under the old configuration')
    under_way.quit()
    d.stop()


@tap.test('a broken configuration on HUP: FILE:LINE in the log, the old one stays; a mended one is taken')
def broken():
    d = daemon('broken').start()
    good = d.render()
    for text in (good + 'no_such_option = 1\n', good.rstrip().rstrip('}'), good + 'log { level = "info" }\n', '\0\0\0', good + 'socket_mode = 999999\n'):
        before = len(re.findall(r'avmilter\.conf:\d+: ', d.logged()))
        rig.write(d.conf, text)
        d.hup()
        rig.wait_for(lambda: len(re.findall(r'avmilter\.conf:\d+: ', d.logged())) > before, 10, 'FILE:LINE for %r' % text[-40:])
        tap.eq(milter.talk(d.address, mails.eicar_plain()).smtp(), 5)
        tap.eq(milter.talk(d.address, mails.clean()).smtp(), 2)
    os.unlink(d.conf)
    d.hup()
    time.sleep(0.5)
    tap.eq(milter.talk(d.address, mails.clean()).smtp(), 2, 'without a configuration file')
    d.sections['antivirus']['on_infected'] = q('discard')
    d.write_conf()
    d.hup()
    rig.wait_for(lambda: milter.talk(d.address, mails.eicar_plain()).code == milter.DISCARD, 10, 'the mended configuration')
    d.stop()


@tap.test('TERM while messages are being scanned: they get their right answer inside drain_time')
def drained():
    d = daemon('drain')
    d.top['drain_time'] = '20s'
    d.start()
    workers = rig.wait_for(lambda: len(d.workers()) == 3 and d.workers(), 10, 'two workers and a spare')
    for w in workers:
        os.kill(w, signal.SIGSTOP)
    answers = []

    def one(message):
        answers.append(milter.talk(d.address, message))
    threads = [threading.Thread(target=one, args=(m,)) for m in (mails.clean(), mails.eicar_plain())]
    for t in threads:
        t.start()
    time.sleep(0.5 * rig.SLOW)
    d.process.kill(signal.SIGTERM)
    time.sleep(0.5)
    tap.ok(d.process.alive(), 'avmilter did not wait for its messages')
    for w in workers:
        os.kill(w, signal.SIGCONT)
    for t in threads:
        t.join(30 * rig.SLOW)
    tap.eq(sorted(a.smtp() for a in answers), [2, 5], 'answers %s' % answers)
    tap.eq(d.process.wait(30), 0, 'exit status')


@tap.test('TERM with a message that does not come to an end: 451 after drain_time, not a lost connection')
def drain_limit():
    d = daemon('limit')
    d.top['drain_time'] = '2s'
    d.start()
    workers = rig.wait_for(lambda: len(d.workers()) == 3 and d.workers(), 10, 'two workers and a spare')
    for w in workers:
        os.kill(w, signal.SIGSTOP)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(milter.talk(d.address, mails.clean())))
    thread.start()
    time.sleep(0.5 * rig.SLOW)
    start = time.monotonic()
    d.process.kill(signal.SIGTERM)
    thread.join(20 * rig.SLOW)
    tap.eq([a.smtp() for a in answers], [4], 'answers %s' % answers)
    tap.eq(d.process.wait(20), 0, 'exit status')
    tap.ok(time.monotonic() - start < 8 * rig.SLOW, 'the stop took %.1f s' % (time.monotonic() - start))
    rig.wait_for(lambda: d.scanners() == ([], []), 5, 'no process left')


@tap.test('a stop without mail is quick')
def quick_stop():
    d = daemon('quick').start()
    m = milter.Milter(d.address)
    m.connect()
    start = time.monotonic()
    tap.eq(d.stop(), 0)
    took = time.monotonic() - start
    tap.ok(took < 2 * rig.SLOW, 'the stop took %.1f s' % took)


@tap.test('restart under load: nothing unscanned, nothing refused for good, mail flows again')
def restart():
    d = daemon('restart').start()
    load = Load(d.address, '-c', CLIENTS, '-t', 12, '-p', 10, '-g', 4000)
    time.sleep(3)
    tap.eq(d.stop(), 0)
    d.start()
    started = time.monotonic()
    load.finish().check()
    late = [m for m in load.messages if m.begin > started + 1]
    tap.ok(len(late) > 50, 'only %d messages after the restart' % len(late))
    bad = [m for m in late if m.answer not in ('250', '550')]
    tap.eq(bad, [], 'messages after the restart')
    d.stop()


@tap.test('kill -9 of the front: nothing was accepted unscanned, nothing of it is left, a new one starts at once')
def killed():
    d = daemon('kill9').start()
    load = Load(d.address, '-c', CLIENTS, '-t', 8, '-p', 10, '-g', 4000)
    time.sleep(2)
    d.process.kill()
    d.process.wait(5)
    rig.wait_for(lambda: d.scanners() == ([], []), 5, 'the scanners to end after the front')
    d.start()
    load.finish().check()
    tap.ok([m for m in load.messages[-50:] if m.answer == '250'], 'no mail after the second start')
    d.stop()


tap.main()
