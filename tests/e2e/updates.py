#!/usr/bin/python3
"""New definitions: noticed, fetched, loaded beside the old ones or in their place; bad ones change nothing"""
# run: timeout=240 san=address
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon, database, q
from lib.load import Load

D = []
HURRY = 100            # a change settles after 50 ms, the next load may follow after 0.6 s
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


def script(d, text):
    """A program that update_command runs."""
    path = rig.write(d.dir + '/fetch', '#!/bin/sh\n' + text, mode=0o755)
    d.clamav['update_command'] = q("%s 'two words' $HOME" % path)
    d.clamav['update_interval'] = q('0')
    shutil.chown(d.db, 'nobody')
    return path


@tap.test('update_command: its words are shown and logged, escaped; what it writes is loaded; no shell, own group, bare environment')
def command():
    d = daemon('command')
    d.env = {'SECRET': 'x'}
    script(d, 'echo "args: $1|$2"; printf "50%%%%\\r100%%%%\\n"; printf "esc\\033[31m\\n" >&2; env | grep -c SECRET\n'
           'echo "group $(ps -o pgid= -p $$ | tr -d " ") pid $$"; ls /proc/self/fd | wc -l\n'
           'echo "%s" > %s/.t; mv %s/.t %s/new.ndb\n' % (signature('New.Marker', NEW).strip(), d.db, d.db, d.db))
    d.start()
    tap.ok(not caught(d, NEW), 'caught before')
    status, out, err = ctl(d, 'update')
    tap.eq(status, 0, out + err)
    lines = out.split('\n')
    tap.eq(lines[:5], ['args: two words|$HOME', '50%', '100%', 'esc\\x1b[31m', '0'], 'progress')
    m = re.match(r'group (\d+) pid (\d+)$', lines[5])
    tap.eq(m.group(1), m.group(2), 'process group')
    tap.ok(int(lines[6]) <= 4, 'descriptors: ' + lines[6])
    tap.ok(re.search(r'update +loaded', out) and re.search(r'signatures +4', out), out)
    tap.ok(caught(d, NEW), 'not caught after')
    for text in ('update: 100%', 'update: esc\\x1b[31m', ' ended well after '):
        tap.has(d.logged(), text)
    status, out, err = ctl(d, '-j', 'update', '-q')
    tap.eq((status, json.loads(out)['update']), (0, 'unchanged'), err)
    tap.eq(updates(d)['commands'], 2, 'runs')
    tap.eq(ctl(d, 'update', 'now')[0], 2, 'exit status of a wrong argument')
    d.stop()


@tap.test('update_command that fails, cannot be run, hangs, floods or leaves children: told, and the folder is read all the same')
def command_fails():
    d = daemon('fails')
    script(d, 'echo half; exit 3\n')
    d.start()
    put(d, 'new.ndb', signature('New.Marker', NEW))
    status, out, err = ctl(d, 'update')
    tap.eq(status, 2, out + err)
    tap.has(err, 'exit status 3')
    tap.eq(out, 'half\n', 'progress')
    d.wait_log('generation 2 serves: ', 20)
    tap.ok(caught(d, NEW), 'not caught')
    rig.write(d.dir + '/fetch', '#!/bin/sh\ni=0; while [ $i -lt 3000 ]; do echo flood $i; i=$((i+1)); done; sleep 1000 & exit 0\n', mode=0o755)
    before = time.monotonic()
    status, out, err = ctl(d, 'update')
    tap.eq(status, 0, out + err)
    tap.ok(time.monotonic() - before < 30 * rig.SLOW, 'it waited for a child that was left')
    tap.ok(20 <= out.count('flood') < 200, '%d lines' % out.count('flood'))
    tap.has(out, 'lines more)')
    tap.eq([n for n in rig.processes().values() if n[1] == 'sleep'], [], 'children left')
    os.unlink(d.dir + '/fetch')
    status, out, err = ctl(d, 'update')
    tap.eq(status, 2, out + err)
    tap.has(err, 'No such file')
    d.stop()


@tap.test('update_command that hangs is ended by TERM, then by KILL; a stop does not wait for it')
def command_hangs():
    d = daemon('hangs')
    script(d, 'trap "echo not yet" TERM; echo begun; while :; do sleep 1; done\n')
    d.args = ['--test-clock', '600']    # 3 s for the command
    d.start()
    status, out, err = ctl(d, 'update')
    tap.eq(status, 2, out + err)
    tap.has(err, 'took too long: SIGKILL')
    run = threading.Thread(target=ctl, args=(d, 'update'))
    run.start()
    d.wait_log('update: begun', 20, 2)
    before = time.monotonic()
    tap.eq(d.stop(), 0, 'exit status')
    tap.ok(time.monotonic() - before < 5 * rig.SLOW, 'the stop took %.1f s' % (time.monotonic() - before))
    run.join()
    tap.eq([n for n in rig.processes().values() if n[1] in ('sleep', 'fetch')], [], 'processes left')


@tap.test('update_interval: the command runs by itself, at the start when the folder is empty; then mail is scanned')
def interval():
    d = daemon('interval')
    os.unlink(d.db + '/test.hdb')
    ndb = rig.read(d.db + '/test.ndb')
    os.unlink(d.db + '/test.ndb')
    rig.write(d.dir + '/ndb', ndb)
    script(d, 'cp %s/ndb %s/.t; mv %s/.t %s/test.ndb; echo fetched\n' % (d.dir, d.db, d.db, d.db))
    d.clamav['update_interval'] = q('2s')
    d.start(ready=False)
    d.wait_log('update: fetched', 20, 2)
    d.wait_log('generation [0-9]+ serves: ', 20)
    tap.ok(milter.talk(d.address, mails.eicar_plain()).reply[:3] == '550', 'EICAR')
    d.stop()


@tap.test('-n: a malformed command has FILE:LINE; one that cannot be run is an error; a folder it cannot write is a warning')
def checked():
    d = daemon('checked')
    for text, word in (("'/bin/true \\'x'", 'cannot be split'), (q('freshclam'), 'absolute path'), (q('/no/such/program -x'), 'cannot run')):
        d.clamav['update_command'] = text if text[0] == '"' else '"/bin/true \'x"'
        d.write_conf()
        status, out, err = rig.run(d.command('-n'))
        tap.eq(status, 78, out + err)
        tap.has(err, word)
    d.clamav['update_command'] = q('/bin/true')
    d.write_conf()
    status, out, err = rig.run(d.command('-n'))
    tap.eq(status, 0, out + err)
    tap.has(err, 'cannot write database')
    shutil.chown(d.db, 'nobody')
    status, out, err = rig.run(d.command('-n'))
    tap.ok('cannot write' not in err, err)


def container(version, content, when=1767225600):
    """daily.cud: the one kind of container that needs no signature of ClamAV's. It has a version like any other."""
    head = 'ClamAV-VDB:%s:%d:1:90:X:X:test:%d' % (time.strftime('%d %b %Y %H-%M +0000', time.gmtime(when)), version, when)
    content = content.encode()
    info = '%s\ndaily.ndb:%d:%s\n' % (head, len(content), hashlib.sha256(content).hexdigest())
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w:gz', format=tarfile.USTAR_FORMAT) as tar:
        for name, data in (('COPYING', b'none\n'), ('daily.info', info.encode()), ('daily.ndb', content)):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return head.encode().ljust(512) + out.getvalue()


@tap.test('older definitions than those in use are refused, newer ones taken, both ways of reload; a restart goes back')
def older():
    for how in ('concurrent', 'blocking'):
        d = daemon('older-' + how, how)
        # libclamav 1.4 forgets one digest context for each container that it loads
        known = rig.write(d.dir + '/known-leak', 'leak:CRYPTO_zalloc\n')
        d.env['LSAN_OPTIONS'] = 'print_suppressions=0:suppressions=' + known
        rig.write(d.db + '/daily.cud', container(27000, signature('Seven', NEW)))
        d.start()
        tap.has(d.logged(), 'definitions 27000')
        put(d, 'daily.cud', container(26999, signature('Other', b'something else entirely')))
        rig.wait_for(lambda: updates(d)['failures'] == 1, 20, 'the refusal')
        tap.has(d.logged(), 'definitions 26999 are older than those in use, 27000')
        tap.ok(caught(d, NEW), 'the old definitions have gone')
        put(d, 'daily.cud', container(27001, signature('Newer', NEW + b'2')))
        d.wait_log('generation [0-9]+ serves: .* definitions 27001', 20)
        tap.ok(caught(d, NEW + b'2'), 'not caught after')
        put(d, 'daily.cud', container(27002, signature('Newer', NEW))[:-30])
        rig.wait_for(lambda: updates(d)['failures'] == 2, 20, 'the refusal of a cut container')
        tap.ok(caught(d, NEW + b'2'), 'gone with a cut container')
        d.stop()
        put(d, 'daily.cud', container(26999, signature('Other', NEW)))
        d.start()
        tap.has(d.logged(), 'definitions 26999')
        d.stop()


@tap.test('reload = auto: blocking when little memory is available, concurrent when there is enough; the log has the figures')
def auto():
    d = daemon('auto', 'auto').start()
    put(d, 'new1.ndb', signature('New.Marker1', NEW + b'1'))
    d.wait_log(r'reload concurrent: .*\(auto: \d+ MB are needed beside the \d+ MB in use, \d+ MB are available', 20)
    d.wait_log('generation 2 serves: ', 20)
    if not rig.ISOLATED:
        raise tap.Skip('cannot put another /proc/meminfo in place without a mount namespace')
    fake = re.sub(r'MemAvailable:.*', 'MemAvailable:      40000 kB', rig.read('/proc/meminfo'))
    rig.write(rig.WORK + '/meminfo', fake)
    subprocess.run(['mount', '--bind', rig.WORK + '/meminfo', '/proc/meminfo'], check=True)
    try:
        put(d, 'new2.ndb', signature('New.Marker2', NEW + b'2'))
        d.wait_log(r'reload blocking: .*, 39 MB are available \(MemAvailable\)', 20)
        d.wait_log('generation 3 serves: ', 20)
        tap.ok(caught(d, NEW + b'2'), 'not caught after')
    finally:
        subprocess.run(['umount', '/proc/meminfo'], check=True)
    d.stop()


@tap.test('definitions_max_age: an error once, stale in status; on_stale = tempfail: 451, infected mail still 550, new definitions end it')
def stale():
    d = daemon('stale')
    old = time.time() - 30 * 86400
    for name in os.listdir(d.db):
        os.utime(os.path.join(d.db, name), (old, old))
    d.clamav['definitions_max_age'] = q('14d')
    d.clamav['update_interval'] = q('0')
    d.start()
    d.wait_log('definitions [0-9a-f]+ are 30 days old', 20)
    tap.eq(milter.talk(d.address, mails.clean()).smtp(), 2, 'on_stale = alert')
    tap.ok(updates(d)['stale'], 'stale')
    d.clamav['on_stale'] = q('tempfail')
    d.write_conf()
    d.hup()
    d.wait_log('configuration 2 .* is in use', 20)
    for _ in range(2):
        tap.eq(milter.talk(d.address, mails.clean(), 'STALE%d' % _).smtp(), 4, 'clean mail')
    tap.eq(d.line('STALE1')['verdict'], 'error')
    tap.eq(milter.talk(d.address, mails.eicar_plain()).smtp(), 5, 'EICAR')
    put(d, 'new.ndb', signature('New.Marker', NEW))
    d.wait_log('generation [0-9]+ serves: ', 20, 2)
    tap.eq(milter.talk(d.address, mails.clean()).smtp(), 2, 'with new definitions')
    tap.eq(len(re.findall(r'err: engine clamav: definitions .* days old', d.logged())), 1, 'complaints')
    d.stop()


tap.main()
