#!/usr/bin/python3
"""New definitions: noticed, fetched, loaded beside the old ones or in their place; bad ones change nothing"""
# run: timeout=240 san=address
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon, database, q
from lib.load import Load

D = []
HURRY = 50             # a change settles after 0.1 s, the next load may follow after 1.2 s
NEW = b'AVMILTER-NEW-MARKER'


def daemon(name, reload=None):
    rig.stop_all()      # what a failed test left
    d = Daemon(name)
    d.db = database(name + '/db')
    d.clamav['database'] = q(d.db)
    d.control = 'unix:%s/run/control.sock' % d.dir
    d.args = ['--test-clock', '%d' % HURRY]
    if reload:
        d.clamav['reload'] = q(reload)
    D.insert(0, d)
    return d


def ctl(d, *words):
    return rig.run([rig.program('avmilterctl'), '-s', d.control] + list(words))


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


def updates(d):
    status, out, err = ctl(d, '-j', 'status')
    tap.eq(status, 0, out + err)
    return json.loads(out)['updates']


def generations(d):
    return len(re.findall(r'generation \d+: loading', d.logged()))


@tap.test('a file dropped into the folder is noticed and loaded, once, after it has settled; one taken away too')
def noticed():
    d = daemon('noticed').start()
    tap.ok(not caught(d, NEW), 'caught before')
    put(d, 'new.ndb', signature('New.Marker', NEW))
    d.wait_log('generation 2 serves: ', 20)
    tap.ok(caught(d, NEW), 'not caught after')
    tap.has(d.logged(), 'reload concurrent')
    rig.write(d.db + '/unrelated.txt', 'x')
    os.unlink(d.db + '/new.ndb')
    d.wait_log('generation 3 serves: ', 20)
    tap.ok(not caught(d, NEW), 'still caught: a verdict of old definitions')
    time.sleep(1)
    tap.eq(generations(d), 3, 'loads')
    d.stop()


@tap.test('a broken, an empty file, an empty folder: the old engine stays, one error a cause; mended: loaded')
def broken():
    for how in ('concurrent', 'blocking'):
        d = daemon('broken-' + how, how).start()
        cases = [('half.hdb', '44d88612fea8a8f36de82e12', 'half.hdb'),
                 ('half.ndb', signature('New.Marker', NEW)[:-4] + 'x\n', 'half.ndb'),
                 ('half.cvd', b'ClamAV-VDB:01 Jan 2026:1:1:90:X:X:x:1' + b' ' * 475 + b'junk', 'half.cvd')]
        for n, (file, text, names) in enumerate(cases):
            put(d, file, text)
            rig.wait_for(lambda: updates(d)['failures'] == n + 1, 20, 'failure %d' % n)
            tap.has(updates(d)['last_error'], names if how == 'blocking' else 'database ')
            tap.ok(milter.talk(d.address, mails.eicar_plain()).reply[:3] == '550', 'EICAR with ' + file)
            os.unlink(d.db + '/' + file)
            rig.wait_for(lambda: not updates(d)['last_error'], 20, 'the mended folder')
        os.rename(d.db, d.db + '.away')
        os.mkdir(d.db)
        rig.wait_for(lambda: updates(d)['failures'] == len(cases) + 1, 20, 'empty folder')
        tap.has(d.logged(), 'no signature files in this folder')
        tap.ok(milter.talk(d.address, mails.eicar_plain()).reply[:3] == '550', 'EICAR with an empty folder')
        os.rmdir(d.db)
        os.rename(d.db + '.away', d.db)
        put(d, 'new.ndb', signature('New.Marker', NEW))
        d.wait_log('generation [0-9]+ serves: ', 20, 2)
        tap.ok(caught(d, NEW), 'not caught after')
        tap.eq(len(re.findall('is not usable', d.logged())), len(cases) + 1, 'errors logged')
        d.stop()


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
        d.wait_log('generation %d serves: ' % (n + 2), 20)
        d.wait_log('generation %d ends, generation %d is loaded in its place' % (n + 1, n + 2))
    load.finish().check()
    tap.eq([m for m in load.messages if m.answer not in ('250', '550')], [], 'answers')
    for n in range(3):
        tap.ok(caught(d, NEW + b'%d' % n), 'signature %d' % n)
    d.stop()


tap.main()
