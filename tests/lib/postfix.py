"""postfix - a private Postfix on loopback, all of its state below the work folder"""
import email
import json
import os
import signal
import string
import subprocess
import time

from lib import rig

QUEUES = 'active bounce corrupt defer deferred flush hold incoming private saved trace'.split()
USERS = 'u v w postmaster'.split()
MASTER = '/usr/lib/postfix/sbin/master'


class Postfix:
    """port: smtpd with the milter; port + 1: submission with AUTH; mail for sink.test goes to port + 9.

    milter: in Postfix's notation (unix:/path, inet:host:port) or '' for none.
    """

    def __init__(self, milter, name='pf', port=2500, extra=()):
        self.name, self.port, self.milter = name, port, milter
        self.submission_port, self.auth_port, self.sink_port = port + 1, port + 8, port + 9
        self.dir = rig.folder(name)
        self.etc = rig.folder(name + '/etc')
        self.log = self.dir + '/maillog'
        self.extra = list(extra)

    def start(self):
        spool = rig.folder(self.name + '/spool')
        rig.folder(self.name + '/data', owner='postfix')
        rig.folder(self.name + '/mail', owner='nobody')
        for q in QUEUES:
            rig.folder('%s/spool/%s' % (self.name, q), 0o700, 'postfix')
        for q, mode in (('maildrop', 0o730), ('public', 0o710)):
            rig.folder('%s/spool/%s' % (self.name, q), mode)
            subprocess.run(['chown', 'postfix:postdrop', '%s/%s' % (spool, q)], check=True)
            os.chmod('%s/%s' % (spool, q), mode)
        rig.folder(self.name + '/spool/pid')
        self.configure()
        with open(self.dir + '/start.err', 'ab') as err:
            subprocess.run([MASTER, '-w'], env=dict(os.environ, MAIL_CONFIG=self.etc), stdin=subprocess.DEVNULL,
                           stdout=err, stderr=err, timeout=60, check=True)
        rig.RUNNING.append(self)
        return self

    def configure(self):
        values = dict(vars(self))
        for f in ('main.cf', 'master.cf'):
            text = string.Template(rig.read(rig.ROOT + '/tests/rigs/' + f)).substitute(values)
            if f == 'main.cf':
                text += ''.join(line + '\n' for line in self.extra)
            rig.write(self.etc + '/' + f, text)
        rig.write(self.etc + '/mailboxes', ''.join('%s@local.test %s/\n' % (u, u) for u in USERS))
        # Postfix waits until a configuration file is two seconds old
        old = time.time() - 60
        for f in ('main.cf', 'master.cf', 'mailboxes'):
            os.utime(self.etc + '/' + f, (old, old))

    def stop(self):
        try:
            os.killpg(int(rig.read(self.dir + '/spool/pid/master.pid')), signal.SIGKILL)
        except (ProcessLookupError, ValueError):
            pass
        if self in rig.RUNNING:
            rig.RUNNING.remove(self)

    def logged(self):
        return rig.read(self.log)

    def queue(self):
        """The queue as a list of dictionaries (queue_name, queue_id, recipients...)."""
        _, out, _ = rig.run(['postqueue', '-c', self.etc, '-j'], check=True)
        return [json.loads(line) for line in out.split('\n') if line]

    def held(self):
        return [q['queue_id'] for q in self.queue() if q['queue_name'] == 'hold']

    def release(self, queue_id):
        rig.run(['postsuper', '-c', self.etc, '-H', queue_id], check=True)

    def idle(self, seconds=20):
        """Wait until nothing is on its way any more (what is held stays)."""
        rig.wait_for(lambda: not [q for q in self.queue() if q['queue_name'] in ('incoming', 'active', 'maildrop')],
                     seconds, 'an empty queue')

    def submit(self, message, sender='me@src.test', rcpt='u@local.test'):
        """By the sendmail command, as a program on this host would."""
        # -C: the command is Postfix's own and reads main.cf there
        rig.run(['/usr/sbin/sendmail', '-C', self.etc, '-i', '-f', sender, rcpt], check=True,
                stdin=message.replace(b'\r\n', b'\n'))

    def delivered(self, user='u'):
        """[raw bytes] of the mails in the mailbox, oldest first."""
        new = '%s/mail/%s/new' % (self.dir, user)
        if not os.path.isdir(new):
            return []
        names = sorted(os.listdir(new), key=lambda n: os.stat(new + '/' + n).st_mtime_ns)
        return [open(new + '/' + n, 'rb').read() for n in names]

    def find(self, message_id, user='u', seconds=20):
        """The delivered mail with this Message-ID as an email.message.Message."""
        def look():
            for raw in self.delivered(user):
                parsed = email.message_from_bytes(raw)
                if message_id in (parsed['Message-ID'] or ''):
                    return parsed
            return None
        return rig.wait_for(look, seconds, 'delivery of %s to %s' % (message_id, user))
