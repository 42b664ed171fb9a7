"""fake_savapi - an Avira SAVAPI daemon as four clients describe it (SAVAPI:3/4); never compared with a real one

The protocol has no word for busy (a connection waits for its greeting: play.busy), encrypted, too large and for an answer
before the upload ends (files only).
"""
import os
import re

from lib import fakes

ALERTS = {      # name, type, description
    'found': ('Eicar-Test-Signature', 'virus', 'Contains code of the Eicar-Test-Signature virus'),
    'second': ('TR/Test.Marker', 'trojan', 'Is the TR/Test.Marker Trojan; a test'),
    'adware': ('ADWARE/Unknown', 'adware', 'Contains adware'),
    'heuristic': ('HEUR/Suspect', 'heuristic', 'Suspicious code'),
}
OPTIONS = ('SCAN_TIMEOUT', 'ARCHIVE_SCAN', 'MAILBOX_SCAN', 'SCAN_MODE', 'HEUR_LEVEL', 'CWD', 'ARCHIVE_MAX_SIZE',
           'ARCHIVE_MAX_REC', 'ARCHIVE_MAX_COUNT', 'NOTIFY_REPAIR', 'NOTIFY_OFFICE', 'NOTIFY_OFFICE_MACRO')
FACTS = {'SAVAPI': '4.0', 'AVE': '8.3.70.50', 'VDF': '8.20.25.112', 'VDF_SIGCOUNT': '123456', 'EXPIRE': '20991231',
         'SELECTABLE_DETECT': 'ADSPY,APPL,BDC', 'PRODUCT': '10776'}


class Savapi(fakes.Fake):
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.product = '10776'
        self.facts = dict(FACTS)
        self.settings = []      # (key, value) that were SET
        self.member = False     # findings are inside an archive
        self.line_end = '\n'    # '\r\n' on Windows

    def converse(self, link):
        if self.play.busy:
            self.stopped.wait(fakes.STALL_MAX)
            return
        link.say('100 SAVAPI:4.0' + self.line_end)
        state = {'licensed': False, 'cwd': '/'}
        while True:
            line = link.line()
            word, _, rest = line.partition(' ')
            if word == 'QUIT':
                return
            if word == 'SET':
                link.say(self.set(state, rest) + self.line_end)
            elif word == 'GET':
                link.say(self.get(rest) + self.line_end)
            elif word == 'SCAN':
                if not state['licensed']:
                    self.problems.append('SCAN before SET PRODUCT')
                link.answer(self.scan(state, rest))
            else:
                self.problems.append('not a command: %r' % line)
                link.say('199 unknown command' + self.line_end)

    def set(self, state, text):
        key, _, value = text.partition(' ')
        self.settings.append((key, value))
        if key == 'PRODUCT':
            if value != self.product or not self.play.license:
                return '350 PRODUCT: invalid product id or no licence'
            state['licensed'] = True
        elif not state['licensed']:
            self.problems.append('SET %s before SET PRODUCT' % key)
            return '350 no product set'
        elif key == 'CWD':
            state['cwd'] = value
        elif key not in OPTIONS and not key.startswith('DETECT_'):
            return '199 unknown option ' + key
        if key == 'SCAN_TIMEOUT' and not re.fullmatch(r'[1-9]\d*', value):
            self.problems.append('SCAN_TIMEOUT %r' % value)
        return '100 %s:%s' % (key, value)

    def get(self, key):
        return '100 %s:%s' % (key, self.facts[key]) if key in self.facts else '199 unknown option ' + key

    def scan(self, state, path):
        data = self.file(os.path.join(state['cwd'], path))
        if data is None:
            return '350 File open error' + self.line_end
        words = self.judge('SCAN ' + path, data)
        if 'unknown' in words:
            return '777 what is this' + self.line_end
        if 'error' in words:
            return '350 Internal error in the engine' + self.line_end
        lines = []
        for word, (name, kind, text) in ALERTS.items():
            if word in words:
                where = 'a.zip --> inner.zip --> x ; y.com <<< ' if self.member else ''
                lines.append('310 %s%s ; %s ; %s' % (where, name, kind, text))
        if 'macro' in words:
            lines.append('422 office document with macro')
        if 'timeout' in words:
            return ''.join(line + self.line_end for line in lines + ['220 scan timeout'])
        if lines:
            end = '319 OK'
        else:
            end = '210 OK, archive' if 'archive' in words else '200 OK'
        return ''.join(line + self.line_end for line in lines + [end])
