"""drive - one avmilter with a database that knows only the payloads, many mails through it, what it said of each"""
import collections
import threading

from lib import milter, rig
from lib.avmilter import Daemon, q

from . import build

CONNECTIONS = 4
BATCH = 200     # mails before the next connection, as an MTA does it


def database(name='evasion-db'):
    path = rig.folder(name)
    hsb, hdb = build.signatures()
    rig.write(path + '/evasion.hsb', hsb)
    rig.write(path + '/evasion.hdb', hdb)
    return path


def daemon(name='evasion', paranoid=False, **kw):
    """Everything is passed, so that a mail is answered the same whatever it is; the log says what it was."""
    d = Daemon(name, db=False, **kw)
    d.clamav['database'] = q(database())
    d.clamav['workers'] = '2'
    if paranoid:
        d.sections['antivirus']['paranoid'] = 'true'
    return d


class Said:
    """What avmilter said of one mail."""

    def __init__(self, line):
        self.cls = line.get('verdict', 'nothing')
        self.name = line.get('virus', '')
        self.why = line.get('why', '')
        self.text = line.get('text', '')

    def __repr__(self):
        return ' '.join(x for x in (self.cls, self.name, self.why, self.text and '(%s)' % self.text) if x)


def send(address, mails, errors):
    """mails: [(queue id, Mail)]"""
    try:
        for at in range(0, len(mails), BATCH):
            m = milter.Milter(address)
            m.connect()
            m.helo()
            for queue_id, mail in mails[at:at + BATCH]:
                one(m, queue_id, mail)
            m.quit()
    except Exception as e:
        errors.append(e)


def one(m, queue_id, mail):
    m.mail()
    m.rcpt()
    m.data(queue_id)
    head, body = build.split_head(mail.data)
    for name, value in head:
        m.header(name, value)
    m.eoh()
    m.body(body)
    m.eom()


def scan(d, mails, seconds=120):
    """[(Mail, Said)] in the order of the mails."""
    ids = [('E%05d' % n, m) for n, m in enumerate(mails)]
    errors = []
    threads = [threading.Thread(target=send, args=(d.address, ids[n::CONNECTIONS], errors)) for n in range(CONNECTIONS)]
    before = len(d.lines())
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise AssertionError('%r in\n%s' % (errors[0], d.events()))
    rig.wait_for(lambda: len(d.lines()) >= before + len(mails), seconds, 'a log line of each mail')
    lines = dict(d.lines()[before:])
    return [(m, Said(lines[i])) for i, m in ids]


def right(mail, said):
    """Is this the answer that the mail deserves? evasion is one, whatever the payload."""
    if said.cls not in mail.want and said.cls != 'evasion':
        return False
    return said.cls != 'infected' or said.name == mail.signature


def figures(results):
    """section -> [right, unscannable though it could be found, all]"""
    table = collections.OrderedDict()
    for mail, said in results:
        for key in (mail.section, 'all'):
            row = table.setdefault(key, [0, 0, 0])
            row[0] += right(mail, said)
            row[1] += said.cls == 'unscannable' and 'unscannable' not in mail.want
            row[2] += 1
    table.move_to_end('all')
    return table
