#!/usr/bin/python3
"""contrib/sieve: what virustest (RFC 5235) of Dovecot's Sieve makes of every word of X-Virus-Status"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import rig, tap

rig.isolate()
HERE = os.path.join(rig.ROOT, 'contrib/sieve')
LEVELS = [('Clean', 1), ('Repaired (Evil.A)', 3), ('Suspicious (PUA.A)', 4), ('Unscannable (limit.depth)', 4),
          ('Encrypted (Locked)', 4), ('Macro (Doc.M)', 4), ('Infected (Evil.A)', 5), ('Infected (Evil.A, Evil.B)', 5),
          ('Evasion (P1)', 5), ('Blocked (Type)', 5), ('Error (timeout)', 0), ('Skipped (policy)', 0), (None, 0),
          ('Cleaned', 0), ('Clean (nearly)', 0)]
USER = '''require ["virustest", "fileinto", "relational", "comparator-i;ascii-numeric"];
''' + ''.join('if virustest :value "eq" :comparator "i;ascii-numeric" "%d" { fileinto "level-%d"; }\n' % (n, n) for n in range(6))


def prepare():
    folder = rig.folder('dovecot', owner='nobody')
    for name in ('home', 'mail', 'run'):
        rig.folder('dovecot/' + name, owner='nobody')
    conf = rig.read(HERE + '/dovecot-virustest.conf').replace('/etc/dovecot/', folder + '/')
    rig.write(folder + '/dovecot.conf', '''mail_home = %s/home
mail_location = maildir:%s/mail
log_path = /dev/stderr
base_dir = %s/run
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
first_valid_gid = 1
%s''' % (folder, folder, folder, conf))
    shutil.copy(HERE + '/virus-level.sieve', folder)
    rig.write(folder + '/user.sieve', USER)
    return folder


@tap.test('every word of X-Virus-Status has its level; forged levels count for nothing')
def levels():
    folder = prepare()
    for status, level in LEVELS:
        for forged in ('', 'X-Virus-Level: 1\n', 'X-Virus-Level: 5\nX-Virus-Level: 1\n'):
            field = 'X-Virus-Status: %s\n' % status if status else ''
            rig.write(folder + '/mail.eml', 'From: <a@src.test>\nTo: <u@local.test>\n%s%sSubject: x\n\nhello\n' % (forged, field))
            done = subprocess.run(['sieve-test', '-c', folder + '/dovecot.conf', '-x', '+virustest +editheader', '-s',
                                   folder + '/virus-level.sieve', folder + '/user.sieve', folder + '/mail.eml'],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
            tap.has(done.stdout, 'store message in folder: level-%d' % level, '%s %r' % (status, forged))


tap.main()
