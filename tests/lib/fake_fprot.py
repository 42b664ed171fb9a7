"""fake_fprot - fpscand of F-Prot 6 as its clients describe it; never compared with a real one

The protocol has no word for busy, for a missing licence, for encrypted (bit 64: not scanned) and for too large: what a stream
has above the limit is answered with bit 8.
"""
import re

from lib import fakes

BITS = {'found': 1, 'second': 1, 'adware': 1, 'heuristic': 2, 'error': 32, 'timeout': 4, 'limit': 8, 'encrypted': 64,
        'corrupt': 64, 'toolarge': 8}
TEXTS = {'found': 'infected: EICAR_Test_File', 'second': 'infected: W32/TestMarker.A',
         'adware': 'unwanted program: W32/Adware.X', 'heuristic': 'suspicious: W32/Heuristic-210!Eldorado', 'encrypted': 'not scanned (encrypted)',
         'limit': 'not scanned (depth)', 'corrupt': 'not scanned (corrupt)', 'error': 'not scanned (engine error)',
         'timeout': 'not scanned (interrupted)', 'toolarge': 'not scanned (size)'}
OPTION = re.compile(r'--(scanlevel=[0-4]|archive(=\d+)?|heurlevel=[0-4]|adware|applications|noheur)$')


class Fprot(fakes.Fake):
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.stream_max = 10 << 20
        self.member = ''                # "->eicar.com": the finding is inside
        self.code = None                # number instead of the one that fits
        self.text = None                # and text

    def converse(self, link):
        batch = None
        while True:
            line = link.line()
            words = line.split(' ')
            if line == '':
                continue                # rspamd sends an empty line behind its data
            if line == 'QUIT':
                return
            if line == 'HELP':
                link.say('FPSCAND:6.2.1 ENGINE:4.4.4 PROTOCOL:1.0 SIGNATURE:201012141241'
                         '0123456789abcdef0123456789abcdef UPTIME:12345\nHELP QUEUE QUIT SCAN\n')
            elif line == 'QUEUE':
                batch = []
            elif line == 'SCAN' and batch is not None:
                link.answer(''.join(batch))
                batch = None
            elif words[0] == 'SCAN':
                answer, early = self.scan(link, words[1:])
                if batch is not None:
                    batch.append(answer)
                else:
                    link.answer(answer)
                    if early:
                        self.after_early(link, early)
            else:
                self.problems.append('not a command: %r' % line)
                link.say('16 <not understood> \n')

    def scan(self, link, words):
        """The answer, and the size of a stream that was answered early."""
        while words and words[0].startswith('--'):
            option = words.pop(0)
            if not OPTION.match(option):
                self.problems.append('option %r' % option)
        if words[:1] == ['FILE'] and len(words) >= 2:
            name = ' '.join(words[1:])
            data = self.file(name)
            if data is None:
                return '16 <not scanned (unable to open)> %s\n' % name, 0
            return self.report(self.judge('FILE ' + name, data), name), 0
        if words[:1] == ['STREAM'] and len(words) == 4 and words[2] == 'SIZE' and words[3].isdigit():
            size = int(words[3])
            data = self.upload(link, 'STREAM', size)
            found = self.judge('STREAM ' + words[1], data)
            if size > self.stream_max:
                found = {'toolarge'}
            return self.report(found, words[1]), size if self.play.early else 0
        self.problems.append('SCAN %r' % words)
        return '16 <not understood> \n', 0

    def report(self, words, name):
        if 'unknown' in words:
            return 'PERHAPS <clean> %s\n' % name
        code, text = 0, 'clean'
        for word, bit in BITS.items():
            if word in words:
                code |= bit
                if text == 'clean':
                    text = TEXTS[word]
        if 'found' in words and 'second' in words:
            text = text.replace('infected', 'contains infected objects')
        return '%d <%s> %s%s\n' % (code if self.code is None else self.code, self.text or text, name, self.member)
