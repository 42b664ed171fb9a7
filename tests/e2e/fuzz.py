#!/usr/bin/python3
"""Every fuzz target over its seeds and over each input that once broke it (tests/fuzz/regressions)"""
# run: timeout=120 san=address
import glob
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import rig, tap

FUZZ = rig.ROOT + '/tests/fuzz'


def names():
    return sorted(os.path.basename(f)[5:-2] for f in glob.glob(FUZZ + '/fuzz_*.c') + glob.glob(FUZZ + '/scanner/fuzz_*.c'))


def inputs(name):
    return [d for d in ('%s/seeds/%s' % (FUZZ, name), '%s/regressions/%s' % (FUZZ, name)) if os.path.isdir(d)]


def register(name):
    @tap.test('fuzz_%s survives its seeds and regressions' % name)
    def replay():
        folders = inputs(name)
        tap.ok(folders, 'fuzz_%s has neither seeds nor regressions' % name)
        p = subprocess.run([rig.BUILD + '/tests/fuzz/fuzz_' + name] + folders, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)
        tap.eq(p.returncode, 0, 'exit status; the end of its output:\n' + p.stderr.decode('utf-8', 'replace')[-3000:])
        tap.eq(int(p.stdout.split()[-1]), sum(len(os.listdir(d)) for d in folders), 'files it ran')


for target in names():
    register(target)


@tap.test('every regression belongs to a target')
def orphans():
    known = set(names())
    tap.eq([d for d in os.listdir(FUZZ + '/regressions') if d not in known], [])


tap.main()
