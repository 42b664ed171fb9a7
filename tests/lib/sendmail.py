"""sendmail - a private sendmail on loopback, from the packages that scripts/install-deps unpacked

It sleeps a minute at start when its host name has no dot and logs to /dev/log only, so a test gets its own /etc/hosts
and its own /dev: bind mounts that only the test's mount namespace sees.
"""
import os
import shutil
import signal
import socket
import string
import subprocess
import threading

from lib import rig, tap

USERS = 'u v w postmaster root'.split()
UNPACKED = rig.ROOT + '/build/sendmail'


class Sendmail:
    """port: the MTA with the milter; whatever is not for local.test goes to port + 9."""

    def __init__(self, milter, name='sm', port=2800, read_timeout='10s'):
        self.name, self.port, self.milter, self.read_timeout = name, port, milter, read_timeout
        self.sink_port = port + 9
        self.root = UNPACKED
        self.dir = rig.folder(name)
        self.log = self.dir + '/maillog'
        self.cf = self.dir + '/sendmail.cf'
        self.program = self.root + '/usr/libexec/sendmail/sendmail'
        self.process = None

    def start(self):
        self.machine()
        self.configure()
        self.run('-bi')
        self.process = rig.Process([self.program, '-C', self.cf, '-L', self.name, '-bD', '-q1h'], self.dir + '/output')
        rig.wait_for(lambda: 'daemon' in self.logged() and answers(self.port), 20, 'sendmail to listen')
        return self

    def machine(self):
        """What sendmail wants from the machine: a full host name, a log socket."""
        if not rig.ISOLATED:
            raise tap.Skip('needs a mount namespace')
        hosts = rig.write(self.dir + '/hosts', '127.0.0.1 mx.%s.test localhost %s\n' % (self.name, socket.gethostname()))
        dev = rig.folder(self.name + '/dev')
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        log.bind(dev + '/log')
        os.chmod(dev + '/log', 0o666)
        threading.Thread(target=collect, args=(log, self.log), daemon=True).start()
        mount(hosts, '/etc/hosts')
        for node in ('null', 'zero', 'full', 'random', 'urandom', 'tty'):
            mount('/dev/' + node, rig.write('%s/%s' % (dev, node), ''))
        subprocess.run(['mount', '--rbind', dev, '/dev'], check=True)

    def configure(self):
        d = self.dir
        rig.folder(self.name + '/queue', 0o700)
        rig.folder(self.name + '/mail', owner='nobody')
        for u in USERS:
            rig.write('%s/mail/%s' % (d, u), '')
            shutil.chown('%s/mail/%s' % (d, u), 'nobody')
        rig.write(d + '/aliases', ''.join('%s: %s/mail/%s\n' % (u, d, u) for u in USERS) + 'MAILER-DAEMON: postmaster\n')
        rig.write(d + '/local-host-names', 'local.test\n')
        rig.write(d + '/trusted-users', 'root\n')
        rig.write(d + '/statistics', '')
        rig.write(d + '/service.switch', 'hosts files\n')
        mc = string.Template(rig.read(rig.ROOT + '/tests/rigs/sendmail.mc')).substitute(vars(self))
        _, cf, _ = rig.run(['m4', rig.write(d + '/sendmail.mc', mc)], check=True)
        rig.write(self.cf, cf)

    def run(self, *args):
        """The sendmail command with this instance's configuration; its output."""
        _, out, err = rig.run([self.program, '-C', self.cf] + list(args))
        return out + err

    def stop(self):
        if self.process:
            self.process.kill(signal.SIGTERM)
            self.process.wait(10)

    def logged(self):
        return rig.read(self.log)

    def quarantined(self):
        return self.run('-bp', '-qQ')

    def mailbox(self, user='u'):
        return rig.read('%s/mail/%s' % (self.dir, user))

    def find(self, message_id, user='u', seconds=20):
        """Header and body of the delivered mail with this Message-ID, as text."""
        def look():
            for mail in self.mailbox(user).split('\nFrom '):
                if message_id in mail:
                    return mail
            return None
        return rig.wait_for(look, seconds, 'delivery of %s to %s' % (message_id, user))


def answers(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


def mount(source, target):
    subprocess.run(['mount', '--bind', source, target], check=True)


def collect(log, path):
    with open(path, 'ab', buffering=0) as f:
        while True:
            f.write(log.recv(65536).rstrip(b'\0\n') + b'\n')
