"""vendors - one engine over a fake server, seen from the MTA's side: what every such engine must do the same"""
import os

from lib import avmilter, mails, milter, rig, tap
from lib.avmilter import Daemon, q

DAEMONS = []            # youngest first
COUNT = [0]
TIMES = ('read_write_time = %dms connect_time = %dms timeout = %ds fail_retry_time = 1s busy_retry_time = 200ms'
         % (600 * rig.SLOW, 600 * rig.SLOW, 4 * rig.SLOW))


def section(kind, servers, more=''):
    servers = servers if isinstance(servers, list) else [servers]
    return '\t%s "e" { servers = {%s} %s %s }\n' % (kind, ', '.join(q(s) for s in servers), TIMES, more)


def daemon(name, text, **antivirus):
    """A daemon with this engine section and no other, that asks it for every mail; files for it in .files."""
    d = Daemon(name)
    d.clamav = None
    d.more_engines = text
    d.files = rig.folder(name + '/files', owner='nobody', mode=0o755)
    d.sections['antivirus'].update({'mime_decompose': 'false', 'cache_memory': '0', 'path_directory': q(d.files),
                                    'path_mode': '0644'})
    d.sections['antivirus'].update(antivirus)
    DAEMONS.insert(0, d)
    return d


def start(name, text, **antivirus):
    return daemon(name, text, **antivirus).start(ready=False)


def logs():
    return rig.tail(DAEMONS[0].output, 40) if DAEMONS else ''


def mail(*markers):
    """A mail whose body has these markers, bytes or text."""
    text = [m.decode('latin-1') if isinstance(m, bytes) else m for m in markers]
    return mails.clean(body=''.join(t + '\r\n' for t in text) or 'nothing\r\n')


def big(size, *markers):
    """The same behind size bytes of other text."""
    return mail('padding ' * 8 + '\r\n' + ('padding ' * 8 + '\r\n') * (size // 66), *markers)


def send(d, message):
    """(class of the SMTP answer, values of the log line)"""
    COUNT[0] += 1
    queue_id = 'V%d' % COUNT[0]
    answer = milter.talk(d.address, message, queue_id)
    return answer.smtp(), d.line(queue_id)


def expect(d, message, smtp, verdict, virus=None, why=None, what=''):
    got, line = send(d, message)
    tap.eq((got, line['verdict']), (smtp, verdict), '%s: %s' % (what, line))
    if virus:
        tap.eq(line.get('virus'), virus, '%s: %s' % (what, line))
    if why:
        tap.eq(line.get('why'), why, '%s: %s' % (what, line))


def recovers(d):
    """Clean mail passes again, and a virus does not."""
    rig.wait_for(lambda: send(d, mail())[0] == 2, 15, 'service again', every=0.2)
    expect(d, mails.eicar_plain(), 5, 'infected', what='afterwards')


def in_order(d, fake):
    """The daemon ends well, has left no file, and the server had nothing to complain about."""
    tap.eq(os.listdir(d.files), [], 'files left')
    tap.eq(d.stop(), 0, 'exit')
    tap.eq(fake.problems, [], 'what the server complained about')


def dry_run(name, text):
    """avmilter -t: exit 0 clean, 1 found."""
    d = daemon(name, text)
    d.write_conf()
    for message, status in ((mails.clean(), 0), (mails.eicar_plain(), 1)):
        got, out, err = rig.run(d.command('-t', '-'), stdin=message)
        tap.eq(got, status, out + err)


def checked(name, text, wanted):
    """avmilter -n refuses the configuration and says why, with file and line."""
    d = daemon(name, text)
    d.write_conf()
    status, out, err = rig.run(d.command('-n'))
    tap.eq(status, 78, out + err)
    tap.has(out + err, wanted)
    tap.has(out + err, 'avmilter.conf:')
