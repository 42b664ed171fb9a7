#!/usr/bin/python3
"""Scanning processes without memory, a zygote that hangs, a message that kills: nothing unscanned, mail flows again"""
# run: timeout=120
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon
from lib.load import Load

CLIENTS = 8
WARM = 2        # seconds of load before memory is taken away
D = []


def daemon(name='av'):
    D.insert(0, Daemon(name))
    return D[0]


@tap.on_failure
def logs():
    return D[0].events()


@tap.test('worker out of memory: its messages are not accepted unscanned, it is replaced')
def out_of_memory():
    d = daemon('oom').start()

    def starve():
        for pid in d.workers():
            used = d.memory('VmSize', pid=pid) * 1024
            rig.run(['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', 'prlimit', '--pid', str(pid),
                     '--as=%d:%d' % (used, used)], check=True)
    load = Load(d.address, '-c', CLIENTS, '-t', WARM + 6, '-p', 20, '-g', 60000)
    time.sleep(WARM)
    starve()
    load.finish().check().only('451')
    tap.ok(d.process.alive(), 'avmilter is gone')
    tap.ok(load.messages[-1].answer in ('250', '550'), 'the last answer: %s' % load.messages[-1])
    d.stop()


@tap.test('zygote hung (SIGSTOP) and a worker killed: mail still flows')
def zygote_hung():
    d = daemon('zstop').start()
    rig.wait_for(lambda: len(d.workers()) >= 3, 10, 'two workers and a spare')
    zygote = d.zygotes()[0]
    os.kill(zygote, signal.SIGSTOP)
    for pid in d.workers():
        os.kill(pid, signal.SIGKILL)
    rig.wait_for(lambda: milter.talk(d.address, mails.clean()).smtp() == 2, 60, 'a clean mail to be accepted', every=0.5)
    tap.eq(milter.talk(d.address, mails.eicar_plain()).smtp(), 5)
    rig.wait_for(lambda: zygote not in rig.processes(), 30, 'the end of the hung zygote')
    d.stop()


@tap.test('a message that kills each worker that touches it is given up, its neighbours are served')
def killer():
    d = daemon('killer').start()
    stop = time.monotonic() + 4
    codes = set()
    load = Load(d.address, '-c', 4, '-t', 6, '-g', 4000, '-p', 10)
    while time.monotonic() < stop:
        m = milter.Milter(d.address)
        m.connect()
        m.helo()
        before = set(d.workers())
        m.mail()
        m.rcpt()
        m.data('KILLER')
        m.header('Subject', ' x')
        m.eoh()
        m.body(mails.noise(300000))
        m.send('E')
        for pid in before:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        codes.add(m.answer().smtp())
        m.quit()
        time.sleep(0.3)
    load.finish().check().only('451')
    # the same bytes each time: those that broke max_attempts scans are unscannable from then on
    tap.ok(codes <= {2, 4, 5}, 'answers %s' % codes)
    tap.ok(load.count(250) > 100, 'neighbours: %s' % load.total)
    d.stop()


tap.main()
