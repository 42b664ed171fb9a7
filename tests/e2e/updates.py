#!/usr/bin/python3
"""New definitions: noticed, fetched, loaded beside the old ones or in their place; bad ones change nothing"""
# run: timeout=240 san=address
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon, database, q
from lib.load import Load

D = []
NEW = b'AVMILTER-NEW-MARKER'


def daemon(name, reload=None):
    rig.stop_all()      # what a failed test left
    d = Daemon(name)
    d.db = database(name + '/db')
    d.clamav['database'] = q(d.db)
    d.control = 'unix:%s/run/control.sock' % d.dir
    if reload:
        d.clamav['reload'] = q(reload)
    D.insert(0, d)
    return d


def ctl(d, *words):
    return rig.run([rig.program('avmilterctl'), '-s', d.control, *words])


def signature(name, content):
    return '%s:0:*:%s\n' % (name, content.hex())


def put(d, file, text):
    """As freshclam does it: written beside, then renamed."""
    rig.write(d.db + '/.' + file, text)
    os.rename(d.db + '/.' + file, d.db + '/' + file)


def caught(d, content):
    return milter.talk(d.address, mails.clean(body=content)).reply[:3] == '550'


@tap.on_failure
def logs():
    return D[0].events() if D else ''


@tap.test('blocking: tried, old engine freed, new one loaded; mail waits and none is tempfailed')
def blocking():
    d = daemon('blocking', 'blocking').start()
    tap.ok(not caught(d, NEW), 'caught before')
    load = Load(d.address, '-c', 8, '-t', 8, '-p', 10, '-g', 4000)
    for n in range(3):
        time.sleep(1)
        put(d, 'new%d.ndb' % n, signature('New.Marker%d' % n, NEW + b'%d' % n))
        status, out, err = ctl(d, 'update')
        tap.eq(status, 0, out + err)
        d.wait_log('generation %d serves' % (n + 2), 20)
        d.wait_log('generation %d ends, generation %d is loaded in its place' % (n + 1, n + 2))
    load.finish().check()
    tap.eq([m for m in load.messages if m.answer not in ('250', '550')], [], 'answers')
    for n in range(3):
        tap.ok(caught(d, NEW + b'%d' % n), 'signature %d' % n)
    d.stop()


tap.main()
