"""load - mload in the background, its record of every message read back"""
import json

from lib import rig


class Message:
    """One line of mload's log. begin, eom, end: monotonic seconds; answer: an SMTP code, or cut, lost, refused; number and
    size of the message where mload was asked for them (-e)."""

    def __init__(self, line):
        begin, eom, end, kind, answer, *more = line.split()
        self.number, self.size = (int(w) for w in more) if more else (None, None)
        self.begin, self.eom, self.end = float(begin), float(eom), float(end)
        self.infected = kind == 'i'
        self.answer = answer

    def __repr__(self):
        return '%s%s(%.3f..%.3f)' % (self.answer, '!' if self.infected else '', self.eom, self.end)


class Load:
    """address: as Daemon.address. Further arguments are mload's."""

    def __init__(self, address, *args, name='load'):
        target = address if isinstance(address, str) else '%s:%d' % address
        self.record = '%s/%s.record' % (rig.WORK, name)
        self.output = '%s/%s.out' % (rig.WORK, name)
        rig.write(self.output, '')
        self.process = rig.Process([rig.tool('mload'), '-s', target, '-l', self.record] + [str(a) for a in args], self.output)

    def finish(self, seconds=120):
        """Wait for it; self.total is its summary, self.messages the record."""
        self.status = self.process.wait(seconds)
        self.process.stop()
        text = rig.read(self.output)
        try:
            self.total = json.loads(text.strip().split('\n')[-1])
        except ValueError:
            raise AssertionError('mload: exit %d, %s' % (self.status, text))
        with open(self.record, encoding='ascii') as f:
            self.messages = [Message(line) for line in f]
        return self

    def check(self):
        """What holds under every load: no second answer, nothing infected accepted, nothing clean refused for good."""
        for key in ('extra', 'unscanned', 'wrong'):
            if self.total[key] != 0:
                raise AssertionError('%s: %s' % (key, self.total))
        if sum(self.total['answers'].values()) != self.total['answered']:
            raise AssertionError('sums differ: %s' % self.total)
        return self

    def count(self, answer):
        return self.total['answers'].get(str(answer), 0)

    def only(self, *allowed):
        """Fails when there are answers of other codes, or messages lost or refused."""
        for m in self.messages:
            if m.answer not in ('250', '550', 'cut') + allowed:
                raise AssertionError('%s among %s' % (m, self.total))
        return self

    def rate(self, start, end):
        """Answers for good (no 451) per second in that time."""
        done = [m for m in self.messages if start <= m.end < end and m.answer in ('250', '550')]
        return len(done) / (end - start)
