#!/usr/bin/python3
"""A synthetic signature set of realistic size: what ClamAV's own files look like, without a virus in them

    tests/bench/signatures.py FOLDER [SCALE]

Writes bench.ndb (200 000 body signatures: half for executables, a third for every type, the rest for HTML, mail, text and
others; a part with wildcards, gaps and fixed offsets), bench.hdb and bench.hsb (1 000 000 hashes), bench.ldb (8 000
logical signatures, some with regular expressions, some with container conditions), all from one seed, each number times
SCALE. The text signatures are made of the words that the corpus is made of, so that the matcher has as much to do on
harmless text as with real ones, but each ends in a word that no mail of the corpus holds. bench-known.* are the
signatures that the infected mails of corpus.py are infected with.
"""
import hashlib
import os
import random
import sys

if __name__ == '__main__':
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from bench import words

BODY, MD5, SHA256, LOGICAL, REGEX = 200000, 700000, 300000, 8000, 300
LOGICAL_OFFICIAL = 38890        # of ClamAV's own main.ldb; daily.ldb has more
SEED = 20260301
# share of each target type among the body signatures: 0 any, 1 PE, 2 OLE2, 3 HTML, 4 mail, 6 ELF, 7 text, 10 PDF
TARGETS = ((0, 33), (1, 48), (2, 2), (3, 8), (4, 2), (6, 2), (7, 4), (10, 1))
BINARY = (1, 2, 6)
LOGICAL_TARGETS = ((0, 35), (1, 45), (2, 4), (3, 6), (4, 2), (7, 6), (10, 2))
PUNCTUATION = '_=("\';.$[{+:/'
CONTAINERS = ('CL_TYPE_ZIP', 'CL_TYPE_MAIL', 'CL_TYPE_PDF', 'CL_TYPE_OOXML_WORD')
# what the infected mails hold; no other mail does
MARKER_ANY = b'bench-marker-for-any-type-7f31'
MARKER_HTML = b'bench-marker-for-html-40c2'
MARKER_MAIL = b'bench-marker-for-mail-9d07'
MARKER_TEXT = b'bench-marker-for-text-e518'
EICAR = b'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-' + b'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'
# an attachment that is known by its hash only
HASHED = random.Random(SEED + 1).randbytes(40000)


def pick(rng, shares):
    return rng.choices([s[0] for s in shares], [s[1] for s in shares])[0]


def literal(rng, target):
    """The bytes of a signature. Every one ends in what the corpus never holds."""
    if target in BINARY or (target == 0 and rng.random() < 0.7):
        return rng.randbytes(rng.randint(10, 48))
    # script and markup rather than prose: pieces of words between punctuation, beginning with a capital
    pieces = [w[:rng.randint(2, 7)] for w in rng.choices(words.WORDS, k=rng.randint(3, 8))]
    text = chr(rng.randrange(65, 91)) + ''.join(p + rng.choice(PUNCTUATION) for p in pieces)
    return ((text if target == 0 else text.lower()) + '%08xq' % rng.getrandbits(32)).encode()


def wild(rng, body):
    """Hexadecimal with now and then a gap, a wildcard or an alternative, as a third of the real ones have."""
    text = body.hex()
    if rng.random() > 0.33 or len(body) < 16:
        return text
    at = rng.randrange(8, len(body) - 4) * 2
    gap = rng.choice(('{-20}', '{4}', '??', '??', '*', '(aa|bb)'))
    return text[:at] + gap + text[at:]


def offset(rng, target):
    dice = rng.random()
    if target == 1:
        return 'EP+%d' % rng.randrange(200) if dice < 0.1 else 'S0+%d' % rng.randrange(4096) if dice < 0.15 else '*'
    return '0' if dice < 0.02 and target == 0 else '*'


def body_signatures(out, count):
    rng = random.Random(SEED)
    for i in range(count):
        target = pick(rng, TARGETS)
        out.write('Bench.Body.%d-%d:%d:%s:%s\n' % (target, i, target, offset(rng, target), wild(rng, literal(rng, target))))


def logical(rng, i, regex):
    target = pick(rng, LOGICAL_TARGETS)
    parts = [literal(rng, target).hex() for _ in range(rng.randint(2, 4))]
    head = 'Engine:51-255,Target:%d' % target
    if rng.random() < 0.04:
        head += ',Container:' + rng.choice(CONTAINERS)
    if not regex:
        expression = rng.choice(('&', '|')).join(str(n) for n in range(len(parts)))
        return 'Bench.Logical-%d;%s;%s;%s' % (i, head, expression, ';'.join(parts))
    # as the real ones: most wait for something rare, hundreds of them for the beginning of an archive
    trigger = '0:' + b'PK\x03\x04'.hex() if rng.random() < 0.6 else parts[0]
    pattern = '0/(word|%s|vba).[a-z0-9_]{3,12}%04xq/' % (rng.choice(('xl', 'ppt', 'macro', 'ole')), rng.getrandbits(16))
    return 'Bench.Regex-%d;Engine:81-255,Target:0;0&1;%s;%s' % (i, trigger, pattern)


def write(path, lines):
    with open(path, 'w', encoding='ascii') as f:
        f.writelines(line + '\n' for line in lines)


def known(folder):
    """The signatures that the corpus is infected with."""
    bodies = (('Any', 0, MARKER_ANY), ('Html', 3, MARKER_HTML), ('Mail', 4, MARKER_MAIL), ('Text', 0, MARKER_TEXT),
              ('Eicar', 0, EICAR))
    write(folder + '/bench-known.ndb', ['Bench.Known.%s:%d:*:%s' % (n, t, b.hex()) for n, t, b in bodies])
    write(folder + '/bench-known.hsb', ['%s:%d:Bench.Known.Hash:73' % (hashlib.sha256(HASHED).hexdigest(), len(HASHED))])


def generate(folder, scale=1.0, logicals=LOGICAL):
    os.makedirs(folder, exist_ok=True)
    with open(folder + '/bench.ndb', 'w', encoding='ascii') as f:
        body_signatures(f, int(BODY * scale))
    rng = random.Random(SEED + 2)
    write(folder + '/bench.hdb', ('%s:%d:Bench.Md5-%d' % (rng.randbytes(16).hex(), rng.randrange(500, 2000000), i)
                                  for i in range(int(MD5 * scale))))
    write(folder + '/bench.hsb', ('%s:%d:Bench.Sha-%d:73' % (rng.randbytes(32).hex(), rng.randrange(500, 2000000), i)
                                  for i in range(int(SHA256 * scale))))
    write(folder + '/bench.ldb', (logical(rng, i, i < REGEX * scale) for i in range(int(logicals * scale))))
    known(folder)


if __name__ == '__main__':
    generate(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 1.0)
