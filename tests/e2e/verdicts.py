#!/usr/bin/python3
"""Coverage, layer cache and machine code change no verdict: the same mails in every way, in other orders, each one twice

With FULL=1 all mails of the catalogues; else every thirtieth."""
# run: timeout=180 san=address
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
import evasion
from bench import corpus, signatures
from evasion import clean
from lib.scanner import *

SCALE = 0.003       # of the benchmark's signatures
FULL = bool(os.environ.get('FULL'))
MIXED = 60 if FULL else 20          # of its mails
EVERY = 1 if FULL else 60 if SANITIZED else 30
SWEEP = FLAGS | F_SWEEP | F_MEDIA
WAYS = {'covered, neither': (True, SWEEP & ~F_CACHE & ~F_JIT), 'layer cache': (False, SWEEP & ~F_JIT), 'machine code': (False, SWEEP & ~F_CACHE),
        'all': (True, SWEEP)}


def judged(w, mail, cover):
    """What policy, header and log would know: how far it got, what was found."""
    v = w.message(mail, cover=cover)
    expect(not v.died, mail[:200])
    return v.state, v.partial, v.failed, tuple(sorted(v.kinds())), tuple(sorted(set(v.names())))


def compare(p, mails, **kw):
    """mails: {name: bytes}"""
    base = {}
    with p.worker(flags=SWEEP & ~F_CACHE & ~F_JIT, **kw) as w:
        for name, mail in mails.items():
            base[name] = judged(w, mail, False)
    for way, (cover, flags) in WAYS.items():
        with p.worker(flags=flags, **kw) as w:
            order = list(mails) * 2
            random.Random(way).shuffle(order)
            for name in order:
                got = judged(w, mails[name], cover)
                expect(got == base[name], way, name, base[name], got)
    return base


@test('mails that hide a payload: the catalogue and the combinations')
def hidden(p):
    hsb, hdb = evasion.signatures()
    p.write('evasion.hsb', hsb), p.write('evasion.hdb', hdb)
    base = compare(p, {m.name: m.data for m in evasion.everything()[::EVERY]})
    found = sum(bool(b[3]) for b in base.values())
    expect(found > len(base) // 2, found, len(base))


@test('clean mails that look odd')
def odd(p):
    compare(p, {m.name: m.data for m in clean.mails()[::(EVERY + 3) // 4]})


@test("the benchmark's mails with signatures of every kind")
def mixed_mails(p):
    signatures.generate(p.db, SCALE)
    folder = os.path.join(p.top, 'mails')
    corpus.generate(folder, 'mixed', MIXED, 7)
    mails = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith('.eml'):
            with open(os.path.join(folder, name), 'rb') as f:
                mails[name] = f.read()
    base = compare(p, mails, size=25 << 20, cumulative=100 << 20, files=10000)
    expect(any(b[3] for b in base.values()) and any(not b[3] for b in base.values()), base)


sys.exit(main())
