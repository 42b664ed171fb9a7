#!/usr/bin/python3
"""Start, options and what an administrator sees of it"""
# run: timeout=180 san=address
import grp
import os
import re
import shutil
import signal
import socket
import stat
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon, database, q

EX_USAGE, EX_CONFIG = 64, 78
D = []


def daemon(name, **kw):
    rig.stop_all()      # what a failed test left
    D.insert(0, Daemon(name, **kw))
    return D[0]


@tap.on_failure
def logs():
    return D[0].events() if D else ''


def command(d, *args, stdin=b'', expect=None):
    d.write_conf()
    status, out, err = rig.run(d.command(*args), stdin=stdin)
    if expect is not None:
        tap.eq(status, expect, 'exit status of %s\n%s%s' % (' '.join(args), out, err))
    return status, out, err


@tap.test('-V: version, features, libraries; -h: the options; an unknown one: 64')
def version():
    d = daemon('version')
    _, out, _ = command(d, '-V', expect=0)
    tap.has(out, 'avmilter ')
    tap.ok(re.search(r'(?i)libmilter', out) and re.search(r'(?i)clamav', out), out)
    _, out, _ = command(d, '-h', expect=0)
    for option in '--config --foreground --check --version --help --socket --pidfile --user --verbose --test'.split():
        tap.has(out, option)
    _, _, err = command(d, '--nonsense', expect=EX_USAGE)
    tap.has(err, 'nonsense')


@tap.test('-n: 0 for what would start, with the line for the MTA; 78 and FILE:LINE for what would not')
def check():
    d = daemon('check')
    _, out, err = command(d, '-n', expect=0)
    tap.has(out + err, 'smtpd_milters')
    for line, text in (('no_such_option = 1', 'no_such_option'), ('drain_time = "soon"', 'drain_time'), ('socket_mode = 99', 'socket_mode')):
        d.more = '# a comment\n' + line + '\n'
        where = d.render().split('\n').index(line) + 1
        _, out, err = command(d, '-n', expect=EX_CONFIG)
        tap.has(err, '%s:%d: ' % (d.conf, where))
        tap.has(err, text)
    d.more = 'alert { to = {"a@b.test"} }\n'
    _, _, err = command(d, '-n', expect=EX_CONFIG)
    tap.ok(re.search(r'avmilter\.conf:\d+: ', err), err)


@tap.test('-n shows every error, not only the first')
def check_all():
    d = daemon('checkall')
    d.more = 'drain_time = "soon"\nno_such_option = 1\n'
    _, _, err = command(d, '-n', expect=EX_CONFIG)
    tap.has(err, 'drain_time')
    tap.has(err, 'no_such_option')


@tap.test('a broken configuration: exit 78, FILE:LINE, no socket')
def broken():
    d = daemon('broken')
    for text in ('log {\n', 'log { level = "loud" }\n', 'log { }\nlog { }\n', '}\n'):
        rig.write(d.conf, d.render() + text)
        status, out, err = rig.run(d.command('-f'))
        tap.eq(status, EX_CONFIG, '%r: %s' % (text, err))
        tap.ok(re.search(r'avmilter\.conf:\d+: ', err), err)
        tap.ok(not os.path.exists(d.address), 'a socket was made')
    status, _, err = rig.run([rig.program('avmilter'), '-c', rig.WORK + '/no/such.conf', '-f'])
    tap.eq(status, EX_CONFIG, err)
    tap.has(err, '/no/such.conf')


@tap.test('no signatures: the socket opens, mail waits, then 451 naming folder and command; -n fails')
def no_signatures():
    d = daemon('nosigs', db=False)
    d.sections['antivirus']['message_time_max'] = '4s'
    status, _, err = command(d, '-n')
    tap.ok(status != 0, '-n is content without signatures')
    tap.has(err, d.clamav['database'].strip('"'))
    d.start(ready=False)
    start = time.monotonic()
    answer = milter.talk(d.address, mails.clean(), 'EARLY')
    took = time.monotonic() - start
    tap.eq(answer.smtp(), 4, str(answer))
    tap.ok(3 < took < 6 * rig.SLOW, 'answered after %.1f s' % took)
    line = d.line('EARLY')
    tap.eq((line['verdict'], line['action']), ('error', 'tempfail'))
    for part in (d.clamav['database'].strip('"'), 'freshclam'):
        tap.has(d.logged(), part, 'log')
    tap.eq(milter.talk(d.address, mails.eicar_plain()).smtp(), 4)
    d.stop()


@tap.test('signatures that appear while a message waits are loaded and used for it')
def signatures_appear():
    d = daemon('appear', db=False)
    d.clamav['database'] = q(rig.folder('appear/db'))
    d.start(ready=False)
    answers = []

    def one(message):
        answers.append(milter.talk(d.address, message, 'WAIT'))
    threads = [threading.Thread(target=one, args=(m,)) for m in (mails.clean(), mails.eicar_plain())]
    for t in threads:
        t.start()
    time.sleep(1)
    tap.eq(answers, [], 'answers without signatures')
    for f in os.listdir(database()):
        shutil.copy(os.path.join(rig.WORK, 'db', f), rig.WORK + '/appear/db/')
    for t in threads:
        t.join(100 * rig.SLOW)
    tap.eq(sorted(a.smtp() for a in answers), [2, 5], 'answers %s' % answers)
    d.stop()


@tap.test('a corrupt database: -n fails, mail is not accepted')
def corrupt():
    d = daemon('corrupt', db=False)
    folder = rig.folder('corrupt/db')
    rig.write(folder + '/bad.ndb', 'this is : not : a signature\n\0\1\2')
    d.clamav['database'] = q(folder)
    d.sections['antivirus']['message_time_max'] = '3s'
    status, _, err = command(d, '-n')
    tap.ok(status != 0, '-n is content with a corrupt database')
    d.start(ready=False)
    tap.eq(milter.talk(d.address, mails.clean()).smtp(), 4)
    d.stop()


@tap.test('a stale socket is replaced; a live one is refused and goes on serving')
def sockets():
    d = daemon('socket')
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(d.address)
    stale.close()
    d.start()
    tap.eq(milter.talk(d.address, mails.clean()).smtp(), 2)
    status, _, err = rig.run(d.command('-f'), seconds=10)
    tap.ok(status not in (0, EX_CONFIG), 'the second one ended with %d' % status)
    tap.has(err, d.address)
    tap.eq(milter.talk(d.address, mails.eicar_plain()).smtp(), 5, 'the first one')
    d.stop()


@tap.test('something else in the place of the socket is left alone')
def not_a_socket():
    d = daemon('file')
    rig.write(d.address, 'precious')
    d.write_conf()
    status, _, err = rig.run(d.command('-f'), seconds=10)
    tap.ok(status not in (0, None), 'started')
    tap.has(err, d.address)
    tap.eq(rig.read(d.address), 'precious')


@tap.test('a TCP port that is taken: a loud end')
def port_taken():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', 8950))
    s.listen()
    d = daemon('port', port=8950)
    d.write_conf()
    status, _, err = rig.run(d.command('-f'), seconds=10)
    tap.ok(status != 0, 'started on a taken port')
    tap.has(err, '8950')
    s.close()


@tap.test('owner, group and mode of the socket')
def socket_mode():
    d = daemon('mode')
    d.top['socket_mode'] = '0660'
    d.start()
    st = os.stat(d.address)
    tap.eq(stat.S_IMODE(st.st_mode), 0o660, 'mode')
    tap.eq(grp.getgrgid(st.st_gid).gr_name, 'postfix', 'group')
    d.stop()
    d.top['socket_mode'] = '0600'
    d.top['socket_group'] = q('mail')
    d.start()
    st = os.stat(d.address)
    tap.eq((stat.S_IMODE(st.st_mode), grp.getgrgid(st.st_gid).gr_name), (0o600, 'mail'))
    d.stop()


@tap.test('privileges are dropped for good, in the front and in the workers')
def privileges():
    d = daemon('priv').start()
    # two workers and a spare, and no more on their way
    rig.wait_for(lambda: len(d.workers()) == 3, 10, 'three workers')
    zygotes, workers = d.scanners()
    for pid in [d.process.pid] + zygotes + workers:
        status = rig.read('/proc/%d/status' % pid)
        tap.ok(re.search(r'Uid:\t65534\t65534\t65534\t65534', status), 'Uid of %d\n%s' % (pid, status))
        tap.ok(re.search(r'Gid:\t65534\t65534\t65534\t65534', status), 'Gid of %d' % pid)
        tap.ok(re.search(r'CapEff:\t0+\n', status) and re.search(r'CapPrm:\t0+\n', status), 'capabilities of %d' % pid)
        tap.ok(re.search(r'NoNewPrivs:\t1', status), 'NoNewPrivs of %d' % pid)
    if not rig.SAN:
        for pid in workers:
            rig.wait_for(lambda: re.search(r'Seccomp:\t2', rig.read('/proc/%d/status' % pid)), 5, 'seccomp of worker %d' % pid)
    names = [os.path.basename(x) for pid in workers for x in d.descriptors(pid)]
    tap.ok(not [n for n in names if n.endswith(('.sock', '.conf'))], 'descriptors of the workers: %s' % names)
    d.stop()


@tap.test('user = root works with a warning; another user without root is an error')
def users():
    d = daemon('root', user='root').start()
    tap.has(d.logged(), 'root', 'log')
    tap.eq(milter.talk(d.address, mails.eicar_plain()).smtp(), 5)
    d.stop()
    d = daemon('other')
    d.top['user'] = q('daemon')
    d.write_conf()
    status, _, err = rig.run(['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] + d.command('-f'))
    tap.ok(status != 0, 'started')
    tap.has(err, 'daemon')
    d.top['user'] = q('no-such-user')
    status, _, err = command(d, '-n')
    tap.ok(status != 0 and 'no-such-user' in err, err)


@tap.test('in the background by itself: the caller goes on when the socket is there; pid file')
def background():
    d = daemon('back')
    d.top['pid_file'] = q(d.pid_file)
    d.sections['log'] = {'target': q(d.dir + '/run/log')}
    d.write_conf()
    status, out, err = rig.run(d.command())
    tap.eq(status, 0, out + err)
    tap.ok(d.listening(), 'the socket does not answer')
    pid = int(rig.read(d.pid_file))
    tap.eq(rig.processes()[pid][1], 'avmilter', 'name of the process in the pid file')
    tap.eq(milter.talk(d.address, mails.eicar_plain()).smtp(), 5)
    tap.has(rig.read(d.dir + '/run/log'), 'verdict=infected')
    os.kill(pid, signal.SIGTERM)
    rig.wait_for(lambda: pid not in rig.processes(), 20, 'the end')
    tap.ok(not os.path.exists(d.pid_file), 'the pid file is left')


@tap.test('-p, -P and -u win over the configuration')
def options():
    d = daemon('options')
    d.args = ['-p', 'inet:8960@127.0.0.1', '-P', d.pid_file, '-u', 'daemon']
    d.address = ('127.0.0.1', 8960)
    shutil.chown(d.dir + '/run', 'daemon')
    shutil.chown(d.dir + '/spool', 'daemon')
    d.start()
    tap.eq(milter.talk(d.address, mails.eicar_plain()).smtp(), 5)
    tap.eq(rig.read(d.pid_file).strip(), str(d.process.pid))
    tap.has(rig.read('/proc/%d/status' % d.process.pid), 'Uid:\t1\t')
    d.stop()


@tap.test('in the foreground under NOTIFY_SOCKET: READY when it accepts, RELOADING and READY, STOPPING')
def notify():
    path = rig.WORK + '/notify.sock'
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    os.chmod(path, 0o777)
    s.settimeout(20 * rig.SLOW)
    d = daemon('notify')
    d.env['NOTIFY_SOCKET'] = path
    d.start()

    def until(word):
        seen = []
        while True:
            seen.append(s.recv(4096).decode())
            if word in seen[-1]:
                return seen
    until('READY=1')
    tap.ok(d.listening(), 'READY before the socket was there')
    d.hup()
    until('RELOADING=1')
    until('READY=1')
    d.process.kill(signal.SIGTERM)
    until('STOPPING=1')
    tap.eq(d.process.wait(20), 0)
    s.close()


@tap.test('-t: one message without a daemon: 0 clean, 1 found, 2 error')
def test_option():
    d = daemon('test')
    _, out, _ = command(d, '-t', '-', stdin=mails.clean_attachments(), expect=0)
    tap.has(out, 'clean')
    _, out, _ = command(d, '-t', '-', stdin=mails.eicar_zip(), expect=1)
    tap.has(out, mails.EICAR_NAME)
    tap.has(out, '550')
    path = rig.write(rig.WORK + '/mail.eml', mails.eicar_base64())
    command(d, '-t', path, expect=1)
    _, _, err = command(d, '-t', rig.WORK + '/no-such-file', expect=2)
    tap.has(err, 'no-such-file')
    d.clamav['database'] = q(rig.folder('none'))
    command(d, '-t', path, expect=2)
    tap.eq(d.scanners(), ([], []), 'processes left')


@tap.test('INT stops at once; USR1 and PIPE do no harm')
def signals():
    d = daemon('signals').start()
    for sig in (signal.SIGUSR1, signal.SIGPIPE, signal.SIGCHLD, signal.SIGUSR1):
        d.process.kill(sig)
    time.sleep(0.3)
    tap.eq(milter.talk(d.address, mails.eicar_plain()).smtp(), 5)
    d.process.kill(signal.SIGINT)
    tap.eq(d.process.wait(5), 0)


@tap.test('after kill -9 the next start takes the place over')
def kill9():
    d = daemon('nine').start()
    d.process.kill(signal.SIGKILL)
    d.process.wait(5)
    tap.ok(os.path.exists(d.address), 'no stale socket to meet')
    d.start()
    tap.eq(milter.talk(d.address, mails.eicar_plain()).smtp(), 5)
    d.stop()


@tap.test('an inet socket: the edits of a mail do not wait for an acknowledgement')
def at_once():
    d = daemon('inet', port=8871)
    d.start()
    m = milter.Milter(d.address)
    m.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    m.connect()
    m.helo()
    # the kernel acknowledges the first packets of a connection at once: only the later mails count
    seconds = [m.message(mails.clean(), queue_id='N%d' % i).seconds for i in range(40)][20:]
    m.quit()
    tap.ok(min(seconds) < 0.035, 'the fastest of 20 answers took %.3f s' % min(seconds))
    d.stop()


tap.main()
