#!/usr/bin/python3
"""Scanning processes that die and hang while 8 clients send: one message each, no more, and the rate comes back"""
# run: timeout=300 alone
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon
from lib.load import Load

CLIENTS = 8
WARM = 2        # seconds of load before the first event
APART = 2       # seconds between events
ENOUGH = 0.4    # of the usual rate; the machine may have other work
HANG = 3        # seconds until a hung worker is given up
D = []


def daemon(name='av'):
    D.insert(0, Daemon(name))
    return D[0]


@tap.on_failure
def logs():
    return D[0].events()


def under_load(d, events, recovery=1.0, held=1):
    """Runs the load, the events APART seconds from each other. Each may cost `held` messages 451, and none after that."""
    load = Load(d.address, '-c', CLIENTS, '-t', WARM + APART * len(events) + recovery + 1.5, '-p', 10, '-g', 4000)
    time.sleep(WARM)
    times = []
    for event in events:
        times.append(time.monotonic())
        event()
        time.sleep(max(0, times[-1] + APART - time.monotonic()))
    load.finish().check().only('451')
    usual = load.rate(times[0] - 1, times[0])
    tap.ok(usual > 20, 'only %.0f messages a second before the first event' % usual)
    tap.ok(load.count(451) <= held * len(events), '%d of 451 for %d events: %s' % (load.count(451), len(events), load.total))
    for at in times:
        rate = load.rate(at + recovery, at + recovery + 1)
        tap.ok(rate > usual * ENOUGH, '%.0f messages a second after %.1f s, before it were %.0f' % (rate, recovery, usual))
    tap.ok(d.process.alive(), 'avmilter is gone')
    tap.eq(milter.talk(d.address, mails.eicar_plain()).smtp(), 5)
    tap.eq(milter.talk(d.address, mails.clean()).smtp(), 2)
    return load


def a_worker(d):
    """The one that has worked most: it is certainly in use."""
    return max(rig.wait_for(d.workers, 5, 'a worker'), key=rig.cpu)


def strike(d, sig):
    return lambda: os.kill(a_worker(d), sig)


@tap.test('worker killed (SIGKILL, three times) and crashed (SIGSEGV, SIGABRT, SIGBUS)')
def killed():
    d = daemon('kill').start()
    under_load(d, [strike(d, s) for s in [signal.SIGKILL] * 3 + [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS]])
    d.stop()


@tap.test('all workers killed at once')
def all_killed():
    d = daemon('all').start()

    def everyone():
        for pid in d.workers():
            os.kill(pid, signal.SIGKILL)
    under_load(d, [everyone] * 2, held=3)
    d.stop()


@tap.test('worker hung (SIGSTOP): its message is answered at the deadline, the others go on')
def hung():
    d = daemon('hang')
    d.sections['antivirus']['max_extract_time'] = '%ds' % HANG
    d.start()
    load = Load(d.address, '-c', CLIENTS, '-t', WARM + 8, '-p', 10, '-g', 4000)
    time.sleep(WARM)
    at = time.monotonic()
    victim = a_worker(d)
    os.kill(victim, signal.SIGSTOP)
    load.finish().check().only('451')
    usual = load.rate(at - 1, at)
    rate = load.rate(at + 0.5, at + 1.5)
    tap.ok(rate > usual * 0.3, 'beside a hung worker %.0f messages a second, before it were %.0f' % (rate, usual))
    tap.ok(load.count(451) <= 1, 'answers: %s' % load.total)
    slow = max(m.end - m.eom for m in load.messages if m.eom)
    tap.ok(slow < HANG + 3, 'a message waited %.1f s' % slow)
    rate = load.rate(at + HANG + 2, at + HANG + 3)
    tap.ok(rate > usual * ENOUGH, 'after the hung worker %.0f messages a second, before it were %.0f' % (rate, usual))
    rig.wait_for(lambda: victim not in rig.processes(), 5, 'the end of the hung worker')
    d.stop()


@tap.test('zygote killed: a new one, nothing unscanned')
def zygote_killed():
    d = daemon('zygote').start()

    def strike_zygote():
        os.kill(d.zygotes()[0], signal.SIGKILL)
    # a zygote that dies young is followed after a second
    under_load(d, [strike_zygote], recovery=2, held=3)
    rig.wait_for(lambda: len(d.zygotes()) == 1 and d.workers(), 10, 'one zygote and workers')
    d.stop()


tap.main()
