"""fake_sssp - a Sophos SAVDI with SSSP/1.0 as its clients and simulators describe it; never compared with a real one

The protocol has no word for busy (a connection is accepted late: play.busy) and for a missing licence.
"""
import itertools
import re
import urllib.parse

from lib import fakes

NAMES = {'found': 'EICAR-AV-Test', 'second': 'Troj/TestMark-A', 'adware': 'Generic PUA', 'heuristic': 'Mal/Generic-S'}
FAILURES = {'encrypted': '0212', 'limit': '060F', 'corrupt': '021A', 'error': '0202', 'timeout': '060F', 'archive': '0211'}
TEXTS = {'0000': 'The function call succeeded', '0203': 'Virus found during virus scan', '0212': 'File was encrypted',
         '060F': 'Scan terminated due to timeout', '021A': 'File was corrupt', '0202': 'Sweep failure',
         '0211': 'Compressed file, not unpacked', '021E': 'Virus data is old', '0210': 'Could not open item'}
METHODS = ('SCANDATA', 'SCANFILE', 'SCANDIR', 'SCANDIRR')
SESSIONS = itertools.count(0x5B992B5C)


class Sssp(fakes.Fake):
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.maxscandata = 0            # of the channel; 0 = unlimited
        self.methods = METHODS          # that the channel permits
        self.member = '/message.eml'    # name behind a virus
        self.done = None                # (OK or FAIL, code) instead of the one that fits
        self.events = False             # lines as with "output:" other than brief
        self.stale = False              # the virus data are old

    def converse(self, link):
        if self.play.busy:
            self.stopped.wait(fakes.STALL_MAX)
            return
        link.say('OK SSSP/1.0\r\n')
        state = {'session': '%08X' % next(SESSIONS), 'number': 0, 'hands': False}
        while self.one(link, state):
            pass

    def accept_line(self, state):
        state['number'] += 1
        return 'ACC %s/%d\r\n' % (state['session'], state['number'])

    def one(self, link, state):
        line = link.line()
        if line.startswith('SSSP/'):
            version, _, line = line.partition(' ')
            if version != 'SSSP/1.0':
                link.say('REJ 2\r\n')
                return True
            state['hands'] = True
            if not line:
                link.say(self.accept_line(state))
                return True
        if line == 'BYE':
            link.say('BYE\r\n')
            return False
        if not state['hands']:
            self.problems.append('%r before SSSP/1.0' % line)
            link.say('REJ 2\r\n')
            return True
        word, _, rest = line.partition(' ')
        if word == 'OPTIONS':
            return self.options(link, state)
        if word == 'QUERY' and rest in ('SERVER', 'ENGINE'):
            link.say(self.accept_line(state) + self.facts(rest))
        elif word in METHODS:
            return self.scan(link, state, word, rest)
        else:
            self.problems.append('not a command: %r' % line)
            link.say('REJ 1\r\n')
        return True

    def options(self, link, state):
        while True:
            line = link.line()
            if not line:
                break
            if not re.match(r'(output|savigrp|savists|report|savirep)\s*:', line):
                link.say('REJ 3\r\n')
                return True
        link.say(self.accept_line(state) + 'DONE OK 0000 %s\r\n\r\n' % TEXTS['0000'])
        return True

    def facts(self, what):
        if what == 'SERVER':
            lines = ['version: Savid Daemon 2.6.0'] + ['method: ' + m for m in self.methods]
            lines += ['maxscandata: %d' % self.maxscandata, 'maxmemorysize: 250000', 'maxclassificationsize: 4096']
        else:
            lines = ['engineversion: 3.79.0', 'savversion: 5.82', 'viruscount: 35012345', 'virusdatachecksum: 4b2ef103',
                     'filename: eicar-aa.ide', 'type: IDE', 'state: Loaded', 'date: 2024/05/01']
        return ''.join(line + '\r\n' for line in lines) + '\r\n'

    def scan(self, link, state, method, rest):
        if method not in self.methods:
            link.say('REJ 5\r\n')
            return method != 'SCANDATA'
        if method == 'SCANDATA':
            if not re.fullmatch(r'\d+', rest):
                self.problems.append('SCANDATA %r' % rest)
                link.say('REJ 1\r\n')
                return False
            size = int(rest)
            if (self.maxscandata and size > self.maxscandata) or self.play.verdict == {'toolarge'}:
                link.answer('REJ 4\r\n')
                link.discard()          # the data that follow are no commands
                return False
            data = self.upload(link, method, size)
        else:
            if re.search(r'[\x00-\x20\x7f\xff]', rest) or re.search(r'%(?![0-9A-Fa-f]{2})', rest):
                self.problems.append('a name that is not encoded: %r' % rest)
            data = self.file(urllib.parse.unquote_to_bytes(rest))
            if data is None:
                link.answer(self.accept_line(state) + 'FAIL 0210 %s\r\nDONE FAIL 0210 %s\r\n\r\n' % (rest, TEXTS['0210']))
                return True
        words = self.judge(method + ' ' + rest, data)
        link.answer(self.accept_line(state) + self.report(words))
        if self.play.early and method == 'SCANDATA':
            self.after_early(link, size)
        return True

    def report(self, words):
        if 'unknown' in words:
            return 'PERHAPS 0000 later\r\n\r\n'
        lines = ['EVENT ONLINE', 'TYPE 3C', 'FILE /x'] if self.events else []
        code = '021E' if self.stale else '0000'
        for word, number in FAILURES.items():
            if word in words:
                lines.append('FAIL %s %s' % (number, self.member))
                code = number
        for word, name in NAMES.items():
            if word in words:
                name = name.replace(' ', '_')
                lines += ['VIRUS %s %s' % (name, urllib.parse.quote(self.member)), 'OK 0203 ' + self.member]
                code = '0203'
        ok = 'OK' if code in ('0000', '0203', '0212', '021E') else 'FAIL'
        if self.done:
            ok, code = self.done
        lines.append('DONE %s %s %s' % (ok, code, TEXTS.get(code, 'Some error')))
        return ''.join(line + '\r\n' for line in lines) + '\r\n'
