"""filters - what the benchmark compares: avmilter, clamav-milter with clamd, rspamd with clamd, and a filter that accepts all

Every filter runs with a private configuration, with the same signatures, as its distribution ships it unless a comment
says otherwise. All listen on unix sockets: on TCP a filter that edits headers and leaves Nagle's algorithm on, as
libmilter does, loses 40 ms a mail to the delayed acknowledgement, which says nothing about scanning. A filter is the processes that it started: cpu() and memory() are sums over all of them.
"""
import os

from lib import avmilter, rig
from lib.load import Load

HERTZ = os.sysconf('SC_CLK_TCK')
NUMBERS = iter(range(1, 1000))
READY_S = 120


def stat(pid):
    """(parent, seconds of processor time with that of its reaped children), or None."""
    text = rig.read('/proc/%d/stat' % pid)
    if ') ' not in text:
        return None
    f = text[text.rindex(')') + 2:].split()
    return int(f[1]), sum(int(v) for v in f[11:15]) / HERTZ


def tree(roots):
    """{pid: seconds} of the processes and all below them; zombies too, their time is not yet their parent's."""
    all_stats = {int(p): stat(int(p)) for p in os.listdir('/proc') if p.isdigit()}
    alive = {pid: s for pid, s in all_stats.items() if s}
    found, new = set(), set(roots)
    while new:
        found |= new
        new = {pid for pid, s in alive.items() if s[0] in found} - found
    return {pid: alive[pid][1] for pid in found if pid in alive}


def pss(pid):
    for line in rig.read('/proc/%d/smaps_rollup' % pid).split('\n'):
        if line.startswith('Pss:'):
            return int(line.split()[1])
    return 0


class Filter:
    """One filter under load. roots: its processes; name: what the tables call it."""

    def __init__(self, name):
        self.name = name
        self.folder = 'filter-%d' % next(NUMBERS)
        self.dir = rig.folder(self.folder, mode=0o777)
        self.address = self.dir + '/milter.sock'
        self.roots = []

    def spawn(self, *argv, **kw):
        p = rig.Process(list(argv), '%s/%s.out' % (self.dir, os.path.basename(argv[0])), **kw)
        self.roots.append(p)
        return p

    def start(self):
        self.launch()
        rig.wait_for(self.answers, READY_S, '%s: a first mail accepted\n%s' % (self.name, self.outputs()), every=0.3)
        return self

    def answers(self):
        for p in self.roots:
            if not p.alive():
                raise AssertionError('%s ended at start\n%s' % (p.argv[0], self.outputs()))
        if not os.path.exists(self.address):
            return False
        return Load(self.address, '-n', 1, '-g', 600, '-q', '-w', 20, name='ready').finish().count(250) == 1

    def outputs(self):
        return '\n'.join(rig.tail(p.output, 15) for p in self.roots)

    def pids(self):
        return tree([p.pid for p in self.roots])

    def cpu(self):
        return sum(self.pids().values())

    def memory(self):
        """MB that would be free without it: shared pages count once."""
        return sum(pss(pid) for pid in self.pids()) / 1024

    def stop(self):
        for p in self.roots:
            p.stop()


class Avmilter(Filter):
    """Our own with its default settings. options: of section antivirus; clamav: of the engine."""

    def __init__(self, database, name='avmilter', options=None, clamav=None):
        super().__init__(name)
        self.daemon = d = avmilter.Daemon(self.folder, db=False)
        self.address = d.address
        d.sections['antivirus'].update(options or {})
        d.clamav = {'database': avmilter.q(database), 'scanner_path': avmilter.q(rig.program('avmilter-scanner'))}
        d.clamav.update(clamav or {})

    def launch(self):
        self.daemon.start(ready=False)
        self.roots = [self.daemon.process]

    def leaves_only(self):
        """What rspamd leaves out by default: text and image parts, and the mail as a whole."""
        self.name += ', no text, no images'
        self.daemon.sections['antivirus'].update(scan_text_mime='false', scan_image_mime='false', scan_whole='false')
        return self

    def zygotes(self):
        front = self.daemon.process.pid
        return {pid for pid in self.pids() if pid != front and (stat(pid) or (0, 0))[0] == front}

    def update(self):
        """Have it load the signatures again."""
        control = 'unix:%s/run/control.sock' % self.daemon.dir
        rig.run([rig.program('avmilterctl'), '-s', control, 'update'], check=True)


    def share(self, redis):
        """Results go to that Redis too."""
        secret = rig.write(self.dir + '/secret', 'a secret of at least thirty-two bytes\n', mode=0o600)
        self.daemon.sections['cache'] = {'redis': avmilter.q('unix:' + redis.socket), 'secret_file': avmilter.q(secret)}
        return self


class Redis:
    """A redis-server of our own."""

    def __init__(self):
        self.dir = rig.folder('redis')
        self.socket = self.dir + '/socket'
        self.process = rig.Process(['redis-server', '--port', '0', '--unixsocket', self.socket, '--unixsocketperm', '777',
                                    '--save', '', '--dir', self.dir], self.dir + '/output')
        rig.wait_for(lambda: os.path.exists(self.socket), 20, 'redis-server')

    def hits(self):
        text = rig.run(['redis-cli', '-s', self.socket, 'info', 'stats'], check=True)[1]
        return int(text.split('keyspace_hits:')[1].split()[0])

    def stop(self):
        self.process.stop()


class Accept(Filter):
    def __init__(self):
        super().__init__('accept everything (NR flags)')

    def launch(self):
        self.spawn(rig.tool('accept_milter'), 'unix:' + self.address)


class Clamd:
    """Debian's clamd.conf, but in the foreground and in folders of our own."""

    def __init__(self, owner, database):
        self.socket = owner.dir + '/clamd.sock'
        conf = rig.write(owner.dir + '/clamd.conf', '''Foreground true
LocalSocket %s
LocalSocketMode 666
FixStaleSocket true
DatabaseDirectory %s
TemporaryDirectory %s
MaxThreads 12
MaxConnectionQueueLength 15
MaxQueue 100
ReadTimeout 180
CommandReadTimeout 30
SendBufTimeout 200
IdleTimeout 30
SelfCheck 3600
MaxEmbeddedPE 10M
MaxScanTime 120000
MaxScanSize 100M
MaxFileSize 25M
MaxFiles 10000
StreamMaxLength 25M
ExtendedDetectionInfo true
''' % (self.socket, database, rig.folder(owner.folder + '/tmp', mode=0o777)))
        owner.spawn('clamd', '-c', conf)

    def ready(self, owner):
        rig.wait_for(lambda: os.path.exists(self.socket), READY_S, 'clamd\n' + owner.outputs(), every=0.3)


class ThroughClamd(Avmilter):
    """Our own in front of Debian's clamd, in the place of the embedded engine; objects go by descriptor. whole: the mail as it
    is, without its parts, which is what clamav-milter hands over."""

    def __init__(self, database, whole=False):
        super().__init__(database, 'avmilter + clamd' + (', whole mail' if whole else ''))
        self.database = database
        self.daemon.clamav = None
        if whole:
            self.daemon.sections['antivirus']['mime_decompose'] = 'false'

    def launch(self):
        clamd = Clamd(self, self.database)
        self.daemon.more_engines = '\tclamd "clamd" { servers = %s }\n' % avmilter.q('unix:' + clamd.socket)
        clamd.ready(self)
        self.daemon.start(ready=False)
        self.roots.append(self.daemon.process)


class ClamavMilter(Filter):
    """clamav-milter as Debian configures it, but infected mail is rejected instead of put on hold."""

    def __init__(self, database):
        super().__init__('clamav-milter + clamd')
        self.database = database

    def launch(self):
        clamd = Clamd(self, self.database)
        conf = rig.write(self.dir + '/milter.conf', '''Foreground true
MilterSocket unix:%s
MilterSocketMode 666
ClamdSocket unix:%s
ReadTimeout 120
OnClean Accept
OnInfected Reject
OnFail Defer
AddHeader Replace
MaxFileSize 25M
TemporaryDirectory %s/tmp
''' % (self.address, clamd.socket, self.dir))
        clamd.ready(self)
        self.spawn('clamav-milter', '-c', conf)


class Rspamd(Filter):
    """rspamd's proxy worker as a milter that scans by itself, with no module but antivirus. whole: the mail as it is instead
    of its attachments."""

    def __init__(self, database, whole=False):
        super().__init__('rspamd + clamd' + (', whole mail' if whole else ''))
        self.database = database
        self.whole = whole

    def launch(self):
        clamd = Clamd(self, self.database)
        rig.folder(self.folder + '/rspamd', mode=0o777)
        conf = rig.write(self.dir + '/rspamd.conf', '''options {
	pidfile = "%(dir)s/rspamd/pid"; temp_dir = "%(dir)s/rspamd"; cache_file = "%(dir)s/rspamd/symbols.cache";
	map_watch_interval = 5min; control_socket = "%(dir)s/rspamd/control mode=0600"; filters = "";
	dns { nameserver = ["127.0.0.1:5353"]; timeout = 1s; retransmits = 1; }
	task_timeout = 120s;
}
logging { type = "console"; level = "warning"; }
worker "rspamd_proxy" {
	bind_socket = "%(socket)s mode=0666"; milter = yes; timeout = 120s; count = %(count)d;
	upstream "local" { default = yes; self_scan = yes; }
}
actions { reject = 15; add_header = 6; greylist = 4; }
lua = "/usr/share/rspamd/rules/rspamd.lua";
modules { path = "/usr/share/rspamd/plugins/antivirus.lua"; }
antivirus {
	clamav {
		type = "clamav"; symbol = "CLAM_VIRUS"; action = "reject"; servers = "%(clamd)s";
		scan_mime_parts = %(parts)s; max_size = 26214400; timeout = 120; retransmits = 1;
	}
}
''' % {'dir': self.dir, 'socket': self.address, 'clamd': clamd.socket, 'count': os.cpu_count(),
       'parts': 'false' if self.whole else 'true'})
        clamd.ready(self)
        self.spawn('rspamd', '-f', '-i', '-c', conf)
