"""avmilter - the daemon under test: a configuration made of tables, start and stop, its log read back, its processes"""
import os
import re
import signal
import socket
import time

from lib import mails, rig

EICAR_MD5 = '44d88612fea8a8f36de82e1278abb02f'
# a harmless body that the test database calls a virus, and the name it gets
MARKER = b'AVMILTER-TEST-MARKER'
MARKER_NAME = 'Test.Marker.UNOFFICIAL'
LINE = re.compile(r'(\S+): (verdict=.*)$')
PAIR = re.compile(r'([a-z_0-9]+)=("(?:[^"\\]|\\.)*"|\S*)')


def database(name='db'):
    """A folder with the smallest database that knows EICAR by content and by hash, and one marker."""
    path = rig.folder(name)
    rig.write(path + '/test.hdb', '%s:68:%s\n' % (EICAR_MD5, mails.EICAR_NAME))
    rig.write(path + '/test.ndb', '%s:0:*:%s\nTest.Marker:0:*:%s\n' % (mails.EICAR_NAME, mails.EICAR.hex(), MARKER.hex()))
    return path


class Daemon:
    """One avmilter. Options stand in .top, .sections[name] and .clamav; render() makes the file of them.

    address is what Milter() and mload take; postfix and sendmail are the same socket in their notations.
    """

    def __init__(self, name='av', port=None, user='nobody', db=True):
        self.name = name
        self.dir = rig.folder(name)
        self.conf = self.dir + '/avmilter.conf'
        self.output = self.dir + '/output'
        self.pid_file = self.dir + '/run/avmilter.pid'
        self.process = None
        self.args = []
        self.env = {}
        run = rig.folder(name + '/run', owner=user)
        spool = rig.folder(name + '/spool', owner=user)
        if port:
            self.address, self.socket = ('127.0.0.1', port), 'inet:%d@127.0.0.1' % port
            self.postfix, self.sendmail = 'inet:127.0.0.1:%d' % port, 'inet:%d@127.0.0.1' % port
        else:
            path = run + '/milter.sock'
            self.address, self.socket = path, 'unix:' + path
            self.postfix, self.sendmail = 'unix:' + path, 'local:' + path
        self.top = {'socket': q(self.socket), 'socket_mode': '0666', 'user': q(user)}
        self.sections = {
            'control': {'socket': q('unix:%s/control.sock' % run)},
            'log': {'target': q('stderr'), 'level': q('info')},
            'antivirus': {'file_base': q(spool)},
        }
        self.clamav = {'database': q(database() if db else rig.folder('empty')),
                       'scanner_path': q(rig.program('avmilter-scanner')), 'workers': '2'}
        self.more_engines = ''          # text of further engine sections
        self.more = ''                  # text at top level

    def render(self):
        out = ''.join('%s = %s\n' % o for o in self.top.items())
        for name, options in self.sections.items():
            out += '%s {\n' % name + ''.join('\t%s = %s\n' % o for o in options.items())
            if name == 'antivirus':
                if self.clamav is not None:
                    out += '\tclamav "clamav" {\n' + ''.join('\t\t%s = %s\n' % o for o in self.clamav.items()) + '\t}\n'
                out += self.more_engines
            out += '}\n'
        return out + self.more

    def write_conf(self):
        rig.write(self.conf, self.render())

    def command(self, *args):
        return [rig.program('avmilter'), '-c', self.conf] + list(args)

    def start(self, ready=True, wait=30):
        """ready: wait until the engine is loaded, not only until the socket answers."""
        self.write_conf()
        before = self.served()
        self.process = rig.Process(self.command('-f', *self.args), self.output, env=self.env)
        rig.wait_for(lambda: self.listening() or not self.process.alive(), wait, 'the milter socket')
        if not self.process.alive():
            raise AssertionError('avmilter ended at start:\n' + self.logged())
        if ready:
            rig.wait_for(lambda: self.served() > before, wait, 'signatures that serve in\n' + self.events())
        return self

    def served(self):
        return len(re.findall(r'generation \d+ serves', self.logged()))

    def listening(self):
        family = socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as s:
            try:
                s.connect(self.address)
            except OSError:
                return False
        return True

    def stop(self, seconds=40):
        """TERM, and its exit status."""
        self.process.kill(signal.SIGTERM)
        status = self.process.wait(seconds)
        self.process.stop()
        return status

    def hup(self):
        self.process.kill(signal.SIGHUP)

    # the log

    def logged(self):
        return rig.read(self.output)

    def events(self, count=40):
        """The end of the log without the lines of the messages, and the last of these."""
        lines = self.logged().split('\n')
        rare = [l for l in lines if not LINE.search(l)][-count:]
        return '--- %s\n%s' % (self.output, '\n'.join(rare + [l for l in lines if LINE.search(l)][-3:]))

    def lines(self):
        """[(queue id, {key: value})] of the per-message lines."""
        found = []
        for line in self.logged().split('\n'):
            m = LINE.search(line)
            if m:
                found.append((m.group(1), pairs(m.group(2))))
        return found

    def line(self, queue_id, seconds=10):
        """The one line of this message."""
        found = rig.wait_for(lambda: [v for k, v in self.lines() if k == queue_id], seconds,
                             'a log line of message %s in\n%s' % (queue_id, rig.tail(self.output)))
        if len(found) != 1:
            raise AssertionError('%d log lines for %s: %s' % (len(found), queue_id, found))
        return found[0]

    def wait_log(self, pattern, seconds=10, count=1):
        return rig.wait_for(lambda: len(re.findall(pattern, self.logged())) >= count, seconds,
                            '%d x /%s/ in\n%s' % (count, pattern, rig.tail(self.output)))

    # the processes

    def scanners(self):
        """(zygotes, workers): process ids."""
        everything = rig.processes()
        ours = {pid: parent for pid, (parent, name) in everything.items() if name.startswith('avmilter-scan')}
        zygotes = [pid for pid, parent in ours.items() if parent not in ours]
        return sorted(zygotes), sorted(pid for pid in ours if pid not in zygotes)

    def zygotes(self):
        return self.scanners()[0]

    def workers(self):
        return self.scanners()[1]

    def descriptors(self, pid=None):
        """What the descriptors of the process point to."""
        out = []
        base = '/proc/%d/fd' % (pid or self.process.pid)
        for fd in os.listdir(base):
            try:
                out.append(os.readlink('%s/%s' % (base, fd)))
            except FileNotFoundError:
                pass
        return sorted(out)

    def threads(self):
        return len(os.listdir('/proc/%d/task' % self.process.pid))

    def memory(self, *fields, pid=None):
        """Sum of fields of /proc/PID/status (RssAnon, RssShmem, VmRSS...) in KiB."""
        status = rig.read('/proc/%d/status' % (pid or self.process.pid))
        return sum(int(re.search(r'^%s:\s+(\d+)' % f, status, re.M).group(1)) for f in fields)


def q(text):
    return '"%s"' % text


def pairs(text):
    """key -> value of a log line; quotes taken off."""
    out = {}
    for key, value in PAIR.findall(text):
        out[key] = value[1:-1] if value.startswith('"') else value
    return out


def settled(value, seconds=10, hold=0.5):
    """The value of value() once it has stayed the same for a while."""
    end = time.monotonic() + seconds * rig.SLOW
    last, since = value(), time.monotonic()
    while time.monotonic() < end:
        time.sleep(0.05)
        now = value()
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > hold:
            break
    return last
