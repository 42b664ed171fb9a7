#!/usr/bin/python3
"""avmilter-scanner without the front: start, settings, databases, deaths, limits, and that nothing is left behind"""
# run: timeout=120 san=address,thread
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import scanner
from lib.scanner import *


@test('by hand it refuses with a clear text and exit code 64')
def by_hand(p):
    r = subprocess.run([SCANNER], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    expect(r.returncode == 64 and 'started by avmilter, never by hand' in r.stderr, r)


@test('a worker leaves nothing in its folder after 200 mails')
def leftovers(p):
    mail = mixed(TEXT, attached(zipped(('x.html', b'<html>hello</html>'), ('y.txt', b'hello there'))))
    with p.worker() as w:
        for _ in range(200):
            expect(w.whole(mail).clean(), 'clean')
        expect(os.listdir(w.tmpdir) == [], os.listdir(w.tmpdir))


@test('RELEASE forgets: a scan without a message costs the worker its life')
def release(p):
    with p.worker() as w:
        expect(w.message(plain(b'hello')).clean(), 'first')
        send(w.sock, RELEASE, b'', 99)
        expect(w.ask(SCAN, struct.pack('=II', 0, 0))[1].died, 'it answered')
        expect(os.WEXITSTATUS(w.zygote.wait_exit(w.number)[1]) == 76, w.zygote.exits)


@test('requests that break the rules: the worker ends, the zygote serves on')
def abuse(p):
    with p.zygote() as z:
        def bad_magic(w):
            send(w.sock, SELFTEST, magic=1)

        def bad_version(w):
            send(w.sock, SELFTEST, version=9)

        def bad_op(w):
            send(w.sock, 77)

        def bad_length(w):
            w.sock.send(struct.pack('=IHHII', MAGIC, VERSION, SELFTEST, 1, 5))

        def no_descriptors(w):
            send(w.sock, DECOMPOSE, struct.pack('=QQII', 10, 10, 1, 0))

        def no_such_object(w):
            w.decompose(plain(b'hello'))
            send(w.sock, SCAN, struct.pack('=II', 5, 0), 1, (w.arena,))

        def arena_withheld(w):
            w.decompose(mixed(TEXT, attached(b'hello')))
            send(w.sock, SCAN, struct.pack('=II', 2, 0), 1)
        for fn in bad_magic, bad_version, bad_op, bad_length, no_descriptors, no_such_object, arena_withheld:
            w = z.fork()
            fn(w)
            gone = z.wait_exit(w.number)
            expect(gone and os.WIFEXITED(gone[1]) and os.WEXITSTATUS(gone[1]) == 76, fn.__name__, gone)
            w.close()
        w = z.fork()
        expect(w.message(plain(b'hello')).clean(), 'after all that')
        w.close()


@test('a message or an arena of another size than announced: failed')
def sizes(p):
    with p.worker() as w:
        mail, arena = memfd('m', 100, b'x' * 100), memfd('a', 4096)
        for announced in (101, 4096), (99, 4096), (100, 4097), (1 << 50, 4096):
            v = w.ask(DECOMPOSE, struct.pack('=QQII', *announced, 1, 0), (mail, arena))[1]
            expect(v.state == S_FAILED and 'cannot be mapped' in v.why, announced, v)
        os.close(mail)
        os.close(arena)
        expect(w.message(plain(b'hello')).clean(), 'after that')


@test('a message in an unlinked file is taken as well')
def spilled(p):
    with p.worker() as w, tempfile.TemporaryFile(dir=p.top) as f:
        mail = RECEIVED + mixed(TEXT, attached(EICAR))
        f.write(mail)
        f.flush()
        arena = memfd('a', 4096)
        objects, v = w.ask(DECOMPOSE, struct.pack('=QQII', len(mail), 4096, 1, 0), (f.fileno(), arena))
        expect(v.clean() and len(objects) == 3, v)
        v = w.ask(SCAN, struct.pack('=II', 2, 0), (arena,))[1]
        expect(found(v), v)
        os.close(arena)


@test('a worker that is killed: EXIT with status, processor time and memory; its folder goes; others live')
def killed(p):
    with p.zygote() as z:
        a, b = z.fork(), z.fork()
        expect(a.number != b.number and a.pid != b.pid and os.path.isdir(a.tmpdir), a, b)
        a.message(mixed(TEXT, attached(EICAR)))
        os.kill(a.pid, signal.SIGKILL)
        pid, status, cpu, rss = z.wait_exit(a.number)
        expect(pid == a.pid and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and rss > 1000, z.exits)
        end = time.monotonic() + 5
        while os.path.exists(a.tmpdir) and time.monotonic() < end:
            time.sleep(0.01)
        expect(not os.path.exists(a.tmpdir) and os.path.isdir(b.tmpdir), os.listdir(z.folder()))
        expect(found(b.message(mixed(TEXT, attached(EICAR)))), 'the other one')
        a.close()
        b.close()


@test('60 workers made and killed: the zygote keeps no descriptor and no folder of them')
def no_leak(p):
    with p.zygote() as z:
        def held():
            return len(os.listdir('/proc/%d/fd' % z.proc.pid)), len(os.listdir(z.folder()))
        before = held()
        for _ in range(60):
            w = z.fork()
            os.kill(w.pid, signal.SIGKILL)
            expect(z.wait_exit(w.number), 'no EXIT')
            w.close()
        end = time.monotonic() + 5
        while held() != before and time.monotonic() < end:
            time.sleep(0.01)
        expect(held() == before, before, held())


@test('a stack overflow in the MIME parser costs one worker')
def overflow(p):
    with p.zygote(header=64 << 20) as z:
        w = z.fork()
        v = w.decompose(b'To: ' + b'a:' * 2000000 + b'\r\n\r\nx\r\n')
        expect(v.died or (v.state == PARTIAL and v.partial == 'limit.depth'), v)
        w2 = z.fork()
        expect(w2.message(plain(b'x')).clean(), 'the next')
        w.close()
        w2.close()


@test('SIGTERM, SIGINT and SIGHUP end neither zygote nor worker')
def signals(p):
    with p.worker() as w:
        for sig in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            os.kill(w.pid, sig)
            os.kill(w.zygote.proc.pid, sig)
        time.sleep(0.1)
        expect(found(w.message(mixed(TEXT, attached(EICAR)))), 'worker')
        expect(w.zygote.proc.poll() is None and isinstance(w.zygote.fork(), Worker), 'zygote')


def status_of(pid):
    with open('/proc/%d/status' % pid) as f:
        return dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)


def limits_of(pid):
    with open('/proc/%d/limits' % pid) as f:
        return {line[:26].strip(): line[26:].split()[0] for line in f}


@test('a worker runs without new privileges, under seccomp, with its limits')
def confined(p):
    if SANITIZED:
        raise Skip('sanitizer builds run without RLIMIT_AS and with seccomp only logging')
    with p.worker(size=10 << 20, cumulative=20 << 20, depth=10) as w:
        expect(w.selftest().clean(), 'ready')
        s, l = status_of(w.pid), limits_of(w.pid)
        expect(s['NoNewPrivs'] == '1' and s['Seccomp'] == '2' and s['Threads'] == '1', s)
        expect(l['Max open files'] == '104' and l['Max core file size'] == '0' and l['Max processes'] == '0', l)
        expect(int(l['Max file size']) == (10 + 64) << 20, l)
        now = int(s['VmSize'].split()[0]) * 1024
        expect(now < int(l['Max address space']) < now + (1 << 30) + (64 << 20), now, l)
        expect(os.readlink('/proc/%d/fd/2' % w.pid) == '/dev/null', 'descriptor 2')
        fds = os.listdir('/proc/%d/fd' % w.pid)
        expect(len(fds) == 5, fds)


@test('a worker that is out of memory dies or fails; it never says clean')
def memory(p):
    if SANITIZED:
        raise Skip('sanitizer builds run without RLIMIT_AS')
    with p.zygote(memory=1 << 20, size=100 << 20, cumulative=1 << 20) as z:
        w = z.fork()
        v = w.whole(plain(b'x' * (40 << 20)))
        expect(v.died or v.state == S_FAILED, v)
        w.close()


@test('workers are pinned one a core, or left alone')
def pinned(p):
    with p.zygote() as z:
        ws = [z.fork() for _ in range(3)]
        for w in ws:
            expect(w.selftest().clean(), 'ready')
        cores = [tuple(os.sched_getaffinity(w.pid)) for w in ws]
        expect(all(len(c) == 1 for c in cores), cores)
        expect(len(set(cores)) == min(3, len(os.sched_getaffinity(0))), cores)
        for w in ws:
            w.close()
    with p.worker(flags=FLAGS & ~F_PIN) as w:
        expect(w.selftest().clean() and os.sched_getaffinity(w.pid) == os.sched_getaffinity(0), 'left alone')


@test('without an engine: decomposes and self-tests, refuses to scan')
def no_engine(p):
    with p.worker(flags=0, database='') as w:
        expect(w.zygote.ready['version'] == '' and w.zygote.ready['signatures'] == 0, w.zygote.ready)
        expect(w.selftest().clean(), 'self-test')
        expect(w.decompose(mixed(TEXT, attached(EICAR))).clean() and len(w.objects) == 3, w.objects)
        expect(w.bytes_of(w.objects[2]) == EICAR, 'decoded')
        v = w.scan(0)
        expect(v.state == S_FAILED and v.failed == 'refused', v)


@test('every knob at once: huge pages, ac_depth, bytecode, media, precedence, broken')
def knobs(p):
    with p.worker(flags=FLAGS | F_HUGE | F_BYTECODE | F_MEDIA | F_FIRST | F_BROKEN | F_PUA | F_REQUIRE, ac=4) as w:
        expect(w.selftest().clean() and found(w.message(mixed(TEXT, attached(EICAR)))), 'knobs')


@test('broken settings: FAILED says what, exit 78')
def settings(p):
    good = dict(flags=FLAGS, size=1 << 20, cumulative=1 << 20, files=5, time_ms=1000, depth=5, header=1000, memory=0, ac=0)
    for key, value in [('flags', 1 << 40), ('size', 0), ('cumulative', 0), ('time_ms', 0), ('depth', 0), ('depth', 91),
                       ('header', 0), ('ac', 99), ('files', 1 << 33), ('memory', 1 << 60)]:
        z = Zygote(p.db, p.scratch, **dict(good, **{key: value}))
        expect(z.failed and 'settings from avmilter' in z.failed and z.proc.wait(10) == 78, key, value, z.failed)
    for db, scratch in [('relative', p.scratch), (p.db, 'relative'), (p.db, '')]:
        z = Zygote(db, scratch, **good)
        expect(z.failed and 'absolute' in z.failed and z.proc.wait(10) == 78, db, scratch, z.failed)
    z = Zygote(scratch=p.scratch, settings=b'short')
    expect('one build' in z.failed and z.proc.wait(10) == 76, z.failed)
    z = Zygote(p.db, os.path.join(p.top, 'nowhere'), **good)
    expect(z.failed.startswith('scratch_base: ') and z.proc.wait(10) == 73, z.failed)


@test('database missing, empty, unreadable, corrupt: FAILED names folder and command, exit 66, nothing left')
def databases(p):
    cases = {}
    cases['no such folder'] = os.path.join(p.top, 'missing')
    cases['no signature files'] = os.path.join(p.top, 'empty')
    os.mkdir(cases['no signature files'])
    for name, file, content in [('Malformed', 'broken.hsb', b'not a signature\n'), ('Malformed', 'broken.ndb', b'X:0:*:zz\n'),
                                ('CVD', 'daily.cvd', b'ClamAV-VDB:01 Jan 2026:1:1:90:X:X:x:1' + b' ' * 480 + b'junk'),
                                ('holds no signature', 'empty.hsb', b'')]:
        d = tempfile.mkdtemp(dir=p.top)
        with open(os.path.join(d, file), 'wb') as f:
            f.write(content)
        cases[name + '/' + file] = d
    for name, folder in cases.items():
        z = Zygote(folder, p.scratch)
        expect(z.failed and z.proc.wait(10) == 66, name, z.failed, z.ready)
        expect(folder in z.failed and 'freshclam --datadir=' + folder in z.failed, name, z.failed)
        if '/' not in name:
            expect(name in z.failed, name, z.failed)
        expect(os.listdir(p.scratch) == [], 'left', os.listdir(p.scratch))


@test('an unreadable database names the user')
def unreadable(p):
    if os.geteuid() != 0:
        os.chmod(p.db, 0)
        z = Zygote(p.db, p.scratch)
        os.chmod(p.db, 0o700)
    else:
        for d in p.top, os.path.dirname(p.top):
            os.chmod(d, 0o755)
        os.chmod(p.db, 0o700)
        os.chmod(p.scratch, 0o777)
        program, folder = SCANNER, tempfile.mkdtemp(dir=p.top)
        os.chmod(folder, 0o755)
        wrapper = os.path.join(folder, 'scanner')
        with open(wrapper, 'w') as f:
            f.write('#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups "%s"\n' % program)
        os.chmod(wrapper, 0o755)
        scanner.SCANNER = wrapper
        try:
            z = Zygote(p.db, p.scratch)
        finally:
            scanner.SCANNER = program
    expect(z.failed and 'cannot be read by user id' in z.failed and 'freshclam --datadir=' + p.db in z.failed, z.failed)


@test('the zygote ends with its workers when the socket closes, and leaves nothing behind')
def ends(p):
    z = Zygote(p.db, p.scratch)
    ws = [z.fork() for _ in range(3)]
    open(os.path.join(ws[0].tmpdir, 'litter'), 'w').close()
    expect(z.close() == 0, z.proc.returncode)
    for w in ws:
        expect(not os.path.exists('/proc/%d' % w.pid), 'worker %d lives' % w.pid)
        w.close()
    expect(os.listdir(p.scratch) == [], os.listdir(p.scratch))


@test('a killed zygote: its workers serve on; its folder goes with the last of them, never that of a living scanner')
def stale(p):
    living = Zygote(p.db, p.scratch)
    dead = Zygote(p.db, p.scratch)
    w, orphan = living.fork(), dead.fork()
    expect(orphan.selftest().clean(), 'ready')
    dead.proc.kill()
    dead.proc.wait()
    foreign = os.path.join(p.scratch, 'precious')
    os.mkdir(foreign)
    with p.zygote() as third:
        expect(third.ready and os.path.isdir(orphan.tmpdir), 'took the folder from a living worker')
        expect(found(orphan.message(mixed(TEXT, attached(EICAR)))), 'the orphan')
    orphan.close()
    end = time.monotonic() + 5
    while os.path.exists(dead.folder()) and time.monotonic() < end:
        with p.zygote() as another:
            expect(another.ready, another.failed)
    expect(not os.path.exists(dead.folder()), 'stale folder stays')
    expect(os.path.isdir(living.folder()) and os.path.isdir(foreign), 'removed what is not its own')
    expect(found(w.message(mixed(TEXT, attached(EICAR)))), 'the living one')
    w.close()
    living.close()


@test('a front that goes away while signatures load is not outlived')
def load_abandoned(p):
    rnd = random.Random(5)
    with open(os.path.join(p.db, 'many.hsb'), 'w') as f:
        for i in range(300000):
            f.write('%064x:%d:Many-%d:73\n' % (rnd.getrandbits(256), 1000 + i, i))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    low = theirs.fileno()
    proc = subprocess.Popen(['/bin/bash', '-c', 'exec "$0" 3<&%d %d<&-' % (low, low), SCANNER], pass_fds=(low,))
    theirs.close()
    send(ours, SETTINGS, struct.pack('=9QI1024s1024s4x', FLAGS, 1 << 20, 1 << 20, 5, 1000, 5, 1000, 0, 0, 0, p.db.encode(),
                                     p.scratch.encode()), 1)
    expect(recv(ours)[0] == LOADING, 'loading')
    ours.close()
    expect(proc.wait(20) == 0 and os.listdir(p.scratch) == [], proc.returncode, os.listdir(p.scratch))


if __name__ == '__main__':
    sys.exit(main())
