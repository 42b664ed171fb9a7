#!/usr/bin/python3
"""What the front costs, beside a libmilter filter that accepts everything (tests/tools/accept_milter.c, NR flags)

    tests/bench/cost.py [ROUNDS [MESSAGES]]

Processor time per 10 KB message with the null engine, in interleaved rounds (the median of the ratios counts, not one
figure); resident memory per idle connection; growth by a message of 50 MB. Exit 1 when a mark is missed.
"""
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, sendmail
from lib.avmilter import Daemon, settled
from lib.load import Load

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
MESSAGES = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
CLIENTS = 4
SIZE = 10000
IDLE = 2000
LARGE = 50 << 20
RATIO_MARK, IDLE_MARK_KIB, LARGE_MARK_KIB = 2.5, 16.0, 1024 + 2048
MISSED = []


def null_daemon(name, port, decompose):
    d = Daemon(name, port=port)
    d.clamav = None
    d.args = ['--test-engines']
    d.more_engines = '\tnull "null" {}\n'
    d.sections['antivirus']['mime_decompose'] = 'true' if decompose else 'false'
    return d.start(ready=False)


def say(what, value, mark=None, unit=''):
    verdict = ''
    if mark is not None:
        verdict = 'mark %g%s: %s' % (mark, unit, 'kept' if value <= mark else 'MISSED')
        if value > mark:
            MISSED.append(what)
    print('%-58s %9.2f%-4s %s' % (what, value, unit, verdict), flush=True)


def spend(address, pids, messages):
    """Milliseconds of processor time a message, for each process."""
    before = [rig.cpu(p) for p in pids]
    Load(address, '-c', CLIENTS, '-n', messages, '-g', SIZE).finish(300).check().only()
    return [1000 * (rig.cpu(p) - b) / messages for p, b in zip(pids, before)]


def processor():
    accept = rig.Process([rig.tool('accept_milter'), 'inet:8801@127.0.0.1'], rig.WORK + '/accept')
    rig.wait_for(lambda: sendmail.answers(8801), 10, 'the accept-everything filter')
    subjects = [('accept everything (NR flags)', ('127.0.0.1', 8801), accept)]
    for name, port, decompose in (('avmilter, null engine, mime_decompose off', 8802, False),
                                  ('avmilter, null engine, mime_decompose on', 8803, True)):
        d = null_daemon('null%d' % port, port, decompose)
        subjects.append((name, d.address, d.process))
    spent = {name: [] for name, _, _ in subjects}
    for name, address, process in subjects:
        spend(address, [process.pid], 200)
    for _ in range(ROUNDS):
        for name, address, process in subjects:
            spent[name] += spend(address, [process.pid], MESSAGES)
    base = subjects[0][0]
    for name, _, _ in subjects:
        say('%s: front, ms a message' % name, statistics.median(spent[name]))
    for name, _, _ in subjects[1:]:
        ratio = statistics.median(a / b for a, b in zip(spent[name], spent[base]))
        say('ratio of %s' % name, ratio, RATIO_MARK if 'off' in name else None, 'x')


def idle():
    d = null_daemon('idle', 8804, False)
    Load(d.address, '-c', 4, '-n', 200, '-g', SIZE).finish()
    before = settled(lambda: d.memory('RssAnon'))
    load = Load(d.address, '-i', IDLE, '-t', 4, '-r', 2, '-g', 1000)
    time.sleep(3)
    grown = d.memory('RssAnon') - before
    load.finish()
    say('an idle connection (%d of them), KiB' % IDLE, grown / IDLE, IDLE_MARK_KIB)
    d.stop()


def large():
    d = Daemon('large').start()
    milter.talk(d.address, mails.clean())
    before = settled(lambda: d.memory('RssAnon', 'RssShmem'))
    most = 0
    m = milter.Milter(d.address)
    m.connect()
    m.helo()
    m.mail()
    m.rcpt()
    m.data('LARGE')
    m.header('Subject', ' x')
    m.eoh()
    body = mails.noise(LARGE)
    for at in range(0, LARGE, 1 << 20):
        m.body(body[at:at + (1 << 20)])
        most = max(most, d.memory('RssAnon', 'RssShmem'))
    m.eom()
    most = max(most, d.memory('RssAnon', 'RssShmem'))
    say('growth by a message of 50 MB, KiB', most - before, LARGE_MARK_KIB)
    m.quit()
    d.stop()


if os.getuid() != 0:
    sys.exit('cost.py: must be root')
rig.isolate()
try:
    processor()
    idle()
    large()
finally:
    rig.stop_all()
sys.exit(1 if MISSED else 0)
