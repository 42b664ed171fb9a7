#!/usr/bin/python3
"""The Debian package: built by make deb, judged by lintian, installed into a layer over this machine's files, started, purged"""
# run: timeout=300
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import database

BASE = '/mnt/layer'
SYSTEM = BASE + '/root'
SOCKET = '/run/avmilter/avmilter.sock'
# what dpkg itself writes: its own records, and what adduser keeps as backups
RECORDS = re.compile(r'^/(var/(lib|cache|log|backups)/|etc/(ld.so.cache|\.pwd.lock|(passwd|group|shadow|gshadow|subuid|subgid)-?$)|run/)')
STATE = {}


def system(*argv, seconds=60, stdin=b''):
    """A command inside of the layer."""
    return rig.run(['chroot', SYSTEM, *argv], seconds=seconds, stdin=stdin,
                   env={'DEBIAN_FRONTEND': 'noninteractive', 'LC_ALL': 'C'})


def layer():
    """This machine's files with everything written going to a memory file system: a system without avmilter."""
    if os.path.exists(SYSTEM):
        return
    for name in ('/upper', '/work', '/root'):
        os.makedirs(BASE + name)
    subprocess.run(['mount', '-t', 'overlay', 'overlay', '-o',
                    'lowerdir=/,upperdir=%s/upper,workdir=%s/work' % (BASE, BASE), SYSTEM], check=True)
    for name in ('/proc', '/dev'):
        subprocess.run(['mount', '--rbind', name, SYSTEM + name], check=True)
    for name in ('/run', '/tmp'):
        subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', SYSTEM + name], check=True)
    rig.write(SYSTEM + '/usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', 0o755)


def written():
    """What the layer holds beyond the machine's own files."""
    found = set()
    for folder, names, files in os.walk(BASE + '/upper'):
        for name in names + files:
            path = os.path.join(folder, name)[len(BASE + '/upper'):]
            # directories that had to be copied up to write below them are no trace
            if not RECORDS.match(path) and not (os.path.isdir(path) and not os.path.islink(path)):
                found.add(path)
    return found


def identity(file):
    return [l for l in rig.read(SYSTEM + file).split('\n') if l.startswith('avmilter:')]


@tap.test('make deb builds a package, and lintian has no error to tell')
def build():
    tree = '/mnt/tree-of-deb'
    os.makedirs(tree)
    subprocess.run('tar -c --exclude=./build --exclude=./.git . | tar -x -C %s' % tree, shell=True, check=True, cwd=rig.ROOT)
    status, out, err = rig.run(['make', '-C', tree, '--no-print-directory', 'deb'], seconds=240)
    tap.eq(status, 0, out + err)
    STATE['deb'], = [f for f in glob.glob(tree + '/build/deb/avmilter_*.deb')]
    status, out, err = rig.run(['lintian', '--allow-root', '--fail-on', 'error'] + glob.glob(tree + '/build/deb/*.changes'))
    tap.eq(status, 0, out + err)


@tap.test('installed: user, folders and their rights, configuration that -n takes')
def install():
    layer()
    STATE['before'] = written()
    rig.write(SYSTEM + '/avmilter.deb', open(STATE['deb'], 'rb').read())
    status, out, err = system('dpkg', '-i', '/avmilter.deb')
    tap.eq(status, 0, out + err)
    os.unlink(SYSTEM + '/avmilter.deb')
    tap.eq(len(identity('/etc/passwd')), 1, 'users called avmilter')
    tap.has(rig.read(SYSTEM + '/etc/group'), 'postfix:', 'groups')
    tap.ok(re.search(r'^postfix:.*\bavmilter\b', rig.read(SYSTEM + '/etc/group'), re.M), 'avmilter is no member of postfix')
    uid = int(identity('/etc/passwd')[0].split(':')[2])
    for path, mode in (('/var/spool/avmilter', 0o700), ('/var/spool/postfix/avmilter', 0o750)):
        st = os.stat(SYSTEM + path)
        tap.eq((st.st_uid, st.st_mode & 0o7777), (uid, mode), path)
    os.makedirs(SYSTEM + '/run/avmilter')
    os.chown(SYSTEM + '/run/avmilter', uid, uid)
    os.makedirs(SYSTEM + '/var/lib/clamav', exist_ok=True)
    source = database()
    for name in os.listdir(source):
        rig.write(SYSTEM + '/var/lib/clamav/' + name, open(source + '/' + name, 'rb').read())
    STATE['signatures'] = ['/var/lib/clamav/' + n for n in os.listdir(source)]
    status, out, err = system('avmilter', '-n')
    tap.eq(status, 0, out + err)


@tap.test('started as the unit does: EICAR is refused, a clean mail passes')
def serve():
    unit = rig.read(SYSTEM + '/lib/systemd/system/avmilter.service')
    start = re.search(r'^ExecStart=(.*)', unit, re.M).group(1).split()
    tap.ok(os.access(SYSTEM + start[0], os.X_OK), '%s of the unit is no program' % start[0])
    p = rig.Process(['chroot', SYSTEM, *start], rig.WORK + '/output')
    try:
        rig.wait_for(lambda: os.path.exists(SYSTEM + SOCKET), 20, 'the socket; output: ' + rig.read(rig.WORK + '/output'))
        milter_at = SYSTEM + SOCKET
        rig.wait_for(lambda: milter.talk(milter_at, mails.clean()).smtp() == 2, 20, 'a clean mail to pass')
        tap.eq(milter.talk(milter_at, mails.eicar_plain()).smtp(), 5, 'answer to EICAR')
        status, out, err = system('avmilterctl', 'status')
        tap.eq(status, 0, out + err)
    finally:
        p.stop()


@tap.test('removed, then purged: nothing of it is left')
def purge():
    status, out, err = system('dpkg', '-r', 'avmilter')
    tap.eq(status, 0, out + err)
    tap.ok(os.path.exists(SYSTEM + '/etc/avmilter/avmilter.conf'), 'removal took the configuration away')
    status, out, err = system('dpkg', '-P', 'avmilter')
    tap.eq(status, 0, out + err)
    left = {p for p in written() - STATE['before'] if os.path.lexists(SYSTEM + p)}
    tap.eq(sorted(left - set(STATE['signatures'])), [], 'what is left')
    for file in ('/etc/passwd', '/etc/group'):
        tap.eq(identity(file), [], file)


@tap.test('purge keeps a mail in quarantine')
def keep():
    rig.write(SYSTEM + '/avmilter.deb', open(STATE['deb'], 'rb').read())
    tap.eq(system('dpkg', '-i', '/avmilter.deb')[0], 0)
    mail = SYSTEM + '/var/spool/avmilter/quarantine/some/mail.eml'
    os.makedirs(os.path.dirname(mail))
    rig.write(mail, 'Subject: x\n\ny\n')
    status, out, err = system('dpkg', '-P', 'avmilter')
    tap.eq(status, 0, out + err)
    tap.ok(os.path.exists(mail), 'the mail is gone: ' + out + err)


tap.main()
