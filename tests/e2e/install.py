#!/usr/bin/python3
"""make install and make uninstall into a folder of their own, and the unit that comes with them"""
# run: timeout=240
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import rig, tap

DEST = '/mnt/test/dest'
BUILD = '/mnt/test/build'
MAKE = ['make', '-C', rig.ROOT, '--no-print-directory', '-j2', 'BUILD=' + BUILD, 'PREFIX=/usr', 'DESTDIR=' + DEST]
EXPOSURE_MAX = 2.0
KNOW_PATHS = ['src/conf/option.c', 'src/ctl/main.c', 'src/daemon/generation.c', 'src/daemon/options.c']


def files():
    return sorted(os.path.join(d, f)[len(DEST):] for d, _, fs in os.walk(DEST) for f in fs)


def make(target):
    status, out, err = rig.run(MAKE + [target], seconds=200)
    tap.eq(status, 0, out + err)
    return out


def made_elsewhere():
    """What make has made for PREFIX=/usr/local; all of it is younger than the tree, as it is there."""
    os.makedirs(BUILD)
    subprocess.run(['cp', '-a', rig.BUILD + '/obj', rig.BUILD + '/flags', rig.BUILD + '/paths', BUILD], check=True)


@tap.test('install: programs, manual, unit, sample; the installed program knows its paths')
def install():
    made_elsewhere()
    compiled = re.findall(r'CC +(\S+)', make('install'))
    tap.eq(sorted(compiled), KNOW_PATHS, 'what was compiled for another PREFIX than make had')
    there = files()
    for path in ('/usr/sbin/avmilter', '/usr/sbin/avmilterctl', '/usr/libexec/avmilter/avmilter-scanner', '/etc/avmilter/avmilter.conf',
                 '/usr/share/man/man8/avmilter.8', '/usr/share/man/man8/avmilterctl.8', '/usr/share/man/man5/avmilter.conf.5',
                 '/usr/lib/systemd/system/avmilter.service', '/usr/share/doc/avmilter/avmilter.conf.sample',
                 '/usr/share/doc/avmilter/contrib/postfix/main.cf.avmilter'):
        tap.ok(path in there, '%s is not installed: %s' % (path, there))
    status, out, err = rig.run([DEST + '/usr/sbin/avmilter', '--defaults'])
    tap.eq(status, 0, err)
    tap.has(out, '/usr/libexec/avmilter/avmilter-scanner', 'defaults')


@tap.test('the installed configuration is accepted as it is')
def configuration():
    status, out, err = rig.run([DEST + '/usr/sbin/avmilter', '-n', '-c', DEST + '/etc/avmilter/avmilter.conf'])
    # This machine has neither the user nor signatures; the file itself must be without fault.
    tap.ok(not re.search(r'avmilter\.conf:\d+:', out + err), out + err)


@tap.test('the unit is understood by systemd and exposed at most %.1f' % EXPOSURE_MAX)
def unit():
    path = DEST + '/usr/lib/systemd/system/avmilter.service'
    status, out, err = rig.run(['systemd-analyze', 'security', '--offline=true', '--no-pager', path])
    found = re.search(r'Overall exposure level for avmilter.service: ([0-9.]+)', out + err)
    tap.ok(found is not None, 'no exposure level in %s' % (out + err))
    tap.ok(float(found.group(1)) <= EXPOSURE_MAX, 'exposure %s' % found.group(1))
    err = subprocess.run(['systemd-analyze', 'verify', '--man=no', path], capture_output=True, text=True).stderr
    tap.ok(not re.search(r'avmilter.service:\d+:', err), err)


@tap.test('install again keeps an edited configuration; uninstall leaves nothing but it')
def uninstall():
    conf = DEST + '/etc/avmilter/avmilter.conf'
    with open(conf, 'a') as f:
        f.write('# ours\n')
    make('install')
    tap.has(open(conf).read(), '# ours', 'configuration')
    make('uninstall')
    tap.eq(files(), ['/etc/avmilter/avmilter.conf'], 'what is left')


tap.main()
