"""fake_klms - the rds_av socket of Kaspersky Security for Linux Mail Server, as far as anybody outside knows it

One command on a connection, "nSCAN /path" and LF; the answer is a line, and the connection is closed. The protocol has no
known word for encrypted, limits, too large, busy, a missing licence and a second finding.
"""
from lib import fakes

NAMES = {'found': 'EICAR-Test-File', 'second': 'Trojan.Win32.TestMarker.a', 'adware': 'not-a-virus:AdWare.Win32.X',
         'heuristic': 'HEUR:Trojan.Win32.Generic'}


class Klms(fakes.Fake):
    def __init__(self, path, **more):
        super().__init__(path, **more)
        self.prefix = None      # 'stream' in place of the name of the file

    def converse(self, link):
        line = link.line()
        word, _, name = line.partition(' ')
        if word != 'nSCAN' or not name.startswith('/'):
            self.problems.append('not a command: %r' % line)
            link.say('UNKNOWN COMMAND\n')
            return
        shown = self.prefix or name
        data = self.file(name)
        if data is None:
            link.answer('%s: Access denied. ERROR\n' % shown)
            return
        words = self.judge('nSCAN ' + name, data)
        found = [NAMES[w] for w in NAMES if w in words]
        if 'unknown' in words:
            link.answer('%s: PERHAPS\n' % shown)
        elif found:
            link.answer('%s: %s FOUND\n' % (shown, found[0]))
        elif words - {'archive'}:
            link.answer('%s: Internal error ERROR\n' % shown)
        else:
            link.answer('%s: OK\n' % shown)
