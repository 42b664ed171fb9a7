"""rig - what a test stands on: namespaces of its own, a work folder that vanishes, processes that end with it

isolate() runs this program again inside its own network, process and mount namespaces: ports are free, nothing reaches
the outside, and every process dies with the test. WORK is on a tmpfs that only the test sees; no folder above it is
writable for others (sendmail insists on that).
"""
import atexit
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
BUILD = os.path.realpath(os.environ.get('AVM_BUILD', os.path.join(ROOT, 'build')))
SAN = os.environ.get('AVM_SAN', '')
INSIDE = 'AVM_TEST_INSIDE'
MOUNT = '/media' if ROOT.startswith('/mnt') else '/mnt'
WORK = MOUNT + '/test'
ISOLATED = False
NAMESPACES = ['unshare', '-n', '-m', '-p', '-f', '--mount-proc', '--kill-child']
# everything is slower by this factor in a sanitized build
SLOW = {'': 1, 'address,undefined': 3, 'thread': 8}.get(SAN, 8)

RUNNING = []


def isolate():
    """Enter the namespaces; where they are forbidden (a container without CAP_SYS_ADMIN), a temporary folder that is
    removed at the end and the machine's own loopback must do, and ISOLATED stays False."""
    global WORK, ISOLATED
    if os.environ.get(INSIDE) != '1':
        if subprocess.run(NAMESPACES + ['true'], stderr=subprocess.DEVNULL).returncode == 0:
            os.environ[INSIDE] = '1'
            os.execvp('unshare', NAMESPACES + [sys.executable, os.path.realpath(sys.argv[0])] + sys.argv[1:])
        WORK = tempfile.mkdtemp(prefix='avmilter-test.')
        os.chmod(WORK, 0o755)
        atexit.register(leave)
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(sig, lambda number, frame: sys.exit(128 + number))
    else:
        del os.environ[INSIDE]
        become_init()
        loopback_up()
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755,size=3g', 'test', MOUNT], check=True)
        os.mkdir(WORK)
        ISOLATED = True
    os.chdir(WORK)
    os.umask(0o022)


def own_tmp():
    """A /tmp where nobody else works, once for each file of tests; the tree stays in sight even when it lies below it."""
    mark = MOUNT + '/tree'
    if not ISOLATED or os.path.exists(mark):
        return
    os.mkdir(mark)
    subprocess.run(['mount', '--bind', ROOT, mark], check=True)
    subprocess.run(['mount', '-t', 'tmpfs', 'tmp', '/tmp'], check=True)
    if ROOT.startswith('/tmp/'):
        os.makedirs(ROOT)
        subprocess.run(['mount', '--bind', mark, ROOT], check=True)


def leave():
    stop_all()
    os.chdir('/')
    shutil.rmtree(WORK, ignore_errors=True)


def become_init():
    """The first process of a pid namespace inherits all orphans: reap them, and end as the child ends."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        return
    signal.signal(signal.SIGTERM, lambda *a: os._exit(143))
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


def loopback_up():
    SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        flags, = struct.unpack('16xh', fcntl.ioctl(s, SIOCGIFFLAGS, struct.pack('16sh', b'lo', 0)))
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack('16sh', b'lo', flags | IFF_UP))


def folder(name, mode=0o755, owner=None):
    path = os.path.join(WORK, name)
    os.makedirs(path, exist_ok=True)
    os.chmod(path, mode)
    if owner:
        shutil.chown(path, owner)
    return path


def write(path, text, mode=0o644):
    with open(path, 'wb') as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(path, mode)
    return path


def read(path):
    try:
        with open(path, 'rb') as f:
            return f.read().decode('utf-8', 'replace')
    except (FileNotFoundError, ProcessLookupError):
        return ''


def tail(path, lines=60):
    return '--- %s\n%s' % (path, '\n'.join(read(path).split('\n')[-lines:]))


def program(name):
    """A program of the build, copied to where every user can reach it (the tree may lie below a closed folder)."""
    there = os.path.join(folder('bin'), os.path.basename(name))
    source = os.path.join(BUILD, name)
    if not os.path.exists(source):
        raise AssertionError('%s is not built' % source)
    if not os.path.exists(there):
        shutil.copyfile(source, there + '.new')
        os.chmod(there + '.new', 0o755)
        os.rename(there + '.new', there)
    return there


def tool(name):
    return program('tests/tools/' + name)


def wait_for(condition, seconds, what, every=0.02):
    """The first true value of condition(); an AssertionError naming what after that many seconds."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError('not within %g s: %s' % (seconds * SLOW, what))
        time.sleep(every)


class Process:
    """A program in the background, its output in a file."""

    def __init__(self, argv, output, env=None, **kw):
        self.argv = argv
        self.output = output
        self.env = dict(os.environ, **(env or {}))
        self.log = open(output, 'ab')
        self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                      env=self.env, start_new_session=True, **kw)
        self.pid = self.popen.pid
        RUNNING.append(self)

    def alive(self):
        return self.popen.poll() is None

    def kill(self, sig=signal.SIGKILL):
        if self.alive():
            os.kill(self.pid, sig)

    def wait(self, seconds):
        """Exit status (negative: signal)."""
        try:
            return self.popen.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            raise AssertionError('%s did not end within %g s' % (self.argv[0], seconds * SLOW))

    def stop(self):
        if self.alive():
            os.kill(self.pid, signal.SIGTERM)
            try:
                self.popen.wait(10 * SLOW)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()
        self.log.close()
        if self in RUNNING:
            RUNNING.remove(self)


def stop_all():
    for p in reversed(list(RUNNING)):
        p.stop()


def run(argv, seconds=60, env=None, check=False, stdin=b''):
    """(exit status, standard output, standard error) of a program in the foreground."""
    try:
        p = subprocess.run(argv, input=stdin, capture_output=True, timeout=seconds * SLOW,
                           env=dict(os.environ, **(env or {})))
    except subprocess.TimeoutExpired as e:
        raise AssertionError('%s did not end within %g s: %r' % (argv, seconds * SLOW, e.stderr))
    out, err = p.stdout.decode('utf-8', 'replace'), p.stderr.decode('utf-8', 'replace')
    if check and p.returncode != 0:
        raise AssertionError('%s: exit %d: %s%s' % (argv, p.returncode, out, err))
    return p.returncode, out, err


def processes():
    """pid -> (parent, name) of every live process of this pid namespace; zombies are not alive."""
    found = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/stat' % pid, 'rb') as f:
                stat = f.read().decode('utf-8', 'replace')
        except OSError:
            continue
        name = stat[stat.index('(') + 1:stat.rindex(')')]
        state, parent = stat[stat.rindex(')') + 2:].split()[:2]
        if state != 'Z':
            found[int(pid)] = (int(parent), name)
    return found


def cpu(pid):
    """User and system time of the process so far, in seconds."""
    stat = read('/proc/%d/stat' % pid)
    f = stat[stat.rindex(')') + 2:].split() if stat else [0] * 20
    return (int(f[11]) + int(f[12])) / os.sysconf('SC_CLK_TCK')
