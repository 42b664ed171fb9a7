#!/usr/bin/python3
"""make demo and scripts/install-deps: what they print, how they end, what they leave"""
# run: timeout=90
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import rig, tap

DEMO = rig.ROOT + '/scripts/demo'
INSTALL_DEPS = rig.ROOT + '/scripts/install-deps'
AS_NOBODY = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups']
EX_USAGE, EX_UNAVAILABLE, EX_NOPERM = 64, 69, 77


def surroundings():
    rig.own_tmp()
    return sorted(os.listdir('/tmp')), sorted(rig.processes()), sorted(os.listdir(rig.ROOT))


@tap.test('demo: both answers, the delivered header, our log lines; nothing is left')
def demo():
    before = surroundings()
    status, out, err = rig.run([DEMO], seconds=40)
    tap.eq(status, 0, out + err)
    for part in ('250 2.0.0 Ok: queued as', '550 5.7.1 Message rejected: infected content found', 'X-Virus-Status: Clean',
                 'X-Virus-Scanned: avmilter', 'verdict=clean', 'verdict=infected'):
        tap.has(out, part, 'output of the demo')
    tap.eq(surroundings(), before, 'what is there after the demo')


@tap.test('demo with a program that does not start: exit 1 and the log')
def demo_fails():
    rig.own_tmp()
    # the demo hides the work folder of this test behind its own
    build = '/tmp/avmilter-test-build'
    os.makedirs(build, exist_ok=True)
    for name in ('avmilter', 'avmilter-scanner'):
        rig.write('%s/%s' % (build, name), '#!/bin/sh\necho out of order >&2\nexit 70\n', 0o755)
    status, out, err = rig.run([DEMO], seconds=40, env={'AVM_BUILD': build})
    tap.eq(status, 1, out + err)
    tap.has(out, 'out of order')


@tap.test('demo without root: exit 77 and why')
def demo_not_root():
    status, out, err = rig.run(AS_NOBODY + ['/usr/bin/python3', rig.write(rig.WORK + '/demo', rig.read(DEMO).replace(
        "os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'tests')", repr(copy_of_tests())))])
    tap.eq(status, EX_NOPERM, out + err)
    tap.has(err, 'root')


def copy_of_tests():
    """The tree may lie below a folder that nobody may enter."""
    there = rig.WORK + '/tests'
    rig.run(['cp', '-r', rig.ROOT + '/tests', there], check=True)
    rig.run(['chmod', '-R', 'a+rX', there], check=True)
    return there


@tap.test('install-deps: touches nothing and is fast when all is there')
def all_there():
    start = time.monotonic()
    status, out, err = rig.run([INSTALL_DEPS, 'test'])
    tap.eq((status, out, err), (0, '', ''))
    tap.ok(time.monotonic() - start < 1, 'it took %.1f s' % (time.monotonic() - start))


@tap.test('install-deps without root: exit 69 and the apt-get line with what is missing, and only that')
def not_root():
    # a dpkg-query that knows everything but two packages
    fake = rig.folder('fake')
    rig.write(fake + '/dpkg-query', '#!/bin/sh\n/usr/bin/dpkg-query "$@" | grep -v -e "^libmilter-dev " -e "^postfix "\n', 0o755)
    tree = rig.folder('tree/scripts')
    script = rig.write(tree + '/install-deps', rig.read(INSTALL_DEPS), 0o755)
    status, out, err = rig.run(AS_NOBODY + [script, 'demo'], env={'PATH': fake + ':' + os.environ['PATH']})
    tap.eq(status, EX_UNAVAILABLE, out + err)
    line = [l for l in err.split('\n') if 'apt-get install' in l]
    tap.eq(len(line), 1, err)
    tap.eq(sorted(line[0].split('--no-install-recommends ')[1].split()), ['libmilter-dev', 'postfix'])


@tap.test('install-deps: a word it does not know')
def usage():
    tap.eq(rig.run([INSTALL_DEPS, 'everything'])[0], EX_USAGE)


tap.main()
