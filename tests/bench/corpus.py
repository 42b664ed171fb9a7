#!/usr/bin/python3
"""Mail as it comes: sizes, types and duplication like real traffic, made from a seed

    tests/bench/corpus.py [-k KIND] [-n MESSAGES] [-s SEED] FOLDER

KIND: mixed    40 % campaigns (copies that differ in Message-ID and Received only), 59 % one-off mail, 1 % infected; 15 %
               with attachments up to 2 MB; logos, style sheets and members of documents repeat among one-off mails
      unique   nothing repeats, not even a logo
      bases    one mail of each campaign: send them under new headers (mload -V)
The median is about 25 KB, the mean about 80 KB. Writes one file a message and "index", a line for each in the order of
sending: c(lean) or i(nfected), the file. Prints sizes. The same arguments make the same bytes.
"""
import argparse
import base64
import os
import random
import statistics
import sys

if __name__ == '__main__':
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from bench import files, signatures, words

CAMPAIGN_SHARE, INFECTED_SHARE, ATTACHMENT_SHARE = 0.40, 0.01, 0.15
COPIES = 20             # of one campaign among MESSAGES
LOGOS = 12
PARTS_SEED = 77         # what repeats in life is the same in every mixed corpus, whatever its seed
ATTACHMENTS = (('docx', 28), ('pdf', 30), ('zip', 10), ('jpeg', 20), ('exe', 3), ('xlsx', 9))
TYPES = {
    'docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'zip': 'application/zip',
    'xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'pdf': 'application/pdf',
    'jpeg': 'image/jpeg', 'exe': 'application/octet-stream', 'png': 'image/png', 'bin': 'application/octet-stream',
}


class Corpus:
    def __init__(self, seed, unique):
        self.rng = random.Random('%d %s' % (seed, unique))
        self.seed = seed
        self.unique = unique
        shared = random.Random(PARTS_SEED)
        self.logos = [files.png(shared, shared.choice((60, 90, 120, 160))) for _ in range(LOGOS)]
        self.members = files.Members(shared)
        self.number = 0

    def logo(self):
        return files.png(self.rng, 90) if self.unique else self.rng.choice(self.logos)

    def shared(self):
        """What documents have in common; in a unique corpus nothing."""
        return files.Members(self.rng) if self.unique else self.members

    def attachment(self):
        """(name, type, bytes)."""
        rng = self.rng
        kind = signatures.pick(rng, ATTACHMENTS)
        size = int(min(max(rng.lognormvariate(12.0, 0.9), 15000), 1450000))
        if kind == 'docx':
            data = files.docx(rng, size, self.shared())
        elif kind == 'xlsx':
            data = files.xlsx(rng, size // 3, self.shared())
        elif kind == 'zip':
            data = files.archive(rng, size, self.shared())
        elif kind == 'pdf':
            data = files.pdf(rng, size)
        elif kind == 'jpeg':
            data = files.jpeg(rng, size)
        else:
            data = files.exe(rng, min(size, 400000))
        return '%s.%s' % (rng.choice(words.WORDS), kind), TYPES[kind], data

    def body(self):
        """The parts of an ordinary mail: text, mostly with HTML, a third with a logo inside."""
        rng = self.rng
        size = int(min(max(rng.lognormvariate(8.0, 0.9), 200), 60000))
        text = words.sentences(rng, size)
        parts = [text_part('text/plain', '\r\n'.join(wrap(text)))]
        if rng.random() < 0.8:
            page = files.html(rng, text, int(rng.lognormvariate(9.4, 0.6)))
            html = text_part('text/html', page, rng.choice(('quoted-printable', 'base64', '7bit')))
            if rng.random() < 0.45:
                logo = [file_part('logo.png', 'image/png', self.logo(), 'inline') for _ in range(rng.randint(1, 2))]
                html = multipart(rng, 'related', [html] + logo)
            parts = [multipart(rng, 'alternative', parts + [html])]
        return parts

    def mail(self, extra=(), attach=None):
        """Header fields below the trace, and the body. extra: parts; attach: with an attachment or without."""
        rng = self.rng
        parts = self.body() + list(extra)
        if attach or (attach is None and rng.random() < ATTACHMENT_SHARE):
            parts += [file_part(*self.attachment()) for _ in range(rng.choice((1, 1, 1, 2)))]
        whole = parts[0] if len(parts) == 1 else multipart(rng, 'mixed', parts)
        subject = ' '.join(words.some(rng, rng.randint(2, 7))).capitalize()
        fields = 'From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: Mon, 02 Mar 2026 %02d:%02d:%02d +0000\r\nMIME-Version: 1.0\r\n' % (
            address(rng), address(rng), subject, rng.randrange(24), rng.randrange(60), rng.randrange(60))
        return fields.encode() + whole

    def infected(self):
        """One infected in one of the ways that the known signatures look for."""
        rng, s = self.rng, signatures
        ways = (
            lambda: self.mail([file_part('tool.exe', TYPES['exe'], files.exe(rng, 60000, s.MARKER_ANY))], False),
            lambda: self.mail([file_part('a.zip', TYPES['zip'], files.zipped([('eicar.com', s.EICAR)]))], False),
            lambda: self.mail([file_part('data.bin', TYPES['bin'], s.HASHED)], False),
            lambda: self.mail([text_part('text/html', '<html><body><p>%s</p></body></html>' % s.MARKER_HTML.decode())], False),
            lambda: b'X-Note: %s\r\n' % s.MARKER_MAIL + self.mail([], False),
            lambda: self.mail([text_part('text/plain', 'see %s' % s.MARKER_TEXT.decode(), 'base64')], False),
            lambda: self.mail([file_part('b.docx', TYPES['docx'], files.docx(rng, 30000, self.shared(), s.MARKER_ANY))], False),
        )
        return rng.choice(ways)()

    def trace(self):
        """What differs in every copy of a campaign."""
        rng = self.rng
        self.number += 1
        return ('Received: from mx%d.example.net (mx%d.example.net [192.0.2.%d])\r\n\tby mail.example.org with ESMTPS id %012X;\r\n'
                '\tMon, 02 Mar 2026 %02d:%02d:%02d +0000\r\nMessage-ID: <%d.%016x@example.net>\r\n' % (
                    rng.randrange(9), rng.randrange(9), rng.randrange(1, 255), rng.getrandbits(48), rng.randrange(24),
                    rng.randrange(60), rng.randrange(60), self.number, rng.getrandbits(64))).encode()

    def mixed(self, count):
        """[(infected, bytes)] in the order of sending."""
        rng = self.rng
        copies = 0 if self.unique else int(count * CAMPAIGN_SHARE)
        bad = max(1, round(count * INFECTED_SHARE))
        out = []
        campaigns = max(1, copies // COPIES)
        base = [self.mail(attach=n % 7 == 3) for n in range(campaigns)] if copies else []
        for n in range(copies):
            out.append((False, self.trace() + base[n % campaigns]))
        out += [(True, self.trace() + self.infected()) for _ in range(bad)]
        out += [(False, self.trace() + self.mail()) for _ in range(count - copies - bad)]
        rng.shuffle(out)
        return out

    def bases(self, count):
        return [(False, self.trace() + self.mail(attach=n % 7 == 3)) for n in range(count)]


def address(rng):
    return '"%s" <%s@%s.example>' % (' '.join(words.some(rng, 2)).title(), *words.some(rng, 2))


def wrap(sentences):
    """Lines of at most about 76 characters."""
    lines, line = [], ''
    for word in ' '.join(sentences).split(' '):
        if len(line) + len(word) > 75:
            lines.append(line)
            line = ''
        line += (' ' if line else '') + word
    return lines + [line]


def text_part(kind, text, encoding='7bit'):
    data = text.encode()
    if encoding == 'base64':
        data = base64.encodebytes(data).replace(b'\n', b'\r\n')
    elif encoding == 'quoted-printable':
        data = quoted(text).encode()
    return ('Content-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n' % (kind, encoding)).encode() + data + b'\r\n'


def quoted(text):
    """Quoted-printable of ASCII text: only = is special, long lines get soft breaks."""
    out = []
    for line in text.replace('=', '=3D').split('\r\n'):
        while len(line) > 75:
            at = 75 if '=' not in line[73:75] else line.index('=', 73)
            out.append(line[:at] + '=')
            line = line[at:]
        out.append(line)
    return '\r\n'.join(out)


def file_part(name, kind, data, how='attachment'):
    head = 'Content-Type: %s; name="%s"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: %s; filename="%s"\r\n\r\n' % (
        kind, name, how, name)
    return head.encode() + base64.encodebytes(data).replace(b'\n', b'\r\n')


def multipart(rng, kind, parts):
    boundary = '=_%016x' % rng.getrandbits(64)
    out = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (kind.encode(), boundary.encode())
    for part in parts:
        out += b'--%s\r\n%s\r\n' % (boundary.encode(), part)
    return out + b'--%s--\r\n' % boundary.encode()


def generate(folder, kind='mixed', count=400, seed=1):
    corpus = Corpus(seed, kind == 'unique')
    messages = corpus.bases(count) if kind == 'bases' else corpus.mixed(count)
    os.makedirs(folder, exist_ok=True)
    with open(folder + '/index', 'w', encoding='ascii') as index:
        for n, (infected, data) in enumerate(messages):
            name = '%05d.eml' % n
            with open(folder + '/' + name, 'wb') as f:
                f.write(data)
            index.write('%s %s\n' % ('i' if infected else 'c', name))
    return [len(m[1]) for m in messages]


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument('-k', default='mixed', choices=('mixed', 'unique', 'bases'))
    p.add_argument('-n', type=int, default=400)
    p.add_argument('-s', type=int, default=1)
    p.add_argument('folder')
    a = p.parse_args()
    sizes = generate(os.path.abspath(a.folder), a.k, a.n, a.s)
    print('%d messages, median %.1f KB, mean %.1f KB, largest %.0f KB' % (
        len(sizes), statistics.median(sizes) / 1e3, statistics.mean(sizes) / 1e3, max(sizes) / 1e3))


if __name__ == '__main__':
    main()
