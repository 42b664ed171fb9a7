#!/usr/bin/python3
"""avmilterctl doctor: nothing to remark on a good installation, and each of the field's mistakes named with its place"""
# run: timeout=90 san=address
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import rig, tap
from lib.avmilter import Daemon, database, q

D = []
NOTHING, REMARKS, USAGE = 0, 1, 2
CLAMD = 'LocalSocket /run/clamav/clamd.ctl\nAlertExceedsMax yes\nAlertEncrypted yes\nScanMail yes\n'
CICAP = 'Port 1344\nvirus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE\nvirus_scan.MaxObjectSize 100M\n'


def daemon():
    if not D:
        D.append(Daemon().start())
    return D[0]


@tap.on_failure
def logs():
    return rig.tail(D[0].output, 20) if D else ''


class Site:
    """A good installation: a Postfix whose smtpd runs in a chroot, a sendmail, clamd and c-icap, and the daemon that runs."""

    def __init__(self):
        d = daemon()
        self.dir = rig.folder('site%d' % (time.monotonic_ns(),))
        self.main = {'compatibility_level': '3.6', 'queue_directory': d.dir, 'myhostname': 'mx.test',
                     'smtpd_milters': 'unix:run/milter.sock', 'non_smtpd_milters': '$smtpd_milters',
                     'milter_default_action': 'tempfail', 'message_size_limit': '20480000'}
        self.master = ['smtp inet n - y - - smtpd', 'submission inet n - y - - smtpd', 'cleanup unix n - y - 0 cleanup']
        self.mc = "define(`confLOG_LEVEL', `9')dnl\nINPUT_MAIL_FILTER(`avmilter', `S=local:%s, F=T, T=C:30s;S:30s;R:30s;E:5m')dnl\n" \
            % d.address
        self.clamd, self.cicap = CLAMD, CICAP
        self.conf = d.render().replace('workers = 2', 'workers = 2\n\t\tupdate_command = "/bin/true"')
        self.made = True

    def engine(self, text):
        self.conf = self.conf.replace('\tclamav "clamav"', text + '\n\tclamav "clamav"')

    def set(self, old, new):
        tap.has(self.conf, old, 'avmilter.conf')
        self.conf = self.conf.replace(old, new)

    def doctor(self, *more):
        path = self.dir + '/'
        rig.write(path + 'main.cf', ''.join('%s = %s\n' % x for x in self.main.items()))
        rig.write(path + 'master.cf', '\n'.join(self.master) + '\n')
        for name in ('main.cf', 'master.cf'):       # postconf waits until a file is two seconds old
            os.utime(path + name, (time.time() - 60,) * 2)
        rig.write(path + 'avmilter.conf', self.conf)
        rig.write(path + 'clamd.conf', self.clamd)
        rig.write(path + 'c-icap.conf', self.cicap)
        rig.write(path + 'sendmail.mc', self.mc)
        if self.made:
            rig.write(path + 'sendmail.cf', '# made\n')
        return rig.run([rig.program('avmilterctl'), '-c', path + 'avmilter.conf', *more, 'doctor', '--postfix', self.dir,
                        '--sendmail', path + 'sendmail.mc', '--clamd', path + 'clamd.conf', '--c-icap', path + 'c-icap.conf'])

    def remarks(self):
        status, out, err = self.doctor('-j')
        tap.ok(status in (NOTHING, REMARKS), 'exit %d: %s%s' % (status, out, err))
        found = json.loads(out)['remarks']
        tap.eq(status, REMARKS if found else NOTHING, 'exit status with %s' % found)
        for r in found:
            tap.ok(all(r[k] for k in ('gravity', 'where', 'what', 'why', 'write')), r)
        return found


MISTAKES = []


def mistake(gravity, where, what):
    """The function makes one mistake; the one remark about it has this gravity, place and text."""
    def register(fn):
        MISTAKES.append((fn, gravity, where, what))
        return fn
    return register


@mistake('error', 'main.cf', 'does not ask avmilter')
def no_milter(s):
    s.main['smtpd_milters'] = 'inet:127.0.0.1:8891'
    s.main['non_smtpd_milters'] = 'unix:run/milter.sock'


@mistake('error', 'main.cf:4', 'leads to')
def outside_the_chroot(s):
    s.main['smtpd_milters'] = 'unix:' + D[0].address
    s.main['non_smtpd_milters'] = 'unix:run/milter.sock'


@mistake('error', 'main.cf', 'runs in the chroot')
def socket_outside_of_the_queue(s):
    s.main['queue_directory'] = '/var/spool/postfix'
    s.main['smtpd_milters'] = s.main['non_smtpd_milters'] = 'unix:' + D[0].address


@mistake('error', 'master.cf:submission', 'does not ask avmilter')
def submission_without(s):
    s.master[1] += ' -o smtpd_milters='


@mistake('error', 'master.cf:submission', 'no_milters')
def submission_no_milters(s):
    s.master[1] += ' -o receive_override_options=no_milters'


@mistake('warning', 'main.cf', 'non_smtpd_milters')
def no_local_mail(s):
    s.main['non_smtpd_milters'] = ''


@mistake('error', 'main.cf:6', 'milter_default_action is accept')
def fail_open(s):
    s.main['milter_default_action'] = 'accept'


@mistake('error', 'main.cf', 'milter_default_action is reject')
def fail_closed(s):
    s.main['milter_default_action'] = 'reject'


@mistake('error', 'main.cf', 'milter_default_action is accept')
def fail_open_of_its_own(s):
    s.main['smtpd_milters'] = '{ unix:run/milter.sock, default_action=accept }'
    s.main['non_smtpd_milters'] = 'unix:run/milter.sock'


@mistake('error', 'main.cf', 'milter_content_timeout is 100 s')
def impatient(s):
    s.main['milter_content_timeout'] = '100s'


@mistake('warning', 'main.cf', 'milter_command_timeout is 5 s')
def very_impatient(s):
    s.main['milter_command_timeout'] = '5s'


@mistake('warning', 'main.cf', 'milter_protocol is 2')
def old_protocol(s):
    s.main['milter_protocol'] = '2'


@mistake('warning', 'main.cf:7', 'spool.message_max')
def limit_of_ours(s):
    s.conf += 'spool { message_max = 1M }\n' if 'spool {' not in s.conf else ''


@mistake('warning', 'main.cf', 'max_extract_size')
def limit_of_parts(s):
    s.set('antivirus {', 'antivirus {\n\tmax_extract_size = 1M')


@mistake('warning', 'main.cf', 'any size')
def no_limit(s):
    s.main['message_size_limit'] = '0'
    s.clamd = s.cicap = ''


@mistake('warning', 'main.cf', 'signs before')
def signer_first(s):
    s.main['smtpd_milters'] = 'unix:opendkim/opendkim.sock, unix:run/milter.sock'


@mistake('warning', 'master.cf:127.0.0.1:10025', 'scanned twice')
def twice(s):
    s.main['content_filter'] = 'smtp-amavis:[127.0.0.1]:10024'
    s.master.append('127.0.0.1:10025 inet n - y - - smtpd -o content_filter=')


@mistake('error', 'sendmail.mc:2', 'no F=')
def sendmail_open(s):
    s.mc = s.mc.replace(' F=T,', '')


@mistake('error', 'sendmail.mc:2', 'F=R')
def sendmail_reject(s):
    s.mc = s.mc.replace('F=T', 'F=R')


@mistake('error', 'sendmail.mc:2', 'E in T= is 120 s')
def sendmail_impatient(s):
    s.mc = s.mc.replace('E:5m', 'E:2m')


@mistake('warning', 'sendmail.mc:2', 'R in T= is 5 s')
def sendmail_short_read(s):
    s.mc = s.mc.replace('R:30s', 'R:5s')


@mistake('error', 'sendmail.mc:2', 'does not lead to our socket')
def sendmail_elsewhere(s):
    s.mc = s.mc.replace(D[0].address, '/run/avmilter/other.sock')


@mistake('error', 'sendmail.mc', 'does not ask avmilter')
def sendmail_without(s):
    s.mc = "dnl INPUT_MAIL_FILTER(`avmilter', `S=local:%s, F=T')\n" % D[0].address


@mistake('warning', 'sendmail.cf', 'older than its source')
def sendmail_not_made(s):
    s.made = False


def with_clamd(s):
    s.engine('\tclamd "d" { servers = "unix:/run/clamav/clamd.ctl" }')


@mistake('error', 'clamd.conf', 'AlertExceedsMax is no')
def clamd_limits(s):
    with_clamd(s)
    s.clamd = s.clamd.replace('AlertExceedsMax yes\n', '')


@mistake('warning', 'clamd.conf:3', 'AlertEncrypted is no')
def clamd_encrypted(s):
    with_clamd(s)
    s.clamd = s.clamd.replace('AlertEncrypted yes', 'AlertEncrypted no')


@mistake('warning', 'clamd.conf:5', 'HeuristicScanPrecedence is yes')
def clamd_precedence(s):
    with_clamd(s)
    s.clamd += 'HeuristicScanPrecedence yes\n'


@mistake('error', 'clamd.conf:4', 'ScanMail is no')
def clamd_no_mail(s):
    with_clamd(s)
    s.clamd = s.clamd.replace('ScanMail yes', 'ScanMail no')


@mistake('warning', 'clamd.conf:5', 'StreamMaxLength')
def clamd_stream(s):
    with_clamd(s)
    s.clamd += 'StreamMaxLength 10M\n'


@mistake('error', 'clamd.conf:1', 'clamd listens on')
def clamd_socket(s):
    s.engine('\tclamd "d" { servers = "unix:/var/run/other.ctl" }')


@mistake('error', 'c-icap.conf:2', 'examines only')
def icap_types(s):
    s.engine('\ticap "i" { servers = "icap://127.0.0.1:1344" service = "virus_scan" }')
    s.cicap = s.cicap.replace('TEXT DATA ', '')


@mistake('error', 'c-icap.conf:4', 'PassOnError is yes')
def icap_open(s):
    s.engine('\ticap "i" { servers = "icap://127.0.0.1:1344" service = "virus_scan" }')
    s.cicap += 'virus_scan.PassOnError on\n'


@mistake('warning', 'avmilter.conf', 'without TLS')
def clear_text(s):
    s.engine('\tclamd "d" { servers = "tcp:192.0.2.1:3310" }')


@mistake('error', 'empty', 'no definitions')
def no_definitions(s):
    s.set(database(), rig.folder('empty'))


@mistake('error', 'nowhere', 'not there')
def no_database(s):
    s.set(database(), rig.WORK + '/nowhere')


@mistake('error', 'stale', 'days old')
def stale(s):
    path = rig.folder('stale')
    rig.write(path + '/old.ndb', 'Old:0:*:%s\n' % b'something'.hex())
    os.utime(path + '/old.ndb', (time.time() - 30 * 86400,) * 2)
    s.set(database(), path)


@mistake('error', '', 'nobody answers')
def not_running(s):
    s.set('run/milter.sock', 'run/other.sock')
    s.main['smtpd_milters'] = 'unix:run/other.sock'
    s.mc = s.mc.replace('milter.sock', 'other.sock')


@mistake('error', 'avmilter.conf', 'no user')
def no_user(s):
    s.set('user = "nobody"', 'user = "someone-else"')


@mistake('error', 'avmilter.conf', 'on_error = pass')
def errors_pass(s):
    s.set('antivirus {', 'antivirus {\n\ton_error = pass')


@mistake('warning', 'avmilter.conf', 'observe')
def observing(s):
    s.conf = 'observe = true\n' + s.conf


@mistake('error', 'avmilter.conf', 'actoin')
def misspelt(s):
    s.set('antivirus {', 'antivirus {\n\tactoin = reject')


@mistake('error', 'small', 'file_base has')
def full_disk(s):
    folder = rig.folder('small')
    rig.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'small', folder], check=True)
    s.set('file_base = "%s"' % (D[0].dir + '/spool'), 'file_base = "%s"' % folder)


@tap.test('a good installation: nothing to remark')
def good():
    status, out, err = Site().doctor()
    tap.eq((status, out.strip()), (NOTHING, 'nothing to remark'), err)
    tap.eq(Site().remarks(), [])


@tap.test('%d mistakes of the field, one at a time: each is named, with its place' % len(MISTAKES))
def mistakes():
    daemon()
    missed = []
    for fn, gravity, where, what in MISTAKES:
        site = Site()
        fn(site)
        found = site.remarks()
        if not [r for r in found if r['gravity'] == gravity and where in r['where'] and what in r['what']]:
            missed.append('%s: wanted a %s at %s about "%s", got %s' % (fn.__name__, gravity, where, what, found))
    tap.eq(missed, [], 'missed')


@tap.test('the text for people names place, reason and remedy; words that are not understood are exit 2')
def text():
    site = Site()
    fail_open(site)
    status, out, err = site.doctor()
    tap.eq(status, REMARKS)
    tap.has(out, 'main.cf:6: error: service smtp: milter_default_action is accept')
    tap.has(out, '  write: milter_default_action = tempfail')
    tap.eq(rig.run([rig.program('avmilterctl'), 'doctor', '--everything'])[0], USAGE)


tap.main()
