#!/usr/bin/python3
"""10 000 messages with disconnects and aborts in every state: no descriptor, thread, process or file is left"""
# run: timeout=300 san=address
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon, settled
from lib.load import Load

MESSAGES = 1500 if rig.SAN else 100000 if os.environ.get('FULL') == '1' else 10000
GROWTH_KIB = 4096
D = []


def daemon():
    if not D:
        d = Daemon()
        d.sections['spool'] = {'memory_max': '8K'}      # most messages go to a file
        D.append(d.start())
    return D[0]


@tap.on_failure
def logs():
    return D[0].events()


def files(d):
    """Files below file_base, without the workers' own folders of which there is one each."""
    found = []
    for folder, _, names in os.walk(d.dir + '/spool'):
        found += [os.path.join(folder, n) for n in names]
    return found


def picture(d):
    return {
        'descriptors': len(settled(d.descriptors)),
        'threads': settled(d.threads),
        'zygotes': len(d.zygotes()),
        'workers': settled(lambda: len(d.workers())),
        'files': len(settled(lambda: files(d))),
        'temporary files': len(os.listdir('/tmp')),
    }


@tap.test('%d messages, a tenth cut by closing, a tenth by ABORT' % MESSAGES)
def many():
    rig.own_tmp()
    d = daemon()
    Load(d.address, '-c', 8, '-n', MESSAGES // 10, '-g', 12000, '-p', 5, '-d', 10, '-a', 10, '-k', 20).finish(200).check()
    before, memory = picture(d), d.memory('RssAnon', 'RssShmem')
    load = Load(d.address, '-c', 8, '-n', MESSAGES, '-g', 12000, '-p', 5, '-d', 10, '-a', 10, '-k', 20).finish(250).check().only()
    tap.ok(load.total['cut'] > MESSAGES / 10, 'cut: %s' % load.total)
    after = picture(d)
    for what in before:
        slack = 8 if what == 'threads' else 1 if what == 'workers' else 3 if what == 'descriptors' else 0
        tap.ok(after[what] <= before[what] + slack, '%s: %d before, %d after' % (what, before[what], after[what]))
    if not rig.SAN:
        grown = d.memory('RssAnon', 'RssShmem') - memory
        tap.ok(grown < GROWTH_KIB, 'the front grew by %d KiB' % grown)
    tap.eq(len(d.lines()) >= load.total['answered'], True, 'a log line for each answer')


@tap.test('after that both verdicts are right')
def right():
    d = daemon()
    tap.eq(milter.talk(d.address, mails.eicar_zip()).smtp(), 5)
    tap.eq(milter.talk(d.address, mails.clean()).smtp(), 2)


@tap.test('after the stop: exit 0, no process, no file, no socket')
def stopped():
    d = daemon()
    tap.eq(d.stop(), 0, 'exit status')
    tap.eq(d.scanners(), ([], []), 'processes')
    left = []
    for folder, folders, names in os.walk(d.dir + '/spool'):
        left += [os.path.join(folder, n) for n in folders + names]
    tap.eq(left, [], 'left below file_base')
    tap.ok(not os.path.exists(d.address), 'the socket is left')
    tap.ok(not os.path.exists(d.dir + '/run/control.sock'), 'the control socket is left')


tap.main()
