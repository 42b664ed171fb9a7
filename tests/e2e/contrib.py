#!/usr/bin/python3
"""What contrib/ offers to other programs, tried with these programs: fail2ban, logrotate, AppArmor's parser, bash"""
# run: timeout=90
import gzip
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon, q

CONTRIB = os.path.join(rig.ROOT, 'contrib')
LOG = '/avmilter.log'
SCANNER_LOG = '/scanner.log'
# A scanner that has something to say all the time.
TALKER = """#!/bin/sh
( while sleep 0.1; do echo "said by $$"; done ) 3>&- &
exec %s "$@"
"""
D = []


def daemon():
    if not D:
        d = Daemon()
        d.folder = rig.folder('log', owner='nobody')
        d.sections['log'] = {'target': q(d.folder + LOG)}
        talker = rig.write(d.folder + '/scanner', TALKER % rig.program('avmilter-scanner'), mode=0o755)
        d.clamav.update(scanner_path=q(talker), scanner_log=q(d.folder + SCANNER_LOG))
        d.write_conf()
        d.process = rig.Process(d.command('-f'), d.output)
        rig.wait_for(d.listening, 30, 'the milter socket')
        rig.wait_for(lambda: 'serves' in rig.read(d.folder + LOG), 30, 'signatures that serve')
        D.append(d)
    return D[0]


@tap.on_failure
def logs():
    return rig.tail(D[0].folder + LOG) if D else ''


def lines_of(address, mail, host='client.test'):
    """The lines that one mail of that client adds to the log."""
    d = daemon()
    before = rig.read(d.folder + LOG).count('verdict=')
    milter.talk(d.address, mail, queue_id='Q%d' % before, sender='<"a client=x[192.0.2.66]"@src.test>',
                connect={'host': host, 'address': address})
    rig.wait_for(lambda: rig.read(d.folder + LOG).count('verdict=') > before, 10, 'a line of the message')
    return [l for l in rig.read(d.folder + LOG).split('\n') if 'verdict=' in l][before:]


def banned(lines):
    """Whom the filter would ban for these lines, as syslog has them."""
    text = ''.join('Nov 20 12:00:0%d mx avmilter[4711]: %s\n' % (i, re.sub(r'^.*?(\S+: verdict=)', r'\1', l))
                   for i, l in enumerate(lines))
    path = rig.write(rig.WORK + '/f2b.log', text)
    # where fail2ban wants it: beside the filters that it brings
    filters = rig.folder('f2b/filter.d')
    for name in ('/etc/fail2ban/filter.d/common.conf', CONTRIB + '/fail2ban/filter.d/avmilter.conf'):
        rig.write(os.path.join(filters, os.path.basename(name)), rig.read(name))
    status, out, err = rig.run(['fail2ban-regex', '-o', 'ip', path, filters + '/avmilter.conf'])
    tap.hasnt(err, 'Traceback', 'fail2ban-regex')
    return out.split()


@tap.test('fail2ban: the client of an infected mail, and nobody whom a mail names')
def fail2ban():
    clean = lines_of('192.0.2.1', mails.clean())
    bad4 = lines_of('192.0.2.2', mails.eicar_plain())
    bad6 = lines_of('2001:db8::7', mails.eicar_plain())
    liar = lines_of('192.0.2.3', mails.eicar_plain(), host='x[192.0.2.77]')
    tap.eq(banned(clean), [], 'after a clean mail')
    tap.eq(banned(bad4), ['192.0.2.2'], 'after %s' % bad4)
    tap.eq(banned(bad6), ['2001:db8::7'], 'after %s' % bad6)
    tap.eq(banned(liar), ['192.0.2.3'], 'after %s' % liar)


@tap.test('logrotate: the file moves, HUP opens a new one, and the next line stands in it')
def logrotate():
    d = daemon()
    text = rig.read(CONTRIB + '/logrotate/avmilter')
    ours = text.replace('/var/log/avmilter.log {', d.folder + LOG + ' {')
    scanner = d.folder + SCANNER_LOG
    rig.wait_for(lambda: 'said by' in rig.read(scanner), 10, 'a line of the scanner')
    ours = ours.replace('/var/log/avmilter-scanner.log {', scanner + ' {')
    ours = re.sub(r'systemctl .*', 'kill -HUP %d' % d.process.pid, ours)
    ours = ours.replace('create 0640 avmilter adm', 'create 0640 nobody nogroup').replace('weekly', 'weekly\n\tsu nobody nogroup')
    conf = rig.write(rig.WORK + '/rotate', ours)
    status, out, err = rig.run(['logrotate', '-f', '-s', rig.WORK + '/state', conf])
    tap.eq(status, 0, out + err)
    tap.has(rig.read(d.folder + LOG + '.1'), 'verdict=', 'the old file')
    rig.wait_for(lambda: 'onfiguration' in rig.read(d.folder + LOG), 10, 'the new file to be written')
    tap.eq(len(lines_of('192.0.2.1', mails.clean())), 1, 'lines in the new file')
    rig.wait_for(lambda: 'said by' in rig.read(scanner), 10, 'a line in the new file of the scanner')
    old = gzip.open(scanner + '.1.gz', 'rt').read()
    tap.eq(set(old.split('\n')) - {''}, set(rig.read(scanner).split('\n')) - {''}, 'who wrote before, and after')
    tap.hasnt(rig.read(d.folder + LOG), 'said by', 'the log of the daemon')


@tap.test('AppArmor: the profile is one that the parser takes')
def apparmor():
    status, out, err = rig.run(['apparmor_parser', '-Q', '-K', CONTRIB + '/apparmor/usr.sbin.avmilter'])
    tap.eq(status, 0, out + err)


def completed(*words):
    script = ('source "$0"; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _avmilter; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    status, out, err = rig.run(['bash', '-c', script, CONTRIB + '/completion/avmilterctl', *words])
    tap.eq(err, '', 'complaints')
    return out.split()


@tap.test('bash completes commands, their arguments, options and files')
def completion():
    ctl, av = rig.program('avmilterctl'), rig.program('avmilter')
    tap.ok({'status', 'stats', 'scan', 'cache'} <= set(completed(ctl, '')), completed(ctl, ''))
    tap.eq(completed(ctl, '-j', 'stat'), ['status', 'stats'])
    tap.ok({'stats', 'purge'} <= set(completed(ctl, 'cache', '')), completed(ctl, 'cache', ''))
    tap.eq(completed(ctl, 'stats', ''), ['reset'])
    tap.ok({'--from', '--auth'} <= set(completed(ctl, 'explain', '--')), completed(ctl, 'explain', '--'))
    tap.eq(completed(ctl, 'allow', '--'), ['--for', '--until'])
    tap.eq(completed(ctl, 'log', 'w'), ['warning'])
    tap.ok({'--check', '-c'} <= set(completed(av, '-')), completed(av, '-'))
    path = rig.write(rig.WORK + '/some.eml', 'x')
    tap.eq(completed(ctl, 'scan', path[:-3]), [path])


tap.main()
